//! A name is a claim: another file that claims it, what it is shown as, and who moves to it.

use end_to_end::{Scene, connector_file, name, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;
use serde_json::Value;

/// The Autotask connector once more, as another file: with a custom section at its end.
fn another_build(mark: u8) -> Vec<u8> {
    let mut file = std::fs::read(connector_file()).expect("a built connector");
    // A custom section of four bytes: the length of its name, and the name.
    file.extend_from_slice(&[0, 4, 3, b'x', b'y', mark]);
    file
}

async fn add(scene: &Scene, file: &[u8]) -> psa_host_sync::PluginAdded {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.wasm");
    std::fs::write(&path, file).expect("a file");
    let added = scene.host.add_plugin(path.to_str().expect("a path")).await;
    added.expect("a connector")
}

fn run(scene: &Scene, arguments: &[&str]) -> (i32, String, String) {
    let mut command = scene.program();
    let output = command.args(arguments).output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().unwrap_or(-1);
    (status, text(&output.stdout), text(&output.stderr))
}

/// The file that the connection would run with.
async fn file_of(scene: &Scene) -> String {
    let connection = name();
    let open = scene
        .host
        .open_connection(&connection, psa_host_sync::Purpose::Look);
    open.await.expect("it opens").plugin.hash().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_changes_nothing_until_a_yes_names_its_hash() {
    let scene = Scene::present(&[(11, 5)]).await;
    let in_use = scene.host.ledger().plugin("autotask").unwrap().sha256;
    let added = add(&scene, &another_build(b'2')).await;
    assert_eq!(added.result, "candidate");
    assert_eq!(added.plugin.sha256, in_use);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);

    // Without a terminal the difference is told, and nothing is done.
    let (status, _, told) = run(&scene, &["plugin", "approve", "autotask"]);
    assert_eq!(status, 2, "{told}");
    for part in [
        &in_use,
        &added.sha256,
        "acme",
        "secret",
        "its code is another",
        "--yes",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let wrong = [
        "plugin",
        "approve",
        "autotask",
        &added.sha256,
        "--yes",
        &in_use,
    ];
    assert_eq!(run(&scene, &wrong).0, 2);
    let sha256 = |scene: &Scene| scene.host.ledger().plugin("autotask").unwrap().sha256;
    assert_eq!(sha256(&scene), in_use);

    let yes = ["plugin", "approve", "autotask", "--yes", &added.sha256];
    let (status, said, told) = run(&scene, &yes);
    assert_eq!(status, 0, "{told}");
    assert!(said.contains("acme moved"), "{said}");
    assert_eq!(sha256(&scene), added.sha256);
    assert_eq!(file_of(&scene).await, added.sha256);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Unchanged, "{report:#?}");

    // Going back needs no new approval.
    let (status, said, told) = run(&scene, &["plugin", "approve", "autotask", &in_use[..12]]);
    assert_eq!(status, 0, "{told}");
    assert!(said.contains("in use again"), "{said}");
    assert_eq!(sha256(&scene), in_use);
}

#[tokio::test]
async fn a_connection_can_be_kept_on_one_file() {
    let scene = Scene::new(&[(11, 5)]).await;
    let in_use = scene.host.ledger().plugin("autotask").unwrap().sha256;
    let added = add(&scene, &another_build(b'2')).await;
    scene
        .host
        .keep_connection_on(&name(), Some(&in_use[..12]), None)
        .await
        .unwrap();
    let proposal = scene.host.propose_plugin("autotask", None, &[]).unwrap();
    assert_eq!(proposal.kept, ["acme"]);
    assert!(proposal.connections.is_empty());
    let done = scene.host.accept_plugin(&proposal, None).await.unwrap();
    assert_eq!(done.result, "switched");
    assert!(done.trial.connections.is_empty(), "nobody to try it for");
    assert_eq!(file_of(&scene).await, in_use);
    let kept = scene.host.keep_connection_on(&name(), None, None).await;
    let kept = kept.unwrap();
    assert_eq!(kept.trial.unwrap().connections.len(), 1, "tried now");
    assert_eq!(file_of(&scene).await, added.sha256);
}

#[tokio::test]
async fn a_file_that_describes_itself_otherwise_than_when_it_was_approved_is_refused() {
    let scene = Scene::new(&[(11, 5)]).await;
    let plugin = scene.host.ledger().plugin("autotask").unwrap();
    // As if it had said "a write" of every route when it was added.
    let mut described: Value = serde_json::from_str(&plugin.description).unwrap();
    for route in described["routes"].as_array_mut().unwrap() {
        route["kind"] = "write".into();
    }
    let file = another_build(b'3');
    let added = scene
        .host
        .ledger()
        .add_plugin("autotask", &file, &described.to_string())
        .unwrap();
    let proposal = scene.host.propose_plugin("autotask", None, &[]).unwrap();
    assert_eq!(proposal.sha256, added.sha256());
    let parts: Vec<&str> = proposal
        .differences
        .iter()
        .map(|d| d.part.as_ref())
        .collect();
    assert_eq!(parts, ["routes"]);
    let done = scene.host.accept_plugin(&proposal, None).await.unwrap();
    assert_eq!(done.result, "refused", "not even tried");
    let problem = done.trial.connections[0].problem.as_ref().unwrap();
    assert_eq!(problem.code, "plugin-description-changed");

    // As if it had come into use before it changed its words.
    let ledger = scene.host.ledger();
    let hosts = Some(proposal.hosts.as_slice());
    let (from, to) = (&proposal.in_use, &proposal.sha256);
    ledger
        .switch_plugin("autotask", from, to, hosts, &[name()])
        .unwrap();
    scene.simulator.clear_journal();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "plugin-description-changed", "{error}");
    assert!(error.to_string().contains("routes"), "{error}");
    let check = scene.host.check_connection(&name()).await.unwrap();
    assert_eq!(check.problem.unwrap().code, "plugin-description-changed");
    assert_eq!(scene.simulator.journal().len(), 0, "nothing was sent");
    let history = scene.host.ledger().history(0, 1_000).unwrap();
    let refused = history
        .iter()
        .filter(|event| event.what == "plugin.refused");
    assert_eq!(refused.count(), 3);
}

#[tokio::test]
async fn a_plugin_of_contract_0_1_is_a_predecessor_whose_connections_move_with_their_secrets() {
    let scene = Scene::new(&[(11, 5)]).await;
    let host = &scene.host;
    // As a data directory of a release before contract 0.2 comes out of its migration.
    let database = rusqlite::Connection::open(host.ledger().dir().ledger()).unwrap();
    database
        .execute_batch("UPDATE plugin_files SET form = 1")
        .unwrap();
    assert!(host.plugins().unwrap()[0].needs_new_file);
    let list = host.connections().unwrap();
    assert_eq!(list[0].status, "Needs a new file");
    assert_eq!(list[0].code.as_deref(), Some("plugin-version"));
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "plugin-version", "{error}");
    assert!(error.to_string().contains("0.1"), "{error}");

    add(&scene, &another_build(b'4')).await;
    let proposal = host.propose_plugin("autotask", None, &[]).unwrap();
    assert!(proposal.needs_yes());
    assert_eq!(proposal.operator_secrets, ["integration-code"]);
    assert_eq!(proposal.connections[0].secrets, ["secret"]);
    let done = host.accept_plugin(&proposal, None).await.unwrap();
    assert_eq!(done.trial.connections[0].compared_with, "ledger");
    let plugin = done.plugin;
    assert!(!plugin.needs_new_file && plugin.missing.is_empty());
    assert_eq!(plugin.files.len(), 2, "the one before is remembered");
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    let back = host.propose_plugin("autotask", Some(&proposal.in_use), &[]);
    assert_eq!(back.unwrap_err().code(), "plugin-version");
}

#[tokio::test]
async fn hosts_are_added_only_where_the_plugin_says_that_its_psa_can_be_self_hosted() {
    let scene = Scene::new(&[(11, 5)]).await;
    let host = &scene.host;
    let more = ["psa.northwind.example".to_owned()];
    let plugin = host.ledger().plugin("autotask").unwrap();
    let refused = host.propose_plugin("autotask", Some(&plugin.sha256), &more);
    assert_eq!(refused.unwrap_err().code(), "not-self-hosted");

    let mut described: Value = serde_json::from_str(&plugin.description).unwrap();
    described["self_hosted"] = true.into();
    described["name"] = "own".into();
    let described = described.to_string();
    host.ledger()
        .add_plugin("own", b"a file", &described)
        .unwrap();
    let bad = host.propose_plugin("own", None, &["https://x/".to_owned()]);
    assert_eq!(bad.unwrap_err().code(), "host-invalid");
    let proposal = host.propose_plugin("own", None, &more).unwrap();
    let done = host.accept_plugin(&proposal, None).await.unwrap();
    let granted = done.plugin.approval.unwrap().hosts;
    assert!(granted.contains(&more[0]), "{granted:?}");
    // Approved again without them they stay, because nothing new is asked.
    let again = host.approve_plugin("own").unwrap().approval.unwrap();
    assert_eq!(again.hosts, granted);
}

#[tokio::test]
async fn a_key_that_another_plugin_has_is_refused_before_its_budget_is_touched() {
    let scene = Scene::new(&[(11, 5)]).await;
    let host = &scene.host;
    let tenant = host.connection(&name()).unwrap().tenant.unwrap();
    // Another channel through the same PSA: the claim is as good as a stranger's.
    let workspaces = serde_json::json!({ "workspaces": [{
        "id": "far", "name": "far", "kind": "channel", "status": "subscription",
    }]});
    let source = psa_host_sync::Source::new("workspaces", workspaces.to_string());
    host.import_workspaces(&source).unwrap();
    let far: psa_host_billing::ConnectionName = "far".parse().unwrap();
    let values = psa_host_sync::Values {
        settings: [
            (
                "username".to_owned(),
                autotask_sim::User::default().user_name,
            ),
            ("base-url".to_owned(), scene.simulator.base_url()),
        ]
        .into(),
        secrets: [(
            "secret".to_owned(),
            psa_host_sync::Secret::new("sim-secret"),
        )]
        .into(),
    };
    let scope = format!("tenant:{tenant}");
    let spent = || {
        let ledger = host.ledger();
        ledger.budget_spent(&scope, jiff::Timestamp::MIN).unwrap()
    };
    let before = spent();
    let check = host
        .add_connection(psa_host_sync::AddConnection {
            name: far.clone(),
            plugin: "autotask".to_owned(),
            channel: "far".parse().unwrap(),
            time_zone: "UTC".to_owned(),
            values,
        })
        .await
        .unwrap();
    assert_eq!(check.problem.unwrap().code, "tenant-claimed");
    assert_eq!(check.status, "Tenant to be confirmed");
    assert_eq!(spent(), before, "its requests are not that tenant's");
    let options = SyncOptions::default();
    let sync = host.sync(&far, &options, &psa_host_sync::unwatched).await;
    assert_eq!(sync.unwrap_err().code(), "tenant-claimed");
    assert_eq!(spent(), before);

    let different = psa_host_sync::TenantDecision::Different;
    let other = host
        .decide_tenant(&far, &different, None, "a copy")
        .unwrap();
    assert_ne!(other, tenant);
    let check = host.check_connection(&far).await.unwrap();
    assert_eq!((check.is_connected(), check.tenant), (true, Some(other)));
    assert_eq!(spent(), before, "it has a budget of its own");
}
