//! What sources disagree about is a switch of the simulator: the main job works under
//! each behaviour.

use autotask_sim::{Fault, FaultKind};
use end_to_end::{Scene, TODAY, outcome};
use psa_host_ledger::Outcome;

async fn scene_with(switch: &str) -> Scene {
    let switch = switch.to_owned();
    Scene::altered(&[(11, 5), (2, 4), (3, 3)], move |config, _| {
        config
            .switches
            .set(&switch)
            .expect("a switch and one of its values");
    })
    .await
}

/// Behaviours under which every line comes out as it should.
const HARMLESS: [&str; 23] = [
    "zero-units=accept",
    "zero-units=refuse",
    "posted-period=refuse",
    "posted-period=next-open",
    "posted-period=prorate",
    "mid-period=split",
    "mid-period=overlap",
    "inactive-contract=refuse",
    "adjustment-item-id=false",
    "adjustment-item-id=true",
    "in-limit=true",
    "in-limit=false",
    "include-id=accept",
    "paging=by-id",
    "paging=by-offset",
    "date-format=seconds",
    "date-format=millis",
    "date-format=bare",
    "validation-status=200",
    "integration-code-status=500",
    "locked-status=403",
    "version-endpoint=true",
    "version-endpoint=false",
];

#[tokio::test]
async fn each_disputed_behaviour_lets_the_main_job_through() {
    for switch in HARMLESS {
        let scene = scene_with(switch).await;
        let report = scene.sync().await;
        assert_eq!(
            report.summary.outcomes["confirmed"], 2,
            "{switch}: {report:#?}"
        );
        assert_eq!(report.summary.outcomes["unchanged"], 1, "{switch}");
        assert_eq!(
            (scene.applied(0), scene.applied(1)),
            (vec![6], vec![-2]),
            "{switch}"
        );
        let again = scene.sync().await;
        assert_eq!(
            again.summary.outcomes["unchanged"], 3,
            "{switch}: {again:#?}"
        );
    }
}

#[tokio::test]
async fn rows_in_another_order_are_refused_or_read_right() {
    let scene = scene_with("order=descending").await;
    let report = scene.sync().await;
    // One page holds everything here, so the order does not matter; a longer list would
    // be refused as one that makes no progress.
    assert_eq!(report.summary.outcomes["confirmed"], 2, "{report:#?}");
}

#[tokio::test]
async fn a_thread_violation_is_waited_out_however_it_is_reported() {
    for switch in [
        "thread-status=429",
        "thread-status=500",
        "retry-after=seconds",
        "retry-after=date",
    ] {
        let scene = scene_with(switch).await;
        scene.simulator.inject(
            Fault::new(FaultKind::TooMany {
                retry_after: Some(1),
            })
            .on("Contracts"),
        );
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1").0,
            Outcome::Confirmed,
            "{switch}: {report:#?}"
        );
        assert_eq!(scene.units_on(0, TODAY), 11, "{switch}");
    }
}
