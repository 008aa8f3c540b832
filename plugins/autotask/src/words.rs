//! The words in Autotask's answers, and what is recognised in them.

use psa_connector_sdk::{Response, html_title, is_html, read_json, shorten};
use serde::Deserialize;

use crate::credentials::says_refused;
use crate::fields::Errors;

/// What is recognised in Autotask's words, whatever the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// "Zone information could not be determined" [LIVE]: no such user name.
    UnknownUser,
    /// Locked, disabled, expired, wrong, not licensed [?]; mostly an empty 401 instead.
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
    /// "Unable to find projectID in the TimeEntry Entity" [LIVE].
    UnknownField,
    /// "The requested resource does not support http method 'POST'" [LIVE], or the media
    /// type: the web server's own, before anything is looked at.
    NotTaken,
    /// A lock or a time-out in Autotask's database [DOC REST_BestPractices, words ?].
    Busy,
}

impl Meaning {
    /// What a refused adjustment means and what to do, for a person.
    pub(crate) fn plainly(self) -> Option<&'static str> {
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
            Self::Credentials | Self::UnknownUser => {
                "Autotask refused the credentials: check the API user there, and enter its user name and secret again."
            }
            Self::ThreadLimit
            | Self::HourlyLimit
            | Self::UnknownField
            | Self::NotTaken
            | Self::Busy => return None,
        })
    }
}

/// All parts that a message must have, in lower case, in the order they are looked for:
/// what leaves in doubt whether something was done comes first.
const WORDS: &[(&[&str], Meaning)] = &[
    (&["deadlock"], Meaning::Busy),
    (&["timeout expired"], Meaning::Busy),
    (&["timed out"], Meaning::Busy),
    (&["does not exist or is invalid"], Meaning::BadReference),
    (
        &["unable to find ", " in the ", " entity"],
        Meaning::UnknownField,
    ),
    (&["does not support http method"], Meaning::NotTaken),
    (&["media type is not supported"], Meaning::NotTaken),
    (
        &["zone information could not be determined"],
        Meaning::UnknownUser,
    ),
    (&["not authorized to "], Meaning::Permission),
    (&["unauthorized to "], Meaning::Permission),
];

/// Looked for after refused credentials: a user who did not get in may also be told of a
/// permission or a limit.
const WORDS_OF_ONE_SIGNED_IN: &[(&[&str], Meaning)] = &[
    (&["adequate permission"], Meaning::Permission),
    (&["required permission"], Meaning::Permission),
    (&["sufficient permission"], Meaning::Permission),
    (&["not have permission"], Meaning::Permission),
    (&["access denied"], Meaning::Permission),
    (&["access is denied"], Meaning::Permission),
    (&["thread threshold"], Meaning::ThreadLimit),
    (&["request threshold"], Meaning::HourlyLimit),
    (&["threshold has been exceeded"], Meaning::HourlyLimit),
    (&["threshold exceeded"], Meaning::HourlyLimit),
    (
        &["must be between the start date and end date of the contract"],
        Meaning::OutsideContract,
    ),
    (
        &["duplicate data into contract_service_period"],
        Meaning::SameDateAgain,
    ),
    (
        &["duplicate data into contract_service_bundle_period"],
        Meaning::SameDateAgain,
    ),
    (&["negative", "unit"], Meaning::Negative),
    (&["negative", "quantity"], Meaning::Negative),
    (&["already approved and posted"], Meaning::AlreadyPosted),
    (
        &["already been approved and posted"],
        Meaning::AlreadyPosted,
    ),
];

pub(crate) fn meaning_of(words: &str) -> Option<Meaning> {
    let lower = words.to_lowercase();
    let among = |list: &[(&[&str], Meaning)]| {
        list.iter()
            .find(|(parts, _)| parts.iter().all(|part| lower.contains(part)))
            .map(|(_, meaning)| *meaning)
    };
    among(WORDS)
        .or_else(|| says_refused(words).then_some(Meaning::Credentials))
        .or_else(|| among(WORDS_OF_ONE_SIGNED_IN))
}

/// The words in an answer: its `errors`, its `Message`, or the title of a page for people.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    /// From `errors` in JSON.
    pub errors: Vec<String>,
    /// The web server's own, in JSON [LIVE, with 405].
    pub message: Option<String>,
    pub html: bool,
    title: Option<String>,
}

impl Words {
    pub(crate) fn of(response: &Response) -> Self {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default, alias = "Errors")]
            errors: Errors,
            #[serde(default, alias = "message", rename = "Message")]
            message: Errors,
        }
        if is_html(response) {
            return Self {
                html: true,
                title: html_title(&response.body),
                ..Self::default()
            };
        }
        match read_json::<Answer>(&response.body) {
            Ok(answer) => Self {
                errors: answer.errors.0,
                message: answer.message.0.into_iter().next(),
                ..Self::default()
            },
            Err(_) => Self::default(),
        }
    }

    /// Everything said in JSON.
    fn said(&self) -> impl Iterator<Item = &String> {
        self.errors.iter().chain(&self.message)
    }

    /// For a fault's `psa-words`.
    pub(crate) fn text(&self) -> Option<String> {
        if self.html {
            return Some(match &self.title {
                Some(title) => format!("an HTML page, \"{title}\""),
                None => "an HTML page".to_owned(),
            });
        }
        let said: Vec<&str> = self.said().map(String::as_str).collect();
        (!said.is_empty()).then(|| shorten(&said.join(" / ")))
    }

    /// Of several, refused credentials before all others: nothing may be tried again.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        let meanings: Vec<Meaning> = self.said().filter_map(|words| meaning_of(words)).collect();
        first_of(&meanings)
    }
}

/// What several messages of one answer come to.
pub(crate) fn first_of(meanings: &[Meaning]) -> Option<Meaning> {
    let refused = meanings
        .iter()
        .find(|meaning| matches!(meaning, Meaning::Credentials | Meaning::UnknownUser));
    refused.or(meanings.first()).copied()
}
