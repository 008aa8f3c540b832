//! The error for a read that is answered with anything but a plain success.
//!
//! The status alone says little: a validation error is a 500 with `errors`, refused
//! credentials are a 401 without a body, a refused permission may be a 403 or a 500
//! [LIVE]. So the words are looked at first.

use psa_connector_sdk::{Error, Fault, RateLimit, Response, invalid, retry_after_seconds, shorten};

use crate::credentials::credentials_fault;
use crate::words::{Meaning, Words, first_of, meaning_of};

/// Pause after the hourly limit where Autotask names none: the hour is a rolling one
/// [DOC Thresholds_Limits], so that some of it is free again by then.
const HOURLY_PAUSE_SECONDS: u32 = 600;

/// The error for a read that was answered with anything but a 2xx.
pub(crate) fn for_read(what: &str, response: &Response) -> Error {
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
pub(crate) fn for_errors(what: &str, errors: &[String]) -> Error {
    let told = Fault {
        message: format!("{what}: Autotask answered with errors"),
        psa_words: Some(shorten(&errors.join(" / "))),
        fix: None,
    };
    let meanings: Vec<Meaning> = errors
        .iter()
        .filter_map(|error| meaning_of(error))
        .collect();
    match first_of(&meanings) {
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
        Meaning::UnknownField => Error::Rejected(Fault {
            fix: Some(
                "This Autotask lacks a field without which nothing can be billed right: tell the connector's author."
                    .to_owned(),
            ),
            ..told
        }),
        // The web server refuses the request as such: not worth repeating, nor in halves.
        Meaning::NotTaken => Error::Invalid(told),
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
                r#"{"errors":["The user account has been locked."]}"#,
                "authentication",
            ),
            (
                500,
                r#"{"errors":["Some rule","The password has expired."]}"#,
                "authentication",
            ),
            (
                500,
                r#"{"Message":"The user is not licensed."}"#,
                "authentication",
            ),
            (
                405,
                r#"{"Message":"The requested resource does not support http method 'POST'."}"#,
                "invalid",
            ),
            (
                500,
                r#"{"errors":["Unable to find webAddress in the Company Entity."]}"#,
                "rejected",
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
