//! What becomes of questions once a run has planned something else.

use autotask_sim::schema::Entity;
use end_to_end::{Scene, name, outcome};
use psa_host_billing::SetAsideKind;
use psa_host_ledger::Outcome;
use psa_host_sync::{Answering, MappingKind, QuestionState, SetAsideOrder};
use rust_decimal::Decimal;

use super::{answer, next_day, set, states};

/// 5 → 30 waits for a person.
async fn waiting() -> Scene {
    let scene = Scene::new(&[(30, 5)]).await;
    set(&scene, |rules| rules.approval.units = Some(Decimal::TEN));
    scene.sync().await;
    assert_eq!(states(&scene), [QuestionState::Waiting]);
    scene
}

#[tokio::test]
async fn a_question_is_superseded_when_another_change_of_its_line_is_posted() {
    for granted in [false, true] {
        let scene = waiting().await;
        if granted {
            answer(&scene, Answering::Grant);
        }
        next_day(&scene, 8);
        let report = scene.sync().await;
        assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
        assert_eq!(
            states(&scene),
            [QuestionState::Superseded],
            "granted: {granted}"
        );
    }
}

#[tokio::test]
async fn a_question_about_a_pair_that_is_mapped_no_more_is_superseded() {
    let scene = waiting().await;
    scene
        .host
        .unmap(&name(), MappingKind::Account, "w1")
        .unwrap();
    scene.sync().await;
    assert_eq!(states(&scene), [QuestionState::Superseded]);
}

#[tokio::test]
async fn a_question_about_a_pair_that_was_excluded_is_superseded() {
    let scene = waiting().await;
    let order = SetAsideOrder {
        workspaces: vec!["w1".parse().unwrap()],
        modules: vec![],
        kind: SetAsideKind::Exclude,
        why: "billed by others".to_owned(),
        until: None,
    };
    scene.host.set_aside(&name(), &order).unwrap();
    scene.sync().await;
    assert_eq!(states(&scene), [QuestionState::Superseded]);
}

#[tokio::test]
async fn a_question_stays_while_nobody_can_tell_its_line() {
    let scene = waiting().await;
    let contract = scene.customers[0].contract;
    // Its status is not known: it is held, and which line it would be is not said.
    scene
        .simulator
        .world()
        .set(Entity::Contracts, contract, "status", &0.into())
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Held, "{report:#?}");
    assert_eq!(states(&scene), [QuestionState::Waiting]);
}
