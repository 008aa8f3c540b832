//! Other people and other processes: nobody's change is overwritten, and one writer
//! at a time.

use autotask_sim::{Fault, FaultKind, LineKind};
use end_to_end::{Death, Scene, TODAY, name, outcome};
use jiff::civil::{Date, date};
use psa_host_ledger::{Outcome, RunEnding, RunStatus};
use psa_host_sync::run::SyncOptions;
use psa_host_sync::{Step, unwatched};

use crate::THE_CHILD;

#[tokio::test]
async fn units_changed_by_a_person_after_they_were_confirmed_are_held() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    scene.wait(24 * 60);
    let tomorrow = TODAY.tomorrow().unwrap();
    scene
        .simulator
        .foreign_edit(LineKind::Service, scene.customers[0].line, tomorrow, 4)
        .unwrap();
    scene.import_usage(&[("w1", 12)]);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("foreign-edit".into()))
    );
    assert_eq!(scene.adjustments_sent(), 1);
}

/// A person changes the line from a day on, just before a request.
fn edited(scene: &Scene, from: Date, change: i32) -> Fault {
    Fault::new(FaultKind::ForeignEdit {
        line_kind: LineKind::Service,
        line: scene.customers[0].line,
        effective_date: from,
        unit_change: change,
    })
}

#[tokio::test]
async fn an_edit_between_plan_and_send_is_held() {
    let next_month = date(2026, 12, 1);
    // Also where the person wanted just what was planned, or changed only what comes later.
    for (from, change) in [(TODAY, 2), (TODAY, 6), (TODAY, -5), (next_month, 1)] {
        let scene = Scene::new(&[(11, 5), (4, 2)]).await;
        // Units are read in a window, whole where they would change, and just before sending.
        let edit = edited(&scene, from, change);
        scene
            .simulator
            .inject(edit.on("ContractServiceUnits").skip(2));
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1"),
            (Outcome::Held, Some("baseline-moved".into())),
            "{from} {change}: {report:#?}"
        );
        assert!(scene.applied(0).is_empty());
        assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed, "others go on");
        assert_eq!(scene.adjustments_sent(), 1);
    }
}

/// Nothing can be read between the last read and the send: what comes there is found by
/// reading back.
#[tokio::test]
async fn an_edit_that_comes_between_the_last_read_and_the_send_is_held_after_it() {
    let scene = Scene::new(&[(11, 5)]).await;
    let edit = edited(&scene, TODAY.tomorrow().unwrap(), 2);
    scene
        .simulator
        .inject(edit.on("ContractServiceAdjustments").method("POST"));
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("unexpected-units".into())),
        "{report:#?}"
    );
    scene.wait(24 * 60);
    let next = scene.sync().await;
    assert_eq!(
        outcome(&next, "w1"),
        (Outcome::Held, Some("unexpected-units".into()))
    );
    assert_eq!(scene.adjustments_sent(), 1);
}

#[tokio::test]
async fn a_tenant_synced_by_another_process_is_left_alone() {
    let scene = Scene::new(&[(11, 5)]).await;
    let tenant = scene
        .host
        .ledger()
        .connection(&name())
        .unwrap()
        .tenant
        .unwrap();
    let other = scene.second_host();
    let lock = other.ledger().tenant_lock(&tenant, "sync acme").unwrap();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "tenant-busy", "{error}");
    assert_eq!(scene.adjustments_sent(), 0);
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    scene
        .host
        .sync(&name(), &dry, &unwatched)
        .await
        .expect("many may read");
    drop(lock);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}

/// A process that was stopped and taken for dead: its tenant was taken, what it had left
/// open settled and posted by somebody else. When it wakes up it sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_wakes_up_after_its_tenant_was_taken_writes_and_sends_nothing() {
    // Before anything is written, between marking and sending, and before the answer is
    // written down; where nothing else of the process is at work in the ledger.
    for (step, sent_before) in [
        (Step::RunBegun, 0),
        (Step::MarkedSending, 0),
        (Step::AfterSend, 1),
    ] {
        let scene = Scene::new(&[(11, 5)]).await;
        let stop = Death { step, nth: 1 };
        let mut stopped = scene.child(THE_CHILD).stopping_at(stop).spawn();
        while !stopped
            .reached()
            .iter()
            .any(|reached| reached == step.as_str())
        {
            assert!(!stopped.has_ended(), "{step}: {:?}", stopped.reached());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(scene.adjustments_sent(), sent_before, "{step}");
        // What an operating system without these locks comes to: nobody sees that it lives.
        let locks = scene.host.ledger().dir().locks();
        for lock in std::fs::read_dir(locks).unwrap() {
            std::fs::remove_file(lock.unwrap().path()).unwrap();
        }
        let report = scene.try_sync(&SyncOptions::default()).await;
        let report = report.unwrap_or_else(|error| panic!("{step}: {error}"));
        let taken_over = scene.adjustments_sent();
        assert!(stopped.go_on(), "{step}");
        stopped.wait();
        assert_eq!(stopped.reached().last().unwrap(), "lease-lost", "{step}");
        assert_eq!(scene.adjustments_sent(), taken_over, "{step}");
        let runs = scene.host.ledger().runs(None, 9).unwrap();
        let status: Vec<RunStatus> = runs.iter().map(|run| run.status).collect();
        let (done, over) = (RunEnding::Done, RunEnding::Killed);
        assert_eq!(status, [RunStatus::Ended(done), RunStatus::Ended(over)]);
        if sent_before > 0 {
            assert_eq!(outcome(&report, "w1").0, Outcome::Held, "{report:#?}");
            scene.wait(11);
            scene.sync().await;
        }
        assert_eq!(scene.applied(0), [6], "{step}");
        assert_eq!(scene.adjustments_sent(), 1, "{step}");
    }
}
