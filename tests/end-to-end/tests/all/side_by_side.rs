//! A sync of several connections, each to a PSA of its own, by the program.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use autotask_sim::{Config, Fault, FaultKind, LineKind, Lost, Simulator, User, World};
use end_to_end::{MODULE, Scene};
use jiff::ToSpan;
use psa_host_billing::{AccountId, ConnectionName, Metric, ServiceId};
use psa_host_sync::{AddConnection, Secret, Source, UsageForm, Values};
use serde_json::json;

/// Another channel, whose only customer `v1` is in another tenant: connection `beta`.
async fn with_another_tenant(scene: &Scene) -> Simulator {
    let today = scene.today();
    let mut world = World::new(today);
    world.ci += 1;
    world.users = vec![User::default()];
    let service = world.add_service("Coro EDR", "4.20");
    let company = world.add_company("Company v1");
    let start = today.first_of_month();
    let end = start.saturating_add(2.months()).last_of_month();
    let contract = world.add_contract(company, "Managed services", start, end);
    let line = world.add_line(LineKind::Service, contract, service, 3);
    line.expect("an open contract");
    let simulator = Simulator::start(Config::new(world)).await.expect("a port");

    let host = &scene.host;
    let workspaces = json!({ "workspaces": [
        { "id": "far", "name": "far", "kind": "channel", "status": "subscription" },
        { "id": "v1", "name": "v1", "kind": "child", "parent": "far", "status": "subscription" },
    ]});
    let source = Source::new("workspaces", workspaces.to_string());
    host.import_workspaces(&source).expect("workspaces");
    let usage = json!({
        "channel": "far", "taken_at": scene.now().to_string(), "complete": true,
        "items": [{ "workspace": "v1", "module": MODULE, "users": 1, "devices": 3 }],
    });
    let source = Source::new("usage", usage.to_string());
    host.import_usage(&source, &UsageForm::Json).expect("usage");
    let beta: ConnectionName = "beta".parse().expect("a name");
    let added = host.add_connection(AddConnection {
        name: beta.clone(),
        plugin: "autotask".to_owned(),
        channel: "far".parse().expect("an id"),
        time_zone: "America/New_York".to_owned(),
        values: Values {
            settings: BTreeMap::from([
                ("username".into(), User::default().user_name),
                ("base-url".into(), simulator.base_url()),
            ]),
            secrets: BTreeMap::from([("secret".into(), Secret::new("sim-secret"))]),
        },
    });
    assert!(added.await.expect("a connection").is_connected());
    let account = AccountId::new(company.to_string()).expect("an id");
    let v1 = "v1".parse().expect("an id");
    host.map_account(&beta, &v1, &account).await.expect("free");
    let service = ServiceId::new(service.to_string()).expect("an id");
    let module = MODULE.parse().expect("an id");
    let mapped = host.map_service(&beta, &module, &service, Some(Metric::Devices));
    mapped.await.expect("free");
    simulator
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_psa_hangs_delays_no_other() {
    let scene = Scene::present(&[(11, 5)]).await;
    let other = with_another_tenant(&scene).await;
    let hangs = FaultKind::Lose { lost: Lost::Hang };
    scene
        .simulator
        .inject(Fault::new(hangs).on("Companies").times(0));
    let mut command = scene.program();
    command
        .args(["sync", "--all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("psa-host is built beside the tests");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    // The report of the one that does not hang, whole, while the other one still waits. Where
    // it waited for the other, that would come first, or the end of all. Then nobody listens
    // any more, and the other one's run goes on all the same.
    let read = move || {
        let lines = out.lines().map_while(Result::ok);
        lines
            .take_while(|line| !line.starts_with("history head"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let report = tokio::task::spawn_blocking(read).await.expect("it reads");
    let ended = child.try_wait().expect("this test's own child");
    child.kill().expect("this test's own child");
    child.wait().expect("killed");
    assert_eq!(ended, None, "the one that hangs is still at it: {report}");
    assert!(report.contains("beta") && report.contains("v1"), "{report}");
    assert!(!report.contains("acme"), "{report}");
    let asked = scene.simulator.request_counts();
    assert!(asked["Companies"] > 0, "the other one had begun");
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_connections_say_does_not_mix() {
    let scene = Scene::present(&[(11, 5), (4, 4)]).await;
    let other = with_another_tenant(&scene).await;
    let mut command = scene.program();
    command
        .args(["sync", "--all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("psa-host is built beside the tests");
    let (mut out, mut err) = (String::new(), String::new());
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_to_string(&mut out).expect("text");
    let mut stderr = child.stderr.take().expect("piped");
    stderr.read_to_string(&mut err).expect("text");
    assert!(child.wait().expect("it ends").success(), "{out}{err}");
    // Two reports, each in one piece.
    let mut reports: Vec<&str> = out.split("run r-").skip(1).collect();
    reports.sort_by_key(|report| report.contains(" of beta "));
    let [acme, beta] = reports.as_slice() else {
        panic!("two reports: {out}");
    };
    for (report, own, others) in [
        (acme, ["acme", "w1", "w2"], "v1"),
        (beta, ["beta", "v1", "v1"], "w1"),
    ] {
        assert!(own.iter().all(|word| report.contains(word)), "{report}");
        assert!(!report.contains(others), "{report}");
    }
    assert!(
        !err.contains("1/") && !err.contains('\r'),
        "no progress among them: {err}"
    );
    drop(other);
}
