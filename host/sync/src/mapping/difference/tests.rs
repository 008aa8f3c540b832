//! Differences of rows that passed their checks; the checks against a real PSA are in
//! the end-to-end tests.

use psa_host_billing::Metric;
use psa_host_ledger::{AccountMapping, ContractPin, ServiceMapping};

use super::*;
use crate::mapping::file::RowPosition;
use crate::testing::Fixture;

fn account(workspace: &str, account: &str) -> Mapping {
    Mapping::Account(AccountMapping {
        workspace: workspace.parse().unwrap(),
        account: account.parse().unwrap(),
    })
}

fn service(module: &str, service: &str, metric: Metric) -> Mapping {
    Mapping::Service(ServiceMapping {
        module: module.parse().unwrap(),
        service: service.parse().unwrap(),
        metric,
    })
}

fn contract(workspace: &str, contract: &str) -> Mapping {
    Mapping::Contract(ContractPin {
        workspace: workspace.parse().unwrap(),
        contract: contract.parse().unwrap(),
    })
}

fn row(mapping: Mapping) -> Row<'static> {
    Row {
        place: RowPosition::Named("a row".to_owned()),
        mapping,
    }
}

fn difference(present: &Mappings, rows: &[Mapping], replace: bool) -> MapDifference<'static> {
    let mut found = MapDifference {
        changes: Vec::new(),
        unchanged: 0,
        refused: Default::default(),
        notes: Vec::new(),
        rows: rows.iter().cloned().map(row).collect(),
        remove: Vec::new(),
        replace,
    };
    found.against(present);
    found
}

fn shown(difference: &MapDifference<'_>) -> Vec<String> {
    let dash = |side: &Option<String>| side.clone().unwrap_or("-".to_owned());
    let line = |one: &MapChange| {
        let kind = one.kind.as_str();
        let change = format!("{:?}", one.change).to_lowercase();
        format!(
            "{change} {kind} {}: {} -> {}",
            one.coro_id,
            dash(&one.old),
            dash(&one.new)
        )
    };
    difference.changes.iter().map(line).collect()
}

/// A connection with four mappings.
async fn mapped() -> (Fixture, ConnectionName) {
    let fixture = Fixture::with_plugin();
    let name = fixture.connect().await;
    let present = [
        account("w1", "1"),
        account("w2", "2"),
        service("edr", "15", Metric::Devices),
        contract("w1", "900"),
    ];
    let done = fixture
        .host
        .ledger()
        .map_all(&name, &present, false)
        .unwrap();
    assert!(done.applied);
    (fixture, name)
}

#[tokio::test]
async fn without_replace_nothing_goes() {
    let (fixture, name) = mapped().await;
    let ledger = fixture.host.ledger();
    let file = [
        account("w1", "1"),
        account("far", "3"),
        service("edr", "15", Metric::Users),
        contract("w1", "901"),
    ];
    let found = difference(&ledger.mappings(&name).unwrap(), &file, false);
    assert_eq!(
        shown(&found),
        [
            "added account far: - -> 3",
            "changed service edr: 15 by devices -> 15 by users",
            "changed contract w1: 900 -> 901",
        ]
    );
    assert_eq!((found.unchanged, found.lost()), (1, 0));
    let done = fixture.host.apply_mappings(&name, found, false).unwrap();
    assert!(done.applied);
    assert_eq!(
        (done.new, done.changed, done.removed, done.same),
        (1, 2, 0, 1)
    );
    let after = ledger.mappings(&name).unwrap();
    assert_eq!(after.accounts.len(), 3);
    assert_eq!(after.contracts[0].contract.as_str(), "901");
}

#[tokio::test]
async fn with_replace_the_file_is_all_there_is() {
    let (fixture, name) = mapped().await;
    let ledger = fixture.host.ledger();
    // The two accounts change places, which no row alone could do.
    let file = [
        account("w1", "2"),
        account("w2", "1"),
        service("mdm", "15", Metric::Devices),
        contract("w2", "900"),
    ];
    let found = difference(&ledger.mappings(&name).unwrap(), &file, true);
    assert_eq!(
        shown(&found),
        [
            "changed account w1: 1 -> 2",
            "changed account w2: 2 -> 1",
            "removed service edr: 15 by devices -> -",
            "added service mdm: - -> 15 by devices",
            "removed contract w1: 900 -> -",
            "added contract w2: - -> 900",
        ]
    );
    assert_eq!(found.lost(), 4);
    assert_eq!(found.notes.len(), 1);
    let done = fixture.host.apply_mappings(&name, found, true).unwrap();
    assert!(done.applied);
    assert_eq!((done.new, done.changed, done.removed), (2, 2, 2));
    let again = difference(&ledger.mappings(&name).unwrap(), &file, true);
    assert_eq!((again.changes.len(), again.unchanged), (0, 4));
}

#[tokio::test]
async fn a_replacement_with_a_refused_row_leaves_all_as_it_was() {
    let (fixture, name) = mapped().await;
    let ledger = fixture.host.ledger();
    let before = ledger.mappings(&name).unwrap();
    let mut found = difference(&before, &[account("w1", "7")], true);
    found.refused.push(
        2,
        Problem::new(psa_host_billing::ErrorCode::BadId, "row 2", "Correct it."),
    );
    let done = fixture.host.apply_mappings(&name, found, true).unwrap();
    assert!(!done.applied);
    // Refused by the database only: one account for two workspaces.
    let twice = [account("w1", "7"), account("w2", "7")];
    let found = difference(&before, &twice, true);
    let done = fixture.host.apply_mappings(&name, found, false).unwrap();
    assert!(!done.applied);
    assert_eq!(done.refused[0].code, "account-already-mapped");
    assert_eq!(ledger.mappings(&name).unwrap(), before);
}

#[tokio::test]
async fn an_empty_file_never_replaces_everything() {
    let (fixture, name) = mapped().await;
    for text in [r#"{"accounts": []}"#, "kind,coro_id,psa_id\n"] {
        let source = Source::new("standard input", text);
        let refused = fixture
            .host
            .compare_mappings(&name, &source, true, &crate::unwatched)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "nothing-to-map", "{text}");
    }
}
