//! A rollback that is rejected, and one that was overtaken.

use end_to_end::{Scene, name, outcome};
use psa_host_billing::stance::Stance;
use psa_host_ledger::Outcome;
use psa_host_sync::{Answering, LineDecision};

use super::{answer, decide, edit, held, next_day};

#[tokio::test]
async fn rejecting_a_rollback_leaves_the_pin_that_a_person_had_put_before() {
    let scene = Scene::new(&[(11, 5)]).await;
    let run = scene.sync().await.run.parse().unwrap();
    decide(&scene, LineDecision::Pin).await;
    scene.host.rollback(run, "a mistake?").unwrap();
    answer(&scene, Answering::Reject);
    let kept = scene.host.line_decisions(&name()).unwrap();
    let why = "flat rate".to_owned();
    assert_eq!(kept[0].stance, Stance::Pin { why });
    next_day(&scene, 99);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Unchanged, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test]
async fn a_rollback_that_was_overtaken_is_held_until_it_is_rejected_by_its_number() {
    let scene = Scene::new(&[(11, 5)]).await;
    let run = scene.sync().await.run.parse().unwrap();
    let asked = scene.host.rollback(run, "a wrong snapshot").unwrap();
    answer(&scene, Answering::Grant);
    next_day(&scene, 11);
    edit(&scene, 2);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        held("rollback-overtaken"),
        "{report:#?}"
    );
    let message = report.lines[0].message.as_ref().unwrap();
    assert!(message.contains(&asked.questions[0]), "{message}");
    answer(&scene, Answering::Reject);
    assert_eq!(outcome(&scene.sync().await, "w1"), held("foreign-edit"));
    assert_eq!(scene.applied(0), [6]);
}
