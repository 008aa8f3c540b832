use proptest::prelude::*;
use psa_host_ledger::{
    Answer, Intent, IntentId, IntentState, Ledger, LedgerError, LineUpdate, Outcome, Resolution,
    RunEnd, RunEnding, RunLease, RunLine,
};
use serde_json::json;

use crate::fixture::{
    DAY, Place, add, code, intent, name, new_run, one_intent, run_line, tenant, units,
};

/// Whoever has had the tenant, this test has it now.
fn held_for(ledger: &Ledger, id: IntentId) -> RunLease {
    let run = ledger.intent(id).unwrap().run;
    ledger.take_up(run).unwrap()
}

fn answer(ledger: &Ledger, id: IntentId, answer: Answer) -> Result<(), LedgerError> {
    ledger.record_answers(held_for(ledger, id), &[(id, answer)])
}

fn resolve(ledger: &Ledger, id: IntentId, resolution: Resolution) -> Result<(), LedgerError> {
    ledger.resolve(
        held_for(ledger, id),
        &[(id, resolution, json!({ "read": 7 }))],
    )
}

fn held() -> Resolution {
    Resolution::Held {
        code: "moved".to_owned(),
        why: "the line stands at 9".to_owned(),
    }
}

/// Ask for a state by the verb that leads there.
fn go(ledger: &Ledger, id: IntentId, to: IntentState) -> Result<(), LedgerError> {
    match to {
        IntentState::Intended => ledger.unmark(held_for(ledger, id), &[id]),
        IntentState::Sending => ledger.mark_sending(held_for(ledger, id), &[id]),
        IntentState::Accepted => answer(ledger, id, Answer::Accepted),
        IntentState::Rejected => {
            let why = "no".to_owned();
            resolve(ledger, id, Resolution::Rejected { why })
        }
        IntentState::Doubtful => answer(ledger, id, Answer::Doubtful("timeout".to_owned())),
        IntentState::NotSent => answer(ledger, id, Answer::NotSent("no route".to_owned())),
        IntentState::Confirmed => resolve(ledger, id, Resolution::Confirmed),
        IntentState::NotApplied => resolve(ledger, id, Resolution::NotApplied),
        IntentState::Held => resolve(ledger, id, held()),
    }
}

fn row(ledger: &Ledger, run: RunLease) -> (Outcome, Option<String>) {
    let line = ledger.run_lines(run.run()).unwrap().remove(0);
    (line.outcome, line.code)
}

#[test]
fn an_adjustment_goes_from_intent_to_confirmed() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    assert_eq!(row(&ledger, run), (Outcome::Planned, None));
    place.wait(1);
    ledger.mark_sending(held_for(&ledger, id), &[id]).unwrap();
    place.wait(1);
    answer(&ledger, id, Answer::Accepted).unwrap();
    let after = row(&ledger, run);
    assert_eq!(after, (Outcome::Doubtful, Some("not-read-back".to_owned())));
    let open = ledger.open_intents(&tenant()).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].state, open[0].attempt), (IntentState::Accepted, 1));
    let took = open[0]
        .answered_at
        .unwrap()
        .duration_since(open[0].sending_at.unwrap());
    assert_eq!(took.as_secs(), 1);

    resolve(&ledger, id, Resolution::Confirmed).unwrap();
    assert_eq!(row(&ledger, run), (Outcome::Confirmed, None));
    assert!(ledger.open_intents(&tenant()).unwrap().is_empty());
    let line = ledger.lines(&tenant()).unwrap().remove(0);
    assert_eq!((line.units, line.effective), (Some(units(7)), Some(DAY)));
    assert_eq!(line.connection, Some(name("acme")));
    let record = ledger.intent(id).unwrap();
    assert_eq!(record.evidence.as_deref(), Some(r#"{"read":7}"#));
    assert_eq!(ledger.run_intents(run.run()).unwrap(), [record]);
}

#[test]
fn what_a_run_wrote_of_an_accepted_row_is_not_covered_by_the_answer() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (_, id) = one_intent(&ledger, "1");
    ledger.mark_sending(held_for(&ledger, id), &[id]).unwrap();
    answer(&ledger, id, Answer::Accepted).unwrap();
    let update = LineUpdate {
        row: 0,
        outcome: Outcome::Doubtful,
        code: Some("open-adjustment".to_owned()),
        message: Some("it could not be read back".to_owned()),
        fix: None,
    };
    let run = held_for(&ledger, id);
    ledger.update_run_lines(run, &[update]).unwrap();
    let after = row(&ledger, run);
    assert_eq!(
        after,
        (Outcome::Doubtful, Some("open-adjustment".to_owned()))
    );
}

#[test]
fn only_one_adjustment_of_a_line_is_open_at_a_time() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (_, id) = one_intent(&ledger, "1");
    let again = || {
        let run = held_for(&ledger, id);
        let row = ledger.add_run_lines(run, &[run_line("1")]).unwrap();
        ledger.intend(run, &[intent(row, "1")])
    };
    for state in [
        IntentState::Intended,
        IntentState::Sending,
        IntentState::Doubtful,
        IntentState::Held,
    ] {
        if state != IntentState::Intended {
            go(&ledger, id, state).unwrap();
        }
        assert_eq!(code(again()), "adjustment-open", "{state}");
    }
    resolve(&ledger, id, Resolution::NotApplied).unwrap();
    let second = again().unwrap()[0];
    // The first is closed, but may not be sent beside the second.
    assert_eq!(
        code(ledger.mark_sending(held_for(&ledger, id), &[id])),
        "adjustment-open"
    );
    go(&ledger, second, IntentState::Sending).unwrap();
}

#[test]
fn the_database_itself_refuses_a_second_open_adjustment() {
    let place = Place::new();
    let ledger = place.with_connection();
    one_intent(&ledger, "1");
    let error = place
        .sql(
            "INSERT INTO intents (run, row, connection_id, tenant, line, contract, service,
                 workspace, module, baseline, target, effective, state, intended_at)
             SELECT run, row, connection_id, tenant, line, contract, service, workspace,
                 module, baseline, target, effective, 'held', intended_at FROM intents",
        )
        .unwrap_err();
    assert!(error.to_string().contains("UNIQUE"), "{error}");
}

#[test]
fn a_batch_with_one_bad_intent_leaves_none() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, _) = one_intent(&ledger, "1");
    ledger
        .add_run_lines(run, &[run_line("2"), run_line("3")])
        .unwrap();
    let result = ledger.intend(run, &[intent(1, "2"), intent(2, "1")]);
    assert_eq!(code(result), "adjustment-open");
    let result = ledger.intend(run, &[intent(1, "2"), intent(77, "3")]);
    assert_eq!(code(result), "not-found");
    assert_eq!(ledger.open_intents(&tenant()).unwrap().len(), 1);
    assert_eq!(ledger.lines(&tenant()).unwrap().len(), 1);
}

#[test]
fn nothing_is_sent_a_third_time() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (_, id) = one_intent(&ledger, "1");
    for _ in 0..2 {
        ledger.mark_sending(held_for(&ledger, id), &[id]).unwrap();
        assert_eq!(
            code(ledger.mark_sending(held_for(&ledger, id), &[id])),
            "wrong-transition"
        );
        go(&ledger, id, IntentState::Doubtful).unwrap();
        assert_eq!(
            code(ledger.mark_sending(held_for(&ledger, id), &[id])),
            "wrong-transition"
        );
        go(&ledger, id, IntentState::NotApplied).unwrap();
    }
    assert_eq!(
        code(ledger.mark_sending(held_for(&ledger, id), &[id])),
        "too-many-attempts"
    );
}

#[test]
fn what_never_left_does_not_count_as_sent() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    for _ in 0..5 {
        ledger.mark_sending(held_for(&ledger, id), &[id]).unwrap();
        go(&ledger, id, IntentState::NotSent).unwrap();
    }
    let record = ledger.intent(id).unwrap();
    assert_eq!(record.attempt, 0);
    assert!(ledger.open_intents(&tenant()).unwrap().is_empty());
    assert_eq!(row(&ledger, run).1.as_deref(), Some("not-sent"));
    assert_eq!(ledger.lines(&tenant()).unwrap()[0].posted_for, None);
}

#[test]
fn a_date_is_used_up_by_what_was_or_may_have_been_applied() {
    for (path, used) in [
        (&[][..], false),
        (&[IntentState::Sending], false),
        (&[IntentState::Sending, IntentState::Accepted], true),
        (&[IntentState::Sending, IntentState::Doubtful], true),
        (&[IntentState::Sending, IntentState::Held], true),
        (&[IntentState::Sending, IntentState::Confirmed], true),
        (&[IntentState::Sending, IntentState::NotApplied], false),
        (&[IntentState::Sending, IntentState::NotSent], false),
        (&[IntentState::Held], false),
        (&[IntentState::Held, IntentState::Confirmed], true),
    ] {
        let place = Place::new();
        let ledger = place.with_connection();
        let (_, id) = one_intent(&ledger, "1");
        for state in path {
            go(&ledger, id, *state).unwrap();
        }
        let line = "1".parse().unwrap();
        let tomorrow = DAY.tomorrow().unwrap();
        for (since, expected) in [(DAY, used), (tomorrow, false)] {
            let all = ledger.adjusted_since(&tenant(), since).unwrap();
            let dates = all.get(&line);
            assert_eq!(
                dates.is_some_and(|d| d.own.contains(&DAY)),
                expected,
                "{path:?}"
            );
        }
        // The line remembers for whom exactly when it may have been applied.
        let posted_for = ledger.lines(&tenant()).unwrap().remove(0).posted_for;
        let answered = path.len() > 1 || path.is_empty();
        if answered {
            assert_eq!(posted_for.is_some(), used, "{path:?}");
        }
    }
}

#[test]
fn a_line_belongs_to_one_connection() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (_, id) = one_intent(&ledger, "1");
    add(&ledger, "beta", "msp");
    ledger.bind_tenant(&name("beta"), &tenant()).unwrap();
    let claim = || {
        let run = ledger.begin_run(&new_run("beta")).unwrap();
        let row = ledger.add_run_lines(run, &[run_line("1")]).unwrap();
        ledger.intend(run, &[intent(row, "1")]).map(|_| ())
    };
    let error = claim().unwrap_err();
    assert_eq!(error.code(), "line-claimed");
    assert!(error.to_string().contains("acme"), "{error}");

    // A removed connection leaves its lines to whoever comes next, as posted.
    for state in [IntentState::Sending, IntentState::Confirmed] {
        go(&ledger, id, state).unwrap();
    }
    ledger.remove_connection(&name("acme")).unwrap();
    assert_eq!(ledger.lines(&tenant()).unwrap()[0].connection, None);
    claim().unwrap();
    let line = ledger.lines(&tenant()).unwrap().remove(0);
    assert_eq!(line.connection, Some(name("beta")));
    assert_eq!(line.units, Some(units(7)));
}

#[test]
fn the_account_of_a_line_is_that_of_its_last_intent() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (_, first) = one_intent(&ledger, "1");
    let account = |ledger: &Ledger| {
        let of_lines = ledger.accounts_of_lines(&tenant()).unwrap();
        assert_eq!(of_lines.len(), 1);
        of_lines[&"1".parse().unwrap()].to_string()
    };
    assert_eq!(account(&ledger), "101");
    let unsent = Answer::NotSent("its run ended".to_owned());
    ledger
        .record_answers(held_for(&ledger, first), &[(first, unsent)])
        .unwrap();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let moved = RunLine {
        account: Some("102".parse().unwrap()),
        ..run_line("1")
    };
    let row = ledger.add_run_lines(run, &[moved]).unwrap();
    ledger.intend(run, &[intent(row, "1")]).unwrap();
    assert_eq!(account(&ledger), "102");
}

#[test]
fn a_dry_run_and_a_run_that_is_over_intend_nothing() {
    let place = Place::new();
    let ledger = place.with_connection();
    let mut dry = new_run("acme");
    dry.dry_run = true;
    let dry = ledger.begin_run(&dry).unwrap();
    ledger.add_run_lines(dry, &[run_line("1")]).unwrap();
    assert_eq!(code(ledger.intend(dry, &[intent(0, "1")])), "run-state");

    let run = ledger.begin_run(&new_run("acme")).unwrap();
    ledger.add_run_lines(run, &[run_line("1")]).unwrap();
    let end = RunEnd {
        ending: RunEnding::Failed,
        requests: 0,
        counts: Default::default(),
        incidents: json!([]),
        closes_date: false,
    };
    ledger.end_run(run, &end).unwrap();
    assert_eq!(code(ledger.intend(run, &[intent(0, "1")])), "run-state");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    /// Whatever is asked in whatever order: the ledger goes exactly where the pure
    /// table says, a refusal changes nothing, and no more than two sends are counted.
    #[test]
    fn the_ledger_follows_the_state_machine(steps in prop::collection::vec(0usize..9, 1..25)) {
        let place = Place::new();
        let ledger = place.with_connection();
        let (_, id) = one_intent(&ledger, "1");
        let mut sent = 0;
        for step in steps {
            let to = IntentState::ALL[step];
            let before = ledger.intent(id).unwrap();
            let exhausted = to == IntentState::Sending && before.attempt == 2;
            let allowed = before.state.may_become(to) && !exhausted;
            let result = go(&ledger, id, to);
            prop_assert_eq!(result.is_ok(), allowed, "{} to {}", before.state, to);
            let after = ledger.intent(id).unwrap();
            if allowed {
                prop_assert_eq!(after.state, to);
                // Marked alone does not count; what came of it does.
                let unsent = matches!(to, IntentState::Intended | IntentState::NotSent);
                if before.state == IntentState::Sending && !unsent {
                    sent += 1;
                }
            } else {
                prop_assert_eq!(&after, &before);
            }
            prop_assert_eq!(after.attempt, sent);
            prop_assert!(sent <= 2);
            let open = ledger.open_intents(&tenant()).unwrap().len();
            prop_assert_eq!(open == 1, after.state.is_open());
        }
    }
}

#[test]
fn what_was_sent_in_vain_is_found_for_the_same_change_of_the_same_line_only() {
    let place = Place::new();
    let ledger = place.with_connection();
    let in_vain = |wanted: Intent, sent: bool| {
        let run = ledger.begin_run(&new_run("acme")).unwrap();
        let line = run_line(wanted.key.line.as_str());
        let row = ledger.add_run_lines(run, &[line]).unwrap();
        let id = ledger.intend(run, &[Intent { row, ..wanted }]).unwrap()[0];
        if sent {
            go(&ledger, id, IntentState::Sending).unwrap();
        }
        go(&ledger, id, IntentState::NotApplied).unwrap();
        id
    };
    let same = in_vain(intent(0, "1"), true);
    in_vain(intent(0, "1"), false);
    in_vain(intent(0, "2"), true);
    let mut other_units = intent(0, "1");
    other_units.adjustment.target = units(8);
    in_vain(other_units, true);
    let mut other_day = intent(0, "1");
    other_day.adjustment.effective = DAY.tomorrow().unwrap();
    in_vain(other_day, true);
    let last = in_vain(intent(0, "1"), true);
    let before = |id| {
        let record = ledger.intent(id).unwrap();
        let found = ledger.sent_in_vain_before(&record).unwrap();
        found.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(before(last), [same]);
    assert_eq!(before(same), []);
}
