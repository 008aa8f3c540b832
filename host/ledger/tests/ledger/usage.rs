use std::collections::BTreeMap;

use jiff::Timestamp;
use psa_host_billing::WorkspaceId;
use psa_host_ledger::{ItemNames, Names, NewRun, NewSnapshot, RunEnd, RunEnding, UsageItem};

use crate::fixture::{Place, code, name, new_run};

fn item(workspace: &str, module: &str, users: Option<u32>, devices: Option<u32>) -> UsageItem {
    UsageItem {
        workspace: workspace.parse().unwrap(),
        module: module.parse().unwrap(),
        users,
        devices,
    }
}

fn snapshot(day: i64, items: Vec<UsageItem>) -> NewSnapshot {
    NewSnapshot {
        unread: vec![],
        channel: "msp".parse().unwrap(),
        taken_at: Timestamp::from_second(day * 86_400).unwrap(),
        complete: true,
        source: "file usage.json".to_owned(),
        items,
        names: vec![],
    }
}

#[test]
fn a_snapshot_comes_back_as_it_went_in() {
    let place = Place::new();
    let ledger = place.open().with_actor("cli:ann");
    let items = vec![
        item("w1", "edr", Some(0), Some(12)),
        item("w1", "mdm", None, Some(u32::MAX)),
        item("w2", "edr", Some(3), None),
    ];
    let id = ledger.import_snapshot(&snapshot(1, items.clone())).unwrap();
    assert_eq!(id.to_string(), "u-000001");
    assert_eq!(ledger.usage_items(id).unwrap(), items);
    let kept = ledger.snapshot("u-1".parse().unwrap()).unwrap();
    assert_eq!((kept.items, kept.complete), (3, true));
    assert_eq!(kept.imported_by, "cli:ann");
}

#[test]
fn the_latest_is_the_one_taken_last_not_the_one_imported_last() {
    let place = Place::new();
    let ledger = place.open();
    let late = ledger.import_snapshot(&snapshot(9, vec![])).unwrap();
    let early = ledger.import_snapshot(&snapshot(8, vec![])).unwrap();
    let channel = WorkspaceId::new("msp").unwrap();
    assert_eq!(ledger.latest_snapshot(&channel).unwrap().unwrap().id, late);
    let corrected = ledger.import_snapshot(&snapshot(9, vec![])).unwrap();
    assert_eq!(
        ledger.latest_snapshot(&channel).unwrap().unwrap().id,
        corrected
    );
    let all: Vec<_> = ledger
        .snapshots(Some(&channel), 10)
        .unwrap()
        .iter()
        .map(|snapshot| snapshot.id)
        .collect();
    assert_eq!(all, [corrected, early, late]);
    let other = WorkspaceId::new("other-msp").unwrap();
    assert_eq!(ledger.latest_snapshot(&other).unwrap(), None);
}

#[test]
fn a_pair_listed_twice_is_refused_and_nothing_is_kept() {
    let place = Place::new();
    let ledger = place.open();
    let items = vec![
        item("w1", "edr", Some(1), None),
        item("w1", "edr", Some(2), None),
    ];
    assert_eq!(
        code(ledger.import_snapshot(&snapshot(1, items))),
        "duplicate"
    );
    assert!(ledger.snapshots(None, 10).unwrap().is_empty());
}

fn list(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn named(workspace: &str, names: Names) -> ItemNames {
    ItemNames {
        workspace: workspace.parse().unwrap(),
        module: "edr".parse().unwrap(),
        names,
    }
}

#[test]
fn the_names_behind_a_count_are_kept_with_their_snapshot_and_go_with_it() {
    let place = Place::new();
    let ledger = place.open();
    let of_w1 = Names {
        users: list(&["=ann@acme.example", "漢字\u{202e}\"[,]"]),
        devices: None,
    };
    let of_w2 = Names {
        users: None,
        devices: list(&[]),
    };
    let mut new = snapshot(
        1,
        vec![
            item("w1", "edr", Some(2), Some(1)),
            item("w2", "edr", None, Some(0)),
            item("w3", "edr", Some(1), None),
        ],
    );
    new.names = vec![
        named("w1", of_w1.clone()),
        named("w2", of_w2.clone()),
        named("w3", Names::default()),
    ];
    let first = ledger.import_snapshot(&new).unwrap();
    new.names = vec![];
    let second = ledger.import_snapshot(&new).unwrap();
    let behind = |snapshot, workspace: &str, module: &str| {
        let (workspace, module) = (workspace.parse().unwrap(), module.parse().unwrap());
        ledger.names_behind(snapshot, &workspace, &module).unwrap()
    };
    assert_eq!(behind(first, "w1", "edr"), Some(of_w1));
    assert_eq!(
        behind(first, "w2", "edr"),
        Some(of_w2),
        "an empty list is kept as one"
    );
    for (snapshot, workspace, module) in [
        (first, "w3", "edr"),
        (first, "w1", "mdm"),
        (first, "nobody", "edr"),
        (second, "w1", "edr"),
    ] {
        assert_eq!(behind(snapshot, workspace, module), None);
    }

    place
        .sql("PRAGMA foreign_keys = ON; DELETE FROM snapshots WHERE id = 1")
        .unwrap();
    assert_eq!(behind(first, "w1", "edr"), None);
}

#[test]
fn names_without_a_count_are_not_kept_and_neither_is_their_snapshot() {
    let place = Place::new();
    let ledger = place.open();
    let mut new = snapshot(1, vec![item("w1", "edr", Some(1), None)]);
    let names = Names {
        users: list(&["ann"]),
        devices: None,
    };
    new.names = vec![named("w2", names)];
    ledger.import_snapshot(&new).unwrap_err();
    assert!(ledger.snapshots(None, 10).unwrap().is_empty());
}

#[test]
fn an_unknown_snapshot_is_said() {
    let place = Place::new();
    let ledger = place.open();
    assert_eq!(
        code(ledger.snapshot("u-000007".parse().unwrap())),
        "not-found"
    );
    for text in [
        "7",
        "u-",
        "u-x",
        "r-000007",
        "u--7",
        "u-99999999999999999999",
    ] {
        assert!(
            text.parse::<psa_host_ledger::SnapshotId>().is_err(),
            "{text}"
        );
    }
}

#[test]
fn first_used_is_the_earliest_snapshot_with_more_than_zero() {
    let place = Place::new();
    let ledger = place.open();
    // Imported out of order; counted with zero, and in another channel, before.
    let days = [
        (
            5,
            vec![
                item("w1", "edr", Some(0), Some(2)),
                item("w2", "mdm", Some(1), None),
            ],
        ),
        (
            3,
            vec![
                item("w1", "edr", Some(0), Some(1)),
                item("w2", "edr", Some(0), None),
            ],
        ),
        (
            2,
            vec![
                item("w1", "edr", Some(0), Some(0)),
                item("w2", "edr", None, None),
            ],
        ),
    ];
    for (day, items) in days {
        ledger.import_snapshot(&snapshot(day, items)).unwrap();
    }
    let elsewhere = NewSnapshot {
        unread: vec![],
        channel: "other".parse().unwrap(),
        ..snapshot(1, vec![item("w1", "mdm", Some(9), Some(9))])
    };
    ledger.import_snapshot(&elsewhere).unwrap();
    let channel = WorkspaceId::new("msp").unwrap();
    let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
    let ids = ["w1", "w2", "never"].map(|id| id.parse().unwrap());
    let found = ledger.workspaces_first_used(&channel, &ids).unwrap();
    let found: Vec<_> = found.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    assert_eq!(found, [("w1", day(3)), ("w2", day(5))]);
    let ids = ["edr", "mdm", "never"].map(|id| id.parse().unwrap());
    let found = ledger.modules_first_used(&channel, &ids).unwrap();
    let found: Vec<_> = found.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    assert_eq!(found, [("edr", day(3)), ("mdm", day(5))]);
}

#[test]
fn a_withdrawn_snapshot_stays_and_is_never_the_latest_nor_looked_back_on() {
    let place = Place::new();
    let ledger = place.open().with_actor("cli:ann");
    let channel = WorkspaceId::new("msp").unwrap();
    let import = |day, devices| {
        let items = vec![item("w1", "edr", None, Some(devices))];
        ledger.import_snapshot(&snapshot(day, items)).unwrap()
    };
    let (wrong_first, right) = (import(1, 40), import(2, 11));
    // Two of one instant disagree until one is withdrawn.
    let (good, wrong_last) = (import(3, 12), import(3, 99));
    let newest = ledger.latest_snapshot(&channel).unwrap().unwrap();
    let found = ledger.disagreement(&newest).unwrap().unwrap();
    assert_eq!(
        (newest.id, found.with.id, found.pairs),
        (wrong_last, good, 1)
    );
    let devices = found.example.counts.map(|count| count.unwrap().devices);
    assert_eq!(
        (found.example.workspace.as_str(), devices),
        ("w1", [Some(99), Some(12)])
    );
    for id in [wrong_first, wrong_last] {
        ledger.withdraw_snapshot(id, "counted twice").unwrap();
    }
    let latest = ledger.latest_snapshot(&channel).unwrap().unwrap();
    assert_eq!((latest.id, &latest.withdrawn), (good, &None));
    assert_eq!(ledger.disagreement(&latest).unwrap(), None);
    let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
    let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
    let series = ledger
        .usage_series(&channel, (day(0), day(9)), &[&workspace], &[&module])
        .unwrap();
    let counts = &series.pairs[&(workspace.clone(), module)];
    let devices: Vec<_> = counts.iter().map(|count| count.devices).collect();
    assert_eq!(devices, [Some(11), Some(12)]);
    let first = ledger.workspaces_first_used(&channel, std::slice::from_ref(&workspace));
    assert_eq!(first.unwrap()[&workspace], day(2));

    let kept = ledger.snapshot(wrong_last).unwrap().withdrawn.unwrap();
    assert_eq!(
        (kept.by.as_str(), kept.why.as_str()),
        ("cli:ann", "counted twice")
    );
    assert_eq!(ledger.usage_items(wrong_last).unwrap().len(), 1);
    assert_eq!(ledger.snapshots(Some(&channel), 10).unwrap().len(), 4);
    let history = ledger.history(0, 100).unwrap();
    let last = history.last().unwrap();
    assert_eq!(
        (last.what.as_str(), last.subject.as_str()),
        ("usage.withdrawn", "u-000004")
    );
    assert_eq!(last.detail["why"], "counted twice");
    assert_eq!(
        code(ledger.withdraw_snapshot(wrong_last, "again")),
        "snapshot-withdrawn"
    );
    let unknown = "u-000007".parse().unwrap();
    assert_eq!(code(ledger.withdraw_snapshot(unknown, "no")), "not-found");
    assert_eq!(ledger.latest_snapshot(&channel).unwrap().unwrap().id, good);
    ledger.withdraw_snapshot(good, "all wrong").unwrap();
    ledger.withdraw_snapshot(right, "all wrong").unwrap();
    assert_eq!(ledger.latest_snapshot(&channel).unwrap(), None);
}

#[test]
fn the_last_one_billed_by_is_the_newest_that_was_used_and_not_withdrawn() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let import = |day| ledger.import_snapshot(&snapshot(day, vec![])).unwrap();
    let run = |id, dry_run, ending| {
        let new = NewRun {
            snapshot: Some(id),
            dry_run,
            ..new_run("acme")
        };
        let run = ledger.begin_run(&new).unwrap();
        let end = RunEnd {
            ending,
            requests: 0,
            counts: BTreeMap::new(),
            incidents: serde_json::json!([]),
            closes_date: false,
        };
        if ending == RunEnding::Done && !dry_run {
            ledger.use_snapshot(run, id).unwrap();
        }
        ledger.end_run(run, &end).unwrap();
    };
    let last = || {
        let last = ledger.last_used_snapshot(&acme).unwrap();
        last.map(|snapshot| snapshot.id)
    };
    assert_eq!(last(), None);
    let (first, second) = (import(1), import(2));
    run(first, false, RunEnding::Done);
    run(second, false, RunEnding::Done);
    run(import(3), true, RunEnding::Done);
    run(import(4), false, RunEnding::Braked);
    assert_eq!(last(), Some(second));
    ledger.withdraw_snapshot(second, "wrong").unwrap();
    assert_eq!(last(), Some(first));
    ledger.withdraw_snapshot(first, "wrong").unwrap();
    assert_eq!(last(), None);
}
