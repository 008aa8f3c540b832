//! The day from which a line was to be changed is remembered until its change is confirmed.

use psa_host_billing::plan::Due;
use psa_host_ledger::{LedgerError, NewRun, Resolution};

use crate::fixture::{DAY, Place, new_run, one_intent, tenant};

fn due(line: &str) -> (psa_host_billing::LineId, Due) {
    let due = Due {
        workspace: "w1".parse().unwrap(),
        module: "edr".parse().unwrap(),
        from: DAY,
    };
    (line.parse().unwrap(), due)
}

fn kept(line: &str) -> (psa_host_billing::LineId, Option<Due>) {
    let (line, due) = due(line);
    (line, Some(due))
}

#[test]
fn a_day_is_remembered_until_its_change_is_confirmed_or_given_up() {
    for (resolution, left) in [
        (Resolution::Confirmed, vec![due("2")]),
        (Resolution::NotApplied, vec![due("1"), due("2")]),
    ] {
        let place = Place::new();
        let ledger = place.with_connection();
        let run = ledger.begin_run(&new_run("acme")).unwrap();
        let set = |days: &[_]| ledger.set_due_days(run, &tenant(), days).unwrap();
        set(&[kept("1"), kept("2"), kept("3")]);
        set(&[("3".parse().unwrap(), None)]);
        assert_eq!(ledger.due_days(&tenant()).unwrap(), [due("1"), due("2")]);
        let (run, id) = one_intent(&ledger, "1");
        ledger.mark_sending(run, &[id]).unwrap();
        let resolved = ledger.resolve(run, &[(id, resolution, serde_json::json!({}))]);
        resolved.unwrap();
        assert_eq!(ledger.due_days(&tenant()).unwrap(), left);
    }
}

#[test]
fn a_dry_run_remembers_no_day() {
    let place = Place::new();
    let ledger = place.with_connection();
    let dry = NewRun {
        dry_run: true,
        ..new_run("acme")
    };
    let run = ledger.begin_run(&dry).unwrap();
    let refused = ledger.set_due_days(run, &tenant(), &[kept("1")]);
    assert!(
        matches!(refused, Err(LedgerError::RunState { .. })),
        "{refused:?}"
    );
    assert_eq!(ledger.due_days(&tenant()).unwrap(), []);
}
