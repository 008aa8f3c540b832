//! The one write: what is sent, and what each answer means.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_sdk::testing::{Answer, FakeHost, answer, failure, json};
use psa_connector_sdk::{Connector, Outcome, SendFailureKind, kind_of};
use support::*;

/// Adjusts from 7 to 9 units and answers the write so.
fn outcome_of(write: Answer) -> (Result<Outcome, psa_connector_sdk::Error>, FakeHost) {
    let mut tenant = Tenant::small();
    tenant.answer_with(move |request| request.url.ends_with("Adjustments").then(|| write.clone()));
    let host = tenant.host();
    let outcome = connector().adjust(&host, &adjustment("7", "9"), today());
    (outcome, host)
}

fn word(write: Answer) -> &'static str {
    match outcome_of(write).0 {
        Ok(Outcome::Accepted(_)) => "accepted",
        Ok(Outcome::Rejected(_)) => "rejected",
        Ok(Outcome::Unknown(_)) => "unknown",
        Err(error) => kind_of(&error),
    }
}

fn sent(host: &FakeHost) -> String {
    let writes: Vec<_> = host
        .requests()
        .into_iter()
        .filter(|request| request.url.ends_with("Adjustments"))
        .collect();
    assert_eq!(writes.len(), 1, "exactly one write");
    assert_eq!(writes[0].method, "POST");
    String::from_utf8(writes[0].body.clone().unwrap()).unwrap()
}

#[test]
fn a_change_is_sent_as_a_difference_of_one_line_by_its_own_id() {
    let (outcome, host) = outcome_of(json(200, r#"{"itemId":null}"#));
    assert_eq!(outcome.unwrap(), Outcome::Accepted(None));
    assert_eq!(
        sent(&host),
        r#"{"id":0,"contractID":100,"contractServiceID":1000,"effectiveDate":"2026-12-01","unitChange":2}"#
    );
}

#[test]
fn a_bundles_change_goes_to_its_own_entity() {
    let host = Tenant::small().host();
    let mut adjustment = adjustment("7", "4");
    adjustment.line = key("bundle:2000", "100", "bundle:6");
    connector().adjust(&host, &adjustment, today()).unwrap();
    assert!(
        host.calls()
            .last()
            .unwrap()
            .ends_with("/V1.0/ContractServiceBundleAdjustments")
    );
    assert_eq!(
        sent(&host),
        r#"{"id":0,"contractID":100,"contractServiceBundleID":2000,"effectiveDate":"2026-12-01","unitChange":-3}"#
    );
}

#[test]
fn success_is_2xx_with_an_object_and_no_errors() {
    for body in [
        r#"{"itemId":null}"#,
        r#"{"itemId":4711}"#,
        r#"{"itemId":null,"errors":[]}"#,
        "{}",
        r#"{"other":1}"#,
    ] {
        assert_eq!(word(json(200, body)), "accepted", "{body}");
    }
    assert_eq!(word(json(201, r#"{"itemId":null}"#)), "accepted");
    assert_eq!(
        outcome_of(json(200, r#"{"itemId":4711}"#)).0.unwrap(),
        Outcome::Accepted(Some("4711".to_owned()))
    );
}

#[test]
fn what_autotask_is_known_to_refuse_is_rejected_with_its_words() {
    for text in [
        "ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract referenced by contractID.",
        "Attempt to insert duplicate data into contract_service_period",
        "The units cannot be negative.",
        "Unable to make changes as it would result in the modification of an already approved and posted contract period",
        "The logged in Resource does not have the adequate permissions to create this entity type.",
        "Reference value on field: contractServiceID of type: ContractService does not exist or is invalid.",
    ] {
        for status in [500, 200, 400] {
            let (outcome, _) = outcome_of(json(status, &format!(r#"{{"errors":["{text}"]}}"#)));
            let Ok(Outcome::Rejected(rejection)) = outcome else {
                panic!("{status} {text}")
            };
            assert!(rejection.words.contains(text));
        }
    }
    assert_eq!(word(answer(401, "", "")), "rejected");
    // Without a word of Autotask's own it may be anybody who answered.
    for status in [403, 404, 405] {
        assert_eq!(word(answer(status, "", "")), "unknown", "{status}");
    }
}

#[test]
fn a_page_for_people_is_no_refusal() {
    let page = "<html><title>404 - File or directory not found.</title></html>";
    for status in [401, 403, 404, 405] {
        assert_eq!(
            word(answer(status, "text/html", page)),
            "unknown",
            "{status}"
        );
    }
}

#[test]
fn a_success_without_a_body_is_a_success() {
    for (status, body) in [(200, ""), (204, ""), (200, " \r\n")] {
        assert_eq!(word(json(status, body)), "accepted", "{status} {body:?}");
    }
}

#[test]
fn a_refusal_says_plainly_what_to_do_before_autotasks_own_words() {
    let text = "Unable to make changes: an already approved and posted contract period";
    let (outcome, _) = outcome_of(json(500, &format!(r#"{{"errors":["{text}"]}}"#)));
    let Ok(Outcome::Rejected(rejection)) = outcome else {
        panic!("not rejected")
    };
    assert_eq!(
        rejection.words,
        format!(
            "The period is approved and posted: the change can only hold from the next one. \
             Autotask answered 500: {text}"
        )
    );
}

#[test]
fn every_doubtful_answer_is_unknown() {
    for (status, body) in [
        (500, r#"{"errors":["Something nobody has written down"]}"#),
        (
            500,
            r#"{"errors":["Transaction (Process ID 52) was deadlocked on lock resources"]}"#,
        ),
        (
            500,
            r#"{"errors":["The units cannot be negative.","Something else"]}"#,
        ),
        (200, r#"{"errors":["Something nobody has written down"]}"#),
        (500, ""),
        (500, "<html><title>Runtime Error</title></html>"),
        (502, "<html><title>Bad Gateway</title></html>"),
        (503, ""),
        (504, "<html><title>Gateway Time-out</title></html>"),
        (408, ""),
        (409, ""),
        (400, ""),
        (302, ""),
        (429, ""),
        (
            429,
            r#"{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}"#,
        ),
        (200, r#"{"itemId":nu"#),
        (200, "OK"),
        (200, "<html><title>Sign in</title></html>"),
        (200, "[]"),
        (200, "null"),
        (200, "true"),
    ] {
        assert_eq!(word(json(status, body)), "unknown", "{status} {body}");
    }
}

#[test]
fn a_broken_exchange_is_unknown_and_one_that_never_began_is_an_error() {
    for (kind, expected) in [
        (SendFailureKind::TimedOut, "unknown"),
        (SendFailureKind::Broken, "unknown"),
        (SendFailureKind::TooLarge, "unknown"),
        (SendFailureKind::Unreachable, "transient"),
        (SendFailureKind::Denied, "refused"),
        (SendFailureKind::Budget, "rate-limited"),
    ] {
        assert_eq!(word(Err(failure(kind, "why"))), expected, "{kind:?}");
    }
    let mut doubtful = failure(SendFailureKind::Unreachable, "why");
    doubtful.may_have_been_sent = true;
    assert_eq!(word(Err(doubtful)), "unknown");
}

#[test]
fn no_answer_has_the_write_repeated_or_the_zone_looked_up_again() {
    for write in [
        answer(401, "", ""),
        answer(429, "", ""),
        answer(500, "", ""),
        answer(504, "", ""),
        Err(failure(SendFailureKind::TimedOut, "")),
    ] {
        let (_, host) = outcome_of(write);
        sent(&host);
        // The lookup before it and the write.
        assert_eq!(host.requests().len(), 2);
    }
}

#[test]
fn a_401_to_a_write_stops_every_later_one() {
    let mut tenant = Tenant::small();
    tenant.answer_with(|request| {
        request
            .url
            .ends_with("Adjustments")
            .then(|| answer(401, "", ""))
    });
    let host = tenant.host();
    let mut connector = connector();
    assert!(matches!(
        connector.adjust(&host, &adjustment("7", "9"), today()),
        Ok(Outcome::Rejected(_))
    ));
    assert_eq!(
        kind_of(
            &connector
                .adjust(&host, &adjustment("7", "9"), today())
                .unwrap_err()
        ),
        "authentication"
    );
    sent(&host);
}

#[test]
fn refused_credentials_in_any_answer_to_a_write_stop_every_later_call() {
    for (status, body, expected) in [
        (
            500,
            r#"{"errors":["The user account has been locked."]}"#,
            "rejected",
        ),
        (
            200,
            r#"{"errors":["The password has expired."]}"#,
            "rejected",
        ),
        (
            500,
            r#"{"errors":["The user is not licensed.","Something nobody has written down"]}"#,
            "unknown",
        ),
        (504, r#"{"errors":["The user is disabled."]}"#, "unknown"),
        (401, "<html><title>Sign in</title></html>", "unknown"),
    ] {
        let mut tenant = Tenant::small();
        tenant.answer_with(move |request| {
            let content_type = if body.starts_with('<') {
                "text/html"
            } else {
                "application/json"
            };
            request
                .url
                .ends_with("Adjustments")
                .then(|| answer(status, content_type, body))
        });
        let host = tenant.host();
        let mut connector = connector();
        let outcome = connector
            .adjust(&host, &adjustment("7", "9"), today())
            .unwrap();
        let outcome = match outcome {
            Outcome::Accepted(_) => "accepted",
            Outcome::Rejected(_) => "rejected",
            Outcome::Unknown(_) => "unknown",
        };
        assert_eq!(outcome, expected, "{body}");
        let sent = host.requests().len();
        assert_eq!(
            kind_of(&connector.list_accounts(&host, None).unwrap_err()),
            "authentication"
        );
        assert_eq!(
            kind_of(
                &connector
                    .adjust(&host, &adjustment("7", "9"), today())
                    .unwrap_err()
            ),
            "authentication"
        );
        assert_eq!(host.requests().len(), sent, "{body}");
    }
}

#[test]
fn what_autotask_cannot_take_is_never_sent() {
    let mut cases = vec![
        adjustment("7", "7"),
        adjustment("7", "7.0"),
        adjustment("7", "7.5"),
        adjustment("7", "-1"),
        adjustment("7", "2147483648"),
        adjustment("seven", "8"),
        adjustment("7", "1e99"),
    ];
    let mut mixed = adjustment("7", "9");
    mixed.line.service = "bundle:5".to_owned();
    cases.push(mixed);
    let mut injected = adjustment("7", "9");
    injected.line.line = "1000,\"allowRepeatService\":true".to_owned();
    cases.push(injected);
    let mut no_day = adjustment("7", "9");
    no_day.effective.day = 32;
    cases.push(no_day);
    for case in cases {
        let host = Tenant::small().host();
        let error = connector().adjust(&host, &case, today()).unwrap_err();
        assert_eq!(kind_of(&error), "invalid", "{case:?}");
        assert!(host.requests().is_empty());
    }
}

#[test]
fn ids_beyond_32_bits_are_sent_whole() {
    let host = Tenant::small().host();
    let mut adjustment = adjustment("7", "2147483647");
    adjustment.line = key("9007199254740993", "4294967297", "5");
    connector().adjust(&host, &adjustment, today()).unwrap();
    assert_eq!(
        sent(&host),
        r#"{"id":0,"contractID":4294967297,"contractServiceID":9007199254740993,"effectiveDate":"2026-12-01","unitChange":2147483640}"#
    );
}
