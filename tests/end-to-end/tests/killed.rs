//! A run that is killed at any moment: each change still takes effect exactly once.

use std::time::Duration;

use end_to_end::{Scene, outcome, sync_as_child};
use psa_host_ledger::Outcome;

const CUSTOMERS: usize = 10;
const ROUNDS: u32 = 16;

/// Not a test by itself: what the child process of the test below runs.
#[tokio::test]
async fn the_child_that_is_killed() {
    sync_as_child().await;
}

#[tokio::test]
async fn a_run_killed_at_any_moment_posts_each_change_exactly_once() {
    let customers = [(10, 10); CUSTOMERS];
    let scene = Scene::altered(&customers, |config, _| {
        config.latency = Duration::from_millis(8);
    })
    .await;
    let (mut cut_short, mut posted_by_child) = (0, 0);
    for round in 1..=ROUNDS {
        // A new day, and one device more for everybody.
        scene.wait(24 * 60);
        let count = 10 + round;
        let counts: Vec<(&str, u32)> = scene
            .customers
            .iter()
            .map(|c| (c.workspace.as_str(), count))
            .collect();
        scene.import_usage(&counts);
        let before = scene.adjustments_sent();

        let mut child = scene.child("the_child_that_is_killed").spawn().unwrap();
        // Every third one dies before its first adjustment, the others a little later.
        let dies_early = round % 3 == 0;
        while !dies_early
            && scene.adjustments_sent() == before
            && child.try_wait().unwrap().is_none()
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let moment = if dies_early {
            40 * u64::from(round % 5)
        } else {
            7 * u64::from(round % 11)
        };
        tokio::time::sleep(Duration::from_millis(moment)).await;
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        cut_short += u32::from(!ended.success());
        let sent = scene.adjustments_sent() - before;
        posted_by_child += u32::from(sent > 0 && sent < CUSTOMERS);

        // Longer than the quarantine: what is in doubt is read, the rest is planned anew.
        scene.wait(11);
        let report = scene.sync().await;
        for (at, customer) in scene.customers.iter().enumerate() {
            let end = outcome(&report, &customer.workspace).0;
            assert!(
                matches!(end, Outcome::Confirmed | Outcome::Unchanged),
                "round {round}: {report:#?}"
            );
            let applied = scene.applied(at);
            assert_eq!(
                applied,
                vec![1; round as usize],
                "round {round}, {}",
                customer.workspace
            );
        }
        assert!(
            scene
                .host
                .ledger()
                .open_intents(&report.tenant)
                .unwrap()
                .is_empty()
        );
    }
    assert!(
        cut_short > ROUNDS / 2,
        "only {cut_short} runs were cut short"
    );
    assert!(
        posted_by_child > 2,
        "only {posted_by_child} runs were killed in the middle of posting"
    );
}
