//! What people decide, held against what runs do with it later.

mod approvals;
mod closed;
mod rollback;
mod seen;
mod stances;
mod twice;

use autotask_sim::LineKind;
use end_to_end::{MODULE, Scene, name};
use psa_host_billing::rules::Rules;
use psa_host_billing::{ModuleId, WorkspaceId};
use psa_host_ledger::{Outcome, QuestionRecord};
use psa_host_sync::{Answering, Done, LineDecision, QuestionState};

/// One day, in minutes.
const DAY: i64 = 24 * 60;

fn set(scene: &Scene, change: impl FnOnce(&mut Rules)) {
    let mut rules = scene.host.rules(&name()).expect("rules");
    change(&mut rules);
    scene.host.set_rules(&name(), &rules).expect("set");
}

fn held(code: &str) -> (Outcome, Option<String>) {
    (Outcome::Held, Some(code.to_owned()))
}

/// Let a day pass; the first customer's count of the new one.
fn next_day(scene: &Scene, count: u32) {
    scene.wait(DAY);
    scene.import_usage(&[("w1", count)]);
}

/// A person changes the first customer's line in the PSA, from today on.
fn edit(scene: &Scene, by: i32) {
    let line = scene.customers[0].line;
    let simulator = &scene.simulator;
    simulator
        .foreign_edit(LineKind::Service, line, scene.today(), by)
        .expect("a line that takes it");
}

/// Every question ever asked, latest first.
fn questions(scene: &Scene) -> Vec<QuestionRecord> {
    scene.host.questions(Some(&name()), true).expect("read")
}

fn states(scene: &Scene) -> Vec<QuestionState> {
    questions(scene).iter().map(|asked| asked.state).collect()
}

/// Answer what was asked last.
fn answer(scene: &Scene, answer: Answering) {
    let id = questions(scene)[0].id;
    let answered = scene.host.answer(&[id], answer, "looked at it");
    answered.expect("open to it");
}

async fn try_to_decide(scene: &Scene, decision: LineDecision) -> psa_host_sync::Result<Done> {
    let (workspace, module) = (
        WorkspaceId::new("w1").expect("an id"),
        ModuleId::new(MODULE).expect("an id"),
    );
    let (name, pair) = (name(), (&workspace, &module));
    let done = scene.host.decide_line(&name, pair, decision, "flat rate");
    done.await
}

async fn decide(scene: &Scene, decision: LineDecision) {
    try_to_decide(scene, decision).await.expect("a line");
}
