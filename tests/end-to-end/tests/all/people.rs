//! What a person decides, and what needs one.

use autotask_sim::{Fault, FaultKind, LineKind, Lost};
use end_to_end::{Scene, TODAY, name, outcome};
use psa_host_billing::LineId;
use psa_host_ledger::Outcome;
use psa_host_sync::run::{SyncOptions, Verdict};

async fn in_doubt() -> (Scene, psa_host_sync::run::RunReport) {
    let scene = Scene::new(&[(11, 5)]).await;
    let lost = FaultKind::Lose { lost: Lost::Drop };
    scene
        .simulator
        .inject(Fault::new(lost).on("ContractServiceAdjustments"));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Doubtful, "{report:#?}");
    (scene, report)
}

#[tokio::test]
async fn an_adjustment_that_a_person_calls_not_applied_is_planned_anew() {
    let (scene, report) = in_doubt().await;
    let line = LineId::new(scene.customers[0].line.to_string()).unwrap();
    let run = report.run.parse().unwrap();
    scene
        .host
        .resolve(run, std::slice::from_ref(&line), Verdict::NotApplied)
        .unwrap();
    let next = scene.sync().await;
    assert_eq!(outcome(&next, "w1").0, Outcome::Confirmed, "{next:#?}");
    assert_eq!(scene.applied(0), [6]);
    let twice = scene
        .host
        .resolve(run, std::slice::from_ref(&line), Verdict::Confirmed)
        .unwrap_err();
    assert_eq!(twice.code(), "nothing-to-resolve");
}

#[tokio::test]
async fn a_line_at_neither_target_nor_baseline_stays_held_until_a_person_resolves_it() {
    let (scene, report) = in_doubt().await;
    let line = scene.customers[0].line;
    scene
        .simulator
        .foreign_edit(LineKind::Service, line, TODAY, 2)
        .unwrap();
    scene.wait(11);
    let held = scene.sync().await;
    assert_eq!(
        held.settled[0].code.as_deref(),
        Some("unexpected-units"),
        "{held:#?}"
    );
    assert_eq!(
        outcome(&held, "w1"),
        (Outcome::Held, Some("unexpected-units".into()))
    );
    let run = report.run.parse().unwrap();
    let id = LineId::new(line.to_string()).unwrap();
    scene
        .host
        .resolve(run, std::slice::from_ref(&id), Verdict::NotApplied)
        .unwrap();
    assert_eq!(scene.adjustments_sent(), 1);
}

#[tokio::test]
async fn refused_credentials_end_the_run_after_one_request_and_show_in_the_list() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.world().users[0].secret = "another".to_owned();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "authentication", "{error}");
    let refused = scene
        .simulator
        .journal()
        .iter()
        .filter(|entry| entry.status == 401)
        .count();
    assert_eq!(refused, 1, "a refused user is locked after a few attempts");
    let status = |scene: &Scene| scene.host.connections().unwrap()[0].code.clone();
    assert_eq!(status(&scene).as_deref(), Some("authentication"));
    scene.simulator.world().users[0].secret = "sim-secret".to_owned();
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    assert_eq!(status(&scene), None);
}

#[tokio::test]
async fn a_paused_connection_is_read_but_not_posted() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.host.pause_connection(&name(), true).unwrap();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "connection-paused");
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    assert_eq!(
        outcome(&scene.try_sync(&dry).await.unwrap(), "w1").0,
        Outcome::Planned
    );
}

#[tokio::test]
async fn a_lost_network_is_one_error_and_leaves_nothing_open() {
    let scene = Scene::new(&[(11, 5)]).await;
    let tenant = scene
        .host
        .ledger()
        .connection(&name())
        .unwrap()
        .tenant
        .unwrap();
    let Scene {
        simulator, host, ..
    } = scene;
    simulator.shutdown();
    let error = host
        .sync(&name(), &SyncOptions::default(), &psa_host_sync::unwatched)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "transient", "{error}");
    assert!(host.ledger().open_intents(&tenant).unwrap().is_empty());
}

#[tokio::test]
async fn a_report_has_the_head_of_the_history_after_the_runs_own_last_entry() {
    let scene = Scene::new(&[(11, 5)]).await;
    let first = scene.sync().await;
    let head = first.history_head.unwrap();
    let ledger = scene.host.ledger();
    let last = ledger.history(head.seq - 1, 1).unwrap().remove(0);
    assert_eq!(
        (last.what.as_str(), &last.subject),
        ("run.ended", &first.run)
    );
    assert_eq!((last.hash, last.keyed), (head.hash, true));

    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    let dry = scene
        .host
        .sync(&name(), &dry, &psa_host_sync::unwatched)
        .await
        .unwrap();
    let later = dry.history_head.unwrap();
    assert!(later.seq > head.seq);
    // The first run's report still has its own.
    let again = scene.host.run_report(first.run.parse().unwrap()).unwrap();
    assert_eq!(again.history_head, Some(head));
    for kept in [head, later] {
        let found = scene.host.verify_history(Some(&kept)).unwrap();
        assert!(found.holds, "{found:#?}");
    }
}

#[tokio::test]
async fn an_explanation_names_who_was_counted() {
    let scene = Scene::new(&[(2, 1)]).await;
    let usage = serde_json::json!({
        "channel": "msp", "taken_at": scene.now().to_string(), "complete": true,
        "items": [{"workspace": "w1", "module": "edr", "users": 1,
                   "devices": 2, "device_names": ["laptop-7", "=desk"]}],
    })
    .to_string();
    let source = psa_host_sync::Source::new("usage", usage);
    let form = psa_host_sync::UsageForm::Json;
    scene.host.import_usage(&source, &form).unwrap();
    let (workspace, module) = ("w1".parse().unwrap(), "edr".parse().unwrap());
    let explained = scene.host.explain(&name(), &workspace, &module).await;
    let counted = explained.unwrap().counted.unwrap();
    assert_eq!((counted.users, counted.devices), (Some(1), Some(2)));
    assert_eq!(counted.device_names.unwrap(), ["laptop-7", "=desk"]);
    assert_eq!(counted.user_names, None);
}
