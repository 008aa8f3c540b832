//! Contracts, lines and their units.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_sdk::{Connector, Date, LineKey, Timeline, Truth, kind_of};
use serde_json::json;
use support::*;

/// `start..end units price posted` of each segment of a line, or the reason.
fn told(timeline: &Timeline) -> Vec<String> {
    let text = |date| Date::try_from(date).unwrap().to_string();
    match timeline {
        Timeline::Unreadable(reason) => vec![reason.clone()],
        Timeline::Segments(segments) => segments
            .iter()
            .map(|segment| {
                let price = segment
                    .unit_price
                    .as_ref()
                    .map_or("-", |price| price.amount.as_str());
                format!(
                    "{}..{} {} {price} {:?}",
                    text(segment.start),
                    text(segment.end.unwrap()),
                    segment.units,
                    segment.posted
                )
            })
            .collect(),
    }
}

#[test]
fn a_contract_comes_with_its_lines_and_their_units_from_the_start_on() {
    let contracts = read_contracts(&Tenant::small().host()).unwrap();
    let [contract] = contracts.as_slice() else {
        panic!("{contracts:?}")
    };
    assert_eq!(
        (contract.id.as_str(), contract.account.as_str()),
        ("100", "10")
    );
    assert_eq!(
        (contract.recurring, contract.active, contract.lines_read),
        (Truth::Yes, Truth::Yes, true)
    );
    assert_eq!(contract.note, None);
    assert_eq!(
        (contract.start, contract.end),
        (Some(date("2026-11-01")), Some(date("2027-10-31")))
    );
    assert_eq!(
        contract.link.as_deref(),
        Some(
            "https://ww2.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenContract&ContractID=100"
        )
    );
    let [line] = contract.lines.as_slice() else {
        panic!("{:?}", contract.lines)
    };
    assert_eq!((line.id.as_str(), line.service.as_str()), ("1000", "5"));
    let segments = told(&line.timeline);
    assert_eq!(segments.len(), 12);
    assert_eq!(segments[0], "2026-11-01..2026-11-30 7 4.5 Truth::Yes");
    assert_eq!(segments[1], "2026-12-01..2026-12-31 7 4.5 Truth::No");
    assert_eq!(segments[11], "2027-10-01..2027-10-31 7 4.5 Truth::No");
}

#[test]
fn links_lead_to_autotasks_pages_in_whatever_form_their_address_comes() {
    for pages in [
        "https://ww2.autotask.net/",
        "ww2.autotask.net",
        "http://WW2.autotask.net/Mvc/",
    ] {
        let mut tenant = Tenant::small();
        let zone = json!({"zoneName": "America East", "url": ZONE, "webUrl": pages, "ci": 1});
        tenant.answer_with(move |request| {
            request
                .url
                .contains("ZoneInformation")
                .then(|| psa_connector_sdk::testing::json(200, &zone.to_string()))
        });
        let contracts = read_contracts(&tenant.host()).unwrap();
        assert_eq!(
            contracts[0].link.as_deref(),
            Some(
                "https://ww2.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenContract&ContractID=100"
            ),
            "{pages}"
        );
    }
}

#[test]
fn up_to_a_horizon_rows_are_whole_and_those_that_begin_after_it_are_left_out() {
    let host = Tenant::small().host();
    let until = |horizon: &str| {
        let page = connector()
            .list_contracts(
                &host,
                &accounts(&[10]),
                date("2026-11-23"),
                Some(date(horizon)),
                None,
            )
            .unwrap();
        told(&page.contracts[0].lines[0].timeline)
    };
    for horizon in ["2026-12-01", "2026-12-31"] {
        assert_eq!(
            until(horizon),
            [
                "2026-11-01..2026-11-30 7 4.5 Truth::Yes",
                "2026-12-01..2026-12-31 7 4.5 Truth::No"
            ],
            "{horizon}"
        );
    }
    assert_eq!(until("2026-11-23").len(), 1);
}

#[test]
fn a_line_without_rows_up_to_the_horizon_is_unreadable_there_and_not_absent() {
    let mut tenant = Tenant::small();
    tenant.rows("ContractServiceUnits").drain(..2);
    let host = tenant.host();
    let read = |horizon: Option<&str>| {
        let page = connector()
            .list_contracts(
                &host,
                &accounts(&[10]),
                date("2026-11-23"),
                horizon.map(date),
                None,
            )
            .unwrap();
        told(&page.contracts[0].lines[0].timeline)
    };
    assert_eq!(
        read(Some("2026-12-31")),
        ["no unit row covers a day from 2026-11-23 to 2026-12-31; later ones were not read"]
    );
    assert_eq!(read(None).len(), 10);
}

#[test]
fn a_gap_beyond_the_horizon_is_found_by_the_whole_reading_alone() {
    let mut tenant = Tenant::small();
    tenant.rows("ContractServiceUnits").remove(5);
    let host = tenant.host();
    let page = connector()
        .list_contracts(
            &host,
            &accounts(&[10]),
            date("2026-11-23"),
            Some(date("2026-12-31")),
            None,
        )
        .unwrap();
    assert_eq!(told(&page.contracts[0].lines[0].timeline).len(), 2);
    let reading = connector()
        .read_lines(&host, &[key("1000", "100", "5")], date("2026-11-23"))
        .unwrap();
    assert_eq!(
        told(&reading.lines[0].timeline),
        ["no unit row covers 2027-04-01 to 2027-04-30: a row is missing"]
    );
}

#[test]
fn a_horizon_before_the_start_is_invalid() {
    let host = Tenant::small().host();
    let error = connector()
        .list_contracts(
            &host,
            &accounts(&[10]),
            date("2026-11-23"),
            Some(date("2026-11-22")),
            None,
        )
        .unwrap_err();
    assert_eq!(kind_of(&error), "invalid");
    assert!(host.requests().is_empty());
}

#[test]
fn bundles_are_lines_with_ids_of_their_own() {
    let mut tenant = Tenant::small();
    tenant.add(
        "ContractServiceBundles",
        json!({"id": 1000, "contractID": 100, "serviceBundleID": 5, "unitPrice": 9}),
    );
    let mut row = unit_row(1, 100, 0, 0, 3);
    row["contractServiceBundleID"] = json!(1000);
    row.as_object_mut().unwrap().remove("contractServiceID");
    tenant.add("ContractServiceBundleUnits", row);
    let contracts = read_contracts(&tenant.host()).unwrap();
    let ids: Vec<(&str, &str)> = contracts[0]
        .lines
        .iter()
        .map(|line| (line.id.as_str(), line.service.as_str()))
        .collect();
    assert_eq!(ids, [("1000", "5"), ("bundle:1000", "bundle:5")]);
    assert_eq!(
        told(&contracts[0].lines[1].timeline),
        ["2026-11-01..2026-11-30 3 4.5 Truth::No"]
    );
}

#[test]
fn rows_that_tell_no_price_have_the_one_agreed_for_their_line() {
    // Units and amount of each month's row, and the prices of the line.
    let first_and_last = |units: i64, amounts: [f64; 12], line: serde_json::Value| {
        let mut tenant = Tenant::small();
        for (row, amount) in tenant.rows("ContractServiceUnits").iter_mut().zip(amounts) {
            (row["units"], row["price"]) = (json!(units), json!(amount));
        }
        let row = tenant.rows("ContractServices")[0].as_object_mut().unwrap();
        row.extend(line.as_object().unwrap().clone());
        let contracts = read_contracts(&tenant.host()).unwrap();
        let segments = told(&contracts[0].lines[0].timeline);
        let price = |at: usize| segments[at].split(' ').nth(2).unwrap().to_owned();
        [price(0), price(11)]
    };
    let prices = |listed: f64, internal: f64, adjusted: f64| {
        json!({
            "unitPrice": listed, "internalCurrencyUnitPrice": internal,
            "internalCurrencyAdjustedPrice": adjusted,
        })
    };
    let zero = [0.0; 12];
    assert_eq!(first_and_last(0, zero, prices(4.5, 4.5, 4.5)), ["4.5"; 2]);
    assert_eq!(
        first_and_last(0, zero, prices(4.5, 4.5, 4.0)),
        ["4.0"; 2],
        "agreed"
    );
    // In the customer's currency: 4.00 / (4.50 / 4.14).
    assert_eq!(first_and_last(0, zero, prices(4.14, 4.5, 4.0)), ["3.68"; 2]);
    assert_eq!(first_and_last(0, zero, prices(4.15, 4.51, 4.0)), ["-"; 2]);
    // Whole months that are at odds with the line: neither is believed.
    assert_eq!(
        first_and_last(3, [10.0; 12], prices(4.5, 4.5, 4.5)),
        ["-"; 2]
    );
}

#[test]
fn nothing_is_asked_about_the_units_of_bundles_where_there_are_none() {
    let host = Tenant::small().host();
    read_contracts(&host).unwrap();
    assert!(
        !host
            .calls()
            .iter()
            .any(|call| call.contains("ContractServiceBundleUnits"))
    );
}

#[test]
fn a_contract_that_ended_is_told_without_its_lines() {
    let mut tenant = Tenant::small();
    tenant.rows("Contracts")[0]["endDate"] = json!("2026-11-22T00:00:00Z");
    let host = tenant.host();
    let contracts = read_contracts(&host).unwrap();
    assert!(!contracts[0].lines_read);
    assert!(contracts[0].lines.is_empty());
    assert!(
        !host
            .calls()
            .iter()
            .any(|call| call.contains("ContractServices"))
    );
}

#[test]
fn an_inactive_contract_is_told_with_a_warning_that_it_bills_on() {
    let mut tenant = Tenant::small();
    tenant.rows("Contracts")[0]["status"] = json!(0);
    let contracts = read_contracts(&tenant.host()).unwrap();
    assert_eq!(contracts[0].active, Truth::No);
    assert!(
        contracts[0]
            .note
            .as_ref()
            .unwrap()
            .contains("does not stop its billing")
    );
    assert_eq!(contracts[0].lines.len(), 1);
}

#[test]
fn documented_numbers_decide_where_the_picklists_cannot_be_read() {
    let mut tenant = Tenant::small();
    tenant.answer_at(
        "/Contracts/entityInformation/fields",
        psa_connector_sdk::testing::json(403, ""),
    );
    tenant.rows("Contracts")[0]["contractPeriodType"] = json!(2);
    let contracts = read_contracts(&tenant.host()).unwrap();
    assert_eq!(
        (contracts[0].recurring, contracts[0].active),
        (Truth::Yes, Truth::Yes)
    );
    assert_eq!(contracts[0].billing_months, Some(1));
    assert_eq!(contracts[0].note, None);
}

/// A tenant in German, with a type and a status of the MSP's own: contract 100 is of
/// type 7, contract 101 of type 12, contract 102 of a type that has no services.
fn german() -> Tenant {
    let mut tenant = Tenant::small();
    tenant.answer_at(
        "/Contracts/entityInformation/fields",
        psa_connector_sdk::testing::json(
            200,
            r#"{"fields":[
            {"name":"contractType","picklistValues":[
                {"value":"1","label":"Zeit und Material","isSystem":true},
                {"value":"7","label":"Wiederkehrende Dienstleistung","isSystem":true},
                {"value":"12","label":"Abonnement","isSystem":false}]},
            {"name":"status","picklistValues":[
                {"value":"0","label":"Inaktiv","isSystem":true},
                {"value":"1","label":"Aktiv","isSystem":true},
                {"value":"5","label":"Approved","isSystem":false}]},
            {"name":"contractPeriodType","picklistValues":[
                {"value":"2","label":"1 Month","isSystem":true}]}]}"#,
        ),
    );
    tenant.rows("Contracts")[0]["contractPeriodType"] = json!(2);
    for (id, kind) in [(101, 12), (102, 1)] {
        let mut row = contract(id, 10);
        row["contractType"] = json!(kind);
        row["status"] = json!(5);
        tenant.add("Contracts", row);
    }
    tenant
}

#[test]
fn contracts_are_told_by_numbers_in_a_tenant_of_another_language() {
    let contracts = read_contracts(&german().host()).unwrap();
    let ids: Vec<&str> = contracts.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["100", "101"]);
    assert_eq!(
        (contracts[0].recurring, contracts[0].active),
        (Truth::Yes, Truth::Yes)
    );
    assert_eq!(contracts[0].billing_months, Some(1));
    assert_eq!(contracts[0].note, None);
}

#[test]
fn a_contract_whose_label_tells_nothing_is_shown_as_unknown_with_the_setting_that_answers() {
    let contracts = read_contracts(&german().host()).unwrap();
    assert_eq!(
        (contracts[1].recurring, contracts[1].active),
        (Truth::Unknown, Truth::Unknown)
    );
    let note = contracts[1].note.as_deref().unwrap();
    for part in [
        "12 \"Abonnement\"",
        "recurring-contract-types",
        "5 \"Approved\"",
        "active-contract-statuses",
    ] {
        assert!(note.contains(part), "{note}");
    }
}

#[test]
fn one_setting_answers_for_all_contracts_of_a_type_or_status() {
    let told = |types: &str, statuses: &str| {
        let settings: psa_connector_sdk::Settings = [
            ("username", USER),
            ("recurring-contract-types", types),
            ("active-contract-statuses", statuses),
        ]
        .into_iter()
        .collect();
        let mut connector = psa_connector_autotask::Autotask::configure(&settings).unwrap();
        let page = connector
            .list_contracts(
                &german().host(),
                &accounts(&[10]),
                date("2026-11-23"),
                None,
                None,
            )
            .unwrap();
        let told = page.contracts.iter();
        told.map(|c| (c.id.clone(), c.recurring, c.active))
            .collect::<Vec<_>>()
    };
    let first = || ("100".to_owned(), Truth::Yes, Truth::Yes);
    assert_eq!(
        told("12", "5"),
        [first(), ("101".to_owned(), Truth::Yes, Truth::Yes)]
    );
    assert_eq!(
        told("12", "none"),
        [first(), ("101".to_owned(), Truth::Yes, Truth::No)]
    );
    assert_eq!(told("none", ""), [first()]);
}

#[test]
fn companies_and_several_contract_types_together_stay_within_500() {
    let host = german().host();
    let ids = accounts(&(1..=1000).collect::<Vec<i64>>());
    connector()
        .list_contracts(&host, &ids, date("2026-11-23"), None, None)
        .unwrap();
    for request in host.requests() {
        if request.url.ends_with("/Contracts/query") {
            let body: serde_json::Value =
                serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
            let lists = body["Filter"].as_array().unwrap().iter();
            let keys: usize = lists
                .filter_map(|c| c["value"].as_array().map(Vec::len))
                .sum();
            assert!(keys <= 500, "{keys}");
        }
    }
}

#[test]
fn an_adjusted_month_is_two_segments() {
    let mut tenant = Tenant::small();
    let rows = tenant.rows("ContractServiceUnits");
    rows[0]["endDate"] = json!("2026-11-14T00:00:00.000Z");
    rows[0]["price"] = json!(14.7);
    let mut adjusted = unit_row(20_000, 100, 1000, 0, 9);
    adjusted["startDate"] = json!("2026-11-15T00:00:00.000Z");
    rows.push(adjusted);
    for row in rows.iter_mut().take(12).skip(1) {
        row["units"] = json!(9);
    }
    let contracts = connector()
        .list_contracts(
            &tenant.host(),
            &accounts(&[10]),
            date("2026-11-01"),
            None,
            None,
        )
        .unwrap()
        .contracts;
    let segments = told(&contracts[0].lines[0].timeline);
    // The amount of a whole month on a row of half a one proves no unit price.
    assert_eq!(segments[0], "2026-11-01..2026-11-14 7 - Truth::Yes");
    assert_eq!(segments[1], "2026-11-15..2026-11-30 9 4.5 Truth::No");
}

#[test]
fn money_stays_exact() {
    let mut tenant = Tenant::small();
    // Floating point would make 0.1 * 3 something else than 0.3.
    tenant.rows("ContractServices")[0]["unitPrice"] = json!(0.1);
    let row = &mut tenant.rows("ContractServiceUnits")[0];
    (row["units"], row["price"]) = (json!(3), json!(0.3));
    let contracts = read_contracts(&tenant.host()).unwrap();
    assert!(told(&contracts[0].lines[0].timeline)[0].starts_with("2026-11-01..2026-11-30 3 0.1 "));
}

#[test]
fn accounts_are_read_over_several_pages_without_splitting_one() {
    let mut tenant = Tenant::new();
    for company in 1..=700 {
        for nth in 0..2 {
            tenant.add("Contracts", contract(company * 10 + nth, company));
        }
    }
    let host = tenant.host();
    let ids: Vec<i64> = (1..=700).collect();
    let mut connector = connector();
    let first = connector
        .list_contracts(&host, &accounts(&ids), date("2026-11-23"), None, None)
        .unwrap();
    assert_eq!(first.contracts.len(), 1000);
    assert_eq!(first.next.as_deref(), Some("500"));
    let second = connector
        .list_contracts(
            &host,
            &accounts(&ids),
            date("2026-11-23"),
            None,
            first.next.as_deref(),
        )
        .unwrap();
    assert_eq!(second.contracts.len(), 400);
    assert_eq!(second.next, None);
    assert_eq!(second.contracts[0].account, "501");
}

#[test]
fn a_cursor_that_was_not_given_out_is_invalid() {
    let host = Tenant::small().host();
    for cursor in ["1", "-1", "x", "999999999999999999999"] {
        let error = connector()
            .list_contracts(
                &host,
                &accounts(&[10]),
                date("2026-11-23"),
                None,
                Some(cursor),
            )
            .unwrap_err();
        assert_eq!(kind_of(&error), "invalid", "{cursor}");
        assert_eq!(
            kind_of(&connector().list_services(&host, Some(cursor)).unwrap_err()),
            "invalid"
        );
    }
    assert_eq!(
        kind_of(&connector().list_accounts(&host, Some("x")).unwrap_err()),
        "invalid"
    );
}

#[test]
fn accounts_that_are_no_ids_are_invalid() {
    let host = Tenant::small().host();
    for id in ["", "abc", "1 or 1", "-1", "99999999999999999999"] {
        let error = connector()
            .list_contracts(&host, &[id.to_owned()], date("2026-11-23"), None, None)
            .unwrap_err();
        assert_eq!(kind_of(&error), "invalid", "{id}");
    }
}

#[test]
fn services_are_followed_by_bundles_with_their_parts() {
    let mut tenant = Tenant::small();
    tenant.add(
        "ServiceBundles",
        json!({"id": 5, "name": "Suite", "isActive": false, "unitPrice": 12.10}),
    );
    tenant.add(
        "ServiceBundleServices",
        json!({"id": 1, "serviceBundleID": 5, "serviceID": 5}),
    );
    tenant.answer_at(
        "/Services/entityInformation/fields",
        psa_connector_sdk::testing::json(200, r#"{"fields":[{"name":"sku"}]}"#),
    );
    tenant.rows("Services")[0]["sku"] = json!("CORO-EDR");
    let host = tenant.host();
    let mut connector = connector();
    let first = connector.list_services(&host, None).unwrap();
    assert_eq!(first.services[0].sku.as_deref(), Some("CORO-EDR"));
    let second = connector
        .list_services(&host, first.next.as_deref())
        .unwrap();
    let bundle = &second.services[0];
    assert_eq!((bundle.id.as_str(), bundle.active), ("bundle:5", Truth::No));
    assert_eq!(bundle.parts, ["5"]);
    assert_eq!(bundle.unit_price.as_ref().unwrap().amount, "12.1");
    assert_eq!(second.next, None);
}

#[test]
fn accounts_leave_out_the_tenants_own_company_and_keep_inactive_ones() {
    let mut tenant = Tenant::small();
    tenant.add(
        "Companies",
        json!({"id": 0, "companyName": "The MSP", "isActive": true}),
    );
    tenant.add(
        "Companies",
        json!({"id": 11, "companyName": "Gone", "isActive": false, "webAddress": "n/a"}),
    );
    let page = connector().list_accounts(&tenant.host(), None).unwrap();
    let told: Vec<_> = page
        .accounts
        .iter()
        .map(|account| {
            (
                account.id.as_str(),
                account.active,
                account.domain.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("10", Truth::Yes, Some("acme.example")),
            ("11", Truth::No, None)
        ]
    );
    assert_eq!(page.next, None);
}

fn read_lines(tenant: Tenant, lines: &[LineKey]) -> (Vec<String>, Vec<String>) {
    let reading = connector()
        .read_lines(&tenant.host(), lines, date("2026-11-23"))
        .unwrap();
    (
        reading.lines.into_iter().map(|line| line.id).collect(),
        reading
            .others
            .into_iter()
            .map(|key| format!("{} on {}", key.line, key.contract))
            .collect(),
    )
}

#[test]
fn lines_are_read_again_with_their_units() {
    let host = Tenant::small().host();
    let reading = connector()
        .read_lines(&host, &[key("1000", "100", "5")], date("2026-11-23"))
        .unwrap();
    assert_eq!(told(&reading.lines[0].timeline).len(), 12);
    // Zone, lines, units.
    assert_eq!(host.requests().len(), 3);
}

#[test]
fn a_line_that_is_gone_is_left_out_and_a_second_one_of_its_service_is_told() {
    let mut tenant = Tenant::small();
    tenant.add("ContractServices", line(1001, 100, 5));
    tenant.add("ContractServices", line(1002, 100, 6));
    tenant.add("ContractServices", line(1003, 200, 5));
    let lines = [
        key("1000", "100", "5"),
        key("999", "100", "5"),
        key("1003", "200", "7"),
    ];
    assert_eq!(
        read_lines(tenant, &lines),
        (vec!["1000".to_owned()], vec!["1001 on 100".to_owned()])
    );
}

#[test]
fn pages_stay_small_where_accounts_have_many_contracts() {
    let mut tenant = Tenant::new();
    for company in 1..=1000 {
        for nth in 0..20 {
            tenant.add("Contracts", contract(company * 100 + nth, company));
        }
    }
    let host = tenant.host();
    let ids = accounts(&(1..=1000).collect::<Vec<i64>>());
    let mut connector = connector();
    let (mut cursor, mut pages) = (None, Vec::new());
    loop {
        let page = connector
            .list_contracts(&host, &ids, date("2026-11-23"), None, cursor.as_deref())
            .unwrap();
        pages.push(page.contracts.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages[0], 10_000);
    assert_eq!(pages[1..], [1000; 10]);
}
