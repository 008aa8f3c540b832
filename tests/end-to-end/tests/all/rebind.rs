//! A vendor moves the PSA: to another address, with another zone name, pages and database
//! number. Nothing says that it is the same tenant but what is in it.

use std::collections::BTreeMap;

use autotask_sim::{Fault, FaultKind, Lost, User};
use end_to_end::{MODULE, Scene, name, outcome};
use psa_host_billing::{AccountId, ConnectionName, Metric, ServiceId, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{
    Access, AddConnection, LineDecision, MappingKind, RebindProposal, Result, Secret, Source,
    Values, unwatched,
};

/// Longer than the quarantine.
const LATER: i64 = 11;

/// The vendor moves the database: nothing of what the zone lookup says stays.
async fn moved(scene: &Scene) {
    {
        let mut world = scene.simulator.world();
        world.zone_name = "Pre-Release 31".to_owned();
        world.web_url = "ww31.autotask.net".to_owned();
        world.ci = 4;
    }
    scene.simulator.move_zone().await.expect("a free port");
}

const NEW: &str = "webservices31/4";

async fn tenant_changed(scene: &Scene) {
    let synced = scene.try_sync(&SyncOptions::default()).await;
    let error = synced.expect_err("the tenant is another one");
    assert_eq!(error.code(), "tenant-changed", "{error}");
    let fix = error.problem().fix.expect("a fix");
    assert!(fix.contains("psa-host connection rebind acme"), "{fix}");
}

async fn proposal(scene: &Scene) -> Result<RebindProposal> {
    scene.host.propose_rebind(&name(), &unwatched).await
}

async fn rebound(scene: &Scene) {
    let proposal = proposal(scene).await.expect("the same tenant");
    scene.host.accept_rebind(&proposal).await.expect("moved");
}

async fn pin_line(scene: &Scene, workspace: &str) {
    let (workspace, module) = (
        workspace.parse().expect("an id"),
        MODULE.parse().expect("an id"),
    );
    let pair = (&workspace, &module);
    let name = name();
    let pinned = scene
        .host
        .decide_line(&name, pair, LineDecision::Pin, "flat rate");
    pinned.await.expect("a line");
}

fn pin_contract(customer: i64) -> Source {
    Source::new(
        "pin.csv",
        format!("kind,coro_id,psa_id\ncontract,w1,{customer}\n"),
    )
}

/// The whole story: w1 was posted to today, w2 is in doubt, w3 is pinned.
#[tokio::test]
async fn a_zone_move() {
    let scene = Scene::altered(&[(11, 5), (5, 5), (9, 3)], |config, _| {
        config.split_zone = true;
    })
    .await;
    pin_line(&scene, "w3").await;
    let pin = pin_contract(scene.customers[0].contract);
    let pin = scene
        .host
        .import_mappings(&name(), &pin, false, &unwatched)
        .await;
    assert!(pin.expect("a pin").applied);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    // The adjustment of w2 reaches the PSA, and is carried out only after it was read back.
    scene.import_usage(&[("w1", 11), ("w2", 18), ("w3", 9)]);
    let late = FaultKind::ApplyLate {
        lost: Lost::Drop,
        after_ms: None,
        after_clock_seconds: Some(60),
    };
    scene
        .simulator
        .inject(Fault::new(late).on("ContractServiceAdjustments"));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w2").0, Outcome::Doubtful, "{report:#?}");
    moved(&scene).await;
    scene.wait(LATER);
    // The count of w1 rises once more on the day that is adjusted already.
    scene.import_usage(&[("w1", 12), ("w2", 18), ("w3", 9)]);
    let mut calls = 0;
    tenant_changed(&scene).await;
    tenant_changed(&scene).await;

    let before = scene.host.ledger().history_head().unwrap().unwrap().seq;
    calls += 1;
    let shown = proposal(&scene).await.expect("the same tenant");
    let proof = &shown.proof;
    assert_eq!((proof.accounts_same, proof.accounts), (3, 3), "{proof:?}");
    assert_eq!((proof.lines_same, proof.lines), (2, 2), "{proof:?}");
    assert!(proof.is_whole() && !proof.is_weak());
    assert_eq!(
        (shown.from.as_str(), shown.to.as_str()),
        ("webservices2/1", NEW)
    );
    assert_eq!(shown.open_adjustments, 1);
    tenant_changed(&scene).await;

    calls += 1;
    let view = scene.host.accept_rebind(&shown).await.expect("moved");
    assert_eq!((view.tenant.as_str(), view.open_adjustments), (NEW, 1));
    let check = scene.host.check_connection(&name()).await.unwrap();
    assert!(check.is_connected(), "{check:?}");

    let sent = scene.adjustments_sent();
    let report = scene.sync().await;
    let settled = report
        .settled
        .iter()
        .find(|line| line.workspace.as_str() == "w2");
    let settled = settled.expect("what was in doubt is settled");
    assert_eq!(settled.outcome, Outcome::Confirmed, "{report:#?}");
    assert_eq!(outcome(&report, "w2").0, Outcome::Unchanged, "{report:#?}");
    // The date is adjusted already, as it was before the move: a second one is not sent.
    let held = (Outcome::Held, Some("date-already-adjusted".to_owned()));
    assert_eq!(outcome(&report, "w1"), held, "{report:#?}");
    assert_eq!(
        outcome(&report, "w3").0,
        Outcome::Unchanged,
        "the pin holds"
    );
    assert_eq!(scene.adjustments_sent(), sent, "{report:#?}");
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![13]));
    assert_eq!(scene.applied(2), [0; 0]);
    let pins = scene.host.ledger().mappings(&name()).unwrap().contracts;
    assert_eq!(pins.len(), 1, "the chosen contract stays chosen");
    assert_eq!(scene.host.line_decisions(&name()).unwrap().len(), 1);

    let history = scene.host.ledger().history(before, 100).unwrap();
    let entry = history.iter().find(|entry| entry.what == "tenant.rebound");
    let detail = &entry.expect("an entry").detail;
    for (key, value) in [("from", "webservices2/1"), ("to", NEW)] {
        assert_eq!(detail[key], value, "{detail}");
    }
    assert_eq!(detail["proof"]["accounts_same"], 3, "{detail}");
    println!("a zone move cost {calls} calls of a person");
    assert_eq!(calls, 2, "look, and agree");
}

#[tokio::test]
async fn another_psa_is_no_place_that_a_tenant_was_moved_to() {
    let scene = Scene::altered(&[(11, 5)], |config, _| config.split_zone = true).await;
    scene.sync().await;
    moved(&scene).await;
    {
        let mut world = scene.simulator.world();
        let company = scene.customers[0].company;
        let named = world.set(
            autotask_sim::schema::Entity::Companies,
            company,
            "companyName",
            &"Somebody else".into(),
        );
        named.expect("a company");
    }
    let refused = proposal(&scene).await.unwrap_err();
    assert_eq!(refused.code(), "rebind-no-proof", "{refused}");
    assert!(refused.to_string().contains("none of 1"), "{refused}");
    tenant_changed(&scene).await;
}

#[tokio::test]
async fn a_tenant_that_has_not_moved_is_not_rebound() {
    let scene = Scene::new(&[(11, 5)]).await;
    let refused = proposal(&scene).await.unwrap_err();
    assert_eq!(refused.code(), "tenant-not-changed", "{refused}");
}

fn beta() -> ConnectionName {
    ConnectionName::new("beta").expect("a name")
}

async fn add_beta(scene: &Scene) {
    let values = Values {
        settings: BTreeMap::from([
            ("username".into(), User::default().user_name),
            ("base-url".into(), scene.simulator.base_url()),
        ]),
        secrets: BTreeMap::from([("secret".into(), Secret::new("sim-secret"))]),
    };
    let added = scene.host.add_connection(AddConnection {
        name: beta(),
        plugin: "autotask".to_owned(),
        channel: WorkspaceId::new("msp").expect("an id"),
        time_zone: "America/New_York".to_owned(),
        values,
    });
    let check = added.await.expect("a connection");
    assert!(check.is_connected(), "{check:?}");
    let rules = scene.host.rules(&name()).expect("rules");
    scene.host.set_rules(&beta(), &rules).expect("rules");
    let service = ServiceId::new(scene.service.to_string()).expect("an id");
    let module = MODULE.parse().expect("an id");
    let beta = beta();
    let mapped = scene
        .host
        .map_service(&beta, &module, &service, Some(Metric::Devices));
    mapped.await.expect("free");
}

async fn map(scene: &Scene, workspace: &str, customer: usize) {
    let workspace = WorkspaceId::new(workspace).expect("an id");
    let account = AccountId::new(scene.customers[customer].company.to_string());
    let account = account.expect("an id");
    let mapped = scene.host.map_account(&beta(), &workspace, &account).await;
    mapped.expect("free");
}

async fn sync_beta(host: &Access) -> RunReport {
    let run = host
        .sync(&beta(), &SyncOptions::default(), &unwatched)
        .await;
    run.expect("a run")
}

/// `beta` is added after the move, for a customer of `acme` or for one of its own.
async fn with_a_new_connection(customers: &[(u32, i32)]) -> Scene {
    let scene = Scene::altered(customers, |config, _| config.split_zone = true).await;
    scene.sync().await;
    moved(&scene).await;
    add_beta(&scene).await;
    for workspace in ["w1", "w2"] {
        let why = "the PSA moved, and this is its new connection";
        let workspace = workspace.parse().expect("an id");
        let allowed = scene
            .host
            .ledger()
            .allow_second_tenant(&beta(), &workspace, why);
        allowed.expect("allowed");
    }
    scene
}

#[tokio::test]
async fn a_tenant_is_not_moved_to_where_another_connection_has_posted() {
    let scene = with_a_new_connection(&[(11, 5), (7, 7)]).await;
    map(&scene, "w1", 0).await;
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 12), ("w2", 7)]);
    assert_eq!(
        outcome(&sync_beta(&scene.host).await, "w1").0,
        Outcome::Confirmed
    );
    let refused = proposal(&scene).await.unwrap_err();
    assert_eq!(refused.code(), "tenant-adjusted", "{refused}");
    assert!(refused.to_string().contains("by beta"), "{refused}");
    tenant_changed(&scene).await;
}

#[tokio::test]
async fn a_connection_that_only_found_lines_right_there_is_merged() {
    let scene = with_a_new_connection(&[(11, 5), (7, 7)]).await;
    map(&scene, "w2", 1).await;
    assert_eq!(
        outcome(&sync_beta(&scene.host).await, "w2").0,
        Outcome::Unchanged
    );
    let shown = proposal(&scene).await.unwrap();
    assert_eq!(shown.merged, [beta()]);
    let view = scene.host.accept_rebind(&shown).await.unwrap();
    assert_eq!((view.merged, view.same_mappings), (vec![beta()], 1));
    // Both are of one tenant, and the pair is billed by the one that always did.
    let mappings = |of: &ConnectionName| scene.host.ledger().mappings(of).unwrap().accounts.len();
    assert_eq!((mappings(&name()), mappings(&beta())), (2, 0));
    let tenant = scene.host.connection(&name()).unwrap().tenant;
    assert_eq!(scene.host.connection(&beta()).unwrap().tenant, tenant);
    let report = scene.sync().await;
    assert_eq!(report.summary.outcomes["unchanged"], 2, "{report:#?}");
    assert_eq!(
        scene
            .host
            .ledger()
            .seen_right(&tenant.unwrap())
            .unwrap()
            .len(),
        1
    );
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![]));
}

#[tokio::test]
async fn all_connections_of_a_tenant_move_at_once() {
    let scene = Scene::altered(&[(11, 5), (4, 2)], |config, _| config.split_zone = true).await;
    add_beta(&scene).await;
    scene
        .host
        .unmap(&name(), MappingKind::Account, "w2")
        .unwrap();
    map(&scene, "w2", 1).await;
    scene.sync().await;
    assert_eq!(
        outcome(&sync_beta(&scene.host).await, "w2").0,
        Outcome::Confirmed
    );
    moved(&scene).await;
    let busy = scene.host.connection(&name()).unwrap().tenant.unwrap();
    let lock = scene.host.ledger().tenant_lock(&busy, "sync beta").unwrap();
    let refused = proposal(&scene).await.unwrap_err();
    assert_eq!(refused.code(), "tenant-busy", "{refused}");
    drop(lock);
    let shown = proposal(&scene).await.unwrap();
    assert_eq!(shown.connections, [name(), beta()]);
    assert_eq!((shown.proof.accounts_same, shown.proof.lines_same), (2, 2));
    scene.host.accept_rebind(&shown).await.unwrap();
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    assert_eq!(
        outcome(&sync_beta(&scene.host).await, "w2").0,
        Outcome::Unchanged
    );
    let again = scene.host.propose_rebind(&beta(), &unwatched).await;
    assert_eq!(again.unwrap_err().code(), "tenant-not-changed");
}

/// The address refuses the write as it refuses everything; the new one is looked up, and
/// what was not changed there is sent as any other change once the tenant was rebound.
#[tokio::test]
async fn a_write_that_a_moved_zone_refused_counts_for_no_line() {
    let scene = Scene::altered(&[(11, 5)], |config, _| config.split_zone = true).await;
    let moving = Fault::new(FaultKind::ZoneMoved).on("ContractServiceAdjustments");
    scene.simulator.inject(moving);
    let report = scene.sync().await;
    assert_ne!(outcome(&report, "w1").0, Outcome::Rejected, "{report:#?}");
    assert_eq!(scene.applied(0), [0; 0]);
    let tenant = scene.host.connection(&name()).unwrap();
    assert_eq!(tenant.refusal, None, "the credentials are good");
    let tenant = tenant.tenant.unwrap();
    assert!(scene.host.ledger().rejections(&tenant).unwrap().is_empty());
    moved(&scene).await;
    tenant_changed(&scene).await;
    rebound(&scene).await;
    scene.wait(LATER);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test]
async fn a_write_refused_for_credentials_stays_open_until_they_work_and_counts_for_no_line() {
    let scene = Scene::new(&[(11, 5)]).await;
    for _ in 0..3 {
        // Refused at the write, and at whatever comes after it.
        let refused = FaultKind::Respond {
            status: 401,
            body: String::new(),
            headers: Vec::new(),
        };
        scene
            .simulator
            .inject(Fault::new(refused).on("ContractServiceAdjustments"));
        let report = scene.try_sync(&SyncOptions::default()).await;
        let report = report.expect("a run that began to post ends with a report");
        let line = outcome(&report, "w1").0;
        assert_eq!(line, Outcome::Doubtful, "{report:#?}");
        let again = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
        assert_eq!(again.code(), "authentication", "{again}");
        let tenant = scene.host.connection(&name()).unwrap().tenant.unwrap();
        let open = scene.host.ledger().open_intents(&tenant).unwrap();
        assert_eq!(open.len(), 1, "it stays open until it can be read");
        assert!(scene.host.ledger().rejections(&tenant).unwrap().is_empty());
        scene.host.retry_credentials(&name()).unwrap();
        scene.wait(LATER);
    }
    // More often than any line may be refused, and it is sent all the same.
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!((scene.applied(0), scene.adjustments_sent()), (vec![6], 4));
}

/// Run the program with `--format json`: its exit status and its one document.
fn program(scene: &Scene, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    let mut command = scene.program();
    let output = command.args(arguments).args(["--format", "json"]).output();
    let output = output.expect("psa-host is built beside the tests");
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"));
    (output.status.code(), json)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_shows_what_is_there_and_moves_on_a_yes_that_names_the_place() {
    let scene = Scene::present(&[(11, 5), (4, 4)]).await;
    assert_eq!(program(&scene, &["sync", "acme"]).0, Some(0));
    moved(&scene).await;
    let rebind = ["connection", "rebind", "acme"];
    let (status, shown) = program(&scene, &rebind);
    assert_eq!(status, Some(3), "{shown}");
    assert_eq!(
        (&shown["to"], &shown["proof"]["accounts_same"]),
        (&NEW.into(), &2.into())
    );
    let words = scene.program().args(rebind).output().unwrap();
    assert_eq!(words.status.code(), Some(3));
    let words = String::from_utf8(words.stdout).unwrap();
    let count = "2 of 2 mapped companies and 2 of 2 known lines are there";
    assert!(words.contains(count), "{words}");
    assert!(words.contains("--yes webservices31/4"), "{words}");
    // A yes to another place than the one it is at.
    let wrong = [&rebind[..], &["--yes", "webservices2/1"]].concat();
    let (status, refused) = program(&scene, &wrong);
    assert_eq!(status, Some(2), "{refused}");
    assert_eq!(
        program(&scene, &["sync", "acme"]).1["error"]["code"],
        "tenant-changed"
    );
    let right = [&rebind[..], &["--yes", NEW]].concat();
    let (status, moved) = program(&scene, &right);
    assert_eq!(status, Some(0), "{moved}");
    assert_eq!(moved["rebound"]["tenant"], NEW, "{moved}");
    assert_eq!(program(&scene, &["sync", "acme"]).0, Some(0));
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![]));
}
