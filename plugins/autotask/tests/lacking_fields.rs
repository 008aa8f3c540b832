//! Tenants that lack fields: a query that names one is refused as a whole.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_sdk::testing::{FakeHost, json};
use psa_connector_sdk::{Connector, Depth, Timeline, Truth, kind_of};
use serde_json::{Value, json};
use support::*;

/// A tenant that has no such fields, and says so as Autotask does: of the first it meets.
fn without(lacking: &'static [(&'static str, &'static str)]) -> (FakeHost, Shared) {
    let mut tenant = Tenant::small();
    tenant.answer_with(move |request| {
        let entity = request.url.rsplit('/').nth(1)?;
        let body: Value = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let asked = body["IncludeFields"].as_array()?;
        let (_, field) = lacking
            .iter()
            .find(|(of, field)| *of == entity && asked.contains(&json!(field)))?;
        let words = format!(
            "Unable to find {field} in the {} Entity.",
            entity.trim_end_matches('s')
        );
        Some(json(500, &json!({"errors": [words]}).to_string()))
    });
    let (shared, host) = tenant.share();
    (host, shared)
}

fn queries(host: &FakeHost, entity: &str) -> usize {
    let end = format!("/{entity}/query");
    let calls = host.calls();
    calls.iter().filter(|call| call.ends_with(&end)).count()
}

#[test]
fn no_field_that_is_only_shown_stops_anything() {
    for lacking in [
        &[("Companies", "webAddress")][..],
        &[("Companies", "companyName")],
        &[("Companies", "companyName"), ("Companies", "webAddress")],
        &[
            ("Services", "name"),
            ("Services", "unitPrice"),
            ("ServiceBundles", "unitPrice"),
        ],
        &[
            ("Contracts", "contractName"),
            ("Contracts", "contractPeriodType"),
        ],
        &[
            ("ContractServices", "internalDescription"),
            ("ContractServices", "invoiceDescription"),
            ("ContractServices", "unitPrice"),
            ("ContractServices", "internalCurrencyUnitPrice"),
            ("ContractServices", "internalCurrencyAdjustedPrice"),
        ],
        &[("ContractServiceUnits", "price")],
    ] {
        let (host, _tenant) = without(lacking);
        let mut connector = connector();
        let accounts = connector.list_accounts(&host, None).unwrap().accounts;
        assert_eq!(accounts[0].active, Truth::Yes, "{lacking:?}");
        let first = connector.list_services(&host, None).unwrap();
        assert_eq!(first.services[0].id, "5", "{lacking:?}");
        connector
            .list_services(&host, first.next.as_deref())
            .unwrap();
        let contracts = read_contracts(&host).unwrap();
        assert!(
            matches!(&contracts[0].lines[0].timeline, Timeline::Segments(rows) if rows.len() == 12),
            "{lacking:?}"
        );
        let logged = host.logged();
        for (entity, field) in lacking {
            let told = |words: &String| words.contains(entity) && words.contains(field);
            assert!(logged.iter().any(told), "{field}: {logged:?}");
        }
    }
}

#[test]
fn what_is_lacking_is_learnt_once() {
    let (host, _tenant) = without(&[
        ("ContractServices", "unitPrice"),
        ("ContractServices", "invoiceDescription"),
    ]);
    let mut connector = connector();
    let read = |connector: &mut psa_connector_autotask::Autotask| {
        connector
            .list_contracts(&host, &accounts(&[10]), date("2026-11-23"), None, None)
            .unwrap()
    };
    read(&mut connector);
    // Refused for the one, refused for the other, answered.
    assert_eq!(queries(&host, "ContractServices"), 3);
    read(&mut connector);
    assert_eq!(queries(&host, "ContractServices"), 4);
}

#[test]
fn the_list_of_fields_tells_where_the_refusal_does_not() {
    for (fields, expected) in [
        (
            json(
                200,
                r#"{"fields":[{"name":"id"},{"name":"isActive"},{"name":"companyName"}]}"#,
            ),
            json!(["id", "isActive", "companyName"]),
        ),
        (json(403, ""), json!(["id", "isActive"])),
    ] {
        let mut tenant = Tenant::small();
        tenant.answer_at("/Companies/entityInformation/fields", fields);
        tenant.answer_with(|request| {
            let asks = request.url.ends_with("/Companies/query")
                && String::from_utf8_lossy(request.body.as_deref()?).contains("webAddress");
            asks.then(|| {
                json(
                    500,
                    r#"{"errors":["One of the IncludeFields is not valid."]}"#,
                )
            })
        });
        let host = tenant.host();
        connector().list_accounts(&host, None).unwrap();
        let asked: Value =
            serde_json::from_slice(host.requests().last().unwrap().body.as_deref().unwrap())
                .unwrap();
        assert_eq!(asked["IncludeFields"], expected);
    }
}

#[test]
fn a_field_that_bills_is_never_done_without() {
    for (entity, field) in [
        ("Contracts", "status"),
        ("ContractServices", "serviceID"),
        ("ContractServiceUnits", "units"),
        ("ContractServiceUnits", "approveAndPostDate"),
    ] {
        let mut tenant = Tenant::small();
        tenant.answer_with(move |request| {
            let asks = request.url.ends_with(&format!("/{entity}/query"))
                && String::from_utf8_lossy(request.body.as_deref()?).contains(field);
            let words = format!("Unable to find {field} in the {entity} Entity.");
            asks.then(|| json(500, &json!({"errors": [words]}).to_string()))
        });
        let host = tenant.host();
        let error = read_contracts(&host).unwrap_err();
        assert_eq!(kind_of(&error), "rejected", "{field}");
        let psa_connector_sdk::Error::Rejected(fault) = error else {
            panic!("{error:?}")
        };
        assert!(fault.psa_words.unwrap().contains(field));
        assert!(fault.fix.is_some());
        assert!(queries(&host, entity) <= 2, "{field}");
    }
}

#[test]
fn a_refusal_for_another_reason_is_not_asked_again() {
    let mut tenant = Tenant::small();
    tenant.answer_at("/Companies/query", json(500, r#"{"errors":["Some rule"]}"#));
    let host = tenant.host();
    let error = connector().list_accounts(&host, None).unwrap_err();
    assert_eq!(kind_of(&error), "rejected");
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn a_full_check_says_what_is_lost() {
    let (host, _tenant) = without(&[("Companies", "webAddress")]);
    let report = connector().check(&host, Depth::Full).unwrap();
    let finding = report
        .findings
        .iter()
        .find(|finding| finding.subject == "read Companies")
        .unwrap();
    assert_eq!(
        finding.detail,
        "A record could be read. Without webAddress: this Autotask does not give it."
    );
}

#[test]
fn a_detail_of_another_type_is_only_lost() {
    let mut tenant = Tenant::small();
    tenant.rows("Companies")[0]["webAddress"] = json!(7);
    tenant.rows("Contracts")[0]["contractName"] = json!({"text": "x"});
    tenant.rows("ContractServices")[0]["invoiceDescription"] = json!(["x"]);
    let host = tenant.host();
    let accounts = connector().list_accounts(&host, None).unwrap().accounts;
    assert_eq!(
        (accounts[0].name.as_str(), accounts[0].domain.as_deref()),
        ("Acme", None)
    );
    let contracts = read_contracts(&host).unwrap();
    assert_eq!(contracts[0].name, "");
    assert_eq!(contracts[0].lines[0].description, None);
}
