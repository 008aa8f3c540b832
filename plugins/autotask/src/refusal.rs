//! When Autotask's answer to an adjustment says for certain that it was not made, and why.
//!
//! A refusal that is believed and untrue bills twice: the host sends the change again. So
//! it counts only in one of the forms below, and only where **every** message in it is
//! recognised. Everything else is doubtful: a text nobody has written down may be a lock
//! or a time-out of the database, after which the change can be there or not.

use psa_connector_sdk::{RefusalEvidence, RefusalForm, RefusalKind, Response};

use crate::words::{Meaning, Words, first_of, meaning_of};

/// Where a refusal's reason stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing is said; the status alone tells.
    EmptyBody,
    /// A member of the answer's JSON that is not empty.
    Member(&'static str),
}

const ERRORS: Form = Form::Member("/errors");
const MESSAGE: Form = Form::Member("/Message");

/// The forms of a refusal. 500 with `errors` is how Autotask says no to a value [LIVE],
/// and sometimes 200 [CODE]; which of the 4xx it takes for what is [?]. The empty 401
/// refuses credentials, and everything at an address from where the database has moved
/// [LIVE]. `Message` is the web server's own: no such verb or media type. Not among them,
/// whatever they say: 408, 429 and the gateways' 502 to 504; nor other empty answers and
/// pages for people, which may be anybody's.
const FORMS: &[(u16, Form)] = &[
    (200, ERRORS),
    (400, ERRORS),
    (401, ERRORS),
    (403, ERRORS),
    (404, ERRORS),
    (409, ERRORS),
    (422, ERRORS),
    (500, ERRORS),
    (405, MESSAGE),
    (415, MESSAGE),
    (401, Form::EmptyBody),
];

/// As the description declares them; the host checks each refusal against these.
pub(crate) fn forms() -> Vec<RefusalForm> {
    let declared = |(status, form): &(u16, Form)| RefusalForm {
        status: *status,
        evidence: match form {
            Form::EmptyBody => RefusalEvidence::EmptyBody,
            Form::Member(pointer) => RefusalEvidence::JsonMember((*pointer).to_owned()),
        },
        kinds: match *form {
            ERRORS => vec![
                RefusalKind::DateAlreadyAdjusted,
                RefusalKind::PeriodPosted,
                RefusalKind::OutsideContract,
                RefusalKind::Permission,
                RefusalKind::Credentials,
                RefusalKind::Other,
            ],
            Form::EmptyBody => vec![RefusalKind::Credentials, RefusalKind::Other],
            Form::Member(_) => vec![RefusalKind::Other],
        },
    };
    FORMS.iter().map(declared).collect()
}

/// A refusal that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub kind: RefusalKind,
    /// What it means and what to do, for a person.
    pub plainly: Option<&'static str>,
}

/// None: the answer does not say for certain that the adjustment was not made.
pub(crate) fn refusal_of(response: &Response) -> Option<Refusal> {
    let words = Words::of(response);
    let form = |wanted: Form| FORMS.contains(&(response.status, wanted));
    if response.body.trim_ascii().is_empty() {
        return form(Form::EmptyBody).then_some(Refusal {
            kind: RefusalKind::Credentials,
            plainly: Meaning::Credentials.plainly(),
        });
    }
    // One said in two members counts only where both are known.
    let said: Vec<&String> = words.errors.iter().chain(&words.message).collect();
    let member = if words.errors.is_empty() {
        MESSAGE
    } else {
        ERRORS
    };
    if said.is_empty() || !form(member) {
        return None;
    }
    let meanings = said
        .iter()
        .map(|words| meaning_of(words))
        .collect::<Option<Vec<Meaning>>>()?;
    // Each has to be one after which nothing was done.
    let kinds = meanings
        .iter()
        .map(|meaning| kind_of(*meaning))
        .collect::<Option<Vec<RefusalKind>>>()?;
    let meaning = first_of(&meanings)?;
    Some(Refusal {
        // Whoever may not write at all may not write another line either.
        kind: [RefusalKind::Credentials, RefusalKind::Permission]
            .into_iter()
            .find(|kind| kinds.contains(kind))
            .or(kinds.first().copied())?,
        plainly: meaning.plainly(),
    })
}

/// None: after this the adjustment may have been made.
fn kind_of(meaning: Meaning) -> Option<RefusalKind> {
    Some(match meaning {
        Meaning::SameDateAgain => RefusalKind::DateAlreadyAdjusted,
        Meaning::AlreadyPosted => RefusalKind::PeriodPosted,
        Meaning::OutsideContract => RefusalKind::OutsideContract,
        Meaning::Permission => RefusalKind::Permission,
        Meaning::Credentials => RefusalKind::Credentials,
        Meaning::Negative | Meaning::BadReference | Meaning::UnknownField | Meaning::NotTaken => {
            RefusalKind::Other
        }
        Meaning::UnknownUser | Meaning::ThreadLimit | Meaning::HourlyLimit | Meaning::Busy => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use psa_connector_sdk::testing::answer;

    use super::*;

    fn kind(status: u16, body: &str) -> Option<RefusalKind> {
        let content_type = if body.starts_with('<') {
            "text/html"
        } else {
            "application/json"
        };
        refusal_of(&answer(status, content_type, body).unwrap()).map(|refusal| refusal.kind)
    }

    fn said(status: u16, texts: &[&str]) -> Option<RefusalKind> {
        kind(status, &serde_json::json!({ "errors": texts }).to_string())
    }

    const AGAIN: &str = "Attempt to insert duplicate data into contract_service_period";
    const POSTED: &str = "Unable to make changes as it would result in the deletion/modification of an already approved and posted contract period.";
    const OUTSIDE: &str = "ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract referenced by contractID.";
    const MAY_NOT: &str =
        "The logged in Resource does not have the adequate permissions to create this entity type.";

    #[test]
    fn each_documented_refusal_has_its_kind() {
        use RefusalKind::*;
        for (text, expected) in [
            (AGAIN, DateAlreadyAdjusted),
            (
                "Attempt to insert duplicate data into contract_service_bundle_period",
                DateAlreadyAdjusted,
            ),
            (POSTED, PeriodPosted),
            (OUTSIDE, OutsideContract),
            (MAY_NOT, Permission),
            ("The user account has been locked.", Credentials),
            ("IntegrationCode is invalid", Credentials),
            ("The number of units cannot be negative.", Other),
            (
                "Reference value on field: contractServiceID of type: ContractService does not exist or is invalid.",
                Other,
            ),
            (
                "contractServiceID: Value 12345 does not exist or is invalid",
                Other,
            ),
        ] {
            for status in [500, 200, 400, 401, 403, 404, 409, 422] {
                assert_eq!(said(status, &[text]), Some(expected), "{status} {text}");
            }
        }
        assert_eq!(kind(401, ""), Some(Credentials));
        let verb = r#"{"Message":"The requested resource does not support http method 'POST'."}"#;
        assert_eq!(kind(405, verb), Some(Other));
    }

    #[test]
    fn one_message_that_is_not_recognised_makes_the_whole_answer_doubtful() {
        for other in [
            "Something nobody has written down",
            "Transaction (Process ID 52) was deadlocked on lock resources",
            "The Autotask API thread threshold of 3 threads has been exceeded.",
        ] {
            assert_eq!(said(500, &[other]), None);
            assert_eq!(said(500, &[AGAIN, other]), None, "{other}");
            assert_eq!(
                said(500, &[&format!("{AGAIN}. {other}"), other]),
                None,
                "{other}"
            );
        }
        assert_eq!(said(500, &[&format!("{AGAIN}: Timeout expired.")]), None);
        let beside =
            r#"{"errors":["The units cannot be negative."],"Message":"An error has occurred."}"#;
        assert_eq!(kind(500, beside), None);
    }

    #[test]
    fn an_answer_in_another_form_is_doubtful_whatever_it_says() {
        for status in [
            201, 202, 302, 405, 408, 415, 418, 425, 429, 501, 502, 503, 504,
        ] {
            assert_eq!(said(status, &[AGAIN]), None, "{status}");
        }
        for status in [
            200, 204, 400, 403, 404, 405, 408, 409, 413, 415, 429, 500, 502, 503, 504,
        ] {
            assert_eq!(kind(status, ""), None, "{status}");
        }
        let page = "<html><title>404 - File or directory not found.</title></html>";
        for status in [401, 403, 404, 405, 500] {
            assert_eq!(kind(status, page), None, "{status}");
        }
        assert_eq!(kind(500, r#"{"errors":[]}"#), None);
        assert_eq!(kind(500, r#"{"errors":"#), None);
        assert_eq!(kind(500, r#"{"Message":"An error has occurred."}"#), None);
    }

    #[test]
    fn who_may_not_write_at_all_outweighs_what_is_wrong_with_one_line() {
        assert_eq!(
            said(500, &[OUTSIDE, MAY_NOT]),
            Some(RefusalKind::Permission)
        );
        assert_eq!(
            said(500, &[MAY_NOT, "The user is disabled."]),
            Some(RefusalKind::Credentials)
        );
    }
}
