use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;
use psa_host_billing::{TenantKey, WorkspaceId, WorkspaceKind, WorkspaceStatus};
use psa_host_ledger::{
    AddedPlugin, CheckOutcome, ConnectionChange, LedgerError, SnapshotId, TenantDecision, Upserted,
};

use crate::fixture::{
    Place, add, code, name, new_connection, new_run, one_intent, secret, tenant, workspace,
};

#[test]
fn another_file_under_a_name_in_use_is_a_candidate_and_nothing_that_runs_changes() {
    let place = Place::new();
    let ledger = place.open().with_actor("cli:ann");
    let hosts = ["*.autotask.net".to_owned()];
    let first = ledger.add_plugin("p", b"one", r#"{"v":1}"#).unwrap();
    let one = first.sha256();
    ledger
        .switch_plugin("p", one, one, Some(&hosts), &[])
        .unwrap();

    let same = ledger.add_plugin("p", b"one", r#"{"v":7}"#).unwrap();
    assert!(matches!(same, AddedPlugin::Same { .. }));
    let second = ledger.add_plugin("p", b"two", r#"{"v":2}"#).unwrap();
    assert!(matches!(&second, AddedPlugin::Candidate { in_use, .. } if in_use == one));
    let plugin = ledger.plugin("p").unwrap();
    let approval = plugin.approval.clone().unwrap();
    assert_eq!(
        (plugin.sha256.as_str(), approval.hosts),
        (one, hosts.to_vec())
    );
    assert_eq!(approval.who, "cli:ann");
    assert_eq!(plugin.description, r#"{"v":1}"#, "what it said first");
    assert_eq!(plugin.file(second.sha256()).unwrap().approval, None);
    assert_eq!(
        code(ledger.switch_plugin("p", one, second.sha256(), None, &[])),
        "not-approved"
    );
    assert_eq!(ledger.plugin("p").unwrap().sha256, one);
    assert_eq!(code(ledger.remove_plugin_file("p", one)), "plugin-in-use");
}

#[test]
fn a_switch_is_made_with_the_approval_and_every_approval_is_remembered() {
    let place = Place::new();
    let ledger = place.open();
    let hosts = ["a.example".to_owned()];
    let one = ledger.add_plugin("p", b"one", "{}").unwrap();
    let two = ledger.add_plugin("p", b"two", "{}").unwrap();
    let (one, two) = (one.sha256(), two.sha256());
    ledger
        .switch_plugin("p", one, one, Some(&hosts), &[])
        .unwrap();
    ledger
        .switch_plugin("p", one, two, Some(&hosts), &[])
        .unwrap();
    assert_eq!(ledger.plugin("p").unwrap().sha256, two);
    // Somebody else looked at the file before.
    assert_eq!(
        code(ledger.switch_plugin("p", one, two, None, &[])),
        "plugin-changed"
    );
    ledger.switch_plugin("p", two, one, None, &[]).unwrap();
    let plugin = ledger.plugin("p").unwrap();
    assert_eq!(
        (plugin.sha256.as_str(), plugin.approval.is_some()),
        (one, true)
    );
    ledger.remove_plugin_file("p", two).unwrap();
    assert!(!ledger.dir().plugin(two).exists());
    assert_eq!(ledger.plugin("p").unwrap().files.len(), 1);
}

#[test]
fn no_switch_while_an_adjustment_is_open_except_for_a_connection_that_stays() {
    let place = Place::new();
    let ledger = place.with_connection();
    let in_use = ledger.plugin("autotask").unwrap().sha256;
    let hosts = ["a.example".to_owned()];
    ledger
        .switch_plugin("autotask", &in_use, &in_use, Some(&hosts), &[])
        .unwrap();
    let new = ledger.add_plugin("autotask", b"new", "{}").unwrap();
    one_intent(&ledger, "1");
    let switch = || {
        ledger.switch_plugin(
            "autotask",
            &in_use,
            new.sha256(),
            Some(&hosts),
            &[name("acme")],
        )
    };
    assert_eq!(code(switch()), "adjustments-open");
    let plugin = ledger.plugin("autotask").unwrap();
    assert_eq!(plugin.sha256, in_use);
    assert_eq!(
        plugin.file(new.sha256()).unwrap().approval,
        None,
        "all or nothing"
    );
    // Staying on the same file is no move.
    ledger
        .keep_connection_on(&name("acme"), Some(&in_use))
        .unwrap();
    switch().unwrap();
    assert_eq!(
        ledger.connection(&name("acme")).unwrap().kept_on,
        Some(in_use)
    );
    assert_eq!(
        code(ledger.keep_connection_on(&name("acme"), None)),
        "adjustments-open"
    );
}

#[test]
fn a_connection_that_is_not_to_move_is_kept_on_the_file_before() {
    let place = Place::new();
    let ledger = place.with_connection();
    let in_use = ledger.plugin("autotask").unwrap().sha256;
    let hosts = ["a.example".to_owned()];
    let new = ledger.add_plugin("autotask", b"new", "{}").unwrap();
    ledger
        .switch_plugin("autotask", &in_use, new.sha256(), Some(&hosts), &[])
        .unwrap();
    assert_eq!(ledger.plugin("autotask").unwrap().sha256, new.sha256());
    let connection = ledger.connection(&name("acme")).unwrap();
    assert_eq!(connection.kept_on, Some(in_use));
}

#[test]
fn a_plugin_file_that_was_changed_is_not_given_out() {
    let place = Place::new();
    let ledger = place.open();
    let added = ledger.add_plugin("p", b"one", "{}").unwrap();
    fs::write(ledger.dir().plugin(added.sha256()), b"evil").unwrap();
    assert_eq!(code(ledger.plugin_wasm(added.sha256())), "ledger-damaged");
}

#[test]
fn a_file_of_two_names_stays_until_the_last_is_removed() {
    let place = Place::new();
    let ledger = place.open();
    let sha256 = ledger
        .add_plugin("a", b"x", "{}")
        .unwrap()
        .sha256()
        .to_owned();
    ledger.add_plugin("b", b"x", "{}").unwrap();
    ledger.remove_plugin("a").unwrap();
    assert!(ledger.plugin_wasm(&sha256).is_ok());
    ledger.remove_plugin("b").unwrap();
    assert!(!ledger.dir().plugin(&sha256).exists());
}

#[test]
fn a_plugin_in_use_is_not_removed() {
    let place = Place::new();
    let ledger = place.with_connection();
    let error = ledger.remove_plugin("autotask").unwrap_err();
    assert_eq!(error.code(), "plugin-in-use");
    assert!(error.to_string().contains("acme"));
    ledger.remove_connection(&name("acme")).unwrap();
    ledger.remove_plugin("autotask").unwrap();
    assert_eq!(code(ledger.plugin("autotask")), "not-found");
}

#[test]
fn plugin_settings_and_secrets_are_kept_and_can_be_unset() {
    let place = Place::new();
    let ledger = place.open();
    ledger.add_plugin("p", b"x", "{}").unwrap();
    let set = |value: Option<&str>| BTreeMap::from([("k".to_owned(), value.map(str::to_owned))]);
    ledger
        .set_plugin("p", &set(Some("v")), &secret("code", "tracking"))
        .unwrap();
    let plugin = ledger.plugin("p").unwrap();
    assert_eq!(plugin.settings["k"], "v");
    assert!(plugin.secret_fields.contains("code"));
    assert_eq!(
        ledger.plugin_secrets("p").unwrap()["code"].expose(),
        "tracking"
    );
    ledger
        .set_plugin("p", &set(None), &BTreeMap::new())
        .unwrap();
    assert!(ledger.plugin("p").unwrap().settings.is_empty());
    assert_eq!(
        code(ledger.set_plugin("q", &set(None), &BTreeMap::new())),
        "not-found"
    );
}

#[test]
fn a_connection_is_added_to_a_channel_only() {
    let place = Place::new();
    let ledger = place.with_connection();
    ledger
        .upsert_workspaces(&[workspace("child", WorkspaceKind::Child, Some("msp"))])
        .unwrap();
    let try_add = |connection: &str, channel: &str| {
        code(ledger.add_connection(&new_connection(connection, channel)))
    };
    assert_eq!(try_add("beta", "child"), "not-a-channel");
    assert_eq!(try_add("beta", "nowhere"), "not-found");
    assert_eq!(try_add("acme", "msp"), "already-exists");
    let mut strange = new_connection("beta", "msp");
    strange.plugin = "halo".to_owned();
    assert_eq!(code(ledger.add_connection(&strange)), "not-found");
    assert_eq!(ledger.connections().unwrap().len(), 1);
}

#[test]
fn a_connection_keeps_what_it_was_given() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let change = ConnectionChange {
        settings: BTreeMap::from([
            ("username".to_owned(), None),
            ("base-url".to_owned(), Some("https://x.example".to_owned())),
        ]),
        time_zone: Some("America/New_York".to_owned()),
    };
    ledger.set_connection(&acme, &change).unwrap();
    ledger.pause_connection(&acme, true).unwrap();
    let check = CheckOutcome {
        status: "The credentials were refused".to_owned(),
        code: Some("authentication".to_owned()),
        at: Timestamp::UNIX_EPOCH,
    };
    ledger.record_check(&acme, &check).unwrap();
    let connection = ledger.connection(&acme).unwrap();
    assert_eq!(connection.settings.len(), 1);
    assert_eq!(connection.settings["base-url"], "https://x.example");
    assert_eq!(connection.time_zone, "America/New_York");
    assert!(connection.paused);
    assert_eq!(connection.last_check, Some(check));
    ledger.pause_connection(&acme, false).unwrap();
    assert!(!ledger.connection(&acme).unwrap().paused);
    let nowhere: SnapshotId = "u-000042".parse().unwrap();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    assert_eq!(code(ledger.use_snapshot(run, nowhere)), "not-found");
}

#[test]
fn a_tenant_once_bound_is_never_rebound() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let again = ledger.bind_tenant(&acme, &tenant()).unwrap();
    assert!(!again.first);
    assert_eq!(again.tenant, tenant());
    let other = TenantKey::new("zone5/db2").unwrap();
    let error = ledger.bind_tenant(&acme, &other).unwrap_err();
    assert_eq!(error.code(), "tenant-changed");
    assert!(matches!(error, LedgerError::TenantChanged { bound, .. } if bound == "zone5/db1"));
    assert_eq!(ledger.connection(&acme).unwrap().tenant, Some(tenant()));
}

#[test]
fn a_key_known_from_another_channel_or_plugin_is_refused_until_an_operator_says_what_it_means() {
    let place = Place::new();
    let ledger = place.with_connection();
    ledger.add_plugin("clone", b"clone", "{}").unwrap();
    let mut stranger = new_connection("stranger", "msp");
    stranger.plugin = "clone".to_owned();
    ledger.add_connection(&stranger).unwrap();
    add(&ledger, "beta", "other-msp");
    for connection in ["stranger", "beta"] {
        let error = ledger
            .bind_tenant(&name(connection), &tenant())
            .unwrap_err();
        assert_eq!(error.code(), "tenant-claimed");
        assert!(
            error
                .to_string()
                .contains("acme (plugin autotask, channel msp)"),
            "{error}"
        );
        assert_eq!(ledger.connection(&name(connection)).unwrap().tenant, None);
    }
    let decide = |connection: &str, decision: TenantDecision| {
        ledger.decide_tenant(&name(connection), &decision, None, "they said so")
    };
    // Different: it gets a tenant of its own, with lock, budget and lines of its own.
    let other = decide("stranger", TenantDecision::Different).unwrap();
    assert_ne!(other, tenant());
    let bound = ledger.bind_tenant(&name("stranger"), &tenant()).unwrap();
    assert_eq!((bound.tenant, bound.first), (other.clone(), true));
    assert!(
        !ledger
            .bind_tenant(&name("stranger"), &tenant())
            .unwrap()
            .first
    );
    // The name of that tenant is nobody else's either.
    add(&ledger, "gamma", "msp");
    assert_eq!(
        code(ledger.bind_tenant(&name("gamma"), &other)),
        "tenant-claimed"
    );
    // Same: which of the two has to be said.
    assert_eq!(
        code(decide("beta", TenantDecision::Same)),
        "several-tenants"
    );
    let same = TenantDecision::Same;
    let acme = name("acme");
    let meant = ledger.decide_tenant(&name("beta"), &same, Some(&acme), "one PSA");
    assert_eq!(meant.unwrap(), tenant());
    assert_eq!(
        ledger.bind_tenant(&name("beta"), &tenant()).unwrap().tenant,
        tenant()
    );
    assert_eq!(
        code(decide("acme", TenantDecision::Same)),
        "nothing-claimed"
    );
}

#[test]
fn a_connection_of_the_same_plugin_and_channel_shares_the_tenant_without_a_question() {
    let place = Place::new();
    let ledger = place.with_connection();
    add(&ledger, "beta", "msp");
    assert!(ledger.bind_tenant(&name("beta"), &tenant()).unwrap().first);
}

#[test]
fn refused_credentials_stay_refused_until_they_change_or_somebody_says_so() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let refusal = || ledger.connection(&acme).unwrap().refusal;
    let version = || ledger.connection(&acme).unwrap().credentials_version;
    let first = version();
    ledger.refuse_credentials(&acme, first, "locked").unwrap();
    assert_eq!(refusal().unwrap().words, "locked");
    drop(place.open());
    ledger.retry_credentials(&acme).unwrap();
    assert_eq!(refusal(), None);
    // A run that still had the former ones does not condemn the new.
    ledger.refuse_credentials(&acme, first, "locked").unwrap();
    assert_eq!(refusal(), None);
    type Change<'a> = (&'a str, &'a dyn Fn());
    let changes: [Change<'_>; 3] = [
        ("rotated", &|| {
            ledger
                .rotate_connection(&acme, &secret("secret", "new"))
                .unwrap();
        }),
        ("set", &|| {
            let settings = BTreeMap::from([("username".to_owned(), Some("x".to_owned()))]);
            let change = ConnectionChange {
                settings,
                ..ConnectionChange::default()
            };
            ledger.set_connection(&acme, &change).unwrap();
        }),
        ("of the operator", &|| {
            ledger
                .set_plugin("autotask", &BTreeMap::new(), &secret("code", "new"))
                .unwrap();
        }),
    ];
    for (what, change) in changes {
        ledger.refuse_credentials(&acme, version(), "no").unwrap();
        assert!(refusal().is_some(), "{what}");
        change();
        assert_eq!(refusal(), None, "{what}");
    }
}

#[test]
fn a_connection_with_something_in_doubt_is_not_removed() {
    let place = Place::new();
    let ledger = place.with_connection();
    one_intent(&ledger, "1");
    assert_eq!(
        code(ledger.remove_connection(&name("acme"))),
        "adjustments-open"
    );
}

#[test]
fn a_removed_connection_leaves_no_secret_and_no_mapping_behind() {
    let place = Place::new();
    let ledger = place.with_connection();
    ledger.remove_connection(&name("acme")).unwrap();
    add(&ledger, "acme", "msp");
    place.sql("DELETE FROM secrets").unwrap();
    let connection = ledger.connection(&name("acme")).unwrap();
    assert_eq!(connection.tenant, None);
    assert!(ledger.mappings(&name("acme")).unwrap().accounts.is_empty());
}

#[test]
fn workspaces_are_taken_over_whole_or_not_at_all() {
    let place = Place::new();
    let ledger = place.with_connection();
    let child = |id: &str| workspace(id, WorkspaceKind::Child, Some("msp"));
    let twice = [child("a"), child("b"), child("a")];
    assert_eq!(code(ledger.upsert_workspaces(&twice)), "duplicate");
    assert_eq!(ledger.workspaces().unwrap().len(), 2);

    ledger.upsert_workspaces(&twice[..2]).unwrap();
    let mut changed = child("a");
    changed.status = WorkspaceStatus::Other("frozen".into());
    changed.company = Some("A Ltd".to_owned());
    // The channel is among them: a connection refers to it.
    let msp = workspace("msp", WorkspaceKind::Channel, None);
    let mut renamed = msp.clone();
    renamed.name = "MSP".to_owned();
    let done = ledger
        .upsert_workspaces(&[changed.clone(), child("b"), renamed, child("c")])
        .unwrap();
    assert_eq!(
        done,
        Upserted {
            added: 1,
            changed: 2,
            unchanged: 1
        }
    );
    assert_eq!(ledger.workspace(&changed.id).unwrap(), Some(changed));
    assert_eq!(ledger.connections().unwrap().len(), 1);
}

#[test]
fn all_below_a_channel_are_found_at_any_depth_and_round_a_circle() {
    let place = Place::new();
    let ledger = place.open();
    use WorkspaceKind::{Channel, Child, Regular};
    ledger
        .upsert_workspaces(&[
            workspace("top", Channel, Some("deepest")),
            workspace("middle", Channel, Some("top")),
            workspace("low", Channel, Some("middle")),
            workspace("deepest", Child, Some("low")),
            workspace("beside", Regular, None),
        ])
        .unwrap();
    let below = |id: &str| -> Vec<String> {
        ledger
            .workspaces_below(&WorkspaceId::new(id).unwrap())
            .unwrap()
            .into_iter()
            .map(|workspace| workspace.id.to_string())
            .collect()
    };
    assert_eq!(below("top"), ["deepest", "low", "middle"]);
    assert_eq!(below("low"), ["deepest", "middle", "top"]);
    assert!(below("beside").is_empty());
    assert!(below("nowhere").is_empty());
}
