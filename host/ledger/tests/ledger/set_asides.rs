use jiff::civil::date;
use psa_host_billing::SetAsideKind::{self, Exclude, Hold};
use psa_host_billing::{ModuleId, WorkspaceId};
use psa_host_ledger::{Ledger, NewSetAside};

use crate::fixture::{Place, add, code, name};

fn entry(workspace: &str, module: Option<&str>, kind: SetAsideKind) -> NewSetAside {
    NewSetAside {
        workspace: workspace.parse().unwrap(),
        module: module.map(|module| module.parse().unwrap()),
        kind,
        why: "waits".to_owned(),
        until: None,
    }
}

fn key(workspace: &str, module: Option<&str>) -> (WorkspaceId, Option<ModuleId>) {
    let entry = entry(workspace, module, Hold);
    (entry.workspace, entry.module)
}

fn kept(ledger: &Ledger) -> Vec<(String, Option<String>, SetAsideKind)> {
    let entries = ledger.set_asides(&name("acme")).unwrap();
    entries
        .into_iter()
        .map(|one| {
            let module = one.module.map(|module| module.to_string());
            (one.workspace.to_string(), module, one.kind)
        })
        .collect()
}

fn events(ledger: &Ledger) -> Vec<String> {
    let all = ledger.history(0, 1000).unwrap();
    let of_this = all.into_iter().map(|event| event.what);
    of_this
        .filter(|what| what == "mapping.set-aside" || what == "mapping.restored")
        .collect()
}

#[test]
fn an_entry_is_kept_with_who_when_and_until_and_replaced_by_its_key() {
    let place = Place::new();
    let ledger = place.with_connection().with_actor("cli:ann");
    let acme = name("acme");
    let both = [entry("w1", None, Hold), entry("w1", Some("edr"), Exclude)];
    ledger.set_aside(&acme, &both).unwrap();
    place.wait(60);
    let later = NewSetAside {
        why: "sold elsewhere".to_owned(),
        until: Some(date(2026, 12, 31)),
        ..entry("w1", None, Exclude)
    };
    ledger
        .with_actor("cli:bob")
        .set_aside(&acme, &[later])
        .unwrap();
    let entries = ledger.set_asides(&acme).unwrap();
    assert_eq!(entries.len(), 2);
    let whole = &entries[0];
    assert_eq!((whole.module.as_ref(), whole.kind), (None, Exclude));
    assert_eq!(
        (whole.why.as_str(), whole.who.as_str()),
        ("sold elsewhere", "cli:bob")
    );
    assert_eq!(whole.until, Some(date(2026, 12, 31)));
    assert_eq!(entries[1].who, "cli:ann");
    assert_eq!(whole.since.duration_since(entries[1].since).as_secs(), 60);
    assert_eq!(events(&ledger), ["mapping.set-aside"; 3]);
}

#[test]
fn entries_are_taken_away_all_or_none() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let all = [
        entry("w1", None, Hold),
        entry("w1", Some("edr"), Hold),
        entry("w2", None, Hold),
    ];
    ledger.set_aside(&acme, &all).unwrap();
    let wrong = [key("w1", None), key("w2", Some("edr"))];
    assert_eq!(code(ledger.restore(&acme, &wrong)), "not-found");
    assert_eq!(kept(&ledger).len(), 3);
    ledger
        .restore(&acme, &[key("w1", None), key("w2", None)])
        .unwrap();
    assert_eq!(
        kept(&ledger),
        [("w1".to_owned(), Some("edr".to_owned()), Hold)]
    );
    assert_eq!(events(&ledger)[3..], ["mapping.restored"; 2]);
}

#[test]
fn entries_are_one_connections_and_go_with_it() {
    let place = Place::new();
    let ledger = place.with_connection();
    add(&ledger, "beta", "other-msp");
    ledger
        .set_aside(&name("beta"), &[entry("w1", None, Hold)])
        .unwrap();
    assert_eq!(kept(&ledger), []);
    ledger.remove_connection(&name("beta")).unwrap();
    add(&ledger, "beta", "other-msp");
    assert_eq!(ledger.set_asides(&name("beta")).unwrap(), []);
    assert_eq!(code(ledger.set_asides(&name("nobody"))), "not-found");
}

#[test]
fn the_database_itself_refuses_a_second_entry_and_an_unknown_kind() {
    let place = Place::new();
    let ledger = place.with_connection();
    ledger
        .set_aside(&name("acme"), &[entry("w1", None, Hold)])
        .unwrap();
    for (module, kind) in [("NULL", "hold"), ("'edr'", "forget")] {
        let sql = format!(
            "INSERT INTO set_asides VALUES (1, 'w1', {module}, '{kind}', 'x', 'x', 0, NULL)"
        );
        let error = place.sql(&sql).unwrap_err().to_string();
        assert!(error.contains("constraint"), "{error}");
    }
}
