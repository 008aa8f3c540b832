//! Two connections, of two API users, and two processes on one tenant.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};

use crate::THE_CHILD;
use autotask_sim::User;
use end_to_end::{CONNECTION, MODULE, Scene, name, outcome};
use psa_host_billing::{AccountId, ConnectionName, Metric, ServiceId, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Access, AddConnection, MappingKind, Result, Secret, Step, Values, unwatched};

fn beta() -> ConnectionName {
    ConnectionName::new("beta").expect("a name")
}

/// Connection `acme` with customer w1, `beta` with w2; w3 is mapped by neither.
async fn two_connections() -> Scene {
    let second = User {
        user_name: "second@sim.example".to_owned(),
        secret: "second-secret".to_owned(),
        ..User::default()
    };
    let name_of_second = second.user_name.clone();
    let scene = Scene::altered(&[(11, 5), (4, 2), (7, 7)], |config, _| {
        config.world.users.push(second);
    })
    .await;
    let values = Values {
        settings: BTreeMap::from([
            ("username".into(), name_of_second),
            ("base-url".into(), scene.simulator.base_url()),
        ]),
        secrets: BTreeMap::from([("secret".into(), Secret::new("second-secret"))]),
    };
    let check = scene
        .host
        .add_connection(AddConnection {
            name: beta(),
            plugin: "autotask".to_owned(),
            channel: WorkspaceId::new("msp").expect("an id"),
            time_zone: "America/New_York".to_owned(),
            values,
        })
        .await
        .expect("a connection");
    assert!(check.is_connected(), "{check:?}");
    for workspace in ["w2", "w3"] {
        let unmapped = scene.host.unmap(&name(), MappingKind::Account, workspace);
        unmapped.expect("it was mapped");
    }
    let rules = scene.host.rules(&name()).expect("rules");
    scene.host.set_rules(&beta(), &rules).expect("rules");
    map(&scene, &beta(), "w2", 1).await.expect("free");
    let (module, service) = (MODULE.parse(), ServiceId::new(scene.service.to_string()));
    scene
        .host
        .map_service(
            &beta(),
            &module.expect("an id"),
            &service.expect("an id"),
            Some(Metric::Devices),
        )
        .await
        .expect("free");
    scene.simulator.clear_journal();
    scene
}

/// Map a workspace to the account of a customer, by its place.
async fn map(scene: &Scene, to: &ConnectionName, workspace: &str, customer: usize) -> Result<()> {
    let workspace = WorkspaceId::new(workspace).expect("an id");
    let account = AccountId::new(scene.customers[customer].company.to_string());
    let account = account.expect("an id");
    let done = scene.host.map_account(to, &workspace, &account).await;
    done.map(|_| ())
}

async fn sync(host: &Access, connection: &ConnectionName) -> Result<RunReport> {
    host.sync(connection, &SyncOptions::default(), &unwatched)
        .await
}

/// A view of the scene's data directory whose run waits at its first send until told.
fn waiting_host(scene: &Scene) -> (Access, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (here, is_here) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let waiting = Mutex::new(Some((here, may_go)));
    let host = scene.observed_host(Arc::new(move |step| {
        if step != Step::BeforeSend {
            return;
        }
        let first = waiting.lock().expect("nobody panics here").take();
        if let Some((here, may_go)) = first {
            here.send(()).expect("the test listens");
            may_go.recv().expect("the test says when");
        }
    }));
    (host, is_here, go)
}

#[tokio::test]
async fn accounts_are_mapped_once_in_a_tenant_whatever_the_connection() {
    let scene = two_connections().await;
    let taken = map(&scene, &beta(), "w3", 0).await.unwrap_err();
    assert_eq!(taken.code(), "account-already-mapped", "{taken}");
    assert!(taken.to_string().contains(CONNECTION), "{taken}");
    let taken = map(&scene, &beta(), "w1", 2).await.unwrap_err();
    assert_eq!(taken.code(), "workspace-already-mapped", "{taken}");
}

#[tokio::test]
async fn a_line_belongs_to_one_of_two_connections() {
    let scene = two_connections().await;
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    let of_beta = sync(&scene.host, &beta()).await.unwrap();
    assert_eq!(outcome(&of_beta, "w2").0, Outcome::Confirmed);
    assert_eq!(of_beta.lines.len(), 1, "the other's lines are not its own");

    // The customer moves to the other connection, and its line was the first one's.
    scene
        .host
        .unmap(&name(), MappingKind::Account, "w1")
        .unwrap();
    map(&scene, &beta(), "w1", 0).await.unwrap();
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 12), ("w2", 4), ("w3", 7)]);
    let of_beta = sync(&scene.host, &beta()).await.unwrap();
    assert_eq!(
        outcome(&of_beta, "w1"),
        (Outcome::Held, Some("line-taken".into())),
        "{of_beta:#?}"
    );
    let of_acme = scene.sync().await;
    assert_eq!(
        outcome(&of_acme, "w1"),
        (Outcome::Held, Some("orphan".into())),
        "{of_acme:#?}"
    );
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_two_connections_take_turns_on_their_tenant() {
    let scene = two_connections().await;
    let (host, is_here, go) = waiting_host(&scene);
    let first = tokio::spawn(async move { sync(&host, &name()).await });
    is_here.recv().unwrap();
    let busy = sync(&scene.host, &beta()).await.unwrap_err();
    assert_eq!(busy.code(), "tenant-busy", "{busy}");
    assert!(busy.to_string().contains("sync acme"), "{busy}");
    for connection in [name(), beta()] {
        let busy = scene.host.remove_connection(&connection).unwrap_err();
        assert_eq!(busy.code(), "tenant-busy", "{busy}");
    }
    go.send(()).unwrap();
    let first = first.await.unwrap().unwrap();
    assert_eq!(outcome(&first, "w1").0, Outcome::Confirmed, "{first:#?}");
    let second = sync(&scene.host, &beta()).await.unwrap();
    assert_eq!(outcome(&second, "w2").0, Outcome::Confirmed, "{second:#?}");
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_on_one_connection_one_works_and_the_other_says_busy() {
    let scene = Scene::new(&[(11, 5), (4, 2)]).await;
    let (host, is_here, go) = waiting_host(&scene);
    let first = tokio::spawn(async move { sync(&host, &name()).await });
    is_here.recv().unwrap();
    let mut other = scene.child(THE_CHILD).spawn();
    assert!(!other.was_killed());
    assert_eq!(other.reached(), ["tenant-busy"]);
    go.send(()).unwrap();
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.summary.outcomes["confirmed"], 2, "{first:#?}");

    let mut after = scene.child(THE_CHILD).spawn();
    assert!(!after.was_killed());
    assert_eq!(after.reached().last().unwrap(), "done");
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![2]));
}

#[tokio::test]
async fn two_connections_spend_from_one_budget() {
    let scene = two_connections().await;
    let spent = || {
        let tenant = scene.host.ledger().connection(&name()).unwrap().tenant;
        let scope = format!("tenant:{}", tenant.unwrap());
        let since = jiff::Timestamp::MIN;
        scene.host.ledger().budget_spent(&scope, since).unwrap()
    };
    let before = spent();
    let of_acme = scene.sync().await.requests;
    let between = spent();
    let of_beta = sync(&scene.host, &beta()).await.unwrap().requests;
    assert!(of_acme > 0 && of_beta > 0);
    assert_eq!((between - before, spent() - between), (of_acme, of_beta));
}

#[tokio::test]
async fn what_others_used_up_parks_both_connections() {
    let scene = two_connections().await;
    scene.simulator.use_threshold(7_600);
    for connection in [name(), beta()] {
        let parked = sync(&scene.host, &connection).await.unwrap_err();
        assert_eq!(parked.code(), "budget-parked", "{parked}");
    }
    assert_eq!(scene.adjustments_sent(), 0);
    // What the one observed holds for the other, which does not ask again.
    let asked = || {
        let journal = scene.simulator.journal().into_iter();
        journal
            .filter(|entry| entry.endpoint == "ThresholdInformation")
            .count()
    };
    assert_eq!(asked(), 1);
    // They may have stopped: after five minutes one request goes to find out.
    scene.wait(5);
    let parked = sync(&scene.host, &name()).await.unwrap_err();
    assert_eq!((parked.code(), asked()), ("budget-parked", 2));
}

#[tokio::test]
async fn credentials_that_one_connection_was_refused_are_not_tried_by_another_that_has_the_same() {
    let scene = Scene::new(&[(11, 5)]).await;
    let first = scene.host.ledger().connection(&name()).unwrap();
    let add = |as_name: ConnectionName| AddConnection {
        name: as_name,
        plugin: "autotask".to_owned(),
        channel: WorkspaceId::new("msp").expect("an id"),
        time_zone: "America/New_York".to_owned(),
        values: Values {
            settings: first.settings.clone(),
            secrets: BTreeMap::from([("secret".into(), Secret::new("sim-secret"))]),
        },
    };
    let check = scene.host.add_connection(add(beta())).await.unwrap();
    assert!(check.is_connected(), "{check:?}");
    let set_locked = |locked| scene.simulator.world().users[0].locked = locked;

    set_locked(true);
    let refused = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), "authentication", "{refused}");
    let asked = || -> u64 { scene.simulator.request_counts().values().sum() };
    let before = asked();
    let refused = sync(&scene.host, &beta()).await.unwrap_err();
    assert_eq!(refused.code(), "authentication", "{refused}");
    assert_eq!(asked(), before, "nothing was sent");

    // Said for one of them, it holds for both.
    set_locked(false);
    scene.host.retry_credentials(&beta()).unwrap();
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}
