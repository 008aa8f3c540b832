//! What counts as sent, and what stands against it in the last moment.

use psa_host_billing::rules::Rules;
use psa_host_billing::stance::Stance;
use psa_host_billing::{Metric, RejectionKind};
use psa_host_ledger::{
    AccountMapping, Answer, HandedOut, IntentState, Ledger, Mapping, Refusal, Resolution, RunEnd,
    RunEnding, ServiceMapping,
};
use serde_json::json;

use crate::fixture::{Place, code, name, one_intent, tenant};

fn map_account(ledger: &Ledger, workspace: &str) {
    let account = Mapping::Account(AccountMapping {
        workspace: workspace.parse().unwrap(),
        account: "102".parse().unwrap(),
    });
    ledger.map(&name("acme"), &account).unwrap();
}

#[test]
fn an_attempt_counts_when_it_is_handed_out_and_not_when_it_is_marked() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    let planned = ledger.decisions_at().unwrap();
    assert_eq!(code(ledger.hand_out(run, id, planned)), "wrong-transition");
    ledger.mark_sending(run, &[id]).unwrap();
    let marked = ledger.intent(id).unwrap();
    assert_eq!((marked.attempt, marked.is_only_marked()), (0, true));
    place.wait(3);
    assert_eq!(ledger.hand_out(run, id, planned).unwrap(), HandedOut::Yes);
    let out = ledger.intent(id).unwrap();
    assert_eq!((out.attempt, out.is_only_marked()), (1, false));
    let waited = out
        .sending_at
        .unwrap()
        .duration_since(marked.sending_at.unwrap());
    assert_eq!(waited.as_secs(), 3, "the quarantine counts from here");
    // Once, whoever asks.
    assert_eq!(code(ledger.hand_out(run, id, planned)), "wrong-transition");
    assert_eq!(code(ledger.unmark(run, &[id])), "wrong-transition");
}

#[test]
fn what_was_only_marked_is_unmarked_and_marked_again_without_counting() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    let planned = ledger.decisions_at().unwrap();
    for _ in 0..3 {
        ledger.mark_sending(run, &[id]).unwrap();
        ledger.unmark(run, &[id]).unwrap();
        assert_eq!(ledger.intent(id).unwrap().state, IntentState::Intended);
    }
    ledger.mark_sending(run, &[id]).unwrap();
    ledger.hand_out(run, id, planned).unwrap();
    ledger
        .record_answers(run, &[(id, Answer::NotSent("no route".to_owned()))])
        .unwrap();
    assert_eq!(ledger.intent(id).unwrap().attempt, 0);
    // Tried again, its row is on its way again.
    ledger.mark_sending(run, &[id]).unwrap();
    let row = ledger.run_lines(run.run()).unwrap().remove(0);
    assert_eq!(row.outcome.as_str(), "planned");
}

#[test]
fn after_a_loss_of_power_what_was_marked_counts_as_handed_out() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (_, before) = one_intent(&ledger, "1");
    let (run, now) = one_intent(&ledger, "2");
    ledger.mark_sending(run, &[before, now]).unwrap();
    place
        .sql(&format!(
            "UPDATE intents SET marked_in = 'an earlier boot' WHERE id = {before}"
        ))
        .unwrap();
    let only_marked = |id| ledger.intent(id).unwrap().is_only_marked();
    assert_eq!((only_marked(before), only_marked(now)), (false, true));
    ledger.presume_handed_out(run, &[before, now]).unwrap();
    let attempts = [before, now].map(|id| ledger.intent(id).unwrap().attempt);
    assert_eq!(attempts, [1, 0]);
    // Said twice, it counts once.
    ledger.presume_handed_out(run, &[before]).unwrap();
    assert_eq!(ledger.intent(before).unwrap().attempt, 1);
}

#[test]
fn nothing_is_handed_out_after_what_it_was_planned_from_was_changed() {
    type Change<'c> = (&'c str, &'c dyn Fn(&Ledger));
    let changes: [Change<'_>; 5] = [
        ("mapping", &|ledger| {
            map_account(ledger, "w1");
        }),
        ("mapping", &|ledger| {
            let pair = Mapping::Service(ServiceMapping {
                module: "edr".parse().unwrap(),
                service: "16".parse().unwrap(),
                metric: Metric::Devices,
            });
            ledger.map(&name("acme"), &pair).unwrap();
        }),
        ("rules", &|ledger| {
            let mut rules = Rules::default();
            rules.approval.decrease = true;
            ledger.set_rules(&name("acme"), &rules).unwrap();
        }),
        ("decision about the line", &|ledger| {
            let stance = Stance::Pin {
                why: "flat rate".to_owned(),
            };
            let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
            ledger
                .set_stance(
                    &tenant(),
                    &"1".parse().unwrap(),
                    (&workspace, &module),
                    &stance,
                    "flat rate",
                )
                .unwrap();
        }),
        ("pause", &|ledger| {
            ledger.pause_connection(&name("acme"), true).unwrap();
        }),
    ];
    for (what, change) in changes {
        let place = Place::new();
        let ledger = place.with_connection();
        let (run, id) = one_intent(&ledger, "1");
        let planned = ledger.decisions_at().unwrap();
        ledger.mark_sending(run, &[id]).unwrap();
        change(&ledger);
        let handed_out = ledger.hand_out(run, id, planned).unwrap();
        assert_eq!(handed_out, HandedOut::Changed(what));
        assert_eq!(ledger.intent(id).unwrap().attempt, 0, "{what}");
        // Planned after it, it goes.
        let planned = ledger.decisions_at().unwrap();
        assert_eq!(ledger.hand_out(run, id, planned).unwrap(), HandedOut::Yes);
    }
}

#[test]
fn changes_of_other_customers_stop_nothing() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    let planned = ledger.decisions_at().unwrap();
    ledger.mark_sending(run, &[id]).unwrap();
    map_account(&ledger, "w2");
    assert_eq!(ledger.hand_out(run, id, planned).unwrap(), HandedOut::Yes);
}

#[test]
fn a_run_that_was_taken_over_hands_nothing_out() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    let planned = ledger.decisions_at().unwrap();
    ledger.mark_sending(run, &[id]).unwrap();
    let end = RunEnd {
        ending: RunEnding::Killed,
        requests: 0,
        counts: Default::default(),
        incidents: json!({}),
        closes_date: false,
    };
    place.open().end_run(run, &end).unwrap();
    assert_eq!(code(ledger.hand_out(run, id, planned)), "run-state");
}

#[test]
fn rejections_count_in_a_row_for_one_target_until_they_are_lifted() {
    let place = Place::new();
    let ledger = place.with_connection();
    let line = "1".parse().unwrap();
    let times = || {
        ledger
            .rejections(&tenant())
            .unwrap()
            .get(&line)
            .map(|of| of.times)
    };
    let send = |kind, resolution| {
        let (run, id) = one_intent(&ledger, "1");
        let planned = ledger.decisions_at().unwrap();
        ledger.mark_sending(run, &[id]).unwrap();
        ledger.hand_out(run, id, planned).unwrap();
        let how = Refusal::Rejected(kind);
        let words = "no".to_owned();
        ledger
            .record_answers(run, &[(id, Answer::Refused { how, words })])
            .unwrap();
        ledger.resolve(run, &[(id, resolution, json!({}))]).unwrap();
        id
    };
    let no = || Resolution::Rejected {
        why: "no".to_owned(),
    };
    assert_eq!(times(), None);
    send(RejectionKind::Other, no());
    assert_eq!(times(), Some(1));
    send(RejectionKind::OutsideContract, no());
    assert_eq!(times(), Some(2));
    ledger
        .lift_rejections(&tenant(), std::slice::from_ref(&line), "extended")
        .unwrap();
    assert_eq!(times(), None);
    send(RejectionKind::Other, no());
    assert_eq!(times(), Some(1));
    // Something else became of it: they count no more.
    send(RejectionKind::Other, Resolution::Confirmed);
    assert_eq!(times(), None);
    // The user was refused: no attempt at the line, and no rejection of it.
    let refused = send(RejectionKind::Permission, Resolution::NotApplied);
    assert_eq!(
        (times(), ledger.intent(refused).unwrap().attempt),
        (None, 0)
    );
}

#[test]
fn a_date_that_was_refused_as_adjusted_is_remembered() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (run, id) = one_intent(&ledger, "1");
    ledger.mark_sending(run, &[id]).unwrap();
    let how = Refusal::Rejected(RejectionKind::DateAlreadyAdjusted);
    let words = "duplicate".to_owned();
    let dates = || {
        let since = crate::fixture::DAY;
        let all = ledger.adjusted_since(&tenant(), since).unwrap();
        let of = all.get(&"1".parse().unwrap()).cloned().unwrap_or_default();
        (of.own.len(), of.refused.len())
    };
    ledger
        .record_answers(run, &[(id, Answer::Refused { how, words })])
        .unwrap();
    assert_eq!(dates(), (1, 0), "in doubt until the line was read");
    let why = "duplicate".to_owned();
    ledger
        .resolve(run, &[(id, Resolution::Rejected { why }, json!({}))])
        .unwrap();
    assert_eq!(dates(), (0, 1));
    // And for nobody.
    assert_eq!(ledger.lines(&tenant()).unwrap()[0].posted_for, None);
}
