//! What every connection begins with: limits that ask and brakes on the whole, over the
//! days of an MSP.

mod brakes;
mod exit_status;
mod gathering;
mod new_accounts;
mod other_days;

use end_to_end::{Scene, name, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::run::RunReport;
use psa_host_sync::{Answering, QuestionId, QuestionState};

/// One day, in minutes.
pub(crate) const DAY: i64 = 24 * 60;

/// Customers that all have their counts, known and in order: 10 devices each unless told.
pub(crate) async fn in_order(customers: &[u32]) -> Scene {
    let customers: Vec<(u32, i32)> = customers
        .iter()
        .map(|units| (*units, i32::try_from(*units).expect("a few")))
        .collect();
    let scene = Scene::new(&customers).await;
    scene.begin_with_limits();
    let report = scene.sync().await;
    assert_eq!(
        report.summary.outcomes["unchanged"],
        customers.len(),
        "{report:#?}"
    );
    scene
}

/// The counts of the next day, for customers `w1`, `w2`, …
pub(crate) fn next_day(scene: &Scene, counts: &[u32]) {
    scene.wait(DAY);
    count(scene, counts);
}

/// A new snapshot.
pub(crate) fn count(scene: &Scene, counts: &[u32]) {
    let workspaces: Vec<String> = (1..=counts.len()).map(|at| format!("w{at}")).collect();
    let counts: Vec<(&str, u32)> = workspaces
        .iter()
        .map(String::as_str)
        .zip(counts.iter().copied())
        .collect();
    scene.import_usage(&counts);
}

pub(crate) fn waiting(scene: &Scene) -> Vec<QuestionId> {
    let mut asked = scene.host.questions(Some(&name()), true).expect("read");
    asked.retain(|question| question.state == QuestionState::Waiting);
    asked.into_iter().map(|question| question.id).collect()
}

fn grant(scene: &Scene, ids: &[QuestionId]) {
    let granted = scene.host.answer(ids, Answering::Grant, "looked at it");
    granted.expect("they wait");
}

pub(crate) fn codes(report: &RunReport) -> Vec<&str> {
    report.notices.iter().map(|n| n.code.as_str()).collect()
}

/// Of how many lines what came.
fn count_of(report: &RunReport, outcome: Outcome) -> usize {
    report.summary.outcomes[outcome.as_str()]
}

fn code_of(report: &RunReport, workspace: &str) -> String {
    outcome(report, workspace).1.unwrap_or_default()
}
