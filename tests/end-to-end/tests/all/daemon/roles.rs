//! Who may call what: every operation of the API's own document is called by everybody. The
//! outcome stands in `host/server/roles.md`; `UPDATE_DOCS=1` writes it anew, and a change of it
//! is to be looked at as one of who may do what.

use std::fmt::Write;
use std::path::Path;

use end_to_end::{Scene, name};
use psa_host_sync::{Role, Source};
use serde_json::{Value, json};

use super::{Daemon, token};

/// What an operation is called with: the parts of its path, and its body.
type Example = (Vec<(&'static str, String)>, Option<Value>);

/// What each operation is called with.
fn example(operation: &str, run: &str) -> Option<Example> {
    let connection = || vec![("connection", name().to_string())];
    let why = || Some(json!({ "why": "to see who may" }));
    Some(match operation {
        "livez" | "readyz" | "listRuns" | "listSchedules" | "showPostingStop" => (vec![], None),
        "startRun" => (vec![], Some(json!({ "connection": name(), "wait": true }))),
        "showRun" | "cancelRun" => (vec![("run", run.to_owned())], None),
        "showSchedule" | "listDates" => (connection(), None),
        "setSchedule" => (connection(), Some(json!({ "schedule": "off" }))),
        "stopPosting" | "resumePosting" => (vec![], why()),
        _ => return None,
    })
}

/// In words that a reader of the table understands.
fn outcome(status: u16) -> String {
    match status {
        401 => "who are you?".to_owned(),
        403 => "no".to_owned(),
        404 => "not there".to_owned(),
        // What is wrong then is not who asks.
        200..=299 | 409 | 422 => "yes".to_owned(),
        other => format!("{other}?"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_call_what_is_as_checked_in() {
    let scene = Scene::new(&[(12, 5)]).await;
    let daemon = Daemon::start(&scene).await;
    let (status, run) = daemon
        .ask(
            "POST",
            "/api/v1/runs",
            Some(json!({ "connection": name(), "wait": true })),
        )
        .await;
    assert_eq!(status, 200, "{run}");
    let run = run["run"].as_str().expect("a run").to_owned();
    let other = json!({ "workspaces": [
        { "id": "other", "name": "Other", "company": "Other", "domain": "other.example",
          "kind": "channel", "parent": null, "status": "subscription" },
    ]});
    let file = Source::new("workspaces", other.to_string());
    scene.host.import_workspaces(&file).expect("a channel");

    let mut callers = vec![("nobody".to_owned(), "psah_none".to_owned())];
    for role in Role::ALL {
        let channels: &[&str] = match role {
            Role::Operator => &[],
            _ => &["msp"],
        };
        let secret = token(&scene, &format!("one-{role}"), role, channels);
        callers.push((role.to_string(), secret));
    }
    let stranger = token(&scene, "stranger", Role::Admin, &["other"]);
    callers.push(("admin of another channel".to_owned(), stranger));

    let document = daemon.get("/api/v1/openapi.json").await;
    let mut rows = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, described) in methods.as_object().expect("methods") {
            let operation = described["operationId"].as_str().expect("a name");
            let Some((parts, body)) = example(operation, &run) else {
                panic!("{operation} has no example: say with what it is called");
            };
            let filled = parts.iter().fold(path.clone(), |path, (part, value)| {
                path.replace(&format!("{{{part}}}"), value)
            });
            assert!(!filled.contains('{'), "{operation}: {filled}");
            let mut outcomes = Vec::new();
            for (_, secret) in &callers {
                let method = method.to_uppercase();
                let (status, _) = daemon.ask_as(secret, &method, &filled, body.clone()).await;
                outcomes.push(outcome(status));
            }
            rows.push((
                operation.to_owned(),
                method.to_uppercase(),
                path.clone(),
                outcomes,
            ));
        }
    }
    daemon.stopped().await;

    let names: Vec<&str> = callers.iter().map(|(name, _)| name.as_str()).collect();
    let mut page = format!(
        "# Who may call what\n\nMade by a test that calls every operation of the API as everybody \
         (`UPDATE_DOCS=1 cargo test\n--workspace --test all roles`). `no`: refused for the role; \
         `not there`: what lies in another channel\nis not even named.\n\n| operation | | {} |\n\
         | --- | --- | {} |\n",
        names.join(" | "),
        vec!["---"; names.len()].join(" | "),
    );
    for (operation, method, path, outcomes) in rows {
        writeln!(
            page,
            "| {operation} | `{method} {path}` | {} |",
            outcomes.join(" | ")
        )
        .expect("text");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host/server/roles.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).expect("it can be written");
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        checked_in == page,
        "host/server/roles.md differs from who may call what:\n{page}"
    );
}
