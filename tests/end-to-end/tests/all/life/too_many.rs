//! The PSA asks for pauses in the middle of a posting.

use autotask_sim::{Fault, FaultKind};
use end_to_end::name;
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::unwatched;

use super::{Msp, count_of, quiet};

/// Longer than the quarantine, in minutes.
const LATER: i64 = 11;

fn burst(times: u32) -> Fault {
    let busy = FaultKind::TooMany {
        retry_after: Some(0),
    };
    let fault = Fault::new(busy).on("ContractServiceAdjustments");
    fault.method("POST").skip(2).times(times)
}

async fn ten_customers_of_which_each_grows() -> (Msp, Vec<u32>) {
    let units: Vec<u32> = (20..30).collect();
    let msp = Msp::in_order(&units).await;
    msp.scene.wait(super::DAY);
    let counts: Vec<u32> = units.iter().map(|units| units + 2).collect();
    msp.count(&counts);
    (msp, counts)
}

fn each_grew_once(msp: &Msp, counts: &[u32]) {
    for (at, count) in counts.iter().enumerate() {
        assert_eq!(msp.scene.applied(at), [2], "customer {at}");
        assert_eq!(
            msp.scene.units_on(at, msp.scene.today()).unsigned_abs(),
            *count
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_429_make_a_run_slow_and_do_not_end_it() {
    let (msp, counts) = ten_customers_of_which_each_grows().await;
    msp.scene.simulator.inject(burst(2));
    let report = msp.scene.sync().await;
    assert_eq!(report.status, "done", "{report:#?}");
    assert_eq!(count_of(&report, Outcome::Confirmed), 8, "{report:#?}");
    assert_eq!(count_of(&report, Outcome::Doubtful), 2, "{report:#?}");
    // The scheduler's next run reads the two and sends them once more.
    msp.scene.wait(60);
    quiet(&msp.scene.sync().await, 2);
    each_grew_once(&msp, &counts);
    msp.cost("two 429", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_429_parks_the_run_and_waiting_finishes_it_each_once() {
    let (msp, counts) = ten_customers_of_which_each_grows().await;
    msp.scene.simulator.inject(burst(4));
    let hand = msp.scene.hand();
    let first = |report: &RunReport| {
        assert_eq!(report.status, "parked", "{report:#?}");
        let doubtful = count_of(report, Outcome::Doubtful);
        assert!((3..=4).contains(&doubtful), "{report:#?}");
        assert_eq!(count_of(report, Outcome::Confirmed), 2, "{report:#?}");
        assert_eq!(report.summary.held_by_code["run-parked"], 8 - doubtful);
        msp.scene.simulator.clear_faults();
        hand(LATER);
    };
    let (name, options) = (name(), SyncOptions::default());
    let report = msp
        .scene
        .host
        .sync_and_wait(&name, &options, &unwatched, &first);
    let report = report.await.expect("the PSA is back");
    quiet(&report, 8);
    each_grew_once(&msp, &counts);
    msp.cost("a burst of 429", &[]);
}
