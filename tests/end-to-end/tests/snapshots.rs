//! What stands against a usage snapshot as a whole, over whole runs.

use end_to_end::{Scene, name, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::run::RunReport;
use psa_host_sync::unwatched;

/// Codes of what stands against posting at all.
fn brakes(report: &RunReport) -> Vec<&str> {
    let codes = report.notices.iter().map(|notice| notice.code.as_str());
    codes.collect()
}

/// What a validation finds that holds, by code.
async fn holding(scene: &Scene) -> Vec<String> {
    let validation = scene.host.validate(&name(), &unwatched).await;
    let findings = validation.expect("a PSA that answers").findings.into_iter();
    findings.filter(|f| f.holds).map(|f| f.code).collect()
}

#[tokio::test]
async fn nothing_is_posted_from_a_snapshot_of_the_future() {
    let scene = Scene::new(&[(11, 5)]).await;
    // The clock was an hour ahead when it was imported, and has been set right.
    let set_clock = scene.hand();
    set_clock(-60);
    let report = scene.sync().await;
    assert_eq!(brakes(&report), ["snapshot-in-future"], "{report:#?}");
    assert!(report.needs_a_person());
    assert_eq!(holding(&scene).await, ["snapshot-in-future"]);
    assert_eq!(scene.adjustments_sent(), 0);
    set_clock(60);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}
