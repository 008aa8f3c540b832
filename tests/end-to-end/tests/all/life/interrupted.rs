//! The first posting of an MSP is killed in the middle, then stopped by a person, and goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use end_to_end::{Death, name};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{CancellationToken, Step, unwatched};

use super::{DAY, Msp, codes, count_of};

const CUSTOMERS: usize = 60;

/// Neither a brake, nor a question, nor a line that is held for what was never sent.
fn nothing_is_asked(msp: &Msp, report: &RunReport) {
    let held: BTreeSet<&str> = report
        .summary
        .held_by_code
        .keys()
        .map(String::as_str)
        .collect();
    let allowed = BTreeSet::from(["run-cancelled", "open-adjustment"]);
    assert!(held.is_subset(&allowed), "{held:?}");
    for settled in &report.settled {
        assert_ne!(
            settled.code.as_deref(),
            Some("not-applied-twice"),
            "{settled:#?}"
        );
    }
    assert!(!codes(report).contains(&"too-many-accounts"), "{report:#?}");
    assert_eq!(
        count_of(report, Outcome::AwaitingApproval),
        0,
        "{report:#?}"
    );
    assert_eq!(msp.asked(), CUSTOMERS, "nothing is asked anew");
}

/// The run is stopped by a person after some answers.
async fn stopped(msp: &Msp, answers: usize) -> RunReport {
    let cancel = CancellationToken::new();
    let (stop, heard) = (cancel.clone(), AtomicUsize::new(0));
    let host = msp.scene.observed_host(Arc::new(move |step| {
        if step == Step::AfterSend && heard.fetch_add(1, Ordering::SeqCst) + 1 == answers {
            stop.cancel();
        }
    }));
    let options = SyncOptions {
        cancel,
        ..SyncOptions::default()
    };
    let report = host.sync(&name(), &options, &unwatched).await;
    report.expect("a run that was stopped is no error")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_posting_is_interrupted_twice_and_goes_on_without_a_new_question() {
    let devices: Vec<u32> = (0..60).map(|at| 12 + at).collect();
    let customers: Vec<(u32, i32)> = devices.iter().map(|devices| (*devices, 3)).collect();
    let msp = Msp::new(&customers).await;
    let report = msp.scene.sync().await;
    assert_eq!(count_of(&report, Outcome::AwaitingApproval), CUSTOMERS);
    msp.approve();

    // The machine loses its power at the seventh answer.
    let death = Death {
        step: Step::AfterSend,
        nth: 7,
    };
    let mut child = msp.scene.child(crate::THE_CHILD).dying_at(death).spawn();
    assert!(child.was_killed());
    let sent = msp.scene.adjustments_sent();
    assert!((7..20).contains(&sent), "{sent}");

    // The scheduler goes on the next day, with the counts of that day: one more each. A person
    // stops that run, and the scheduler goes on once more.
    msp.scene.wait(DAY);
    let counts: Vec<u32> = devices.iter().map(|devices| devices + 1).collect();
    msp.count(&counts);
    let report = stopped(&msp, 10).await;
    assert_eq!(report.status, "cancelled", "{report:#?}");
    nothing_is_asked(&msp, &report);
    assert!(
        report.summary.held_by_code["run-cancelled"] > 20,
        "{report:#?}"
    );

    msp.scene.wait(60);
    let report = msp.scene.sync().await;
    nothing_is_asked(&msp, &report);
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    // What is left is what was settled of the killed run on this day: one change a day.
    let report = msp.day(&counts).await;
    nothing_is_asked(&msp, &report);
    assert!(!report.needs_a_person(), "{report:#?}");
    for (at, count) in counts.iter().enumerate() {
        let units = msp.scene.units_on(at, msp.scene.today());
        assert_eq!(u32::try_from(units), Ok(*count), "customer {at}");
        let sum: i32 = msp.scene.applied(at).iter().sum();
        assert_eq!(sum + 3, units, "customer {at}: each change once");
    }
    msp.cost(
        "the first posting, interrupted twice",
        &["approve the new accounts"],
    );
}
