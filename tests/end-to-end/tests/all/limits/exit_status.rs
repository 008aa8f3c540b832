//! How a sync ends that posts nothing, and what it says to do.

use autotask_sim::schema::Entity;
use end_to_end::{MODULE, Scene, line_of, name, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::{MappingKind, SetAsideOrder};
use serde_json::Value;

use super::{codes, count, in_order};

fn run(scene: &Scene, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = scene.program();
    let output = command.args(arguments).args(["--format", "json"]).output();
    let output = output.expect("psa-host is built beside the tests");
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), json)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_braked_run_has_an_exit_status_of_its_own() {
    let scene = Scene::present(&[(0, 5), (5, 5)]).await;
    // A question is 3, a brake is 4, also in a dry run and beside other connections.
    assert_eq!(run(&scene, &["sync", "acme"]).0, Some(3));
    let snapshot = scene.host.newest_snapshots().unwrap().remove(0);
    let id = snapshot.snapshot.parse().unwrap();
    scene.host.withdraw_usage(id, "counted wrongly").unwrap();
    for arguments in [
        &["sync", "acme"][..],
        &["sync", "acme", "--dry-run"],
        &["sync"],
    ] {
        let (status, json) = run(&scene, arguments);
        assert_eq!(status, Some(4), "{arguments:?}: {json}");
    }
    let help = scene.program().arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("4  a brake was on"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_connection_is_paused_a_person_is_told() {
    let scene = Scene::present(&[(5, 5)]).await;
    scene.host.pause_connection(&name(), true).unwrap();
    let (status, json) = run(&scene, &["sync"]);
    assert_eq!(status, Some(3), "{json}");
    assert_eq!(json["notices"][0]["code"], "setup-required");
    let said = scene.program().arg("sync").output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("every connection is paused [setup-required]"),
        "{said}"
    );
}

#[tokio::test]
async fn a_run_that_has_nothing_to_plan_says_what_is_missing() {
    let said = async |scene: &Scene| {
        let report = scene.sync().await;
        assert!(report.needs_a_person());
        assert_eq!(codes(&report), ["setup-required"], "{report:#?}");
        report.notices[0].message.clone()
    };
    let excluded = Scene::new(&[(11, 5)]).await;
    let order = SetAsideOrder {
        workspaces: vec!["w1".parse().unwrap()],
        modules: vec![],
        kind: psa_host_billing::SetAsideKind::Exclude,
        why: "not ours to bill".to_owned(),
        until: None,
    };
    excluded.host.set_aside(&name(), &order).unwrap();
    let message = said(&excluded).await;
    assert!(message.contains("is excluded"), "{message}");

    let only_accounts = Scene::new(&[(11, 5)]).await;
    let unmap = |scene: &Scene, kind, what: &str| scene.host.unmap(&name(), kind, what).unwrap();
    unmap(&only_accounts, MappingKind::Service, MODULE);
    let message = said(&only_accounts).await;
    assert!(message.contains("no module is mapped"), "{message}");

    unmap(&only_accounts, MappingKind::Account, "w1");
    let message = said(&only_accounts).await;
    assert!(message.contains("no workspace is mapped"), "{message}");
}

#[tokio::test]
async fn a_braked_run_gives_no_advice_on_lines_that_it_could_not_see() {
    let scene = in_order(&[10, 20, 30]).await;
    for customer in &scene.customers[..2] {
        let mut world = scene.simulator.world();
        world.delete(Entity::ContractServices, customer.line);
    }
    scene.wait(super::DAY);
    count(&scene, &[11, 21, 31]);
    let report = scene.sync().await;
    assert_eq!(codes(&report), ["lines-vanished"], "{report:#?}");
    for workspace in ["w1", "w2", "w3"] {
        let held = (Outcome::Held, Some("lines-vanished".to_owned()));
        assert_eq!(outcome(&report, workspace), held, "{report:#?}");
        let fix = line_of(&report, workspace).fix.clone().unwrap();
        assert!(!fix.contains("Add the service"), "{fix}");
    }
}
