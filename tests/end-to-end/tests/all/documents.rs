//! What the program says in JSON, as a program on the other side of a connection has it: each
//! document can be read as its type with nothing lost, and an item of a list is a part of
//! what shows it alone.

use std::collections::BTreeSet;

use end_to_end::{Scene, connector_file};
use psa_host_wire as wire;
use serde_json::{Value, json};

/// Commands, each with the document that it answers with. `RUN`, `SNAPSHOT`, `QUESTION` and
/// `FOLDER` stand for what they say.
const COMMANDS: &[(&str, &str)] = &[
    ("accounts", "account list acme"),
    ("services", "service list acme"),
    ("contracts", "contract list acme w1"),
    ("budgets", "budget show"),
    ("connections", "connection list"),
    ("connection-check", "connection check acme"),
    ("connection-changed", "connection pause acme"),
    ("connection-changed", "connection resume acme"),
    ("connection-kept", "connection keep-on acme in-use"),
    ("plugins", "plugin list"),
    ("plugin", "plugin inspect autotask"),
    ("plugin-added", "plugin add PLUGIN"),
    ("workspaces", "workspace list"),
    (
        "workspaces-imported",
        "workspace import FOLDER/workspaces.json",
    ),
    ("usage-imported", "usage import FOLDER/usage.json"),
    ("snapshots", "usage list"),
    ("snapshots", "usage show"),
    ("counts", "usage show --channel msp"),
    (
        "count",
        "usage show --channel msp --workspace w1 --module edr",
    ),
    ("validation", "validate acme"),
    ("run", "sync acme --dry-run"),
    ("run", "sync acme"),
    ("run", "run show RUN"),
    ("run", "run show RUN --new"),
    ("runs", "sync --dry-run"),
    ("run-list", "run list"),
    ("sheet-written", "map export acme FOLDER/mapping.csv"),
    ("history-exported", "run export RUN FOLDER/run.csv"),
    ("explanation", "explain acme w1 edr"),
    ("questions", "approval list"),
    (
        "questions-answered",
        "approval approve QUESTION --why agreed",
    ),
    ("rollback", "rollback POSTED --dry-run"),
    ("line-decided", "line pin acme w1 edr --why agreed"),
    ("line-decisions", "line list acme"),
    ("rules", "rules show acme"),
    ("rules", "rules set acme --ask-units 10"),
    ("count-policies", "count show acme"),
    ("count-policy-set", "count set acme edr --included 1"),
    (
        "done",
        "count exclude acme w3 edr 1 --owner ann --why agreed",
    ),
    ("exclusions", "count exclusions acme"),
    ("simulation", "count simulate acme"),
    ("mapping", "map list acme"),
    ("mapping-file", "map export acme"),
    (
        "mapping-dry-run",
        "map import acme FOLDER/mapping.json --dry-run",
    ),
    ("mapping-imported", "map import acme FOLDER/mapping.json"),
    ("suggestions", "map suggest acme"),
    ("radar", "map radar acme"),
    (
        "bundle-set",
        "map bundle acme managed-service --of mdm,network",
    ),
    ("bundles", "map bundle acme"),
    (
        "bundle-forgotten",
        "map bundle acme managed-service --remove",
    ),
    (
        "set-aside-done",
        "map set-aside acme --workspace w3 --hold --why agreed",
    ),
    ("set-asides", "map set-aside acme --list"),
    ("set-aside-lifted", "map restore acme --workspace w3"),
    ("done", "map account acme w1 ACCOUNT"),
    ("second-tenant", "map second-tenant acme w3 --why agreed"),
    ("mapping-removed", "map remove acme account w3 --yes"),
    ("history", "history list"),
    ("history-verified", "history verify"),
    ("history-exported", "history export FOLDER/history.csv"),
    (
        "usage-withdrawn",
        "usage withdraw SNAPSHOT --why wrong --yes",
    ),
    ("schedules", "schedule list"),
    ("dates", "schedule show acme"),
    ("schedule", "schedule set acme 06:15"),
    ("posting-stop", "posting show"),
    ("token-added", "token add monitoring --role viewer"),
    ("tokens", "token list"),
    ("token-removed", "token remove monitoring"),
    ("error", "run show r-999999"),
];

/// What this scene does not come to, as it is said.
fn others() -> Vec<(&'static str, Value)> {
    let at = "2026-10-01T04:30:00Z";
    vec![
        (
            "budget-lifted",
            json!({ "connection": "acme", "lifted": at }),
        ),
        (
            "lines-retried",
            json!({ "connection": "acme", "lines": ["4711"], "result": "retried" }),
        ),
        (
            "run-cancelled",
            json!({
                "run": "r-000012", "connection": "acme", "asked_by": "cli:ann", "asked_at": at,
                "status": "cancelled", "ended_at": at,
            }),
        ),
        (
            "run-resolved",
            json!({ "run": "r-000012", "lines": ["4711"], "resolved": "confirmed" }),
        ),
        (
            "run-started",
            json!({ "run": "r-000012", "connection": "acme", "href": "/api/v1/runs/r-000012" }),
        ),
        (
            "readiness",
            json!({
                "ready": false,
                "checks": [{ "name": "scheduler", "ok": false, "message": "it hangs" }],
            }),
        ),
        (
            "problem",
            json!({
                "type": "urn:psa-host:error:no-snapshot", "title": "Conflict", "status": 409,
                "detail": "there is no snapshot", "code": "no-snapshot",
                "action": { "do": "import-usage", "command": "psa-host usage import FILE" },
            }),
        ),
        (
            "plugin-removed",
            json!({ "removed": "autotask", "file": null }),
        ),
    ]
}

/// Answers of kinds that only rarer stories come to; their own tests read them.
const ELSEWHERE: &[&str] = &["connection-rebound", "plugin-accepted", "rebind-proposal"];

/// What a program says, without the version that all answers begin with.
pub fn said(scene: &Scene, arguments: &[&str]) -> Value {
    let mut command = scene.program();
    let output = command.args(arguments).args(["--format", "json"]).output();
    let output = output.expect("psa-host is built beside the tests");
    let out = String::from_utf8_lossy(&output.stdout);
    let mut said: Value = serde_json::from_str(&out)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}\n{output:?}"));
    let fields = said.as_object_mut().expect("an answer is an object");
    assert_eq!(fields.remove("schema_version"), Some(1.into()));
    said
}

/// Read it as a client would, and hold what it has against what was said.
pub fn assert_is_read_whole(name: &str, said: &Value) {
    let read = wire::reread(name, said).unwrap_or_else(|| panic!("no document {name}"));
    let read = read.unwrap_or_else(|error| panic!("{name}: {error}: {said:#}"));
    assert_eq!(&read, said, "{name}");
}

fn written(folder: &std::path::Path, scene: &Scene) {
    let workspace = json!({
        "id": "w9", "name": "w9", "company": "Nine", "domain": "w9.example", "kind": "child",
        "parent": "msp", "status": "subscription", "surplus": true,
    });
    let devices = [(1, 11), (2, 30), (3, 7)];
    let items = devices.map(|(at, devices)| {
        json!({ "workspace": format!("w{at}"), "module": "edr", "users": 1, "devices": devices })
    });
    let accounts: Vec<Value> = scene
        .customers
        .iter()
        .map(|c| json!({ "workspace": c.workspace, "account": c.company.to_string() }))
        .collect();
    let service =
        json!({ "module": "edr", "service": scene.service.to_string(), "metric": "devices" });
    for (name, content) in [
        ("workspaces.json", json!({ "workspaces": [workspace] })),
        (
            "usage.json",
            json!({
                "channel": "msp", "taken_at": jiff::Timestamp::now().to_string(),
                "complete": true, "items": items,
            }),
        ),
        (
            "mapping.json",
            json!({ "accounts": accounts, "services": [service], "contracts": [] }),
        ),
    ] {
        std::fs::write(folder.join(name), content.to_string()).expect("the folder can be written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_is_read_as_it_was_said_with_nothing_lost() {
    let scene = Scene::present(&[(11, 5), (30, 5), (7, 7)]).await;
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &scene);
    // So that a question waits and a line is posted.
    said(&scene, &["rules", "set", "acme", "--ask-units", "10"]);
    let posted = said(&scene, &["sync", "acme"]);
    let posted = posted["run"].as_str().unwrap();
    let mut run = posted.to_owned();
    let mut seen = BTreeSet::new();
    for (name, command) in COMMANDS {
        let question = || {
            let waits = said(&scene, &["approval", "list", "acme"]);
            waits["questions"][0]["id"].as_str().unwrap().to_owned()
        };
        let command: Vec<String> = command
            .split(' ')
            .map(|word| match word {
                "RUN" => run.clone(),
                "POSTED" => posted.to_owned(),
                "QUESTION" => question(),
                "SNAPSHOT" => "u-000001".to_owned(),
                "ACCOUNT" => scene.customers[0].company.to_string(),
                "PLUGIN" => connector_file().to_str().unwrap().to_owned(),
                word => word.replace("FOLDER", folder.path().to_str().unwrap()),
            })
            .collect();
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let answer = said(&scene, &arguments);
        let failed = answer.get("error").is_some();
        assert_eq!(failed, *name == "error", "{command:?}: {answer:#}");
        assert_is_read_whole(name, &answer);
        if command.starts_with(&["sync".to_owned(), "acme".to_owned()]) {
            answer["run"].as_str().unwrap().clone_into(&mut run);
        }
        seen.insert(*name);
    }
    for (name, answer) in others() {
        assert_is_read_whole(name, &answer);
        assert!(seen.insert(name), "{name} is seen as it is");
    }
    let known: BTreeSet<&str> = wire::schemas().into_iter().map(|(name, _)| name).collect();
    seen.extend(ELSEWHERE);
    assert_eq!(seen, known);
}

#[test]
fn what_is_no_such_document_is_not_taken_for_one() {
    assert!(wire::reread("no-such-document", &json!({})).is_none());
    for (name, wrong) in [
        ("accounts", json!({ "accounts": [] })),
        ("run-cancelled", json!({ "run": "r-000012" })),
        (
            "error",
            json!({ "error": { "code": "no-such-code", "message": "x" } }),
        ),
    ] {
        assert!(wire::reread(name, &wrong).unwrap().is_err(), "{name}");
    }
}

/// Each field of the item has the same value where it is shown alone.
#[track_caller]
fn assert_is_part_of(item: &Value, shown: &Value) {
    for (field, value) in item.as_object().expect("an object") {
        assert_eq!(shown.get(field), Some(value), "{field} of {item:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_a_list_says_what_is_said_where_it_is_shown_alone() {
    let scene = Scene::present(&[(11, 5), (30, 5), (7, 7)]).await;
    said(&scene, &["rules", "set", "acme", "--ask-units", "10"]);
    said(&scene, &["sync", "acme", "--dry-run"]);
    let synced = said(&scene, &["sync", "acme"]);
    let runs = said(&scene, &["run", "list"]);
    for run in runs["runs"].as_array().unwrap() {
        assert_is_part_of(
            run,
            &said(&scene, &["run", "show", run["run"].as_str().unwrap()]),
        );
    }
    assert_is_part_of(&runs["runs"][0], &synced);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);

    let plugins = said(&scene, &["plugin", "list"]);
    assert_is_part_of(
        &plugins["plugins"][0],
        &said(&scene, &["plugin", "inspect", "autotask"]),
    );

    let listed = said(&scene, &["usage", "list"]);
    let newest = said(&scene, &["usage", "show"]);
    let shown = said(&scene, &["usage", "show", "--channel", "msp"]);
    assert_eq!(listed["snapshots"][0], shown["snapshot"]);
    assert_eq!(newest["snapshots"][0], shown["snapshot"]);
    let of_w1 = shown["items"].as_array().unwrap();
    let of_w1 = of_w1.iter().find(|item| item["workspace"] == "w1").unwrap();
    assert_is_part_of(
        of_w1,
        &said(
            &scene,
            &[
                "usage",
                "show",
                "--channel",
                "msp",
                "--workspace",
                "w1",
                "--module",
                "edr",
            ],
        ),
    );

    // A line of a run's report and the same line where it is explained.
    let line = synced["lines"].as_array().unwrap();
    let line = line.iter().find(|line| line["workspace"] == "w3").unwrap();
    let explained = said(&scene, &["explain", "acme", "w3", "edr"]);
    assert_is_part_of(line, &explained["line"]);
    for field in ["workspace", "module", "workspace_name", "module_name"] {
        assert_eq!(explained[field], line[field], "{field}");
    }
    // A question and the line that waits for it.
    let asked = &said(&scene, &["approval", "list", "acme"])["questions"][0];
    let waits = synced["lines"].as_array().unwrap();
    let waits = waits
        .iter()
        .find(|line| line["question"] == asked["id"])
        .unwrap();
    for field in [
        "workspace",
        "workspace_name",
        "module",
        "contract",
        "contract_name",
        "service",
        "line",
        "baseline",
        "target",
        "effective_date",
        "monthly_change",
    ] {
        assert_eq!(asked[field], waits[field], "{field}");
    }
}
