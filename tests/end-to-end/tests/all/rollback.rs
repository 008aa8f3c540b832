//! Runs that are taken back: once people approve it, from the first day that can still be
//! changed.

use end_to_end::{Scene, TODAY, line_of, name, outcome};
use jiff::civil::date;
use psa_host_billing::rules::Rules;
use psa_host_ledger::Outcome;
use psa_host_sync::{Answering, QuestionState};

fn set(scene: &Scene, change: impl FnOnce(&mut Rules)) {
    let mut rules = scene.host.rules(&name()).expect("rules");
    change(&mut rules);
    scene.host.set_rules(&name(), &rules).expect("set");
}

fn answer(scene: &Scene, answer: Answering) {
    let ids: Vec<_> = scene
        .host
        .questions(Some(&name()), true)
        .expect("read")
        .iter()
        .filter(|question| {
            matches!(
                question.state,
                QuestionState::Waiting | QuestionState::Rejected
            )
        })
        .map(|question| question.id)
        .collect();
    scene
        .host
        .answer(&ids, answer, "looked at it")
        .expect("answered");
}

/// Ten days later, and with it in the next billing period: 3 December.
fn december(scene: &Scene) {
    scene.wait(10 * 24 * 60);
    scene.import_usage(&[("w1", 11)]);
}

#[tokio::test]
async fn a_run_is_taken_back_once_people_approve_it_and_stays_taken_back() {
    let scene = Scene::new(&[(11, 5), (3, 5)]).await;
    let run = scene.sync().await.run.parse().unwrap();
    let preview = scene.host.rollback_preview(run).unwrap();
    assert_eq!((preview.lines, preview.questions.len()), (2, 0));
    let effect = &preview.effect;
    assert_eq!(effect.services[0].units.to_string(), "-4");
    assert_eq!(effect.services[0].from, TODAY);
    assert_eq!(effect.money[0].to_string(), "-16.80");
    let asked = scene.host.rollback(run, "a wrong snapshot").unwrap();
    assert_eq!((asked.questions.len(), &asked.effect), (2, effect));
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").0,
        Outcome::AwaitingApproval,
        "{report:#?}"
    );
    answer(&scene, Answering::Grant);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(
        (scene.applied(0), scene.applied(1)),
        (vec![6, -6], vec![-2, 2])
    );
    // Autotask takes one change a line and date: the day itself stays as it was posted.
    assert_eq!(scene.units_on(0, TODAY), 11);
    assert_eq!(scene.units_on(0, TODAY.tomorrow().unwrap()), 5);
    scene.wait(3 * 24 * 60);
    scene.import_usage(&[("w1", 11), ("w2", 3)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Unchanged, "{report:#?}");
    assert_eq!(scene.applied(0), [6, -6]);
    let again = scene.host.rollback(run, "again").unwrap_err();
    assert_eq!(again.code(), "nothing-to-roll-back");
}

#[tokio::test]
async fn a_rejected_rollback_is_another_question_than_what_the_counts_ask_for() {
    let scene = Scene::new(&[(11, 5)]).await;
    let run = scene.sync().await.run.parse().unwrap();
    scene.host.rollback(run, "a mistake?").unwrap();
    answer(&scene, Answering::Reject);
    set(&scene, |rules| rules.approval.decrease = true);
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 3)]);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").0,
        Outcome::AwaitingApproval,
        "{report:#?}"
    );
    let asked = scene.host.questions(Some(&name()), false).unwrap();
    assert_eq!(asked[0].question.rollback, None, "{asked:#?}");
    assert_eq!(asked[0].question.target, 3.into());
    answer(&scene, Answering::Grant);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    assert_eq!(scene.applied(0), [6, -8]);
}

#[tokio::test]
async fn a_run_is_taken_back_in_the_next_period_from_the_day_after_it_on() {
    let scene = Scene::new(&[(11, 5)]).await;
    let run = scene.sync().await.run.parse().unwrap();
    december(&scene);
    scene.host.rollback(run, "a wrong snapshot").unwrap();
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").0,
        Outcome::AwaitingApproval,
        "{report:#?}"
    );
    answer(&scene, Answering::Grant);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6, -6]);
    // November is not posted yet: what it would bill too much is taken back as well.
    assert_eq!(scene.units_on(0, TODAY), 11);
    assert_eq!(scene.units_on(0, TODAY.tomorrow().unwrap()), 5);
    assert_eq!(scene.units_on(0, date(2026, 12, 3)), 5);
}

#[tokio::test]
async fn a_run_whose_period_is_posted_is_taken_back_from_the_first_open_day_on() {
    let scene = Scene::new(&[(11, 5)]).await;
    let run = scene.sync().await.run.parse().unwrap();
    scene.host.rollback(run, "a wrong snapshot").unwrap();
    answer(&scene, Answering::Grant);
    december(&scene);
    scene.simulator.world().post_through(date(2026, 11, 30));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    let line = line_of(&report, "w1");
    assert_eq!(line.effective_date, date(2026, 12, 1));
    assert_eq!(
        line.message
            .as_deref()
            .unwrap_or_default()
            .split("; ")
            .next(),
        Some("2026-11-23 to 2026-11-30 is already posted with 11 units: -6 missed its invoice")
    );
    assert_eq!(scene.units_on(0, date(2026, 11, 30)), 11);
    assert_eq!(scene.units_on(0, date(2026, 12, 1)), 5);
    assert_eq!(scene.applied(0), [6, -6]);
    // The count asks for 11 still; the line stays where the rollback left it.
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 11)]);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    assert_eq!(scene.applied(0), [6, -6]);
}
