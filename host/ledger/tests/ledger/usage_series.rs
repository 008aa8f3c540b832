use jiff::Timestamp;
use psa_host_billing::{ModuleId, WorkspaceId};
use psa_host_ledger::{Ledger, NewSnapshot, SnapshotId, UsageItem, UsageSeries};

use crate::fixture::Place;

/// One module's devices by workspace.
type Counts<'a> = &'a [(&'a str, u32)];

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400).unwrap()
}

fn item(workspace: &str, module: &str, devices: u32) -> UsageItem {
    UsageItem {
        workspace: workspace.parse().unwrap(),
        module: module.parse().unwrap(),
        users: None,
        devices: Some(devices),
    }
}

fn import(ledger: &Ledger, day: i64, complete: bool, counts: Counts<'_>) -> SnapshotId {
    let items = counts.iter().flat_map(|(workspace, devices)| {
        [item(workspace, "edr", *devices), item(workspace, "mdm", 99)]
    });
    let snapshot = NewSnapshot {
        unread: vec![],
        channel: "msp".parse().unwrap(),
        taken_at: at(day),
        complete,
        source: "file".to_owned(),
        items: items.collect(),
        names: vec![],
    };
    ledger.import_snapshot(&snapshot).unwrap()
}

fn series(ledger: &Ledger, days: (i64, i64), workspaces: &[&str]) -> UsageSeries {
    let channel = WorkspaceId::new("msp").unwrap();
    let workspaces: Vec<WorkspaceId> = workspaces.iter().map(|id| id.parse().unwrap()).collect();
    let workspaces: Vec<&WorkspaceId> = workspaces.iter().collect();
    let edr = ModuleId::new("edr").unwrap();
    let span = (at(days.0), at(days.1));
    ledger
        .usage_series(&channel, span, &workspaces, &[&edr])
        .unwrap()
}

/// A workspace's devices by day.
fn of(series: &UsageSeries, workspace: &str) -> Vec<(i64, Option<u32>)> {
    let pair = (workspace.parse().unwrap(), "edr".parse().unwrap());
    let counts = series.pairs.get(&pair).map_or(&[][..], Vec::as_slice);
    counts
        .iter()
        .map(|count| {
            (
                series.taken_at[count.snapshot].as_second() / 86_400,
                count.devices,
            )
        })
        .collect()
}

#[test]
fn the_counts_of_chosen_pairs_come_in_the_order_of_their_days() {
    let place = Place::new();
    let ledger = place.open();
    import(&ledger, 3, true, &[("w1", 13), ("w2", 23)]);
    import(&ledger, 1, true, &[("w1", 11), ("w2", 21), ("w3", 31)]);
    import(&ledger, 2, true, &[("w2", 22)]);
    import(&ledger, 4, true, &[("w1", 14)]);
    let found = series(&ledger, (1, 3), &["w1", "w3", "never-counted"]);
    assert_eq!(found.taken_at, [at(1), at(2), at(3)]);
    assert_eq!(of(&found, "w1"), [(1, Some(11)), (3, Some(13))]);
    assert_eq!(of(&found, "w3"), [(1, Some(31))]);
    assert_eq!(
        found.pairs.len(),
        2,
        "neither other workspaces nor other modules"
    );
}

#[test]
fn what_a_run_would_not_go_by_is_not_looked_back_on() {
    let place = Place::new();
    let ledger = place.open();
    import(&ledger, 1, true, &[("w1", 11)]);
    import(&ledger, 2, false, &[("w1", 900)]);
    let nothing = NewSnapshot {
        unread: vec![],
        channel: "msp".parse().unwrap(),
        taken_at: at(3),
        complete: true,
        source: "file".to_owned(),
        items: vec![item("w1", "edr", 0)],
        names: vec![],
    };
    ledger.import_snapshot(&nothing).unwrap();
    // Two lists of the fourth day that differ, until one of them is withdrawn.
    let wrong = import(&ledger, 4, true, &[("w1", 900)]);
    import(&ledger, 4, true, &[("w1", 14)]);
    // A list of the fifth day, taken back by one that says it is not complete.
    import(&ledger, 5, true, &[("w1", 900)]);
    import(&ledger, 5, false, &[]);
    // The same list twice, and one that was not complete and is.
    import(&ledger, 6, true, &[("w1", 16)]);
    import(&ledger, 6, true, &[("w1", 16)]);
    import(&ledger, 7, false, &[("w2", 27)]);
    import(&ledger, 7, true, &[("w1", 17), ("w2", 27)]);
    // One that is complete and lacks what the other counted.
    import(&ledger, 8, true, &[("w1", 18), ("w2", 28)]);
    import(&ledger, 8, true, &[("w1", 18)]);
    let found = series(&ledger, (0, 9), &["w1"]);
    assert_eq!(
        of(&found, "w1"),
        [(1, Some(11)), (6, Some(16)), (7, Some(17))]
    );
    assert_eq!(found.taken_at, [at(1), at(6), at(7)]);
    ledger.withdraw_snapshot(wrong, "counted twice").unwrap();
    let found = series(&ledger, (4, 4), &["w1"]);
    assert_eq!(of(&found, "w1"), [(4, Some(14))]);
}

#[test]
fn the_snapshots_of_another_channel_are_not_in_it() {
    let place = Place::new();
    let ledger = place.open();
    let other = NewSnapshot {
        unread: vec![],
        channel: "other".parse().unwrap(),
        taken_at: at(1),
        complete: true,
        source: "file".to_owned(),
        items: vec![item("w1", "edr", 5)],
        names: vec![],
    };
    ledger.import_snapshot(&other).unwrap();
    assert_eq!(series(&ledger, (0, 9), &["w1"]), UsageSeries::default());
}
