//! Whether Autotask's words say that it refused who was calling.
//!
//! A real tenant mostly answers an empty 401 [LIVE]. But users are also locked, disabled,
//! expired or left without a licence, under a 500 and in words of which no list exists
//! [?]. One refusal not recognised costs a try, and a few of these lock the user. So the
//! words are looked at one sentence at a time: somebody (a user, a password, an
//! integration code) and a state in which nobody gets in, with nothing of weight between
//! them. "The record is locked by another user" and "The billing code is invalid" are
//! something else, and so are permissions of a user who did get in.

use psa_connector_sdk::Fault;

/// Sayings that need no subject.
const SAYINGS: &[&str] = &[
    "authentication failed",
    "authentication failure",
    "authentication required",
    "authentication is required",
    "could not authenticate",
    "could not be authenticated",
    "unable to authenticate",
    "failed to authenticate",
    "not authenticated",
    "login failed",
    "log in failed",
    "logon failed",
    "sign in failed",
    "failed login",
    "locked out",
    "unauthorized",
];

/// Names of one subject in several words, and the word that stands for it here.
const SUBJECTS_IN_WORDS: &[(&str, &str)] = &[
    ("logged in resource", "user"),
    ("logged-in resource", "user"),
    ("integration code", "integrationcode"),
    ("integration vendor", "integrationcode"),
    ("tracking identifier", "integrationcode"),
    ("api key", "secret"),
    ("user name", "username"),
    ("user account", "user"),
    ("log in", "login"),
];

/// Who or what gets in, and nothing else in Autotask is called so.
const SUBJECTS: &[&str] = &[
    "user",
    "username",
    "login",
    "logon",
    "password",
    "secret",
    "credential",
    "credentials",
    "integrationcode",
    "license",
    "licence",
];

/// An account may be a company, a resource any person: only of one who signs in can these
/// states be said.
const DOUBTFUL_SUBJECTS: &[&str] = &["account", "resource"];
const STATES_OF_SIGN_IN: &[&str] = &[
    "locked",
    "disabled",
    "deactivated",
    "suspended",
    "blocked",
    "unlicensed",
];

const STATES: &[&str] = &[
    "inactive",
    "invalid",
    "expired",
    "incorrect",
    "wrong",
    "unknown",
    "bad",
    "unrecognized",
    "unrecognised",
    "rejected",
    "refused",
    "revoked",
];

/// States after "not" or "no longer".
const DENIED: &[&str] = &[
    "active",
    "valid",
    "licensed",
    "licenced",
    "enabled",
    "authorized",
    "authorised",
    "recognized",
    "recognised",
    "correct",
];

/// What may stand between a subject and its state.
const BETWEEN: &[&str] = &[
    "has",
    "have",
    "had",
    "been",
    "is",
    "isn",
    "t",
    "was",
    "are",
    "were",
    "be",
    "now",
    "already",
    "currently",
    "temporarily",
    "permanently",
    "not",
    "no",
    "longer",
    "or",
    "and",
    "and/or",
    "the",
    "a",
    "an",
    "your",
    "this",
    "s",
    "for",
    "of",
    "name",
    "account",
    "resource",
    "key",
    "api",
    "rest",
    "provided",
    "supplied",
    "given",
    "entered",
    "specified",
    "you",
    "in",
];

/// Words apart that a subject and its state may be.
const REACH: usize = 8;

pub(crate) fn says_refused(words: &str) -> bool {
    let mut text = words.to_lowercase();
    if SAYINGS.iter().any(|saying| text.contains(saying)) {
        return true;
    }
    for (name, subject) in SUBJECTS_IN_WORDS {
        text = text.replace(name, subject);
    }
    text.split(['.', ';', '!', '\n']).any(sentence_refuses)
}

fn sentence_refuses(sentence: &str) -> bool {
    let words: Vec<&str> = sentence
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let subject = |at: usize| SUBJECTS.contains(&words[at]);
    let doubtful = |at: usize| DOUBTFUL_SUBJECTS.contains(&words[at]);
    let denied = |at: usize| {
        DENIED.contains(&words[at])
            && at > 0
            && (matches!(words[at - 1], "not" | "longer")
                || (words[at - 1] == "t" && at > 1 && words[at - 2] == "isn"))
    };
    let of_sign_in = |at: usize| {
        STATES_OF_SIGN_IN.contains(&words[at])
            || (denied(at) && matches!(words[at], "licensed" | "licenced" | "enabled"))
    };
    let state = |at: usize| of_sign_in(at) || STATES.contains(&words[at]) || denied(at);
    (0..words.len()).any(|first| {
        let last = words.len().min(first + 1 + REACH);
        // "The user account has been locked", "invalid user name or password".
        (first + 1..last).any(|second| {
            let joined = words[first + 1..second]
                .iter()
                .all(|word| BETWEEN.contains(word) || SUBJECTS.contains(word));
            joined
                && ((subject(first) && state(second))
                    || (doubtful(first) && of_sign_in(second))
                    || (state(first) && subject(second))
                    || (of_sign_in(first) && doubtful(second)))
        })
    })
}

/// Autotask does not tell a wrong user name, secret and integration code apart: each is
/// an empty 401 [LIVE]; a locked user may be the same [?].
pub(crate) fn credentials_fault(psa_words: Option<String>) -> Fault {
    Fault {
        message: match psa_words {
            Some(_) => "Autotask refused the credentials.".to_owned(),
            None => "Autotask refused the credentials. It does not say which of user name, secret and integration code \
                     is wrong; a locked or inactive API user looks the same."
                .to_owned(),
        },
        psa_words,
        fix: Some(
            "Check in Autotask that the API user is active and not locked and has the right integration vendor, then \
             enter its user name and secret again. Nothing more is tried with these credentials: a user is locked \
             after a few failures."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_secrets_and_codes_that_do_not_get_in_are_recognised() {
        for words in [
            "The user account has been locked.",
            "The user account is locked.",
            "Account locked.",
            "Your account has been temporarily disabled",
            "The user account has been disabled.",
            "User is disabled",
            "The API user has been deactivated.",
            "The logged in Resource is inactive.",
            "The user is not active.",
            "This user is no longer active.",
            "The user account has expired.",
            "The password has expired.",
            "Your password for this user has expired",
            "Expired password",
            "Invalid password.",
            "The password is invalid.",
            "Invalid username or password",
            "The user name and/or password is incorrect.",
            "The Secret provided is wrong",
            "Invalid credentials",
            "The credentials you entered are not valid.",
            "The user is not licensed.",
            "The resource is not licensed to use the API.",
            "The user account isn't licensed",
            "The license has expired.",
            "IntegrationCode is invalid",
            "The API Tracking Identifier is not valid.",
            "The integration vendor has been deactivated.",
            "API access has been disabled for this user.",
            "Authentication failed.",
            "Login failed for the API user.",
            "Too many failed login attempts",
            "Unauthorized",
        ] {
            assert!(says_refused(words), "{words}");
            assert!(says_refused(&words.to_uppercase()), "{words}");
        }
    }

    #[test]
    fn locks_of_records_and_other_invalid_things_are_something_else() {
        for words in [
            "Transaction (Process ID 52) was deadlocked on lock resources",
            "The record is locked by another user.",
            "The contract is locked.",
            "The billing code is invalid.",
            "The account is inactive.",
            "The resource is inactive.",
            "Invalid query syntax.",
            "Missing Required Field: userName",
            "The value \"x\" is not valid for the field userDefinedFields.",
            "The contract has expired. The user may renew it.",
            "Unable to find userName in the Resource Entity.",
            "The units cannot be negative.",
            "The logged in Resource does not have the adequate permissions to query this entity type.",
        ] {
            assert!(!says_refused(words), "{words}");
        }
    }
}
