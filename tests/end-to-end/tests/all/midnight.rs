//! Midnight in the connection's zone passes while a run posts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use end_to_end::{Scene, name, outcome};
use jiff::civil::{Date, date};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Step, unwatched};

const CUSTOMERS: usize = 8;

/// A run two minutes before midnight, whose first answer comes three minutes after it.
/// Returns the day it was planned for, and its report.
async fn run_over_midnight(scene: &Scene) -> (Date, RunReport) {
    let planned = scene.today();
    let (hand, answers) = (scene.hand(), AtomicUsize::new(0));
    let sent_after = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent_after);
    let host = scene.observed_host(Arc::new(move |step| match step {
        Step::AfterSend if answers.fetch_add(1, Ordering::SeqCst) == 0 => hand(5),
        Step::BeforeSend if answers.load(Ordering::SeqCst) > 0 => {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        _ => {}
    }));
    let (name, options) = (name(), SyncOptions::default());
    let report = host.sync(&name, &options, &unwatched);
    let report = report.await;
    let report = report.expect("midnight is no error");
    assert_eq!(sent_after.load(Ordering::SeqCst), 0, "sent after midnight");
    assert_eq!(report.as_of, planned);
    assert!(
        report
            .notices
            .iter()
            .any(|notice| notice.code == "date-changed")
    );
    (planned, report)
}

/// Customers whose lines were posted before midnight, and the others.
fn sent_and_held(scene: &Scene, report: &RunReport) -> (Vec<usize>, Vec<usize>) {
    let (mut sent, mut held) = (Vec::new(), Vec::new());
    for (at, customer) in scene.customers.iter().enumerate() {
        match outcome(report, &customer.workspace) {
            (Outcome::Confirmed, None) => sent.push(at),
            (Outcome::Held, Some(code)) if code == "date-changed" => held.push(at),
            other => panic!("{other:?}: {report:#?}"),
        }
    }
    assert!(!sent.is_empty() && held.len() >= 4, "{report:#?}");
    (sent, held)
}

#[tokio::test]
async fn what_is_left_at_midnight_is_held_and_planned_anew_for_the_new_date() {
    let scene = Scene::new(&[(11, 5); CUSTOMERS]).await;
    scene.wait_until_before_midnight(2);
    let (planned, report) = run_over_midnight(&scene).await;
    let (sent, held) = sent_and_held(&scene, &report);
    for at in &held {
        assert!(scene.applied(*at).is_empty());
    }

    let next = scene.sync().await;
    assert_eq!(next.as_of, planned.tomorrow().unwrap());
    assert_eq!(next.summary.outcomes["unchanged"], sent.len(), "{next:#?}");
    assert_eq!(next.summary.outcomes["confirmed"], held.len(), "{next:#?}");
    for at in 0..CUSTOMERS {
        assert_eq!(scene.applied(at), [6]);
    }
    assert_eq!(scene.units_on(held[0], planned), 5);
    assert_eq!(scene.units_on(sent[0], planned), 11);
}

#[tokio::test]
async fn nothing_lands_in_a_period_that_ended_during_the_run() {
    let scene = Scene::new(&[(11, 5); CUSTOMERS]).await;
    let (last, first) = (date(2026, 11, 30), date(2026, 12, 1));
    while scene.today() < last {
        scene.wait(24 * 60);
    }
    scene.wait_until_before_midnight(2);
    let (planned, report) = run_over_midnight(&scene).await;
    assert_eq!(planned, last);
    let (sent, held) = sent_and_held(&scene, &report);
    // The MSP posts the month that is over at once.
    scene.simulator.world().post_through(last);

    let next = scene.sync().await;
    assert_eq!(next.summary.outcomes["confirmed"], held.len(), "{next:#?}");
    for at in held {
        assert_eq!(
            (scene.units_on(at, last), scene.units_on(at, first)),
            (5, 11)
        );
    }
    for at in sent {
        let yesterday = last.yesterday().unwrap();
        assert_eq!(
            (scene.units_on(at, yesterday), scene.units_on(at, last)),
            (5, 11)
        );
    }
}
