//! However a run ends, its record says how; what may have left is in doubt until its line
//! was read, and the next run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autotask_sim::{Fault, FaultKind, Lost};
use end_to_end::{Death, Scene, name};
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;
use psa_host_sync::{Access, RunView, Step, unwatched};
use tokio::sync::Notify;

/// Longer than the quarantine, in minutes.
const LATER: i64 = 11;

fn latest(host: &Access) -> RunView {
    let mut runs = host.run_list(Some(&name()), 1).expect("read");
    runs.remove(0)
}

fn customers(count: u32) -> Vec<(u32, i32)> {
    (0..count).map(|at| (11 + at, 5)).collect()
}

/// Sync, and wait no longer once a step is reached for the nth time.
async fn given_up_at(scene: &Scene, death: Death) {
    let (reached, times) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let told = Arc::clone(&reached);
    let host = scene.observed_host(Arc::new(move |step| {
        if step == death.step && times.fetch_add(1, Ordering::SeqCst) + 1 == death.nth {
            told.notify_one();
        }
    }));
    let (name, options) = (name(), SyncOptions::default());
    tokio::select! {
        biased;
        () = reached.notified() => {}
        done = host.sync(&name, &options, &unwatched) => panic!("it was not given up: {done:?}"),
    }
}

/// What the record of the last run has: nothing that reached the PSA counts as unsent.
fn nothing_sent_is_called_unsent(scene: &Scene) {
    let run = latest(&scene.host).run.parse().expect("a run's number");
    let report = scene.host.run_report(run).expect("read");
    for (at, customer) in scene.customers.iter().enumerate() {
        if scene.applied(at).is_empty() {
            continue;
        }
        let line = end_to_end::line_of(&report, &customer.workspace);
        assert!(
            matches!(line.outcome, Outcome::Doubtful | Outcome::Confirmed),
            "{line:#?}"
        );
    }
}

/// The runs after the quarantine bring every line to its count, each change once.
async fn goes_on(scene: &Scene) {
    scene.wait(LATER);
    scene.sync().await;
    let report = scene.sync().await;
    assert!(!report.needs_a_person(), "{report:#?}");
    for (at, customer) in scene.customers.iter().enumerate() {
        let change = i32::try_from(customer.devices).expect("a few") - customer.units;
        assert_eq!(scene.applied(at), [change], "{}", customer.workspace);
    }
    assert_eq!(latest(&scene.host).status, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_nobody_waits_for_while_it_reads_is_abandoned_and_says_so() {
    let scene = Scene::new(&customers(3)).await;
    let begun = Death {
        step: Step::RunBegun,
        nth: 1,
    };
    given_up_at(&scene, begun).await;
    let run = latest(&scene.host);
    assert_eq!(run.status, "abandoned");
    assert!(run.ended_at.is_some(), "{run:?}");
    assert!(run.why.unwrap().contains("nobody waited"));
    assert_eq!(scene.adjustments_sent(), 0);
    let report = scene.host.run_report(run.run.parse().unwrap()).unwrap();
    assert_eq!(report.notices[0].code, "run-abandoned");
    assert!(report.needs_a_person());
    goes_on(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_nobody_waits_for_while_it_posts_leaves_what_left_in_doubt() {
    let scene = Scene::new(&customers(30)).await;
    let third = Death {
        step: Step::AfterSend,
        nth: 3,
    };
    given_up_at(&scene, third).await;
    let run = latest(&scene.host);
    assert_eq!(run.status, "abandoned");
    assert!(run.counts["doubtful"] >= 3, "{run:?}");
    assert!(run.counts["planned"] > 0, "{run:?}");
    let sent = scene.adjustments_sent();
    assert!((3..30).contains(&sent), "{sent}");
    nothing_sent_is_called_unsent(&scene);
    // The tenant is free at once.
    let report = scene.sync().await;
    assert!(report.summary.outcomes["doubtful"] == 0, "{report:#?}");
    assert!(
        report
            .settled
            .iter()
            .all(|line| line.outcome == Outcome::Doubtful)
    );
    goes_on(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_at_any_step_fails_the_run_and_no_other() {
    for &step in Step::ALL {
        let scene = Scene::new(&customers(3)).await;
        let times = AtomicUsize::new(0);
        let host = scene.observed_host(Arc::new(move |reached| {
            if reached == step && times.fetch_add(1, Ordering::SeqCst) == 0 {
                panic!("the test says so at {step}");
            }
        }));
        // In a task of its own, because what panics before and after the run is not its own.
        let synced = tokio::spawn(async move {
            let (name, options) = (name(), SyncOptions::default());
            let synced = host.sync(&name, &options, &unwatched).await;
            synced.map(|report| report.run)
        });
        let told = match synced.await {
            Ok(Ok(run)) => panic!("{step}: {run} went through"),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic.to_string(),
        };
        let run = latest(&scene.host);
        let expected = match step {
            Step::RunEnded => "done",
            _ => "failed",
        };
        assert_eq!(run.status, expected, "{step}: {told}");
        assert!(run.ended_at.is_some(), "{step}");
        assert_eq!(run.why.is_some(), expected == "failed", "{step}");
        nothing_sent_is_called_unsent(&scene);
        goes_on(&scene).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psa_that_is_lost_while_it_is_read_fails_the_run_with_its_cause() {
    let scene = Scene::new(&customers(3)).await;
    let lost = Fault::new(FaultKind::Lose { lost: Lost::Drop });
    scene.simulator.inject(lost.on("Contracts").times(0));
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    let run = latest(&scene.host);
    assert_eq!(run.status, "failed");
    assert_eq!(run.why, Some(error.to_string()));
    scene.simulator.clear_faults();
    goes_on(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_called_so_at_once_and_closed_by_the_next_sync_of_any_kind() {
    let scene = Scene::new(&customers(3)).await;
    let death = Death {
        step: Step::AfterSend,
        nth: 1,
    };
    let child = scene.child(crate::THE_CHILD).dying_at(death);
    assert!(child.spawn().was_killed());
    let run = latest(&scene.host);
    assert_eq!((run.status, run.ended_at), ("killed", None));
    assert!(run.why.unwrap().contains("process ended"));
    let look = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    scene.try_sync(&look).await.unwrap();
    let closed = scene.host.run_list(None, 2).unwrap().remove(1);
    assert_eq!((&closed.run, closed.status), (&run.run, "killed"));
    assert!(closed.ended_at.is_some(), "{closed:?}");
    assert!(closed.counts["doubtful"] > 0, "{closed:?}");
    let report = scene.host.run_report(run.run.parse().unwrap()).unwrap();
    assert_eq!(report.notices[0].code, "run-killed");
    goes_on(&scene).await;
}
