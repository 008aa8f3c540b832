use std::path::Path;

use psa_host_billing::{ConnectionName, WorkspaceId};
use psa_host_ledger::QuestionId;

use crate::run::SyncOptions;
use crate::testing::{Fixture, file};
use crate::{Access, Actor, Answering, MappingKind, Power, Role, Scope, UsageForm, unwatched};

const ROLES: [Role; 5] = [
    Role::Viewer,
    Role::Mapper,
    Role::Approver,
    Role::Admin,
    Role::Operator,
];

const USAGE: &str = r#"{"channel": "msp", "taken_at": "2026-10-01T04:00:00Z", "complete": true,
    "items": [{"workspace": "w1", "module": "edr", "devices": 7}]}"#;

async fn connected() -> (Fixture, ConnectionName) {
    let fixture = Fixture::with_plugin();
    let name = fixture.connect().await;
    (fixture, name)
}

/// The same host, for somebody else.
fn access(fixture: &Fixture, role: Role, scope: Scope) -> Access {
    fixture.host.host().access(Actor::new("ann", role, scope))
}

fn only(channel: &str) -> Scope {
    Scope::Channels(vec![channel.parse().unwrap()])
}

/// One call of each kind, with what the first check of it says.
async fn code_of(access: &Access, name: &ConnectionName, power: Power) -> String {
    let done = match power {
        Power::Read => access.mapping(name).map(drop),
        Power::Map => access.unmap(name, MappingKind::Account, "w1"),
        Power::Approve => access.answer(&[], Answering::Grant, "agreed"),
        Power::Manage => access.pause_connection(name, true),
        Power::Operate => access.remove_plugin("nothing"),
    };
    done.err()
        .map_or_else(|| "ok".into(), |error| error.code().to_owned())
}

#[tokio::test]
async fn each_role_may_do_what_its_row_says_and_nothing_else() {
    let (fixture, name) = connected().await;
    // Read, map, approve, manage, operate.
    let rows = [
        (Role::Viewer, "x----"),
        (Role::Mapper, "xx---"),
        (Role::Approver, "x-x--"),
        (Role::Admin, "xxxx-"),
        (Role::Operator, "xxxxx"),
    ];
    let powers = [
        Power::Read,
        Power::Map,
        Power::Approve,
        Power::Manage,
        Power::Operate,
    ];
    for (role, row) in rows {
        let access = access(&fixture, role, Scope::Everything);
        for (power, mark) in powers.into_iter().zip(row.chars()) {
            let code = code_of(&access, &name, power).await;
            assert_eq!(
                code != "not-allowed",
                mark == 'x',
                "{role} {power:?}: {code}"
            );
        }
    }
}

#[tokio::test]
async fn a_dry_run_takes_a_viewer_and_a_run_an_approver() {
    let (fixture, name) = connected().await;
    let viewer = access(&fixture, Role::Viewer, Scope::Everything);
    let run = SyncOptions::default();
    let error = viewer.sync(&name, &run, &unwatched).await.unwrap_err();
    assert_eq!(error.code(), "not-allowed", "{error}");
    assert_eq!(
        error.to_string(),
        "ann (viewer) may not decide what is posted"
    );
    let dry_run = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    let error = viewer.sync(&name, &dry_run, &unwatched).await.unwrap_err();
    assert_ne!(error.code(), "not-allowed", "{error}");
}

#[tokio::test]
async fn what_lies_in_another_channel_is_not_there() {
    let (fixture, name) = connected().await;
    fixture
        .host
        .import_usage(&file(USAGE), &UsageForm::Json)
        .unwrap();
    let snapshot = fixture.host.ledger().snapshots(None, 1).unwrap()[0].id;
    let msp: WorkspaceId = "msp".parse().unwrap();
    for role in [Role::Viewer, Role::Mapper, Role::Approver, Role::Admin] {
        let there = access(&fixture, role, only("msp"));
        let elsewhere = access(&fixture, role, only("far"));

        assert_eq!(there.connections().unwrap().len(), 1);
        assert!(elsewhere.connections().unwrap().is_empty());
        there.connection(&name).unwrap();
        let error = elsewhere.connection(&name).unwrap_err();
        assert_eq!(error.code(), "unknown-connection");
        assert!(!format!("{error:?}").contains("Name one of"), "{error:?}");

        for power in [Power::Read, Power::Map, Power::Manage] {
            let code = code_of(&elsewhere, &name, power).await;
            let hidden = ["unknown-connection", "not-allowed"].contains(&code.as_str());
            assert!(hidden, "{role} {power:?}: {code}");
        }

        assert_eq!(there.workspaces().unwrap().len(), 3);
        let seen: Vec<String> = elsewhere
            .workspaces()
            .unwrap()
            .into_iter()
            .map(|w| w.id.to_string())
            .collect();
        assert_eq!(seen, ["far", "w9"]);

        there.snapshot_view(snapshot).unwrap();
        assert_eq!(there.snapshot_list(None, 9).unwrap().len(), 1);
        assert_eq!(there.newest_snapshots().unwrap().len(), 1);
        assert_eq!(
            elsewhere.snapshot_view(snapshot).unwrap_err().code(),
            "not-found"
        );
        assert!(elsewhere.snapshot_list(None, 9).unwrap().is_empty());
        assert!(elsewhere.newest_snapshots().unwrap().is_empty());
        assert_eq!(
            elsewhere.newest_counts(&msp).unwrap_err().code(),
            "unknown-workspace"
        );
    }
    let admin = access(&fixture, Role::Admin, only("far"));
    let error = admin.withdraw_usage(snapshot, "a mistake").unwrap_err();
    assert_eq!(error.code(), "not-found");
    let error = admin
        .import_usage(&file(USAGE), &UsageForm::Json)
        .unwrap_err();
    assert_eq!(error.code(), "unknown-workspace");
    let approver = access(&fixture, Role::Approver, only("far"));
    let asked = "q-000001".parse::<QuestionId>().unwrap();
    let error = approver
        .answer(&[asked], Answering::Grant, "agreed")
        .unwrap_err();
    assert_eq!(error.code(), "not-found");
}

#[tokio::test]
async fn what_concerns_all_channels_is_nobodys_who_has_some() {
    let (fixture, _) = connected().await;
    for role in ROLES {
        let access = access(&fixture, role, only("msp"));
        let codes = [
            access
                .import_workspaces(&file(crate::testing::WORKSPACES))
                .unwrap_err(),
            access.verify_history(None).unwrap_err(),
            access.remove_plugin("fake").unwrap_err(),
        ];
        for error in codes {
            assert_eq!(error.code(), "not-allowed", "{role}: {error}");
        }
    }
}

#[tokio::test]
async fn the_history_names_who_it_was_of_two_who_share_a_host() {
    let (fixture, name) = connected().await;
    let host = fixture.host.host();
    let (ann, bob) = (
        host.access(Actor::operator("ann")),
        host.access(Actor::new("bob", Role::Admin, only("msp"))),
    );
    ann.pause_connection(&name, true).unwrap();
    bob.pause_connection(&name, false).unwrap();
    let who: Vec<String> = ann
        .ledger()
        .history(0, 100)
        .unwrap()
        .into_iter()
        .rev()
        .take(2)
        .map(|event| event.who)
        .collect();
    assert_eq!(who, ["bob", "ann"]);
}

/// The door cannot be forgotten: each public call asks before it does anything.
#[test]
fn every_public_call_asks_first_whether_its_actor_may() {
    let mut calls = 0;
    for (file, text) in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        if file.ends_with("access.rs") {
            continue;
        }
        let mut inside = false;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            match line {
                "impl Access {" => inside = true,
                "}" => inside = false,
                _ => {}
            }
            let public = line.starts_with("    pub fn ") || line.starts_with("    pub async fn ");
            if !inside || !public {
                continue;
            }
            let head = line.to_owned();
            let mut line = line;
            while !line.ends_with('{') {
                line = lines.next().unwrap_or_default();
            }
            let first = lines.next().unwrap_or_default();
            let asks = first.contains("self.may(Power::") || first.contains("self.may_on(");
            assert!(asks, "{file}: {head} does not ask first");
            calls += 1;
        }
    }
    assert!(calls > 80, "{calls} calls were found");
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            let name = path.to_string_lossy().into_owned();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}
