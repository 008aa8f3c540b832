//! Rules, decisions about lines, and questions with their answers.

use psa_host_billing::approval::Reason;
use psa_host_billing::rules::{Rules, ZeroRule};
use psa_host_billing::stance::Stance;
use psa_host_billing::{LineId, LineKey, Money};
use psa_host_ledger::{
    Answering, Ledger, LedgerError, NewQuestion, QuestionId, QuestionState, Resolution,
};

use crate::fixture::{DAY, Place, name, new_run, one_intent, tenant, units};

fn question(line: &str, baseline: u32, target: u32) -> NewQuestion {
    NewQuestion {
        workspace: "w1".parse().unwrap(),
        module: "edr".parse().unwrap(),
        key: LineKey {
            line: line.parse().unwrap(),
            contract: "9001".parse().unwrap(),
            service: "15".parse().unwrap(),
            account: psa_host_billing::AccountId::new("a1").expect("an id"),
        },
        baseline: units(baseline),
        target: units(target),
        effective: DAY,
        money: None,
        reasons: vec![Reason::FirstTime],
        rollback: None,
    }
}

fn ask(ledger: &Ledger, question: NewQuestion) -> QuestionId {
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    ledger.ask(run, &tenant(), &[question]).unwrap().remove(0)
}

fn states(ledger: &Ledger) -> Vec<QuestionState> {
    let all = ledger.questions(Some(&name("acme")), &[]).unwrap();
    all.iter().map(|question| question.state).collect()
}

#[test]
fn rules_are_the_defaults_until_somebody_sets_others() {
    let place = Place::new();
    let ledger = place.with_connection();
    assert_eq!(ledger.rules(&name("acme")).unwrap(), Rules::default());
    let before = ledger.history_head().unwrap();
    ledger.set_rules(&name("acme"), &Rules::default()).unwrap();
    assert_eq!(ledger.history_head().unwrap(), before, "nothing changed");
    let rules = Rules {
        zero: ZeroRule::Post,
        ..Rules::default()
    };
    ledger.set_rules(&name("acme"), &rules).unwrap();
    drop(ledger);
    assert_eq!(place.open().rules(&name("acme")).unwrap(), rules);
}

#[test]
fn the_same_question_is_asked_once_and_another_takes_its_place() {
    let place = Place::new();
    let ledger = place.with_connection();
    let first = ask(&ledger, question("1", 5, 30));
    assert_eq!(ask(&ledger, question("1", 5, 30)), first);
    let second = ask(&ledger, question("1", 5, 31));
    assert_ne!(second, first);
    assert_eq!(
        states(&ledger),
        [QuestionState::Waiting, QuestionState::Superseded]
    );
    let live = ledger.live_questions(&tenant()).unwrap();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].question, question("1", 5, 31));
}

#[test]
fn each_answer_is_open_only_from_some_states() {
    use Answering::{Grant, Reject, Reopen};
    let cases: [(&[Answering], Option<QuestionState>); 9] = [
        (&[Grant], Some(QuestionState::Granted)),
        (&[Reject], Some(QuestionState::Rejected)),
        (&[Reopen], None),
        (&[Grant, Grant], None),
        (&[Grant, Reject], Some(QuestionState::Rejected)),
        (&[Grant, Reopen], Some(QuestionState::Waiting)),
        (&[Reject, Grant], None),
        (&[Reject, Reopen], Some(QuestionState::Waiting)),
        (&[Reject, Reopen, Grant], Some(QuestionState::Granted)),
    ];
    for (answers, expected) in cases {
        let place = Place::new();
        let ledger = place.with_connection();
        let id = ask(&ledger, question("1", 5, 30));
        let (last, before) = answers.split_last().unwrap();
        for answer in before {
            ledger.answer(&[id], *answer, "seen").unwrap();
        }
        let answered = ledger.answer(&[id], *last, "seen");
        match expected {
            Some(state) => {
                answered.unwrap();
                assert_eq!(states(&ledger), [state], "{answers:?}");
            }
            None => assert!(
                matches!(answered, Err(LedgerError::QuestionState { .. })),
                "{answers:?}"
            ),
        }
    }
}

#[test]
fn a_question_that_waits_is_brought_up_to_date_and_a_grant_covers_no_more_than_was_shown() {
    let dollars = |amount: i64| {
        Some(Money {
            amount: amount.into(),
            currency: Some("USD".into()),
        })
    };
    let at = |amount, effective| NewQuestion {
        money: dollars(amount),
        effective,
        ..question("1", 5, 30)
    };
    let (day, next) = (DAY, DAY.tomorrow().unwrap());
    let place = Place::new();
    let ledger = place.with_connection();
    let id = ask(&ledger, at(105, day));
    assert_eq!(ask(&ledger, at(200, next)), id);
    let asked = ledger.live_questions(&tenant()).unwrap().remove(0);
    assert_eq!(asked.question, at(200, next));
    let told = |ledger: &Ledger| {
        let history = ledger.history(0, u32::MAX).unwrap();
        let refreshed = history.iter().filter(|e| e.what == "approval.refreshed");
        refreshed.count()
    };
    assert_eq!(told(&ledger), 1);
    ledger.answer(&[id], Answering::Grant, "yes").unwrap();
    // What was granted is not written over.
    assert_eq!(ask(&ledger, at(100, next)), id);
    let asked = ledger.live_questions(&tenant()).unwrap().remove(0);
    assert_eq!(asked.question, at(200, next));
    assert_eq!(told(&ledger), 1);
    assert_ne!(ask(&ledger, at(201, next)), id);
    assert_eq!(
        states(&ledger),
        [QuestionState::Waiting, QuestionState::Superseded]
    );
}

#[test]
fn a_rollback_that_was_rejected_and_is_asked_for_again_waits_again() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let roll_back = || {
        let back = NewQuestion {
            rollback: Some((run.run(), DAY)),
            ..question("1", 30, 5)
        };
        let asked = ledger.ask_rollback(&name("acme"), &tenant(), run.run(), &[back], "a mistake");
        asked.unwrap().remove(0)
    };
    let id = roll_back();
    ledger.answer(&[id], Answering::Reject, "no").unwrap();
    roll_back();
    assert_eq!(
        states(&ledger),
        [QuestionState::Waiting, QuestionState::Superseded]
    );
}

#[test]
fn answers_are_given_to_all_or_to_none() {
    let place = Place::new();
    let ledger = place.with_connection();
    let one = ask(&ledger, question("1", 5, 30));
    let two = ask(&ledger, question("2", 5, 30));
    ledger.answer(&[two], Answering::Reject, "no").unwrap();
    assert!(ledger.answer(&[one, two], Answering::Grant, "yes").is_err());
    assert_eq!(
        states(&ledger),
        [QuestionState::Rejected, QuestionState::Waiting]
    );
}

#[test]
fn a_rollback_pins_its_line_until_it_is_rejected() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let back = NewQuestion {
        rollback: Some((run.run(), DAY)),
        ..question("1", 30, 5)
    };
    let asked = ledger.ask_rollback(&name("acme"), &tenant(), run.run(), &[back], "a mistake");
    let id = asked.unwrap().remove(0);
    let pinned = ledger.stances(&tenant()).unwrap();
    assert!(matches!(pinned[0].stance, Stance::Pin { .. }), "{pinned:?}");
    ledger.answer(&[id], Answering::Reject, "no").unwrap();
    assert_eq!(ledger.stances(&tenant()).unwrap(), []);
    ledger
        .answer(&[id], Answering::Reopen, "yes after all")
        .unwrap();
    assert_eq!(ledger.stances(&tenant()).unwrap().len(), 1);
}

#[test]
fn a_rejected_rollback_leaves_what_a_person_decided_before_and_since() {
    let gift = Stance::Pin {
        why: "a gift".to_owned(),
    };
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let line: LineId = "1".parse().unwrap();
    let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
    let set = |stance: &Stance, why: &str| {
        let pair = (&workspace, &module);
        let set = ledger.set_stance(&tenant(), &line, pair, stance, why);
        set.unwrap();
    };
    let roll_back = |from: u32| {
        let back = NewQuestion {
            rollback: Some((run.run(), DAY)),
            ..question("1", from, 5)
        };
        let asked = ledger.ask_rollback(&name("acme"), &tenant(), run.run(), &[back], "a mistake");
        asked.unwrap().remove(0)
    };
    let reject = |id| ledger.answer(&[id], Answering::Reject, "no").unwrap();
    set(&gift, "a gift to them");
    let before = ledger.stances(&tenant()).unwrap();
    place.wait(60);
    // One rollback in the place of another.
    roll_back(30);
    let id = roll_back(31);
    assert_ne!(ledger.stances(&tenant()).unwrap(), before);
    reject(id);
    assert_eq!(ledger.stances(&tenant()).unwrap(), before);
    // Asked again and rejected again.
    ledger.answer(&[id], Answering::Reopen, "yes").unwrap();
    assert_ne!(ledger.stances(&tenant()).unwrap(), before);
    reject(id);
    assert_eq!(ledger.stances(&tenant()).unwrap(), before);
    // A pin of a rollback that was posted is a decision like any other.
    ledger.answer(&[id], Answering::Reopen, "yes").unwrap();
    ledger
        .close_questions(run, &[(id, QuestionState::Posted)])
        .unwrap();
    let posted = ledger.stances(&tenant()).unwrap();
    let id = roll_back(32);
    reject(id);
    assert_eq!(ledger.stances(&tenant()).unwrap(), posted);
    // Decided since.
    ledger.answer(&[id], Answering::Reopen, "yes").unwrap();
    set(&Stance::Overwrite { units: units(31) }, "a typing error");
    let since = ledger.stances(&tenant()).unwrap();
    reject(id);
    assert_eq!(ledger.stances(&tenant()).unwrap(), since);
}

#[test]
fn the_pin_of_a_rollback_of_an_earlier_release_goes_when_it_is_rejected() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let back = NewQuestion {
        rollback: Some((run.run(), DAY)),
        ..question("1", 30, 5)
    };
    let asked = ledger.ask_rollback(&name("acme"), &tenant(), run.run(), &[back], "a mistake");
    let id = asked.unwrap().remove(0);
    drop(ledger);
    place.drop_triggers_on_decisions();
    let earlier = "DROP TABLE usage_unread;
         DROP TABLE workspaces_unread;
         DROP TABLE decision_changes;
         ALTER TABLE intents DROP COLUMN marked_in;
         ALTER TABLE intents DROP COLUMN refusal;
         ALTER TABLE intents DROP COLUMN lifted_at;
         ALTER TABLE intents DROP COLUMN account;
         ALTER TABLE lines DROP COLUMN account;
         ALTER TABLE questions DROP COLUMN account;
         ALTER TABLE stances DROP COLUMN question;
         ALTER TABLE stances DROP COLUMN before;
         DROP TABLE lines_seen;
         ALTER TABLE snapshots DROP COLUMN withdrawn_at;
         ALTER TABLE snapshots DROP COLUMN withdrawn_by;
         ALTER TABLE snapshots DROP COLUMN withdrawn_why;
         DROP TABLE bundles;
         DROP TRIGGER account_is_known;
         DROP TABLE known_accounts;
         DROP TABLE passed_changes;
         DROP TABLE first_looks;
         DROP TABLE limits_added;
         DROP TABLE due_days;
         DROP TABLE tenant_claims;
         DROP TABLE second_tenants;
         ALTER TABLE connections DROP COLUMN credentials_version;
         ALTER TABLE connections DROP COLUMN refused_at;
         ALTER TABLE connections DROP COLUMN refused_words;
         ALTER TABLE connections DROP COLUMN kept_on;
         DROP TABLE plugin_files;
         ALTER TABLE runs DROP COLUMN cancel_asked_at;
         ALTER TABLE runs DROP COLUMN cancel_asked_by;
         DELETE FROM meta WHERE name = 'lineages';
         ALTER TABLE plugins DROP COLUMN lineage;
         ALTER TABLE plugins ADD COLUMN description TEXT NOT NULL DEFAULT '{}';
         ALTER TABLE plugins ADD COLUMN added_at INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE plugins ADD COLUMN added_by TEXT NOT NULL DEFAULT '';
         CREATE TABLE approvals (plugin TEXT PRIMARY KEY, sha256 TEXT, hosts TEXT,
             approved_at INTEGER, approved_by TEXT);
         CREATE INDEX intents_by_connection ON intents (connection_id);
         DROP TABLE run_leases;
         DROP TABLE schedules;
         DROP TABLE scheduled_dates;
         DROP TABLE posting_stop;
         DROP TABLE api_tokens;
         DROP INDEX one_open_run;
         ALTER TABLE runs DROP COLUMN scheduled_for;
         DROP INDEX history_by_chain;
         ALTER TABLE history DROP COLUMN chain;
         PRAGMA user_version = 5;";
    place.sql(earlier).unwrap();
    let ledger = place.open();
    ledger.answer(&[id], Answering::Reject, "no").unwrap();
    assert_eq!(ledger.stances(&tenant()).unwrap(), []);
    // That the upgrade gave limits to the connection is in the history, once, and said once.
    let history = ledger.history(0, 1000).unwrap();
    let told = history.iter().filter(|e| e.what == "rules.limits-added");
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "acme");
    assert_eq!(told[0].detail["approval"]["new-accounts"], true);
    assert!(ledger.say_limits_added(&name("acme")).unwrap());
    assert!(!place.open().say_limits_added(&name("acme")).unwrap());
}

#[test]
fn a_new_connection_has_had_its_limits_from_the_beginning() {
    let place = Place::new();
    let ledger = place.with_connection();
    assert!(!ledger.say_limits_added(&name("acme")).unwrap());
}

#[test]
fn a_decision_about_a_line_replaces_the_one_before_and_can_be_taken_back() {
    let place = Place::new();
    let ledger = place.with_connection();
    let line: LineId = "1".parse().unwrap();
    let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
    let set = |stance: &Stance| {
        ledger
            .set_stance(&tenant(), &line, (&workspace, &module), stance, "because")
            .unwrap();
    };
    set(&Stance::Overwrite { units: units(4) });
    let adopt = Stance::Adopt {
        units: units(4),
        target: units(9),
    };
    set(&adopt);
    let kept = ledger.stances(&tenant()).unwrap();
    assert_eq!((kept.len(), &kept[0].stance), (1, &adopt));
    ledger.release_stance(&tenant(), &line, "done").unwrap();
    let again = ledger.release_stance(&tenant(), &line, "done");
    assert!(matches!(again, Err(LedgerError::NotFound { .. })));
}

#[test]
fn a_decision_about_certain_units_is_used_up_once_a_change_is_confirmed_and_a_pin_is_not() {
    let overwrite = Stance::Overwrite { units: units(5) };
    let adopt = Stance::Adopt {
        units: units(5),
        target: units(9),
    };
    let pin = Stance::Pin {
        why: "a gift".to_owned(),
    };
    let held = Resolution::Held {
        code: "unexpected-units".to_owned(),
        why: "13".to_owned(),
    };
    let table = [
        (&overwrite, Resolution::Confirmed, false),
        (&adopt, Resolution::Confirmed, false),
        (&pin, Resolution::Confirmed, true),
        (&overwrite, Resolution::NotApplied, true),
        (&adopt, held, true),
    ];
    for (stance, resolution, stays) in table {
        let place = Place::new();
        let ledger = place.with_connection();
        let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
        for line in ["1", "2"] {
            let (line, pair) = (line.parse().unwrap(), (&workspace, &module));
            let set = ledger.set_stance(&tenant(), &line, pair, stance, "because");
            set.unwrap();
        }
        let (run, id) = one_intent(&ledger, "1");
        ledger.mark_sending(run, &[id]).unwrap();
        assert_eq!(ledger.stances(&tenant()).unwrap().len(), 2, "only sent");
        let resolved = ledger.resolve(run, &[(id, resolution.clone(), serde_json::json!({}))]);
        resolved.unwrap();
        // The other line's decision is not touched.
        let left = ledger.stances(&tenant()).unwrap().len() - 1;
        assert_eq!(left == 1, stays, "{stance:?}, {resolution:?}");
        let history = ledger.history(0, u32::MAX).unwrap();
        let told = history.iter().any(|e| e.what == "line.decision-used");
        assert_eq!(told, !stays, "{stance:?}, {resolution:?}");
    }
}
