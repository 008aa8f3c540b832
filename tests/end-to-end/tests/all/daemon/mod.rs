//! The daemon: it syncs what is due by itself, tries again what failed, does a date once,
//! serves what there is to those who may see it, and stops in good order.

mod roles;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use autotask_sim::{Fault, FaultKind, Lost};
use end_to_end::{Scene, name};

use psa_host_billing::rules::{ApprovalLimits, Rules};
use psa_host_server::{ServeError, Settings, serve};
use psa_host_sync::{Role, RunId};
use rust_decimal::Decimal;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Time that nothing in these tests takes.
const LONG: Duration = Duration::from_secs(60);

pub(super) struct Daemon {
    address: String,
    token: String,
    client: reqwest::Client,
    stop: CancellationToken,
    at_once: CancellationToken,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Daemon {
    async fn start(scene: &Scene) -> Self {
        Self::start_with(scene, Settings::default()).await
    }

    async fn start_with(scene: &Scene, settings: Settings) -> Self {
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            ..settings
        };
        let stop = CancellationToken::new();
        let at_once = CancellationToken::new();
        let (told, address) = tokio::sync::oneshot::channel();
        let host = scene.second_host().host().clone();
        let daemon = serve(host, settings, stop.clone(), at_once.clone(), |address| {
            told.send(address).expect("somebody waits for it");
        });
        let served = tokio::spawn(daemon);
        let address = address.await.expect("it starts");
        Self {
            address: format!("http://{address}"),
            token: token(
                scene,
                &format!("operator-{}", address.port()),
                Role::Operator,
                &[],
            ),
            client: reqwest::Client::new(),
            stop,
            at_once,
            served,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.ask_as(&self.token, method, path, body).await
    }

    async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let url = format!("{}{path}", self.address);
        let mut request = self.client.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The connection's schedule, set anew: the scheduler looks at once.
    async fn look(&self, schedule: &str) {
        let body = json!({ "schedule": schedule });
        let path = format!("/api/v1/connections/{}/schedule", name());
        let (status, body) = self.ask("PUT", &path, Some(body)).await;
        assert_eq!(status, 200, "{body}");
    }

    async fn dates(&self) -> Vec<Value> {
        let path = format!("/api/v1/connections/{}/dates", name());
        let body = self.get(&path).await;
        body["dates"].as_array().expect("dates").clone()
    }

    /// Until the newest date is so.
    async fn newest_date(&self, is: impl Fn(&Value) -> bool) -> Value {
        let found = tokio::time::timeout(LONG, async {
            loop {
                if let Some(date) = self.dates().await.first().filter(|date| is(date)) {
                    return date.clone();
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{:?}", self.dates().await),
        }
    }

    async fn runs(&self) -> Vec<Value> {
        let body = self.get("/api/v1/runs").await;
        body["runs"].as_array().expect("runs").clone()
    }

    async fn stopped(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(LONG, self.served).await;
        ended
            .expect("it stops")
            .expect("no panic")
            .expect("in good order");
    }
}

fn token(scene: &Scene, name: &str, role: Role, channels: &[&str]) -> String {
    let channels: Vec<_> = channels
        .iter()
        .map(|id| id.parse().expect("an id"))
        .collect();
    let channels = Some(channels).filter(|channels| !channels.is_empty());
    let end = scene.now() + jiff::SignedDuration::from_hours(24 * 365);
    let made = scene.host.add_token(name, role, channels, end);
    made.expect("a token").secret
}

fn state(date: &Value) -> &str {
    date["state"].as_str().unwrap_or_default()
}

/// A scene at some time of its day, whose connection is due in the next hour.
async fn due_soon() -> (Scene, String) {
    let scene = Scene::new(&[(12, 5), (7, 7)]).await;
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("a zone");
    let soon = zone.to_datetime(scene.now() + jiff::SignedDuration::from_mins(20));
    (scene, soon.strftime("%H:%M").to_string())
}

fn unspread() -> Settings {
    let mut settings = Settings::default();
    settings.schedule.spread = false;
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_due_is_synced_by_itself_and_once() {
    let (scene, time) = due_soon().await;
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    assert_eq!(
        daemon.runs().await,
        Vec::<Value>::new(),
        "it is not due yet"
    );
    scene.wait(21);
    daemon.look(&time).await;
    let done = daemon.newest_date(|date| state(date) == "closed").await;
    assert_eq!(done["date"], scene.today().to_string());
    assert_eq!(scene.applied(0), [7]);

    let runs = daemon.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["run"], done["closed_by"]);
    assert_eq!(runs[0]["started_by"], "scheduler");
    let run = daemon
        .get(&format!(
            "/api/v1/runs/{}",
            done["closed_by"].as_str().unwrap()
        ))
        .await;
    assert_eq!(run["counts"]["confirmed"], 1);

    // The same day again, whatever is looked at: it is done.
    scene.wait(60);
    daemon.look("00:01").await;
    daemon.look(&time).await;
    daemon.stopped().await;
    let again = Daemon::start_with(&scene, unspread()).await;
    again.look(&time).await;
    assert_eq!(again.runs().await.len(), 1);
    again.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_tried_again_and_its_date_is_closed_then() {
    let (scene, time) = due_soon().await;
    scene.simulator.inject(
        Fault::new(FaultKind::FailBefore {
            status: Some(500),
            text: None,
        })
        .times(0),
    );
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    scene.wait(21);
    daemon.look(&time).await;
    let open = daemon.newest_date(|date| date["code"].is_string()).await;
    assert_eq!((state(&open), open["attempts"].as_u64()), ("open", Some(1)));
    scene.simulator.clear_faults();
    // Before its wait is over nothing is tried.
    scene.wait(2);
    daemon.look(&time).await;
    assert_eq!(daemon.dates().await[0]["attempts"], 1);
    scene.wait(4);
    daemon.look(&time).await;
    let done = daemon.newest_date(|date| state(date) == "closed").await;
    assert_eq!(done["attempts"], 2);
    assert_eq!(scene.applied(0), [7]);
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brake_for_old_counts_is_tried_again_and_one_that_a_person_judges_closes_the_date() {
    let (scene, time) = due_soon().await;
    // No account is new any more, and nobody is asked; the brakes are on.
    scene.sync().await;
    let sent_before = scene.adjustments_sent();
    let mut rules = Rules {
        approval: ApprovalLimits::none(),
        ..Rules::default()
    };
    rules.brakes.money = Some(Decimal::from(60));
    scene.host.set_rules(&name(), &rules).expect("rules");
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    // Four days later the counts are stale.
    scene.wait(4 * 24 * 60 + 21);
    daemon.look(&time).await;
    let open = daemon.newest_date(|date| date["code"].is_string()).await;
    assert_eq!(
        (state(&open), open["code"].as_str()),
        ("open", Some("snapshot-stale"))
    );
    // New ones come; everybody's units leap.
    scene.import_usage(&[("w1", 4000), ("w2", 7000)]);
    scene.wait(6);
    daemon.look(&time).await;
    let done = daemon.newest_date(|date| state(date) == "closed").await;
    let run = daemon
        .get(&format!(
            "/api/v1/runs/{}",
            done["closed_by"].as_str().unwrap()
        ))
        .await;
    assert_eq!(run["status"], "braked", "{run}");
    assert_eq!(scene.adjustments_sent(), sent_before);
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_a_person_asks_for_does_not_use_up_the_date() {
    let (scene, time) = due_soon().await;
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    let new = json!({ "connection": name(), "wait": true });
    let (status, run) = daemon.ask("POST", "/api/v1/runs", Some(new)).await;
    assert_eq!(
        (status, run["counts"]["confirmed"].as_u64()),
        (200, Some(1)),
        "{run}"
    );
    scene.wait(21);
    daemon.look(&time).await;
    let done = daemon.newest_date(|date| state(date) == "closed").await;
    let run = daemon
        .get(&format!(
            "/api/v1/runs/{}",
            done["closed_by"].as_str().unwrap()
        ))
        .await;
    assert_eq!(run["counts"]["unchanged"], 2);
    assert_eq!(scene.applied(0), [7]);
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_posting_is_stopped_nothing_runs_and_the_date_is_caught_up_after() {
    let (scene, time) = due_soon().await;
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    let why = json!({ "why": "the counts look wrong" });
    let (status, stop) = daemon.ask("PUT", "/api/v1/posting-stop", Some(why)).await;
    assert_eq!((status, stop["stopped"].as_bool()), (200, Some(true)));
    scene.wait(21);
    daemon.look(&time).await;
    let new = json!({ "connection": name() });
    let (status, refused) = daemon.ask("POST", "/api/v1/runs", Some(new)).await;
    assert_eq!(
        (status, refused["code"].as_str()),
        (409, Some("posting-stopped"))
    );
    let dry = json!({ "connection": name(), "dry_run": true, "wait": true });
    let (status, _) = daemon.ask("POST", "/api/v1/runs", Some(dry)).await;
    assert_eq!(status, 200);
    assert_eq!(
        (daemon.dates().await.len(), scene.adjustments_sent()),
        (0, 0)
    );
    let why = json!({ "why": "they are right" });
    let (status, _) = daemon
        .ask("DELETE", "/api/v1/posting-stop", Some(why))
        .await;
    assert_eq!(status, 200);
    daemon.newest_date(|date| state(date) == "closed").await;
    assert_eq!(scene.applied(0), [7]);
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_doubt_is_settled_after_its_quarantine_on_a_date_that_is_done() {
    let (scene, time) = due_soon().await;
    // The adjustment's answer is lost before anything was done with it.
    let lost = Fault::new(FaultKind::Lose {
        lost: Lost::default(),
    })
    .on("ContractServiceAdjustments");
    scene.simulator.inject(lost.times(1));
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    scene.wait(21);
    daemon.look(&time).await;
    daemon.newest_date(|date| state(date) == "closed").await;
    assert_eq!(scene.applied(0), Vec::<i32>::new());
    scene.wait(11);
    let settled = tokio::time::timeout(LONG, async {
        while scene.applied(0) != [7] {
            daemon.look(&time).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(settled.await.is_ok(), "{:?}", daemon.runs().await);
    let runs = daemon.runs().await;
    assert_eq!(runs[0]["started_by"], "scheduler");
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_lets_what_is_in_flight_be_finished_and_the_next_start_goes_on() {
    let customers: Vec<(u32, i32)> = (0..12).map(|at| (11 + at, 5)).collect();
    let scene = Scene::new(&customers).await;
    let slow = Fault::new(FaultKind::Delay { ms: 700 }).on("ContractServiceAdjustments");
    scene.simulator.inject(slow.times(0));
    let daemon = Daemon::start(&scene).await;
    let new = json!({ "connection": name() });
    let (status, started) = daemon.ask("POST", "/api/v1/runs", Some(new.clone())).await;
    assert_eq!(status, 202, "{started}");
    let run: RunId = started["run"].as_str().unwrap().parse().unwrap();
    let (status, busy) = daemon.ask("POST", "/api/v1/runs", Some(new)).await;
    assert_eq!(
        (status, busy["code"].as_str()),
        (409, Some("run-under-way"))
    );
    while scene.adjustments_sent() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.stopped().await;
    let ended = scene.host.run_report(run).expect("a report");
    assert_eq!(ended.status, "cancelled");
    let confirmed = ended
        .lines
        .iter()
        .filter(|line| line.outcome.as_str() == "confirmed");
    assert_eq!(
        confirmed.count(),
        scene.adjustments_sent(),
        "what was sent was read back"
    );
    assert!(
        scene.adjustments_sent() < customers.len(),
        "and the rest was not sent"
    );
    assert!(
        scene
            .host
            .ledger()
            .open_intents(&ended.tenant)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_at_once_leaves_a_run_that_its_record_calls_given_up() {
    let scene = Scene::new(&[(12, 5), (13, 5)]).await;
    let hangs = Fault::new(FaultKind::Delay { ms: 30_000 }).on("ContractServiceAdjustments");
    scene.simulator.inject(hangs.times(0));
    let daemon = Daemon::start(&scene).await;
    let new = json!({ "connection": name() });
    let (_, started) = daemon.ask("POST", "/api/v1/runs", Some(new)).await;
    let run: RunId = started["run"].as_str().unwrap().parse().unwrap();
    while scene.adjustments_sent() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.at_once.cancel();
    daemon.stopped().await;
    let ended = scene.host.run_list(None, 1).expect("runs").remove(0);
    assert_eq!(
        (ended.run, ended.status.as_ref()),
        (run.to_string(), "abandoned")
    );
}

/// As an operator or systemd starts and stops it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_serves_until_it_is_told_to_stop() {
    let scene = Scene::present(&[(12, 5)]).await;
    let mut program = scene.program();
    program
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = program.spawn().expect("it starts");
    let told = child.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(told).lines().map_while(Result::ok);
    let ready = lines.find(|line| line.contains("is ready"));
    let ready = ready.expect("it says where it listens");
    let (_, address) = ready.split_once("http://").expect("an address");
    let (address, _) = address.split_once('/').expect("a path");
    let answer = reqwest::get(format!("http://{address}/readyz")).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process"), Signal::TERM).expect("it is there");
    // What it says to the end, so that it never waits for a reader.
    let rest: Vec<String> = lines.collect();
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_daemon_serves_a_data_directory() {
    let scene = Scene::new(&[(12, 5)]).await;
    let daemon = Daemon::start(&scene).await;
    let second = serve(
        scene.second_host().host().clone(),
        Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..Settings::default()
        },
        CancellationToken::new(),
        CancellationToken::new(),
        |_| panic!("it does not start"),
    );
    let refused = second.await.unwrap_err().to_string();
    assert!(
        refused.contains(&std::process::id().to_string()),
        "{refused}"
    );
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_or_with_one_of_another_channel_nothing_is_to_be_seen() {
    let scene = Scene::new(&[(12, 5)]).await;
    let daemon = Daemon::start(&scene).await;
    let done = json!({ "connection": name(), "wait": true });
    let (status, run) = daemon.ask("POST", "/api/v1/runs", Some(done)).await;
    assert_eq!(status, 200);
    let run = format!("/api/v1/runs/{}", run["run"].as_str().unwrap());
    let (status, refused) = daemon
        .ask_as("psah_0000", "GET", "/api/v1/runs", None)
        .await;
    assert_eq!(
        (status, refused["code"].as_str()),
        (401, Some("token-refused"))
    );
    let viewer = token(&scene, "viewer", Role::Viewer, &["msp"]);
    let start = json!({ "connection": name() });
    let (status, refused) = daemon
        .ask_as(&viewer, "POST", "/api/v1/runs", Some(start.clone()))
        .await;
    assert_eq!(
        (status, refused["code"].as_str()),
        (403, Some("not-allowed"))
    );
    let (status, _) = daemon.ask_as(&viewer, "GET", &run, None).await;
    assert_eq!(status, 200);

    // A channel beside it: what is there and what is not answer the same.
    let other = json!({ "workspaces": [
        { "id": "other", "name": "Other", "company": "Other", "domain": "other.example",
          "kind": "channel", "parent": null, "status": "subscription" },
    ]});
    let file = psa_host_sync::Source::new("workspaces", other.to_string());
    scene.host.import_workspaces(&file).expect("a channel");
    let stranger = token(&scene, "stranger", Role::Admin, &["other"]);
    let paths = [
        (run.clone(), "/api/v1/runs/r-000999".to_owned()),
        (
            format!("/api/v1/connections/{}/schedule", name()),
            "/api/v1/connections/nobody/schedule".to_owned(),
        ),
        (
            format!("/api/v1/connections/{}/dates", name()),
            "/api/v1/connections/nobody/dates".to_owned(),
        ),
    ];
    for (foreign, unknown) in paths {
        let (status, foreign_said) = daemon.ask_as(&stranger, "GET", &foreign, None).await;
        let (_, unknown_said) = daemon.ask_as(&stranger, "GET", &unknown, None).await;
        assert_eq!(status, 404, "{foreign}: {foreign_said}");
        let last = |path: &str| {
            path.rsplit('/')
                .find(|p| !matches!(*p, "schedule" | "dates"))
                .unwrap()
                .to_owned()
        };
        let foreign_said = foreign_said.to_string().replace(&last(&foreign), "X");
        let unknown_said = unknown_said.to_string().replace(&last(&unknown), "X");
        assert_eq!(foreign_said, unknown_said);
    }
    let (status, _) = daemon
        .ask_as(&stranger, "POST", "/api/v1/runs", Some(start))
        .await;
    assert_eq!(status, 404);
    let (_, runs) = daemon.ask_as(&stranger, "GET", "/api/v1/runs", None).await;
    assert_eq!(runs["runs"], json!([]));
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_of_a_machine_that_was_off_are_missed_and_the_newest_is_caught_up() {
    let (scene, time) = due_soon().await;
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    scene.wait(21);
    daemon.look(&time).await;
    daemon.newest_date(|date| state(date) == "closed").await;
    daemon.stopped().await;
    // Three days, and five hours after the fourth fell due. The counts are new.
    scene.wait(3 * 24 * 60 + 5 * 60);
    scene.import_usage(&[("w1", 20), ("w2", 7)]);
    let daemon = Daemon::start_with(&scene, unspread()).await;
    let today = scene.today().to_string();
    daemon
        .newest_date(|date| state(date) == "closed" && date["date"] == *today)
        .await;
    let states: Vec<String> = daemon
        .dates()
        .await
        .iter()
        .map(|date| state(date).to_owned())
        .collect();
    assert_eq!(states, ["closed", "missed", "missed", "closed"]);
    assert_eq!(
        scene.applied(0),
        [7, 8],
        "once, for the day on which it ran"
    );
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_connection_is_left_alone_until_it_is_resumed() {
    let (scene, time) = due_soon().await;
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    scene.host.pause_connection(&name(), true).expect("paused");
    scene.wait(21);
    daemon.look(&time).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(daemon.dates().await, Vec::<Value>::new());
    scene
        .host
        .pause_connection(&name(), false)
        .expect("resumed");
    daemon.look(&time).await;
    daemon.newest_date(|date| state(date) == "closed").await;
    daemon.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_run_that_a_person_cancels_closes_its_date() {
    let scene = Scene::new(&(0..12).map(|at| (11 + at, 5)).collect::<Vec<_>>()).await;
    let slow = Fault::new(FaultKind::Delay { ms: 700 }).on("ContractServiceAdjustments");
    scene.simulator.inject(slow.times(0));
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("a zone");
    let soon = zone.to_datetime(scene.now() + jiff::SignedDuration::from_mins(20));
    let time = soon.strftime("%H:%M").to_string();
    let daemon = Daemon::start_with(&scene, unspread()).await;
    daemon.look(&time).await;
    scene.wait(21);
    daemon.look(&time).await;
    while scene.adjustments_sent() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let runs = daemon.runs().await;
    let run = runs[0]["run"].as_str().expect("a run").to_owned();
    let path = format!("/api/v1/runs/{run}/cancel");
    let (status, asked) = daemon.ask("POST", &path, None).await;
    assert_eq!((status, asked["run"].as_str()), (202, Some(&*run)));
    let done = daemon.newest_date(|date| state(date) == "closed").await;
    assert_eq!(done["closed_by"], *run);
    let ended = daemon.get(&format!("/api/v1/runs/{run}")).await;
    assert_eq!(ended["status"], "cancelled");
    assert!(scene.adjustments_sent() < 12);
    daemon.stopped().await;
}
