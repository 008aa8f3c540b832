//! After the yes and before the switch a candidate is tried beside the file in use.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::{Kind, UndatedScene, name, outcome};
use psa_host_billing::ConnectionName;
use psa_host_ledger::{Outcome, StorageScope};
use psa_host_sync::{AddConnection, PluginAccepted, PluginProposal, Secret, TrialOutcome, Values};
use small_psa::Periods;

const PLUGIN: &str = "small-immediate";

async fn scene() -> UndatedScene {
    let scene = UndatedScene::new(Kind::Immediate, Periods::InAdvance, None).await;
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    scene
}

async fn proposed(scene: &UndatedScene, way: &str) -> PluginProposal {
    let sha256 = scene.add_file(Kind::Immediate, way).await;
    let proposal = scene.host.propose_plugin(PLUGIN, Some(&sha256), &[]);
    proposal.expect("a proposal")
}

async fn accepted(scene: &UndatedScene, way: &str) -> PluginAccepted {
    let proposal = proposed(scene, way).await;
    let done = scene.host.accept_plugin(&proposal, None).await;
    done.expect("an answer")
}

fn in_use(scene: &UndatedScene) -> String {
    let plugin = scene.host.ledger().plugin(PLUGIN);
    plugin.expect("the plugin").sha256
}

fn stored(scene: &UndatedScene) -> Vec<String> {
    let scope = StorageScope {
        plugin: PLUGIN.to_owned(),
        connection: name().to_string(),
    };
    let stored = scene.host.ledger().storage_list(&scope, "", 100);
    stored.expect("its keys")
}

fn parts(done: &PluginAccepted) -> BTreeSet<String> {
    let differences = done.trial.connections[0].differences.iter();
    differences
        .map(|difference| difference.part.clone())
        .collect()
}

#[tokio::test]
async fn a_file_that_does_the_same_is_put_into_use_at_one_yes() {
    let scene = scene().await;
    let first = in_use(&scene);
    let done = accepted(&scene, "right").await;
    assert_eq!(done.result, "switched", "{:#?}", done.trial);
    assert_eq!(done.moved, [name()]);
    assert_ne!(in_use(&scene), first);
    let tried = &done.trial.connections[0];
    assert_eq!(
        (tried.outcome, tried.compared_with.as_ref()),
        (TrialOutcome::Same, "file")
    );
    assert_eq!((tried.contracts, tried.lines, tried.pairs), (1, 1, 1));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Unchanged, "{report:#?}");
}

#[tokio::test]
async fn other_units_another_line_or_another_tenant_need_a_second_yes_that_names_them() {
    for (way, part) in [("units", "units"), ("line", "line"), ("tenant", "tenant")] {
        let scene = scene().await;
        let before = in_use(&scene);
        let proposal = proposed(&scene, way).await;
        let done = scene.host.accept_plugin(&proposal, None).await.unwrap();
        assert_eq!(done.result, "differs", "{way}: {:#?}", done.trial);
        assert!(parts(&done).contains(part), "{way}: {:#?}", done.trial);
        assert_eq!(in_use(&scene), before);
        let plugin = scene.host.ledger().plugin(PLUGIN).unwrap();
        assert_eq!(
            plugin.file(&proposal.sha256).unwrap().approval,
            None,
            "{way}"
        );

        let wrong = scene.host.accept_plugin(&proposal, Some("0123456789ab"));
        assert_eq!(wrong.await.unwrap().result, "differs", "{way}");
        assert_eq!(in_use(&scene), before);
        let digest = done.trial.digest.expect("a digest");
        let done = scene.host.accept_plugin(&proposal, Some(&digest));
        assert_eq!(done.await.unwrap().result, "switched", "{way}");
        assert_eq!(in_use(&scene), proposal.sha256);
    }
}

#[tokio::test]
async fn a_difference_that_is_gone_at_the_second_look_is_none_and_leaves_nothing_stored() {
    let scene = scene().await;
    let done = accepted(&scene, "once").await;
    assert_eq!(done.result, "switched", "{:#?}", done.trial);
    assert_eq!(
        stored(&scene),
        Vec::<String>::new(),
        "it stored `asked` on a copy"
    );
}

#[tokio::test]
async fn a_file_that_writes_fails_or_traps_in_its_trial_is_refused() {
    for (way, code) in [
        ("writes", "trial-write"),
        ("fails", "invalid"),
        ("traps", "plugin-trapped"),
    ] {
        let scene = scene().await;
        let before = in_use(&scene);
        let patches = scene.set();
        let done = accepted(&scene, way).await;
        assert_eq!(done.result, "refused", "{way}: {:#?}", done.trial);
        let tried = &done.trial.connections[0];
        assert_eq!(tried.outcome, TrialOutcome::Refused, "{way}");
        assert_eq!(
            tried.problem.as_ref().unwrap().code,
            code,
            "{way}: {tried:#?}"
        );
        let incidents = tried.incidents.iter().map(|one| one.code.as_ref());
        let wrote = incidents.filter(|code| *code == "write-outside-adjust");
        assert_eq!(wrote.count(), usize::from(way == "writes"), "{way}");
        assert_eq!(scene.set(), patches, "{way}: nothing reached the PSA");
        assert_eq!(in_use(&scene), before, "{way}");
        assert_eq!(stored(&scene), Vec::<String>::new(), "{way}");
        // It stays as it was, and goes on.
        let connection = scene.host.connection(&name()).unwrap();
        assert_eq!(connection.kept_on, None, "{way}");
        assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    }
}

/// As a data directory of a release before contract 0.2 comes out of its migration.
fn needs_a_new_file(scene: &UndatedScene) {
    let database = rusqlite::Connection::open(scene.host.ledger().dir().ledger());
    let database = database.expect("the ledger");
    let changed = database.execute_batch("UPDATE plugin_files SET form = 1");
    changed.expect("older files");
}

#[tokio::test]
async fn where_the_file_in_use_does_not_load_the_ledger_is_what_it_is_compared_with() {
    let right = scene().await;
    needs_a_new_file(&right);
    let done = accepted(&right, "right").await;
    assert_eq!(done.result, "switched", "{:#?}", done.trial);
    assert_eq!(done.trial.connections[0].compared_with, "ledger");

    for (way, part) in [
        ("units", "units"),
        ("line", "missing"),
        ("tenant", "tenant"),
    ] {
        let scene = scene().await;
        needs_a_new_file(&scene);
        let done = accepted(&scene, way).await;
        assert_eq!(done.result, "differs", "{way}: {:#?}", done.trial);
        assert_eq!(parts(&done), [part.to_owned()].into(), "{way}");
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_reached_or_is_refused_stays_and_says_so() {
    let scene = scene().await;
    let ledger = scene.host.ledger();
    let connection = ledger.connection(&name()).unwrap();
    ledger
        .refuse_credentials(&name(), connection.credentials_version, "no")
        .unwrap();
    let done = accepted(&scene, "right").await;
    assert_eq!(
        (done.result.as_ref(), done.stayed),
        ("refused", vec![name()])
    );
    let tried = &done.trial.connections[0];
    assert_eq!(tried.outcome, TrialOutcome::Untried);
    assert_eq!(tried.problem.as_ref().unwrap().code, "authentication");
    assert_eq!(
        tried.requests, 0,
        "nothing is sent with refused credentials"
    );
}

#[tokio::test]
async fn of_two_connections_the_one_that_can_be_tried_moves_and_the_other_stays() {
    let scene = scene().await;
    let first = in_use(&scene);
    let beta = ConnectionName::new("beta").unwrap();
    let base_url = scene.psa.base_url();
    let settings = [("public-key", "another"), ("base-url", &*base_url)];
    let secret = Secret::new("private-key");
    let added = scene.host.add_connection(AddConnection {
        name: beta.clone(),
        plugin: PLUGIN.to_owned(),
        channel: "msp".parse().unwrap(),
        time_zone: "America/New_York".to_owned(),
        values: Values {
            settings: settings
                .map(|(key, value)| (key.into(), value.into()))
                .into(),
            secrets: BTreeMap::from([("private-key".into(), secret)]),
        },
    });
    assert!(
        !added.await.unwrap().is_connected(),
        "the PSA does not know it"
    );

    let done = accepted(&scene, "right").await;
    assert_eq!(done.result, "switched", "{:#?}", done.trial);
    assert_eq!(done.moved, [name()]);
    assert_eq!(done.stayed, std::slice::from_ref(&beta));
    assert_ne!(in_use(&scene), first);
    let of = |name: &ConnectionName| scene.host.connection(name).unwrap().kept_on;
    assert_eq!((of(&name()), of(&beta)), (None, Some(first)));
    // The one that moved is billed with the new file.
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
}

#[tokio::test]
async fn only_connections_for_which_it_does_the_same_move_and_keep_on_tries_too() {
    let scene = scene().await;
    let first = in_use(&scene);
    let host = &scene.host;
    host.keep_connection_on(&name(), Some(&first), None)
        .await
        .unwrap();
    // Put into use for nobody, so tried for nobody; the connection follows later.
    let done = accepted(&scene, "units").await;
    assert_eq!(done.result, "switched");
    let kept = host.keep_connection_on(&name(), None, None).await.unwrap();
    assert_eq!((kept.result.as_ref(), &kept.file), ("differs", &first));
    let connection = host.connection(&name()).unwrap();
    assert_eq!(connection.kept_on.as_ref(), Some(&first));
    let digest = kept.trial.unwrap().digest;
    let acme = name();
    let kept = host.keep_connection_on(&acme, None, digest.as_deref());
    assert_eq!(kept.await.unwrap().result, "done");
    assert_eq!(host.connection(&name()).unwrap().kept_on, None);
}

#[tokio::test]
async fn credentials_that_only_the_candidate_gets_wrong_stay_good() {
    let scene = scene().await;
    let done = accepted(&scene, "denied").await;
    let tried = &done.trial.connections[0];
    assert_eq!(tried.outcome, TrialOutcome::Refused);
    assert_eq!(tried.problem.as_ref().unwrap().code, "authentication");
    let connection = scene.host.ledger().connection(&name()).unwrap();
    assert_eq!(connection.refusal, None);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
}

#[tokio::test]
async fn a_file_that_cannot_log_in_does_not_close_the_way_back() {
    let scene = scene().await;
    let first = in_use(&scene);
    let proposal = proposed(&scene, "denied").await;
    let hosts = Some(proposal.hosts.as_slice());
    let ledger = scene.host.ledger();
    ledger
        .switch_plugin(PLUGIN, &first, &proposal.sha256, hosts, &[name()])
        .unwrap();
    let check = scene.host.check_connection(&name()).await.unwrap();
    assert_eq!(check.problem.unwrap().code, "authentication");

    scene.host.retry_credentials(&name()).unwrap();
    let back = scene
        .host
        .propose_plugin(PLUGIN, Some(&first), &[])
        .unwrap();
    let done = scene.host.accept_plugin(&back, None).await.unwrap();
    assert_eq!(done.result, "switched", "{:#?}", done.trial);
    assert_eq!(done.trial.connections[0].compared_with, "ledger");
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
}

#[tokio::test]
async fn nothing_is_tried_while_an_adjustment_is_open() {
    let scene = scene().await;
    let before = in_use(&scene);
    let database = rusqlite::Connection::open(scene.host.ledger().dir().ledger()).unwrap();
    let opened = database.execute("UPDATE intents SET state = 'doubtful'", []);
    assert_eq!(opened.unwrap(), 1);
    let proposal = proposed(&scene, "right").await;
    let error = scene.host.accept_plugin(&proposal, None).await.unwrap_err();
    assert_eq!(error.code(), "adjustments-open");
    assert_eq!(in_use(&scene), before);
    let history = scene.host.ledger().history(0, 1_000).unwrap();
    assert!(history.iter().all(|event| event.what != "plugin.tried"));
}

#[tokio::test]
async fn a_paused_connection_is_tried_too() {
    let scene = scene().await;
    scene.host.pause_connection(&name(), true).unwrap();
    let done = accepted(&scene, "units").await;
    assert_eq!(done.result, "differs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_with_its_own_status_and_names_the_second_yes() {
    let scene = scene().await;
    let sha256 = scene.add_file(Kind::Immediate, "units").await;
    let run = |arguments: &[&str]| {
        let output = scene.program().args(arguments).output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), text, told)
    };
    let (status, said, told) = run(&["plugin", "approve", PLUGIN, "--yes", &sha256]);
    assert_eq!(status, 5, "{said}{told}");
    for part in ["BEFORE", "line 8001", "11", "12", "stays in use"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, fix) = said.split_once("--accept-difference ").expect("a fix");
    let digest: String = fix.chars().take_while(char::is_ascii_hexdigit).collect();
    let of_file = format!("{PLUGIN}@{}", &sha256[..12]);
    let (status, said, told) = run(&["plugin", "inspect", &of_file]);
    assert_eq!(status, 0, "{told}");
    assert!(said.contains("for acme: it differs"), "{said}");
    let yes = ["plugin", "approve", PLUGIN, "--yes", &sha256];
    let second = [&yes[..], &["--accept-difference", &digest]].concat();
    let (status, said, told) = run(&second);
    assert_eq!(status, 0, "{said}{told}");
    assert!(said.contains("acme moved"), "{said}");
    let history = scene.host.ledger().history(0, 1_000).unwrap();
    let tried = history.iter().filter(|event| event.what == "plugin.tried");
    assert_eq!(tried.count(), 2);
}

/// Day 1 is billed with file A, day 2 with file B, and A comes back.
#[tokio::test]
async fn a_plugin_upgrade() {
    let mut scene = scene().await;
    let mut clicks = 0;
    let first = in_use(&scene);
    scene.close_day();

    let second = scene.add_file(Kind::Immediate, "right").await;
    clicks += 1;
    let proposal = scene.host.propose_plugin(PLUGIN, None, &[]).unwrap();
    assert!(proposal.needs_yes());
    let done = scene.host.accept_plugin(&proposal, None).await.unwrap();
    clicks += 1;
    assert_eq!(done.result, "switched", "{:#?}", done.trial);
    assert_eq!(in_use(&scene), second);

    scene.devices = 14;
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    let again = scene.sync().await;
    assert_eq!(outcome(&again, "w1").0, Outcome::Unchanged);
    let quantities: Vec<i64> = scene.set().iter().map(|(_, units)| *units).collect();
    assert_eq!(quantities, [11, 14], "once each");

    let back = scene
        .host
        .propose_plugin(PLUGIN, Some(&first), &[])
        .unwrap();
    assert!(!back.needs_yes(), "approved before");
    let done = scene.host.accept_plugin(&back, None).await.unwrap();
    clicks += 1;
    assert_eq!(done.result, "switched");
    assert_eq!(done.trial.connections.len(), 1, "going back is tried too");
    scene.close_day();
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    println!("an upgrade and the way back cost a person {clicks} calls");
    assert_eq!(clicks, 3);
}
