//! Dates that are done once, and the stop of all posting.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use psa_host_ledger::{
    DateState, DueDate, HandedOut, LedgerError, NewRun, NotClosed, RunEnd, RunEnding,
};
use serde_json::json;

use crate::fixture::{DAY, Place, name, new_run, one_intent};

fn due(day: Date) -> DueDate {
    let at = jiff::tz::TimeZone::UTC
        .to_timestamp(day.at(5, 30, 0, 0))
        .unwrap();
    DueDate {
        date: day,
        nominal_at: at,
        due_at: at,
    }
}

fn later() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn end(ending: RunEnding, closes_date: bool) -> RunEnd {
    RunEnd {
        ending,
        requests: 0,
        counts: BTreeMap::new(),
        incidents: json!({}),
        closes_date,
    }
}

fn scheduled(day: Date) -> NewRun {
    NewRun {
        scheduled_for: Some(day),
        ..new_run("acme")
    }
}

#[test]
fn a_date_is_closed_by_the_run_that_was_for_it_in_the_transaction_of_its_end() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    assert_eq!(ledger.begin_attempt(&acme, due(DAY), later()).unwrap(), 1);
    let failed = ledger.begin_run(&scheduled(DAY)).unwrap();
    ledger
        .end_run(failed, &end(RunEnding::Failed, false))
        .unwrap();
    let why = NotClosed {
        code: "psa-unreachable".to_owned(),
        message: "nobody answered".to_owned(),
        next_at: later(),
    };
    assert!(ledger.attempt_failed(&acme, DAY, &why).unwrap());
    let open = ledger.newest_date(&acme).unwrap().unwrap();
    assert_eq!(
        (open.state, open.code.as_deref()),
        (DateState::Open, Some("psa-unreachable"))
    );

    // A person's run is not for the date.
    let by_hand = ledger.begin_run(&new_run("acme")).unwrap();
    ledger
        .end_run(by_hand, &end(RunEnding::Done, true))
        .unwrap();
    assert_eq!(
        ledger.newest_date(&acme).unwrap().unwrap().state,
        DateState::Open
    );

    assert_eq!(ledger.begin_attempt(&acme, due(DAY), later()).unwrap(), 2);
    let done = ledger.begin_run(&scheduled(DAY)).unwrap();
    ledger.end_run(done, &end(RunEnding::Done, true)).unwrap();
    let closed = ledger.newest_date(&acme).unwrap().unwrap();
    assert_eq!(closed.state, DateState::Closed);
    assert_eq!(closed.closed_by, Some(done.run()));
    assert_eq!((closed.attempts, closed.code), (2, None));

    // It is done: no attempt, no other reason, no other run.
    let again = ledger.begin_attempt(&acme, due(DAY), later()).unwrap_err();
    assert!(matches!(again, LedgerError::DateDone { .. }), "{again:?}");
    assert!(!ledger.attempt_failed(&acme, DAY, &why).unwrap());
    let twice = ledger.begin_run(&scheduled(DAY)).unwrap();
    ledger.end_run(twice, &end(RunEnding::Done, true)).unwrap();
    let still = ledger.newest_date(&acme).unwrap().unwrap();
    assert_eq!(still.closed_by, Some(done.run()));
}

#[test]
fn the_next_date_ends_the_one_before_it_and_none_before_it_is_done_any_more() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    ledger.begin_attempt(&acme, due(DAY), later()).unwrap();
    ledger
        .begin_attempt(&acme, due(date(2026, 3, 15)), later())
        .unwrap();
    let states: Vec<_> = ledger
        .scheduled_dates(&acme, 10)
        .unwrap()
        .into_iter()
        .map(|date| date.state)
        .collect();
    assert_eq!(states, [DateState::Open, DateState::Missed]);
    let earlier = ledger.begin_attempt(&acme, due(DAY), later()).unwrap_err();
    assert_eq!(earlier.code().as_str(), "date-done");

    assert!(
        ledger
            .miss_date(&acme, due(date(2026, 3, 16)), "the machine was off")
            .unwrap()
    );
    assert!(
        !ledger
            .miss_date(&acme, due(date(2026, 3, 16)), "again")
            .unwrap()
    );
    let missed = ledger.history(0, 100).unwrap();
    assert_eq!(missed.iter().filter(|e| e.what == "date.missed").count(), 1);
}

#[test]
fn a_schedule_counts_from_when_it_is_first_set_or_seen() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let nothing = ledger.schedule(&acme).unwrap();
    assert_eq!((nothing.schedule, nothing.since), (None, None));
    let since = ledger.begin_schedule(&acme).unwrap();
    place.wait(3600);
    assert_eq!(ledger.begin_schedule(&acme).unwrap(), since);
    ledger.set_schedule(&acme, Some("06:00")).unwrap();
    let set = ledger.schedule(&acme).unwrap();
    assert_eq!(
        (set.schedule.as_deref(), set.since),
        (Some("06:00"), Some(since))
    );
    ledger.set_schedule(&acme, Some("06:00")).unwrap();
    ledger.set_schedule(&acme, None).unwrap();
    assert_eq!(ledger.schedule(&acme).unwrap().schedule, None);
    let told = ledger.history(0, 100).unwrap();
    let told: Vec<_> = told
        .iter()
        .filter(|event| event.what == "schedule.set")
        .collect();
    assert_eq!(told.len(), 2, "the same again changes nothing");
    assert_eq!(told[0].detail, json!({ "from": null, "to": "06:00" }));
}

/// The run had begun, and planned after the stop: nothing that it stands on changed since.
#[test]
fn a_stop_between_the_beginning_of_a_run_and_its_plan_lets_no_request_leave() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (lease, id) = one_intent(&ledger, "1");
    ledger.stop_posting("the counts look wrong").unwrap();
    let planned = ledger.decisions_at().unwrap();
    ledger.mark_sending(lease, &[id]).unwrap();
    let refused = HandedOut::Changed("stop of all posting");
    assert_eq!(ledger.hand_out(lease, id, planned).unwrap(), refused);
    ledger.resume_posting("they are right").unwrap();
    assert_eq!(ledger.hand_out(lease, id, planned).unwrap(), HandedOut::Yes);
}

#[test]
fn a_run_that_ends_while_posting_is_stopped_closes_no_date() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    ledger.begin_attempt(&acme, due(DAY), later()).unwrap();
    let run = ledger.begin_run(&scheduled(DAY)).unwrap();
    ledger.stop_posting("the counts look wrong").unwrap();
    ledger.end_run(run, &end(RunEnding::Done, true)).unwrap();
    let newest = ledger.newest_date(&acme).unwrap().unwrap();
    assert_eq!(newest.state, DateState::Open);
}

#[test]
fn while_posting_is_stopped_no_run_begins_and_no_request_leaves() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (lease, id) = one_intent(&ledger, "1");
    let planned = ledger.decisions_at().unwrap();
    ledger.mark_sending(lease, &[id]).unwrap();
    // From another process.
    let other = place.open().with_actor("cli:ann");
    assert!(other.stop_posting("the counts look wrong").unwrap());
    assert!(!other.stop_posting("again").unwrap());
    assert_eq!(
        ledger.hand_out(lease, id, planned).unwrap(),
        HandedOut::Changed("stop of all posting")
    );
    let refused = ledger.begin_run(&new_run("acme")).unwrap_err();
    assert_eq!(refused.code().as_str(), "posting-stopped");
    for part in ["cli:ann", "the counts look wrong"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    let dry = NewRun {
        dry_run: true,
        ..new_run("acme")
    };
    ledger.begin_run(&dry).unwrap();
    assert!(ledger.resume_posting("they are right").unwrap());
    assert!(!ledger.resume_posting("again").unwrap());
    ledger.begin_run(&new_run("acme")).unwrap();
}
