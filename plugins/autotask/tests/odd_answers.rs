//! Answers that are not as they should be, one test each, with the one outcome that is
//! documented for it: what cannot be read is an error or an unreadable line, never "there
//! is none" and never zero units.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_sdk::testing::{answer, failure, json};
use psa_connector_sdk::{
    Connector, Contract, Error, Host as _, SendFailureKind, Timeline, Truth, kind_of,
};
use serde_json::{Value, json};
use support::*;

/// What becomes of the one line where the unit rows are changed so.
fn timeline_with(change: impl FnOnce(&mut Vec<Value>)) -> Timeline {
    let mut tenant = Tenant::small();
    change(tenant.rows("ContractServiceUnits"));
    let contracts = read_contracts(&tenant.host()).unwrap();
    contracts[0].lines[0].timeline.clone()
}

fn segments(timeline: &Timeline) -> usize {
    match timeline {
        Timeline::Segments(segments) => segments.len(),
        Timeline::Unreadable(reason) => panic!("{reason}"),
    }
}

fn reason(timeline: Timeline) -> String {
    match timeline {
        Timeline::Segments(segments) => panic!("{segments:?}"),
        Timeline::Unreadable(reason) => reason,
    }
}

/// Which error reading contracts ends in where answers at this path are replaced.
fn error_with(end: &'static str, replaced: psa_connector_sdk::testing::Answer) -> Error {
    let mut tenant = Tenant::small();
    tenant.answer_at(end, replaced);
    read_contracts(&tenant.host()).unwrap_err()
}

fn usual(contracts: &[Contract]) -> bool {
    contracts.len() == 1 && segments(&contracts[0].lines[0].timeline) == 12
}

#[test]
fn null_fields_are_tolerated() {
    let mut tenant = Tenant::small();
    tenant.add(
        "Companies",
        json!({"id": 11, "companyName": null, "isActive": null, "webAddress": null}),
    );
    for field in ["contractName", "status", "startDate", "endDate"] {
        tenant.rows("Contracts")[0][field] = Value::Null;
    }
    for field in [
        "invoiceDescription",
        "unitPrice",
        "internalCurrencyUnitPrice",
        "internalCurrencyAdjustedPrice",
    ] {
        tenant.rows("ContractServices")[0][field] = Value::Null;
    }
    tenant.rows("ContractServiceUnits")[0]["price"] = Value::Null;
    let host = tenant.host();
    let contracts = read_contracts(&host).unwrap();
    assert_eq!(
        (
            contracts[0].name.as_str(),
            contracts[0].start,
            contracts[0].end
        ),
        ("", None, None)
    );
    assert_eq!(contracts[0].active, Truth::Unknown);
    assert!(contracts[0].lines_read);
    assert!(usual(&contracts));
    let accounts = connector().list_accounts(&host, None).unwrap().accounts;
    assert_eq!(
        (accounts[1].name.as_str(), accounts[1].active),
        ("", Truth::Unknown)
    );
}

#[test]
fn absent_fields_are_tolerated_like_null_ones() {
    let mut tenant = Tenant::small();
    *tenant.rows("Companies") = vec![json!({"id": 10})];
    let page = connector().list_accounts(&tenant.host(), None).unwrap();
    assert_eq!(
        (page.accounts[0].name.as_str(), page.accounts[0].active),
        ("", Truth::Unknown)
    );
}

#[test]
fn unknown_fields_are_ignored() {
    let mut tenant = Tenant::small();
    for table in ["Contracts", "ContractServices", "ContractServiceUnits"] {
        for row in tenant.rows(table) {
            row["aFieldOfNextYear"] = json!({"nested": [1, 2.5, null]});
            row["userDefinedFields"] = json!([{"name": "x", "value": "y"}]);
        }
    }
    assert!(usual(&read_contracts(&tenant.host()).unwrap()));
}

#[test]
fn ids_beyond_32_bits_are_kept_whole() {
    let mut tenant = Tenant::new();
    tenant.add("Contracts", contract(9_007_199_254_740_993, 10));
    tenant.add(
        "ContractServices",
        line(4_294_967_297, 9_007_199_254_740_993, 5),
    );
    tenant.add(
        "ContractServiceUnits",
        unit_row(1, 9_007_199_254_740_993, 4_294_967_297, 0, 7),
    );
    let contracts = read_contracts(&tenant.host()).unwrap();
    assert_eq!(contracts[0].id, "9007199254740993");
    assert_eq!(contracts[0].lines[0].id, "4294967297");
    assert_eq!(segments(&contracts[0].lines[0].timeline), 1);
}

#[test]
fn ids_and_units_come_as_numbers_or_text() {
    let mut tenant = Tenant::small();
    tenant.answer_with(|request| {
        let body = match request.url.rsplit('/').nth(1)? {
            "Contracts" => r#"{"items":[{"id":"100","companyID":"10","contractType":"7","status":"1","endDate":"2027-10-31"}],"pageDetails":null}"#,
            "ContractServices" => r#"{"items":[{"id":"1000","contractID":"100","serviceID":"5"}]}"#,
            "ContractServiceUnits" => r#"{"items":[{"id":"1","contractID":"100","contractServiceID":"1000","startDate":"2026-11-01","endDate":"2026-11-30T23:59:59","units":"7.0"}]}"#,
            _ => return None,
        };
        Some(json(200, body))
    });
    let contracts = read_contracts(&tenant.host()).unwrap();
    let Timeline::Segments(segments) = &contracts[0].lines[0].timeline else {
        panic!("unreadable")
    };
    assert_eq!(
        (
            segments[0].units.as_str(),
            segments[0].end,
            segments[0].posted
        ),
        ("7", Some(date("2026-11-30")), Truth::Unknown)
    );
}

#[test]
fn html_error_pages_are_transient_where_the_server_failed_and_invalid_where_it_pretends_success() {
    let page = |status| {
        answer(
            status,
            "text/html",
            "<!DOCTYPE html><html><head><title>Oops</title></head></html>",
        )
    };
    assert_eq!(
        kind_of(&error_with("/ContractServices/query", page(503))),
        "transient"
    );
    assert_eq!(
        kind_of(&error_with("/ContractServices/query", page(404))),
        "not-found"
    );
    let Error::Invalid(fault) = error_with("/ContractServices/query", page(200)) else {
        panic!("not invalid")
    };
    assert_eq!(fault.psa_words.as_deref(), Some("an HTML page, \"Oops\""));
}

#[test]
fn truncated_json_is_invalid() {
    let error = error_with(
        "/ContractServiceUnits/query",
        json(200, r#"{"items":[{"id":10000,"contractID":1"#),
    );
    let Error::Invalid(fault) = error else {
        panic!("not invalid")
    };
    assert!(fault.message.contains("breaks off"), "{}", fault.message);
}

#[test]
fn empty_bodies_are_invalid() {
    assert_eq!(
        kind_of(&error_with("/Contracts/query", json(200, ""))),
        "invalid"
    );
}

#[test]
fn wrong_types_are_invalid() {
    for body in [
        r#"{"items":{}}"#,
        r#"{"items":[{"id":null}]}"#,
        r#"{"items":[{"id":1.5}]}"#,
        r#"{"items":["x"]}"#,
        "[]",
        "7",
    ] {
        assert_eq!(
            kind_of(&error_with("/Contracts/query", json(200, body))),
            "invalid",
            "{body}"
        );
    }
}

#[test]
fn item_null_is_invalid_and_never_an_empty_list() {
    for body in [r#"{"item":null}"#, r#"{"items":null}"#, "{}"] {
        assert_eq!(
            kind_of(&error_with("/Contracts/query", json(200, body))),
            "invalid",
            "{body}"
        );
    }
}

#[test]
fn errors_in_a_200_are_errors() {
    let rejected = json(200, r#"{"items":[],"errors":["Some rule"]}"#);
    assert_eq!(
        kind_of(&error_with("/Contracts/query", rejected)),
        "rejected"
    );
    let limited = json(
        200,
        r#"{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}"#,
    );
    assert_eq!(
        kind_of(&error_with("/Contracts/query", limited)),
        "rate-limited"
    );
}

#[test]
fn repeated_rows_count_once() {
    let mut tenant = Tenant::small();
    for table in ["Contracts", "ContractServices", "ContractServiceUnits"] {
        let rows = tenant.rows(table);
        let repeated = rows.clone();
        rows.extend(repeated);
    }
    let contracts = read_contracts(&tenant.host()).unwrap();
    assert!(usual(&contracts));
    assert_eq!(contracts[0].lines.len(), 1);
}

#[test]
fn a_last_row_that_opens_the_next_page_again_counts_once() {
    let mut tenant = Tenant::new();
    for id in 1..=501 {
        tenant.add("Companies", json!({"id": id, "companyName": "x"}));
    }
    tenant.answer_with(|request| {
        let asked = String::from_utf8_lossy(request.body.as_deref()?).contains(r#""value":500"#);
        asked.then(|| {
            json(
                200,
                r#"{"items":[{"id":500},{"id":501}],"pageDetails":{"nextPageUrl":null}}"#,
            )
        })
    });
    let host = tenant.host();
    let mut connector = connector();
    let first = connector.list_accounts(&host, None).unwrap();
    let second = connector
        .list_accounts(&host, first.next.as_deref())
        .unwrap();
    assert_eq!(first.accounts.len(), 500);
    assert_eq!(
        second
            .accounts
            .iter()
            .map(|account| account.id.as_str())
            .collect::<Vec<_>>(),
        ["501"]
    );
}

#[test]
fn a_line_in_two_versions_is_invalid() {
    let mut tenant = Tenant::small();
    tenant.add("ContractServices", line(1000, 100, 6));
    assert_eq!(
        kind_of(&read_contracts(&tenant.host()).unwrap_err()),
        "invalid"
    );
}

#[test]
fn a_page_that_makes_no_progress_is_invalid() {
    let again = json(
        200,
        r#"{"items":[{"id":10}],"pageDetails":{"nextPageUrl":"https://webservices2.autotask.net/ATServicesRest/V1.0/Companies/query/next"}}"#,
    );
    let mut tenant = Tenant::small();
    tenant.answer_at("/Companies/query", again);
    let host = tenant.host();
    let mut connector = connector();
    let first = connector.list_accounts(&host, None).unwrap();
    assert_eq!(
        kind_of(
            &connector
                .list_accounts(&host, first.next.as_deref())
                .unwrap_err()
        ),
        "invalid"
    );

    let empty = json(
        200,
        r#"{"items":[],"pageDetails":{"nextPageUrl":"https://x/next"}}"#,
    );
    assert_eq!(kind_of(&error_with("/Contracts/query", empty)), "invalid");
}

#[test]
fn rows_out_of_order_are_invalid_where_more_are_to_come() {
    let page = json(
        200,
        r#"{"items":[{"id":12},{"id":10}],"pageDetails":{"nextPageUrl":"https://x/next"}}"#,
    );
    let mut tenant = Tenant::small();
    tenant.answer_at("/Companies/query", page);
    assert_eq!(
        kind_of(&connector().list_accounts(&tenant.host(), None).unwrap_err()),
        "invalid"
    );
}

#[test]
fn next_page_addresses_are_never_called() {
    let mut tenant = Tenant::new();
    for id in 1..=1200 {
        tenant.add("Companies", json!({"id": id, "companyName": "x"}));
    }
    let host = tenant.host();
    let mut connector = connector();
    let mut cursor = None;
    let mut count = 0;
    loop {
        let page = connector.list_accounts(&host, cursor.as_deref()).unwrap();
        count += page.accounts.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(count, 1200);
    assert!(
        host.requests()
            .iter()
            .all(|request| !request.url.contains("evil") && !request.url.contains("next"))
    );
}

#[test]
fn a_full_page_without_page_details_is_followed_by_another_request() {
    let mut tenant = Tenant::new();
    tenant.answer_with(|request| {
        let body = String::from_utf8_lossy(request.body.as_deref()?).into_owned();
        if !request.url.ends_with("/Companies/query") {
            return None;
        }
        let rows: Vec<Value> = if body.contains(r#""value":0"#) {
            (1..=500).map(|id| json!({"id": id})).collect()
        } else {
            Vec::new()
        };
        Some(json(200, &json!({"items": rows}).to_string()))
    });
    let host = tenant.host();
    let mut connector = connector();
    let first = connector.list_accounts(&host, None).unwrap();
    assert_eq!(first.next.as_deref(), Some("500"));
    let second = connector
        .list_accounts(&host, first.next.as_deref())
        .unwrap();
    assert!(second.accounts.is_empty() && second.next.is_none());
}

#[test]
fn rows_that_were_not_asked_for_are_invalid() {
    let foreign = json(
        200,
        r#"{"items":[{"id":100,"companyID":11,"contractType":7,"status":1}],"pageDetails":{"nextPageUrl":null}}"#,
    );
    assert_eq!(kind_of(&error_with("/Contracts/query", foreign)), "invalid");
    let foreign = json(
        200,
        r#"{"items":[{"id":1000,"contractID":101,"serviceID":5}],"pageDetails":{"nextPageUrl":null}}"#,
    );
    assert_eq!(
        kind_of(&error_with("/ContractServices/query", foreign)),
        "invalid"
    );
}

#[test]
fn a_missing_unit_row_makes_the_line_unreadable_and_never_zero() {
    let timeline = timeline_with(|rows| drop(rows.remove(3)));
    assert_eq!(
        reason(timeline),
        "no unit row covers 2027-02-01 to 2027-02-28: a row is missing"
    );
}

#[test]
fn a_line_without_unit_rows_is_unreadable_and_never_zero() {
    let timeline = timeline_with(Vec::clear);
    assert_eq!(
        reason(timeline),
        "no unit row covers 2026-11-23 or later: the rows are missing"
    );
}

#[test]
fn unit_rows_that_overlap_make_the_line_unreadable() {
    let timeline = timeline_with(|rows| rows[1]["startDate"] = json!("2026-11-20T00:00:00Z"));
    assert_eq!(
        reason(timeline),
        "unit rows 10000 (to 2026-11-30) and 10001 (from 2026-11-20) overlap"
    );
}

#[test]
fn a_unit_row_without_units_or_dates_makes_the_line_unreadable() {
    for (field, value) in [
        ("units", Value::Null),
        ("units", json!("many")),
        ("units", json!(5.5)),
        ("startDate", Value::Null),
        ("endDate", json!("2026-13-01T00:00:00Z")),
        ("startDate", json!("2026-11-31T00:00:00Z")),
    ] {
        let timeline = timeline_with(|rows| rows[4][field] = value.clone());
        assert!(
            reason(timeline).starts_with("unit row 10004 has no usable"),
            "{field} {value}"
        );
    }
}

#[test]
fn a_unit_row_without_a_line_makes_its_contracts_lines_unreadable() {
    let timeline = timeline_with(|rows| rows[4]["contractServiceID"] = Value::Null);
    assert!(reason(timeline).contains("does not say which line"));
}

#[test]
fn units_of_lines_that_are_gone_are_ignored() {
    assert_eq!(
        segments(&timeline_with(|rows| rows.push(unit_row(1, 100, 999, 0, 3)))),
        12
    );
}

const FILLERS: [&str; 5] = [
    "0001-01-01T00:00:00",
    "1753-01-01T00:00:00Z",
    "1899-12-30T00:00:00Z",
    "1900-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.997Z",
];

#[test]
fn a_posting_date_that_stands_for_none_is_neither_posted_nor_open() {
    for filler in FILLERS {
        let timeline = timeline_with(|rows| rows[1]["approveAndPostDate"] = json!(filler));
        let Timeline::Segments(segments) = timeline else {
            panic!("{timeline:?}")
        };
        let posted: Vec<Truth> = segments.iter().map(|segment| segment.posted).collect();
        assert_eq!(
            posted[..3],
            [Truth::Yes, Truth::Unknown, Truth::No],
            "{filler}"
        );
    }
}

#[test]
fn a_contracts_end_that_stands_for_none_has_not_passed_and_is_told() {
    for filler in FILLERS {
        let mut tenant = Tenant::small();
        tenant.rows("Contracts")[0]["endDate"] = json!(filler);
        let contracts = read_contracts(&tenant.host()).unwrap();
        assert_eq!(contracts[0].end, None, "{filler}");
        assert!(contracts[0].lines_read, "{filler}");
        assert!(usual(&contracts), "{filler}");
        assert_eq!(
            contracts[0].note.as_deref(),
            Some("Autotask names no last day of the contract.")
        );
    }
}

#[test]
fn a_unit_row_whose_dates_stand_for_none_makes_the_line_unreadable() {
    for filler in FILLERS {
        for field in ["startDate", "endDate"] {
            let mut tenant = Tenant::small();
            let mut row = tenant.rows("ContractServiceUnits")[4].clone();
            row[field] = json!(filler);
            let rows = json!({"items": [row], "pageDetails": {"nextPageUrl": null}}).to_string();
            tenant.answer_at("/ContractServiceUnits/query", json(200, &rows));
            let contracts = read_contracts(&tenant.host()).unwrap();
            assert_eq!(
                reason(contracts[0].lines[0].timeline.clone()),
                "unit row 10004 has no usable dates",
                "{field} {filler}"
            );
        }
    }
}

#[test]
fn one_unreadable_line_does_not_stop_the_others() {
    let mut tenant = Tenant::small();
    tenant.add("ContractServices", line(1001, 100, 6));
    let contracts = read_contracts(&tenant.host()).unwrap();
    assert_eq!(segments(&contracts[0].lines[0].timeline), 12);
    assert!(matches!(
        contracts[0].lines[1].timeline,
        Timeline::Unreadable(_)
    ));
}

#[test]
fn dates_with_a_time_count_by_their_date_part() {
    let timeline = timeline_with(|rows| {
        for row in rows {
            for field in ["startDate", "endDate"] {
                row[field] = json!(
                    row[field]
                        .as_str()
                        .unwrap()
                        .replace("00:00:00.000Z", "13:00:00Z")
                );
            }
        }
    });
    assert_eq!(segments(&timeline), 12);
}

#[test]
fn limits_say_how_long_to_wait_where_autotask_does() {
    let limited = answer(429, "", "").map(|mut response| {
        response
            .headers
            .push(("retry-after".to_owned(), "17".to_owned()));
        response
    });
    let Error::RateLimited(limit) = error_with("/Contracts/query", limited) else {
        panic!("not rate-limited")
    };
    assert_eq!(limit.retry_after_seconds, Some(17));
}

#[test]
fn an_hour_that_is_used_up_is_not_asked_again_within_seconds() {
    for status in [429, 500] {
        let words = r#"{"errors":["The Autotask API request threshold of 10000 requests per hour has been exceeded."]}"#;
        let limited = answer(status, "application/json", words);
        let Error::RateLimited(limit) = error_with("/Contracts/query", limited) else {
            panic!("not rate-limited")
        };
        assert_eq!(limit.retry_after_seconds, Some(600));
        assert!(limit.fault.fix.is_some());
    }
}

#[test]
fn a_failed_read_is_never_an_empty_result() {
    for (kind, expected) in [
        (SendFailureKind::TimedOut, "transient"),
        (SendFailureKind::Broken, "transient"),
        (SendFailureKind::Denied, "refused"),
        (SendFailureKind::Budget, "rate-limited"),
        (SendFailureKind::TooLarge, "invalid"),
    ] {
        for path in [
            "/Contracts/query",
            "/ContractServices/query",
            "/ContractServiceBundles/query",
            "/ContractServiceUnits/query",
        ] {
            assert_eq!(
                kind_of(&error_with(path, Err(failure(kind, "why")))),
                expected,
                "{path}"
            );
        }
    }
}

#[test]
fn storage_that_does_not_keep_the_zone_costs_a_request_and_nothing_else() {
    let host = Tenant::small().host();
    connector().list_accounts(&host, None).unwrap();
    host.storage_put("zone", b"not what was kept").unwrap();
    assert!(connector().list_accounts(&host, None).is_ok());
}
