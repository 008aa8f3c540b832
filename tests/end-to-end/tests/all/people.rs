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
    // Neither another run, nor another process, nor a check sends them again by itself.
    scene.simulator.clear_journal();
    let host = scene.second_host();
    let options = SyncOptions::default();
    for host in [&scene.host, &host] {
        let again = host
            .sync(&name(), &options, &psa_host_sync::unwatched)
            .await;
        assert_eq!(again.unwrap_err().code(), "authentication");
        let check = host.check_connection(&name()).await.unwrap();
        let problem = check.problem.unwrap();
        assert_eq!(problem.code, "authentication");
        assert!(problem.fix.unwrap().contains("--retry"));
    }
    assert_eq!(scene.simulator.journal().len(), 0, "nothing was sent");
    // Put right in the PSA, and somebody says so.
    scene.simulator.world().users[0].secret = "sim-secret".to_owned();
    scene.host.retry_credentials(&name()).unwrap();
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    assert_eq!(status(&scene), None);
}

#[tokio::test]
async fn credentials_that_a_list_found_refused_are_refused_for_the_run_too() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.world().users[0].secret = "another".to_owned();
    let (account, w1) = ("1".parse().unwrap(), "w1".parse().unwrap());
    let refused = scene.host.map_account(&name(), &w1, &account).await;
    assert_eq!(refused.unwrap_err().code(), "authentication");
    let list = scene.host.connections().unwrap();
    assert_eq!(list[0].status, "Credentials refused");
    scene.simulator.clear_journal();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "authentication", "{error}");
    assert_eq!(scene.simulator.journal().len(), 0, "nothing was sent");
    let new = psa_host_sync::Values {
        secrets: [("secret".to_owned(), psa_host_sync::Secret::new("another"))].into(),
        ..psa_host_sync::Values::default()
    };
    let check = scene.host.rotate_connection(&name(), &new).await.unwrap();
    assert!(check.is_connected(), "{check:?}");
}

#[tokio::test]
async fn new_secrets_replace_those_that_work_only_once_the_psa_takes_them() {
    let scene = Scene::new(&[(11, 5)]).await;
    let secret = |text: &str| psa_host_sync::Values {
        secrets: [("secret".to_owned(), psa_host_sync::Secret::new(text))].into(),
        ..psa_host_sync::Values::default()
    };
    let mistyped = secret("mistyped");
    let check = scene.host.rotate_connection(&name(), &mistyped).await;
    let problem = check.unwrap().problem.unwrap();
    assert_eq!(problem.code, "authentication");
    let fix = problem.fix.unwrap();
    assert!(fix.contains("from before stay in use"), "{fix}");
    let listed = scene.host.connections().unwrap().remove(0);
    assert_eq!((listed.code, listed.status.as_str()), (None, "Connected"));
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);

    // A new user whose secret is not right yet, and then is.
    let mut values = secret("new-secret");
    let another = ("username".to_owned(), "new@user.example".to_owned());
    values.settings.extend([another]);
    let check = scene.host.rotate_connection(&name(), &values).await;
    assert!(!check.unwrap().is_connected());
    let kept = scene.host.connection(&name()).unwrap().settings;
    assert_ne!(kept["username"], "new@user.example");
    scene.simulator.world().users[0].user_name = "new@user.example".to_owned();
    scene.simulator.world().users[0].secret = "new-secret".to_owned();
    let check = scene.host.rotate_connection(&name(), &values).await;
    assert!(check.unwrap().is_connected());
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 12)]);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}

#[tokio::test]
async fn a_person_sees_that_a_tenant_is_paused_and_lifts_it() {
    let scene = Scene::new(&[(11, 5)]).await;
    let tenant = scene.host.connection(&name()).unwrap().tenant.unwrap();
    let until = scene.now().as_second() + 20 * 3_600;
    let until = jiff::Timestamp::from_second(until).unwrap();
    let scope = format!("tenant:{tenant}");
    scene.host.ledger().budget_pause(&scope, until).unwrap();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "budget-parked", "{error}");
    let budget = scene.host.budgets(None).unwrap().remove(0);
    assert_eq!(
        (budget.tenant, budget.paused_until),
        (Some(tenant), Some(until))
    );
    assert!(budget.spent > 0 && budget.limit == Some(10_000));
    assert_eq!(scene.host.lift_pause(&name(), "a test").unwrap(), until);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    let nothing = scene.host.lift_pause(&name(), "a test").unwrap_err();
    assert_eq!(nothing.code(), "not-paused");
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
    assert_eq!(head.chain.to_string(), "channel/msp");

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
    assert_eq!(again.history_head.as_ref(), Some(&head));
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

#[tokio::test]
async fn a_run_that_gets_nowhere_is_ended_and_the_next_one_goes_on() {
    let scene = Scene::new(&[(11, 5)]).await;
    let slow = FaultKind::Delay { ms: 5_000 };
    scene
        .simulator
        .inject(Fault::new(slow).on("ContractServices"));
    let options = SyncOptions {
        longest_stall: Some(std::time::Duration::from_millis(400)),
        ..SyncOptions::default()
    };
    let error = scene.try_sync(&options).await.unwrap_err();
    assert_eq!(error.code(), "run-stalled", "{error}");
    assert_eq!(scene.adjustments_sent(), 0);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    let runs = scene.host.run_list(None, 10).unwrap();
    let endings: Vec<&str> = runs.iter().map(|run| run.status.as_ref()).collect();
    assert_eq!(endings, ["done", "failed"], "{runs:#?}");
}
