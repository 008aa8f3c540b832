//! Lines that a run found right: remembered, nobody's own, and given up for what a change
//! of theirs confirms.

use psa_host_billing::stance::Stance;
use psa_host_ledger::{NewRun, Resolution, SeenRight};

use crate::fixture::{DAY, Place, code, new_run, one_intent, see_right, tenant, units};

fn right(line: &str, count: u32) -> SeenRight {
    SeenRight {
        line: line.parse().unwrap(),
        workspace: "w1".parse().unwrap(),
        module: "edr".parse().unwrap(),
        contract: (line == "1").then(|| "900".parse().unwrap()),
        units: units(count),
        since: DAY,
    }
}

#[test]
fn a_line_found_right_is_remembered_without_belonging_to_anybody() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let see = |seen: &[SeenRight]| see_right(&ledger, run, seen).unwrap();
    see(&[right("1", 5), right("2", 7)]);
    see(&[right("1", 6)]);
    let kept = ledger.seen_right(&tenant()).unwrap();
    assert_eq!(kept, [right("1", 6), right("2", 7)]);
    assert_eq!(ledger.lines(&tenant()).unwrap(), []);
    let before = ledger.history_head().unwrap();
    see(&[]);
    assert_eq!(ledger.history_head().unwrap(), before, "nothing was found");
}

#[test]
fn what_a_change_confirms_takes_the_place_of_what_was_found_before() {
    for (resolution, left) in [
        (Resolution::Confirmed, vec![right("2", 7)]),
        (Resolution::NotApplied, vec![right("1", 5), right("2", 7)]),
    ] {
        let place = Place::new();
        let ledger = place.with_connection();
        let run = ledger.begin_run(&new_run("acme")).unwrap();
        let seen = [right("1", 5), right("2", 7)];
        see_right(&ledger, run, &seen).unwrap();
        let (run, id) = one_intent(&ledger, "1");
        ledger.mark_sending(run, &[id]).unwrap();
        let resolved = ledger.resolve(run, &[(id, resolution, serde_json::json!({}))]);
        resolved.unwrap();
        assert_eq!(ledger.seen_right(&tenant()).unwrap(), left);
    }
}

#[test]
fn a_decision_about_other_units_is_used_up_when_the_line_is_found_right() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
    let overwrite = Stance::Overwrite { units: units(4) };
    let line = "1".parse().unwrap();
    let set = ledger.set_stance(&tenant(), &line, (&workspace, &module), &overwrite, "so");
    set.unwrap();
    see_right(&ledger, run, &[right("1", 5)]).unwrap();
    assert_eq!(ledger.stances(&tenant()).unwrap(), []);
}

#[test]
fn a_dry_run_remembers_nothing() {
    let place = Place::new();
    let ledger = place.with_connection();
    let dry = NewRun {
        dry_run: true,
        ..new_run("acme")
    };
    let run = ledger.begin_run(&dry).unwrap();
    let seen = see_right(&ledger, run, &[right("1", 5)]);
    assert_eq!(code(seen), "run-state");
    assert_eq!(ledger.seen_right(&tenant()).unwrap(), []);
}
