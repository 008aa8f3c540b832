//! Services that stand in for Autotask, and tenants that have less than others.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_autotask::Autotask;
use psa_connector_sdk::testing::{FakeHost, answer, json};
use psa_connector_sdk::{Connector, Depth, Error, Settings, Verdict, kind_of};
use support::*;

const NO_PAGE: &str = "<html><title>Not Found</title></html>";

/// A service that knows the zone lookup under this path alone, and what was asked of it.
fn looked_up(base_url: &str, path: &'static str, answer_text: &'static str) -> (bool, Vec<String>) {
    let host = FakeHost::new(move |request| {
        let asked = request.url.split('?').next().unwrap_or_default();
        if asked.ends_with(path) {
            return json(200, answer_text);
        }
        match request.authenticate {
            true => json(200, "{}"),
            false => answer(404, "text/html", NO_PAGE),
        }
    });
    let settings = [("username", "user@acme.example"), ("base-url", base_url)]
        .into_iter()
        .collect::<Settings>();
    let checked = Autotask::configure(&settings)
        .unwrap()
        .check(&host, Depth::Brief);
    let asked = host
        .requests()
        .iter()
        .filter(|request| !request.authenticate)
        .map(|request| request.url.clone())
        .collect();
    (checked.is_ok(), asked)
}

const ZONE_HERE: &str =
    r#"{"zoneName":"Here","url":"http://127.0.0.1:4001/ATServicesRest/","ci":3}"#;

#[test]
fn the_zone_is_looked_up_in_other_spellings_after_a_404() {
    for (base_url, path) in [
        (
            "http://127.0.0.1:4001",
            "/ATServicesRest/V1.0/ZoneInformation",
        ),
        (
            "http://127.0.0.1:4001",
            "/ATServicesRest/v1.0/zoneInformation",
        ),
        (
            "http://127.0.0.1:4001/",
            "4001/atservicesrest/v1.0/zoneInformation",
        ),
        ("http://127.0.0.1:4001", "4001/V1.0/ZoneInformation"),
        ("http://127.0.0.1:4001/at/V1.0/", "/at/V1.0/ZoneInformation"),
    ] {
        let (found, asked) = looked_up(base_url, path, ZONE_HERE);
        assert!(found, "{base_url} {path}: {asked:?}");
        assert!(asked.last().unwrap().contains(path), "{asked:?}");
    }
    let (found, asked) = looked_up("http://127.0.0.1:4001", "/elsewhere", ZONE_HERE);
    assert!(!found);
    assert_eq!(asked.len(), 4, "{asked:?}");
}

#[test]
fn a_zone_without_a_database_or_with_the_version_in_its_address_is_taken_at_a_base_url() {
    let answer = r#"{"zoneName":"Here","url":"http://127.0.0.1:4001/at/V1.0"}"#;
    let host = FakeHost::new(move |request| match request.authenticate {
        true => json(200, "{}"),
        false => json(200, answer),
    });
    let settings: Settings = [
        ("username", "user@acme.example"),
        ("base-url", "http://127.0.0.1:4001/at/"),
    ]
    .into_iter()
    .collect();
    let mut connector = Autotask::configure(&settings).unwrap();
    let report = connector.check(&host, Depth::Brief).unwrap();
    assert_eq!(report.tenant, "here/0");
    assert_eq!(
        host.requests().last().unwrap().url,
        "http://127.0.0.1:4001/at/V1.0/ThresholdInformation"
    );
}

#[test]
fn secrets_for_a_service_on_this_machine_do_not_leave_it() {
    let away =
        r#"{"zoneName":"Away","url":"https://webservices2.autotask.net/ATServicesRest/","ci":1}"#;
    let (found, asked) = looked_up(
        "http://127.0.0.1:4001",
        "/ATServicesRest/V1.0/ZoneInformation",
        away,
    );
    assert!(!found);
    assert_eq!(asked.len(), 1);
}

#[test]
fn every_call_to_the_zone_says_its_content_type() {
    let host = Tenant::small().host();
    connector().check(&host, Depth::Full).unwrap();
    let with_type = |request: &&psa_connector_sdk::Request| {
        let wanted = ("content-type".to_owned(), "application/json".to_owned());
        request.headers.contains(&wanted)
    };
    let requests = host.requests();
    let to_zone: Vec<_> = requests.iter().filter(|r| r.authenticate).collect();
    assert!(to_zone.len() > 5);
    assert!(to_zone.iter().all(with_type));
}

#[test]
fn a_tenant_without_bundles_is_read_without_them() {
    for status in [403, 404] {
        let mut tenant = Tenant::small();
        tenant.answer_with(move |request| {
            let bundles = request.url.contains("Bundle");
            bundles.then(|| answer(status, "text/html", NO_PAGE))
        });
        let host = tenant.host();
        let mut connector = connector();
        let first = connector.list_services(&host, None).unwrap();
        assert!(!first.services.is_empty());
        let second = connector
            .list_services(&host, first.next.as_deref())
            .unwrap();
        assert_eq!((second.services.len(), second.next), (0, None));
        let contracts = read_contracts(&host).unwrap();
        assert!(contracts.iter().any(|contract| !contract.lines.is_empty()));
    }
}

#[test]
fn a_locked_user_is_refused_credentials_and_proves_nothing() {
    for status in [403, 500] {
        let mut tenant = Tenant::small();
        tenant.answer_with(move |request| {
            let locked = r#"{"errors":["The user account is locked."]}"#;
            request.authenticate.then(|| json(status, locked))
        });
        let error = connector().check(&tenant.host(), Depth::Full).unwrap_err();
        assert_eq!(kind_of(&error), "authentication");
    }
    let mut tenant = Tenant::small();
    tenant.answer_with(|request| request.authenticate.then(|| answer(403, "", "")));
    let report = connector().check(&tenant.host(), Depth::Brief).unwrap();
    assert_eq!(report.findings[0].verdict, Verdict::Unproven);
}

/// A call of the connector; what matters is what it ends in.
type Call = fn(&mut Autotask, &FakeHost) -> Result<(), Error>;

/// Every call that reads, with the path of one request it makes.
const READS: &[(&str, Call)] = &[
    ("/ThresholdInformation", |c, h| {
        c.check(h, Depth::Brief).map(drop)
    }),
    ("/Companies/query", |c, h| c.check(h, Depth::Full).map(drop)),
    ("Adjustments/entityInformation", |c, h| {
        c.check(h, Depth::Full).map(drop)
    }),
    ("/Companies/query", |c, h| {
        c.list_accounts(h, None).map(drop)
    }),
    ("/Services/query", |c, h| c.list_services(h, None).map(drop)),
    ("/ServiceBundles/query", |c, h| {
        c.list_services(h, Some("bundles:0")).map(drop)
    }),
    ("/Contracts/entityInformation/fields", contracts),
    ("/Contracts/query", contracts),
    ("/ContractServices/query", contracts),
    ("/ContractServiceBundles/query", contracts),
    ("/ContractServiceUnits/query", contracts),
    ("/ContractServices/query", lines),
    ("/ContractServiceUnits/query", lines),
];

fn contracts(connector: &mut Autotask, host: &FakeHost) -> Result<(), Error> {
    connector
        .list_contracts(host, &accounts(&[10]), date("2026-11-23"), None, None)
        .map(drop)
}

fn lines(connector: &mut Autotask, host: &FakeHost) -> Result<(), Error> {
    connector
        .read_lines(host, &[key("1000", "100", "5")], date("2026-11-23"))
        .map(drop)
}

#[test]
fn refused_credentials_in_any_call_are_told_as_such_and_end_all_calls() {
    for text in [
        "The user account has been locked.",
        "The user account is disabled.",
        "The user account has expired.",
        "The password has expired.",
        "Invalid password.",
        "The resource is not licensed.",
        "IntegrationCode is invalid",
    ] {
        for status in [500, 200, 403] {
            for (path, call) in READS {
                let mut tenant = Tenant::small();
                tenant.answer_at(path, json(status, &json_errors(text)));
                let host = tenant.host();
                let mut connector = connector();
                let error = call(&mut connector, &host).unwrap_err();
                assert_eq!(kind_of(&error), "authentication", "{status} {path} {text}");
                let sent = host.requests().len();
                for (_, another) in READS {
                    let error = another(&mut connector, &host).unwrap_err();
                    assert_eq!(kind_of(&error), "authentication");
                }
                assert_eq!(host.requests().len(), sent, "{status} {path} {text}");
            }
        }
    }
}

fn json_errors(text: &str) -> String {
    serde_json::json!({ "errors": [text] }).to_string()
}

#[test]
fn both_lists_of_a_second_look_together_stay_within_500() {
    let host = Tenant::small().host();
    let keys: Vec<_> = (0..450)
        .map(|n| {
            key(
                &(8_000 + n).to_string(),
                &(900 + n).to_string(),
                &(15 + n % 90).to_string(),
            )
        })
        .collect();
    connector()
        .read_lines(&host, &keys, date("2026-11-23"))
        .unwrap();
    let requests = host.requests();
    let bodies = requests
        .iter()
        .filter(|request| request.url.ends_with("/ContractServices/query"))
        .filter_map(|request| request.body.as_deref());
    let mut queries = 0;
    for body in bodies {
        let query: serde_json::Value = serde_json::from_slice(body).unwrap();
        let lists = query["Filter"].as_array().unwrap().iter();
        let keys: usize = lists
            .filter_map(|condition| condition["value"].as_array().map(Vec::len))
            .sum();
        assert!(keys <= 500, "{keys}");
        queries += 1;
    }
    assert_eq!(queries, 2);
}
