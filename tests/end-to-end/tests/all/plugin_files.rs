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
    for part in [&in_use, &added.sha256, "acme", "secret", "its code is another", "--yes"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let wrong = ["plugin", "approve", "autotask", &added.sha256, "--yes", &in_use];
    assert_eq!(run(&scene, &wrong).0, 2);
    let sha256 = |scene: &Scene| scene.host.ledger().plugin("autotask").unwrap().sha256;
    assert_eq!(sha256(&scene), in_use);

    let yes = ["plugin", "approve", "autotask", "--yes", &added.sha256];
    let (status, said, told) = run(&scene, &yes);
    assert_eq!(status, 0, "{told}");
    assert!(said.contains("acme moved"), "{said}");
    assert_eq!(sha256(&scene), added.sha256);
    let open = scene.host.open_connection(&name(), psa_host_sync::Purpose::Look);
    let open = open.await.unwrap();
    assert_eq!(open.plugin.hash().to_string(), added.sha256);
    drop(open);
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
    scene.host.keep_connection_on(&name(), Some(&in_use[..12])).unwrap();
    let proposal = scene.host.propose_plugin("autotask", None, &[]).unwrap();
    assert_eq!(proposal.kept, ["acme"]);
    assert!(proposal.connections.is_empty());
    scene.host.accept_plugin(&proposal).unwrap();
    let hash = || async {
        let open = scene.host.open_connection(&name(), psa_host_sync::Purpose::Look);
        open.await.unwrap().plugin.hash().to_string()
    };
    assert_eq!(hash().await, in_use);
    scene.host.keep_connection_on(&name(), None).unwrap();
    assert_eq!(hash().await, added.sha256);
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
    let parts: Vec<&str> = proposal.differences.iter().map(|d| d.part).collect();
    assert_eq!(parts, ["routes"]);
    scene.host.accept_plugin(&proposal).unwrap();

    scene.simulator.clear_journal();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "plugin-description-changed", "{error}");
    assert!(error.to_string().contains("routes"), "{error}");
    let check = scene.host.check_connection(&name()).await.unwrap();
    assert_eq!(check.problem.unwrap().code, "plugin-description-changed");
    assert_eq!(scene.simulator.journal().len(), 0, "nothing was sent");
    let history = scene.host.ledger().history(0, 1_000).unwrap();
    let refused = history.iter().filter(|event| event.what == "plugin.refused");
    assert_eq!(refused.count(), 2);
}
