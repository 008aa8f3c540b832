//! What Autotask means by an answer that is not a plain success.
//!
//! The status alone says little: a validation error is a 500 with `errors`, refused
//! credentials are a 401 without a body, a refused permission may be a 403 or a 500
//! [LIVE]. So the words are looked at first.

use psa_connector_sdk::{
    Error, Fault, RateLimit, Response, html_title, invalid, is_html, read_json,
    retry_after_seconds, shorten,
};
use serde::Deserialize;

use crate::fields::Errors;

/// What is recognised in Autotask's words, whatever the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// "Zone information could not be determined" [LIVE]: no such user name.
    UnknownUser,
    /// Texts that older clients look for [?]; a real tenant answers an empty 401.
    Credentials,
    /// "The logged in Resource does not have the adequate permissions" [CODE].
    Permission,
    /// "The Autotask API thread threshold of 3 threads has been exceeded" [LIVE], with
    /// 429 or another status [?].
    ThreadLimit,
    /// The hourly limit of the database; its text is [?].
    HourlyLimit,
    /// "effectiveDate must be between the start date and end date of the Contract" [LIVE].
    OutsideContract,
    /// "Attempt to insert duplicate data into contract_service_period" [LIVE]: this line
    /// has been adjusted for this date already.
    SameDateAgain,
    /// Units would fall below zero; the text contains "negative" [CODE].
    Negative,
    /// "…of an already approved and posted contract period" [DOC, of the console].
    AlreadyPosted,
    /// "Reference value on field: … does not exist or is invalid" [CODE].
    BadReference,
    /// A lock or a time-out in Autotask's database [DOC REST_BestPractices, words ?].
    Busy,
}

impl Meaning {
    /// What a refused adjustment means and what to do, for a person.
    pub fn plainly(self) -> Option<&'static str> {
        Some(match self {
            Self::OutsideContract => {
                "The date lies outside the contract: correct the contract's dates, or renew it."
            }
            Self::SameDateAgain => {
                "Autotask already has an adjustment of this line for this date: change it on another day."
            }
            Self::Negative => "The line would fall below zero: look at its units in Autotask.",
            Self::AlreadyPosted => {
                "The period is approved and posted: the change can only hold from the next one."
            }
            Self::BadReference => {
                "Autotask does not know the line or contract, or it is inactive: look at it there."
            }
            Self::Permission => {
                "The API user may not do this: let its security level add contract service adjustments."
            }
            _ => return None,
        })
    }
}

/// Pause after the hourly limit where Autotask names none: the hour is a rolling one
/// [DOC Thresholds_Limits], so that some of it is free again by then.
const HOURLY_PAUSE_SECONDS: u32 = 600;

/// Parts of Autotask's messages, in lower case, in the order they are looked for.
const WORDS: &[(&str, Meaning)] = &[
    (
        "zone information could not be determined",
        Meaning::UnknownUser,
    ),
    ("integrationcode is invalid", Meaning::Credentials),
    ("integration code is invalid", Meaning::Credentials),
    ("invalid credentials", Meaning::Credentials),
    ("login failed", Meaning::Credentials),
    // The words for a locked user are [?]; "deadlocked" is something else.
    ("is locked", Meaning::Credentials),
    ("locked out", Meaning::Credentials),
    ("account locked", Meaning::Credentials),
    ("adequate permissions", Meaning::Permission),
    ("required permissions", Meaning::Permission),
    ("does not have permission", Meaning::Permission),
    ("thread threshold", Meaning::ThreadLimit),
    ("request threshold", Meaning::HourlyLimit),
    ("threshold has been exceeded", Meaning::HourlyLimit),
    ("threshold exceeded", Meaning::HourlyLimit),
    ("deadlock", Meaning::Busy),
    ("timeout expired", Meaning::Busy),
    ("timed out", Meaning::Busy),
    (
        "must be between the start date and end date of the contract",
        Meaning::OutsideContract,
    ),
    (
        "duplicate data into contract_service_period",
        Meaning::SameDateAgain,
    ),
    (
        "duplicate data into contract_service_bundle_period",
        Meaning::SameDateAgain,
    ),
    ("negative", Meaning::Negative),
    ("already approved and posted", Meaning::AlreadyPosted),
    ("does not exist or is invalid", Meaning::BadReference),
];

pub fn meaning_of(words: &str) -> Option<Meaning> {
    let lower = words.to_lowercase();
    WORDS
        .iter()
        .find(|(part, _)| lower.contains(part))
        .map(|(_, meaning)| *meaning)
}

/// The words in an answer: its `errors`, or the title of a page for people.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// From `errors` in JSON.
    pub errors: Vec<String>,
    pub html: bool,
    title: Option<String>,
}

impl Words {
    pub fn of(response: &Response) -> Self {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default, alias = "Errors")]
            errors: Errors,
        }
        if is_html(response) {
            return Self {
                errors: Vec::new(),
                html: true,
                title: html_title(&response.body),
            };
        }
        let errors = read_json::<Answer>(&response.body)
            .map(|answer| answer.errors.0)
            .unwrap_or_default();
        Self {
            errors,
            html: false,
            title: None,
        }
    }

    /// For a fault's `psa-words`.
    pub fn text(&self) -> Option<String> {
        if self.html {
            return Some(match &self.title {
                Some(title) => format!("an HTML page, \"{title}\""),
                None => "an HTML page".to_owned(),
            });
        }
        (!self.errors.is_empty()).then(|| shorten(&self.errors.join(" / ")))
    }

    pub fn meaning(&self) -> Option<Meaning> {
        self.errors.iter().find_map(|error| meaning_of(error))
    }
}

/// The error for a read that was answered with anything but a 2xx.
pub fn for_read(what: &str, response: &Response) -> Error {
    let words = Words::of(response);
    let told = Fault {
        message: format!("{what}: Autotask answered {}", response.status),
        psa_words: words.text(),
        fix: None,
    };
    match words.meaning() {
        Some(meaning) => for_meaning(meaning, told, retry_after_seconds(response)),
        None => for_status(response, &words, told),
    }
}

/// The error for `errors` in a 2xx [CODE: seen on some calls].
pub fn for_errors(what: &str, errors: &[String]) -> Error {
    let told = Fault {
        message: format!("{what}: Autotask answered with errors"),
        psa_words: Some(shorten(&errors.join(" / "))),
        fix: None,
    };
    match errors.iter().find_map(|error| meaning_of(error)) {
        Some(meaning) => for_meaning(meaning, told, None),
        None => Error::Rejected(told),
    }
}

fn for_meaning(meaning: Meaning, told: Fault, retry_after_seconds: Option<u32>) -> Error {
    match meaning {
        Meaning::UnknownUser => Error::Authentication(Fault {
            fix: Some("Check the user name: Autotask knows no API user of this name.".to_owned()),
            ..told
        }),
        Meaning::Credentials => Error::Authentication(credentials_fault(told.psa_words)),
        Meaning::Permission => Error::Permission(Fault {
            fix: Some("Give the API user's security level access to this in Autotask.".to_owned()),
            ..told
        }),
        Meaning::ThreadLimit => Error::RateLimited(RateLimit {
            fault: told,
            retry_after_seconds,
        }),
        Meaning::HourlyLimit => Error::RateLimited(RateLimit {
            fault: Fault {
                fix: Some(
                    "All integrations of this Autotask database share its requests an hour: wait, \
                     and see in Autotask which of them uses so many."
                        .to_owned(),
                ),
                ..told
            },
            retry_after_seconds: Some(retry_after_seconds.unwrap_or(HOURLY_PAUSE_SECONDS)),
        }),
        Meaning::Busy => Error::Transient(told),
        Meaning::OutsideContract
        | Meaning::SameDateAgain
        | Meaning::Negative
        | Meaning::AlreadyPosted
        | Meaning::BadReference => Error::Rejected(told),
    }
}

fn for_status(response: &Response, words: &Words, told: Fault) -> Error {
    match response.status {
        401 => Error::Authentication(credentials_fault(told.psa_words)),
        403 => Error::Permission(Fault {
            fix: Some("Give the API user's security level access to this in Autotask.".to_owned()),
            ..told
        }),
        404 => Error::NotFound(told),
        429 => Error::RateLimited(RateLimit {
            fault: told,
            retry_after_seconds: retry_after_seconds(response),
        }),
        // A gateway's own, whatever it says: validation errors are 500 [DOC].
        408 | 502..=504 => Error::Transient(told),
        // A rule of Autotask's own, whether it calls that 500 or 400.
        _ if !words.errors.is_empty() => Error::Rejected(told),
        status if status >= 500 => Error::Transient(told),
        300..=399 => invalid(format!("{}; redirects are not followed", told.message)),
        _ => Error::Invalid(told),
    }
}

/// Autotask does not tell a wrong user name, secret and integration code apart: each is
/// an empty 401 [LIVE]; a locked user is probably the same [?].
pub fn credentials_fault(psa_words: Option<String>) -> Fault {
    Fault {
        message: "Autotask refused the credentials. It does not say which of user name, secret and integration code \
                  is wrong; a locked or inactive API user looks the same."
            .to_owned(),
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
    use psa_connector_sdk::kind_of;
    use psa_connector_sdk::testing::answer;

    use super::*;

    fn kind(status: u16, body: &str) -> &'static str {
        kind_of(&for_read("reading", &answer(status, "", body).unwrap()))
    }

    #[test]
    fn each_refusal_has_one_meaning() {
        for (status, body, expected) in [
            (401, "", "authentication"),
            (403, "", "permission"),
            (404, "<html><title>Not Found</title></html>", "not-found"),
            (405, "", "invalid"),
            (408, "", "transient"),
            (429, "", "rate-limited"),
            (302, "", "invalid"),
            (502, "<html>Bad Gateway</html>", "transient"),
            (500, "", "transient"),
            (
                500,
                r#"{"errors":["The logged in Resource does not have the adequate permissions to query."]}"#,
                "permission",
            ),
            (
                500,
                r#"{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}"#,
                "rate-limited",
            ),
            (
                500,
                r#"{"errors":["Zone information could not be determined"]}"#,
                "authentication",
            ),
            (
                500,
                r#"{"errors":["IntegrationCode is invalid"]}"#,
                "authentication",
            ),
            (
                403,
                r#"{"errors":["The user account is locked."]}"#,
                "authentication",
            ),
            (
                500,
                r#"{"errors":["Transaction was deadlocked on lock resources"]}"#,
                "transient",
            ),
            (
                500,
                r#"{"errors":["maxCountOfRecordsToReturn must be between 1 and 500"]}"#,
                "rejected",
            ),
            (400, r#"{"errors":["Some rule"]}"#, "rejected"),
            (503, r#"{"errors":["Service unavailable"]}"#, "transient"),
        ] {
            assert_eq!(kind(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn html_error_pages_are_named_as_such() {
        let response = answer(
            502,
            "text/html",
            "<html><head><title>Bad Gateway</title></head></html>",
        )
        .unwrap();
        let Error::Transient(told) = for_read("reading Contracts", &response) else {
            panic!("not transient")
        };
        assert_eq!(told.message, "reading Contracts: Autotask answered 502");
        assert_eq!(
            told.psa_words.as_deref(),
            Some("an HTML page, \"Bad Gateway\"")
        );
    }
}
