//! An approval covers what was shown, and what is shown is what is true now.

use autotask_sim::LineKind;
use autotask_sim::schema::Entity;
use end_to_end::{Scene, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::{Answering, QuestionState};
use rust_decimal::Decimal;

use super::{answer, next_day, questions, set, states};

/// The first customer's line is sold at another price from now on.
fn sell_at(scene: &Scene, price: i64) {
    let line = scene.customers[0].line;
    let mut world = scene.simulator.world();
    for field in ["internalCurrencyAdjustedPrice", "internalCurrencyUnitPrice"] {
        let set = world.set(Entity::ContractServices, line, field, &price.into());
        set.expect("a line");
    }
    let rows = world.timeline(LineKind::Service, line);
    let rows: Vec<i64> = rows.into_iter().map(|row| row.id).collect();
    for row in rows {
        let units = world.units_mut(LineKind::Service);
        let changed = units.update(row, |row| row.unit_price = price.into());
        changed.expect("a row");
    }
}

async fn asked_about_money() -> Scene {
    let scene = Scene::new(&[(30, 5)]).await;
    set(&scene, |rules| {
        rules.approval.money = Some(Decimal::from(50));
    });
    scene.sync().await;
    let money = questions(&scene)[0].question.money.clone();
    assert_eq!(money.expect("a price").to_string(), "105.00");
    scene
}

#[tokio::test]
async fn an_approval_does_not_cover_more_money_than_was_shown() {
    let scene = asked_about_money().await;
    answer(&scene, Answering::Grant);
    sell_at(&scene, 420);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").0,
        Outcome::AwaitingApproval,
        "{report:#?}"
    );
    assert_eq!(scene.adjustments_sent(), 0);
    assert_eq!(
        states(&scene),
        [QuestionState::Waiting, QuestionState::Superseded]
    );
    let money = questions(&scene)[0].question.money.clone();
    assert_eq!(money.unwrap().to_string(), "10500.00");
    answer(&scene, Answering::Grant);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}

#[tokio::test]
async fn an_approval_covers_less_money_and_a_later_day() {
    let scene = asked_about_money().await;
    answer(&scene, Answering::Grant);
    sell_at(&scene, 3);
    next_day(&scene, 30);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(states(&scene), [QuestionState::Posted]);
}

#[tokio::test]
async fn a_waiting_question_shows_the_day_and_the_money_of_the_last_run() {
    let scene = asked_about_money().await;
    let first = questions(&scene)[0].id;
    sell_at(&scene, 420);
    next_day(&scene, 30);
    scene.sync().await;
    let asked = questions(&scene).remove(0);
    assert_eq!((asked.id, asked.state), (first, QuestionState::Waiting));
    assert_eq!(asked.question.effective, scene.today());
    assert_eq!(asked.question.money.unwrap().to_string(), "10500.00");
    let reason = asked.question.reasons[0].to_string();
    assert!(reason.contains("10500.00"), "{reason}");
    let ledger = scene.host.ledger();
    let told = |what: &str| {
        let history = ledger.history(0, u32::MAX).unwrap();
        history.iter().filter(|event| event.what == what).count()
    };
    assert_eq!(told("approval.refreshed"), 1);
    // And nothing is told where nothing has changed.
    scene.sync().await;
    assert_eq!(told("approval.refreshed"), 1);
}

#[tokio::test]
async fn a_change_that_a_person_rejected_is_not_posted_because_it_became_cheaper() {
    let scene = asked_about_money().await;
    answer(&scene, Answering::Reject);
    sell_at(&scene, 1);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").1.as_deref(),
        Some("approval-rejected"),
        "{report:#?}"
    );
}
