//! A person ends a run from another terminal: what is in flight is finished and read back,
//! the rest is not sent, and the record says who wanted it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use autotask_sim::{Fault, FaultKind};
use end_to_end::{Death, Scene, name};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{CancelTarget, RunReport, SyncOptions};
use psa_host_sync::{Access, Step, unwatched};
use serde_json::Value;

const CUSTOMERS: u32 = 30;

fn target(text: &str) -> CancelTarget {
    text.parse().expect("a run or a connection")
}

/// What a command ended with, and said.
type Said = (Option<i32>, Value);

/// The code of an error.
fn code<T>(result: psa_host_sync::Result<T>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.code().to_string(),
    }
}

async fn many() -> Scene {
    let customers: Vec<(u32, i32)> = (0..CUSTOMERS).map(|at| (11 + at, 5)).collect();
    Scene::present(&customers).await
}

/// Answers come so slowly that the rest would take minutes.
fn slow_after(scene: &Scene, endpoint: &str, requests: u32) {
    let slow = Fault::new(FaultKind::Delay { ms: 3_000 }).on(endpoint);
    scene.simulator.inject(slow.skip(requests).times(0));
}

/// A run in which something is done when a step is reached for the nth time.
async fn interrupted(
    scene: &Scene,
    when: Death,
    act: impl Fn() + Send + Sync + 'static,
) -> RunReport {
    let times = AtomicUsize::new(0);
    let host = scene.observed_host(Arc::new(move |step| {
        if step == when.step && times.fetch_add(1, Ordering::SeqCst) + 1 == when.nth {
            act();
        }
    }));
    let report = host
        .sync(&name(), &SyncOptions::default(), &unwatched)
        .await;
    report.expect("a run that is cancelled is no error")
}

fn outcomes(report: &RunReport, outcome: Outcome) -> usize {
    report.summary.outcomes[outcome.as_str()]
}

fn listed(host: &Access, run: &str) -> psa_host_sync::RunView {
    let runs = host.run_list(None, 10).expect("read");
    runs.into_iter()
        .find(|found| found.run == run)
        .expect("listed")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_a_run_that_posts_in_another_process() {
    let scene = many().await;
    slow_after(&scene, "ContractServiceAdjustments", 4);
    let said: Arc<Mutex<Vec<Said>>> = Arc::default();
    let (heard, mut first, mut second) = (Arc::clone(&said), scene.program(), scene.program());
    first.args(["run", "cancel", "acme", "--format", "json"]);
    first.env("USER", "bob").env_remove("SUDO_USER");
    second.args(["run", "cancel", "r-000001", "--format", "json"]);
    let commands = Mutex::new(vec![second, first]);
    let third = Death {
        step: Step::AfterSend,
        nth: 3,
    };
    let report = interrupted(&scene, third, move || {
        while let Some(mut command) = commands.lock().unwrap().pop() {
            let output = command
                .output()
                .expect("psa-host is built beside the tests");
            let json = serde_json::from_slice(&output.stdout).unwrap();
            heard.lock().unwrap().push((output.status.code(), json));
        }
    })
    .await;
    let said = said.lock().unwrap().clone();
    let (asked, again) = (&said[0], &said[1]);
    assert_eq!(
        (asked.0, &asked.1["run"]),
        (Some(0), &report.run.clone().into())
    );
    assert_eq!(asked.1["asked_by"], "cli:bob");
    // The run may have ended by then; which of the two is told depends on that alone.
    let told = again.1["error"]["code"].as_str().unwrap();
    assert!(
        ["run-being-cancelled", "run-over"].contains(&told),
        "{told}"
    );
    assert_eq!(again.0, Some(1));

    assert_eq!(report.status, "cancelled");
    assert_eq!(report.cancelled_by.as_deref(), Some("cli:bob"));
    let sent = scene.adjustments_sent();
    assert!((3..15).contains(&sent), "{sent}");
    assert_eq!(outcomes(&report, Outcome::Confirmed), sent, "{report:#?}");
    let left = usize::try_from(CUSTOMERS).unwrap() - sent;
    assert_eq!(report.summary.held_by_code["run-cancelled"], left);
    let notice = report.notices.iter().find(|n| n.code == "run-cancelled");
    assert!(notice.unwrap().message.contains("cli:bob"), "{report:#?}");
    let listed = listed(&scene.host, &report.run);
    assert_eq!(listed.cancelled_by.as_deref(), Some("cli:bob"));
    let shown = scene.host.run_report(report.run.parse().unwrap()).unwrap();
    assert_eq!(shown.cancelled_by, report.cancelled_by);
    assert_eq!(shown.lines, report.lines);

    scene.simulator.clear_faults();
    let report = scene.sync().await;
    assert_eq!(outcomes(&report, Outcome::Confirmed), left, "{report:#?}");
    assert_eq!(scene.adjustments_sent(), sent + left);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_still_reads_ends_with_nothing_sent() {
    let scene = many().await;
    slow_after(&scene, "Contracts", 0);
    let other = scene.second_host();
    let begun = Death {
        step: Step::RunBegun,
        nth: 1,
    };
    let report = interrupted(&scene, begun, move || {
        other.cancel_run(&target("acme")).unwrap();
    })
    .await;
    assert_eq!(report.status, "cancelled");
    assert_eq!(scene.adjustments_sent(), 0);
    assert_eq!(outcomes(&report, Outcome::Planned), 0, "{report:#?}");
    let shown = scene.host.run_report(report.run.parse().unwrap()).unwrap();
    assert_eq!(shown.lines, report.lines);
    assert_eq!(shown.status, "cancelled");
}

/// The PSA asks for a pause. A run that waited for it would read back what it sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_no_pause_any_more_once_it_is_cancelled() {
    let scene = many().await;
    let busy = FaultKind::TooMany {
        retry_after: Some(50),
    };
    let busy = Fault::new(busy).on("ContractServiceAdjustments");
    scene.simulator.inject(busy.method("POST").skip(2));
    let other = scene.second_host();
    let third = Death {
        step: Step::AfterSend,
        nth: 3,
    };
    let report = interrupted(&scene, third, move || {
        other.cancel_run(&target("acme")).unwrap();
    })
    .await;
    assert_eq!(report.status, "cancelled");
    let sent = scene.adjustments_sent();
    assert!((3..10).contains(&sent), "{sent}");
    assert_eq!(outcomes(&report, Outcome::Doubtful), sent, "{report:#?}");
    assert!(report.summary.held_by_code["run-cancelled"] > 20);
    // Nothing that could not be read back is called unsent.
    for (at, customer) in scene.customers.iter().enumerate() {
        let line = end_to_end::line_of(&report, &customer.workspace);
        if !scene.applied(at).is_empty() {
            assert!(
                matches!(line.outcome, Outcome::Doubtful | Outcome::Confirmed),
                "{line:#?}"
            );
        }
    }
    scene.simulator.clear_faults();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cancelled_is_told_with_its_reason() {
    let scene = Scene::new(&[(11, 5), (21, 5)]).await;
    let cancel = |text: &str| code(scene.host.cancel_run(&target(text)));
    assert_eq!(cancel("r-000077"), "not-found");
    assert_eq!(cancel("acme"), "no-run-under-way");
    assert_eq!(cancel("other"), "unknown-connection");
    assert!("".parse::<CancelTarget>().is_err());
    let done = scene.sync().await.run;
    assert_eq!(cancel(&done), "run-over");

    let death = Death {
        step: Step::RowsWritten,
        nth: 1,
    };
    let child = scene.child(crate::THE_CHILD).dying_at(death);
    assert!(child.spawn().was_killed());
    let killed = scene.host.run_list(None, 1).unwrap().remove(0).run;
    assert_eq!(cancel(&killed), "run-over");
    assert_eq!(cancel("acme"), "no-run-under-way");

    slow_after(&scene, "Contracts", 0);
    let (codes, other) = (Arc::new(Mutex::new(Vec::new())), scene.second_host());
    let heard = Arc::clone(&codes);
    let begun = Death {
        step: Step::RunBegun,
        nth: 1,
    };
    let report = interrupted(&scene, begun, move || {
        for _ in ["first", "again"] {
            let asked = code(other.cancel_run(&target("acme")));
            heard.lock().unwrap().push(asked);
        }
    })
    .await;
    assert_eq!(report.status, "cancelled");
    let codes = codes.lock().unwrap().clone();
    assert_eq!(codes, ["no error", "run-being-cancelled"]);
    let ended = scene.host.wait_for_end(&report.run).await.unwrap();
    assert_eq!(ended.status, "cancelled");
}
