//! Requests that arrive when nobody expects them any more.

use crate::THE_CHILD;
use autotask_sim::switches::Verdict;
use autotask_sim::{Fault, FaultKind, Lost};
use end_to_end::{Death, Scene, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::Step;

/// Longer than the quarantine, in minutes.
const LATER: i64 = 11;

fn applied_after(minutes: i64) -> Fault {
    let late = FaultKind::ApplyLate {
        lost: Lost::Drop,
        after_ms: None,
        after_clock_seconds: Some(minutes * 60),
    };
    Fault::new(late)
        .on("ContractServiceAdjustments")
        .method("POST")
}

#[tokio::test]
async fn a_request_that_lands_after_two_readings_and_within_the_quarantine_counts_once() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.inject(applied_after(8));
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Doubtful);
    scene.wait(5);
    let still = scene.sync().await;
    assert_eq!(still.settled[0].outcome, Outcome::Doubtful, "{still:#?}");
    assert!(scene.applied(0).is_empty());
    scene.wait(LATER - 5);
    let settled = scene.sync().await;
    assert_eq!(
        settled.settled[0].outcome,
        Outcome::Confirmed,
        "{settled:#?}"
    );
    assert_eq!(outcome(&settled, "w1").0, Outcome::Unchanged);
    assert_eq!((scene.adjustments_sent(), scene.applied(0)), (1, vec![6]));
}

/// The limit of what reading can tell: a request that arrives after the quarantine. For
/// the same date the PSA itself refuses the second.
#[tokio::test]
async fn a_request_that_lands_after_the_quarantine_is_refused_by_the_psa_for_the_same_date() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.inject(applied_after(30));
    scene.sync().await;
    scene.wait(LATER);
    let again = scene.sync().await;
    assert_eq!(outcome(&again, "w1").0, Outcome::Confirmed, "{again:#?}");
    scene.wait(30);
    assert_eq!((scene.adjustments_sent(), scene.applied(0)), (2, vec![6]));
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
}

/// Where it does not, both are applied. It is seen at the next run, and held.
#[tokio::test]
async fn a_request_that_lands_after_the_quarantine_beside_its_successor_is_noticed_and_held() {
    let scene = Scene::altered(&[(11, 5)], |config, _| {
        config.switches.repeat_date = Verdict::Accept;
    })
    .await;
    noticed_and_held(&scene).await;
}

/// So are two for different dates.
#[tokio::test]
async fn a_request_that_lands_after_the_quarantine_and_midnight_is_noticed_and_held() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.wait_until_before_midnight(2);
    noticed_and_held(&scene).await;
}

async fn noticed_and_held(scene: &Scene) {
    scene.simulator.inject(applied_after(30));
    scene.sync().await;
    scene.wait(LATER);
    let again = scene.sync().await;
    assert_eq!(outcome(&again, "w1").0, Outcome::Confirmed, "{again:#?}");
    scene.wait(30);
    assert_eq!(scene.applied(0), [6, 6], "the PSA took both");

    let noticed = scene.sync().await;
    let (end, code) = outcome(&noticed, "w1");
    assert_eq!(end, Outcome::Held, "{noticed:#?}");
    assert!(code.is_some() && noticed.needs_a_person());
    scene.wait(24 * 60);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Held);
    assert_eq!(scene.adjustments_sent(), 2, "nothing more is sent");
}

/// Marked with the others, and sent much later than they were: it is read and marked anew,
/// and the quarantine counts from when it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_left_long_after_it_was_marked_is_in_quarantine_from_then_on() {
    let scene = Scene::new(&[(11, 5); 5]).await;
    let at = |step, nth| Death { step, nth };
    // 12 minutes pass in the child alone before the fifth is handed out.
    scene.simulator.inject(applied_after(12 + 8).skip(4));
    let mut child = scene
        .child(THE_CHILD)
        .slow_at(at(Step::BeforeSend, 5), 12)
        .dying_at(at(Step::AfterSend, 5))
        .spawn();
    assert!(child.was_killed(), "{:?}", child.reached());
    assert_eq!(scene.adjustments_sent(), 5);
    scene.wait(12 + 1);
    let report = scene.sync().await;
    let mut settled = report.settled.iter().map(|line| line.outcome);
    assert!(settled.any(|end| end == Outcome::Doubtful), "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 5);
    scene.wait(LATER);
    scene.sync().await;
    for customer in 0..5 {
        assert_eq!(scene.applied(customer), [6]);
    }
    assert_eq!(scene.adjustments_sent(), 5);
}

#[tokio::test]
async fn a_clock_that_was_set_back_ends_no_quarantine() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.inject(applied_after(8));
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Doubtful);
    scene.hand()(-60);
    let too_early = scene.sync().await;
    assert_eq!(
        too_early.settled[0].outcome,
        Outcome::Doubtful,
        "{too_early:#?}"
    );
    assert_eq!(scene.adjustments_sent(), 1);
}
