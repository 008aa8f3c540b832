use psa_host_ledger::{AccountMapping, Mapping};

use crate::Problem;
use crate::mapping::rows::CoroSide;
use crate::testing::{Fixture, file};

use super::contradictions::refuse_contradictions;
use super::one_to_one::one_to_one;
use super::*;

/// Rows that are refused when read, or for not being one to one.
fn refused(text: &str, present: &Mappings) -> Vec<Problem> {
    let source = file(text);
    let mut read = read(&source, present).unwrap();
    refuse_contradictions(&mut read);
    let Read {
        rows, mut refused, ..
    } = read;
    let mut one_to_one = one_to_one(present);
    for row in rows {
        let taken = one_to_one.take(&row);
        if let Err(problem) = taken {
            refused.push(row.place.at(), row.place.of(problem));
        }
    }
    refused.into_problems()
}

#[test]
fn each_bad_row_is_reported_with_its_place_and_the_good_ones_stay() {
    let text = r#"{"accounts": [
{"workspace": "w1", "account": "1"},
{"workspace": "w2"},
{"workspace": "w3", "account": {}}
], "services": [
{"module": "edr", "service": "7", "metric": "seats"}
]}"#;
    let refused = refused(text, &Mappings::default());
    let messages: Vec<&str> = refused.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "test.json, line 3, column 1: accounts[1] has no \"account\"",
            "test.json, line 4, column 32: accounts[2].account is an object, not an id (a text)",
            "test.json, line 6, column 45: services[0].metric is \"seats\", which is no metric",
        ]
    );
}

#[test]
fn a_file_with_none_of_the_lists_is_refused_and_one_with_empty_lists_is_not() {
    let source = file(r#"{"account": []}"#);
    let error = read(&source, &Mappings::default()).unwrap_err();
    assert_eq!(error.code(), "no-mappings");
    let source = file(r#"{"accounts": []}"#);
    assert!(read(&source, &Mappings::default()).is_ok());
}

#[test]
fn a_partner_of_what_is_mapped_is_refused_on_either_side() {
    let present = Mappings {
        accounts: vec![AccountMapping {
            workspace: "w0".parse().unwrap(),
            account: "9".parse().unwrap(),
        }],
        services: vec![ServiceMapping {
            module: "edr".parse().unwrap(),
            service: "7".parse().unwrap(),
            metric: Metric::Devices,
        }],
        ..Mappings::default()
    };
    let text = r#"{"accounts": [
        {"workspace": "w0", "account": "1"},
        {"workspace": "w1", "account": "9"},
        {"workspace": "w2", "account": "2"}
    ], "services": [
        {"module": "mdm", "service": "7"},
        {"module": "edr", "service": "8"},
        {"module": "mail", "service": "9"}
    ]}"#;
    let refused = refused(text, &present);
    let codes: Vec<&str> = refused.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "workspace-already-mapped",
            "account-already-mapped",
            "service-already-mapped",
            "module-already-mapped",
        ]
    );
}

#[test]
fn a_metric_left_out_is_the_one_it_had_or_the_modules_own() {
    let present = Mappings {
        services: vec![ServiceMapping {
            module: "edr".parse().unwrap(),
            service: "7".parse().unwrap(),
            metric: Metric::Users,
        }],
        ..Mappings::default()
    };
    let source = file(
        r#"{"services": [{"module": "edr", "service": "7"}, {"module": "mdm", "service": "8"}]}"#,
    );
    let read = read(&source, &present).unwrap();
    let metrics: Vec<Metric> = read
        .rows
        .iter()
        .filter_map(|row| match &row.mapping {
            Mapping::Service(mapping) => Some(mapping.metric),
            _ => None,
        })
        .collect();
    assert_eq!(metrics, [Metric::Users, Metric::Devices]);
}

#[test]
fn an_export_is_read_back_without_a_remark() {
    let file_form = MappingFile {
        accounts: vec![AccountEntry {
            workspace: "w1".parse().unwrap(),
            account: "1".parse().unwrap(),
        }],
        services: Vec::new(),
        contracts: vec![ContractEntry {
            workspace: "w1".parse().unwrap(),
            contract: "3".parse().unwrap(),
        }],
    };
    let mut text = serde_json::to_value(&file_form).unwrap();
    text["schema_version"] = 1.into();
    let source = file(&text.to_string());
    let read = read(&source, &Mappings::default()).unwrap();
    assert_eq!(read.rows.len(), 2);
    assert_eq!(read.notes, []);
    assert_eq!(*read.refused, []);
}

#[tokio::test]
async fn unknown_workspaces_and_modules_are_refused() {
    let fixture = Fixture::with_plugin();
    let host = &fixture.host;
    let connection = host.connection(&fixture.connect().await).unwrap();
    let coro = CoroSide::of(host, &connection).unwrap();
    let workspace = |id: &str| {
        let refused = coro.workspace(&id.parse().unwrap()).err();
        refused.map(|problem| problem.code.as_str())
    };
    assert_eq!(workspace("w1"), None);
    assert_eq!(workspace("msp"), None);
    assert_eq!(workspace("w9"), Some("workspace-outside-channel"));
    assert_eq!(workspace("nobody"), Some("unknown-workspace"));
    assert!(coro.module(&"edr".parse().unwrap()).unwrap().is_none());
    let note = coro.module(&"new-thing".parse().unwrap()).unwrap();
    assert_eq!(note.map(|note| note.code.as_str()), Some("unknown-module"));

    let usage = r#"{"channel": "msp", "taken_at": "2026-10-01T04:30:00Z", "complete": true,
        "items": [{"workspace": "w1", "module": "new-thing", "users": 1}]}"#;
    host.import_usage(&file(usage), &crate::UsageForm::Json)
        .unwrap();
    let coro = CoroSide::of(host, &connection).unwrap();
    assert!(
        coro.module(&"new-thing".parse().unwrap())
            .unwrap()
            .is_none()
    );
    let refused = coro.module(&"other-thing".parse().unwrap()).unwrap_err();
    assert_eq!(refused.code, "unknown-module");
}
