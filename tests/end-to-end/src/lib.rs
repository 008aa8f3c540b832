//! A scene: a simulated Autotask tenant with a few customers, and a psa-host data
//! directory that is connected and mapped to it, with a clock that the test moves.

#![forbid(unsafe_code)]

mod chain;
mod child;
mod undated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use autotask_sim::{Config, LineKind, Simulator, User, World};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use psa_host_billing::rules::{ApprovalLimits, Rules};
use psa_host_billing::{ConnectionName, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{LineReport, RunReport, SyncOptions};
use psa_host_sync::{
    Access, Actor, AddConnection, Host, HostOptions, KeySource, Observer, Secret, Source,
    UsageForm, Values, unwatched,
};
use serde_json::{Value, json};

pub use chain::first_that_does_not_hold;
pub use child::{Child, Death, Running, sync_as_child};
pub use undated::{Kind, UndatedScene};

/// The day of each scene, in the connection's zone.
pub const TODAY: Date = date(2026, 11, 23);

/// What each scene begins at: 10 o'clock in New York.
const NOW: &str = "2026-11-23T15:00:00Z";

/// The connection of each scene.
pub const CONNECTION: &str = "acme";

/// The only module sold, counted in devices.
pub const MODULE: &str = "edr";

/// One customer: a workspace, its company, a contract over the year, and one line.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Its workspace.
    pub workspace: String,
    /// Devices in use.
    pub devices: u32,
    /// Units on its line when the scene begins.
    pub units: i32,
    /// The company in the PSA.
    pub company: i64,
    /// Its contract.
    pub contract: i64,
    /// Its line.
    pub line: i64,
}

/// A data directory and the PSA it is connected to.
#[derive(Debug)]
pub struct Scene {
    /// The PSA.
    pub simulator: Simulator,
    /// The data directory.
    pub host: Access,
    /// The customers, in the order given.
    pub customers: Vec<Customer>,
    /// The PSA's service for [`MODULE`].
    pub service: i64,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl Scene {
    /// Customers `w1`, `w2`, … with (devices in use, units on the line).
    pub async fn new(customers: &[(u32, i32)]) -> Self {
        Self::altered(customers, |_, _| {}).await
    }

    /// The same, in a tenant that is changed before anything is connected.
    pub async fn altered(
        customers: &[(u32, i32)],
        change: impl FnOnce(&mut Config, &[Customer]),
    ) -> Self {
        Self::lasting(date(2026, 12, 31), customers, change).await
    }

    /// The same, with contracts that end on a day.
    pub async fn lasting(
        end: Date,
        customers: &[(u32, i32)],
        change: impl FnOnce(&mut Config, &[Customer]),
    ) -> Self {
        let contract = (date(2026, 1, 1), end);
        Self::at(timestamp(NOW), contract, customers, change).await
    }

    /// The same in the present, for the program itself, which goes by the machine's clock.
    pub async fn present(customers: &[(u32, i32)]) -> Self {
        let now = Timestamp::now();
        let month = local(now).first_of_month();
        let contract = (
            month.saturating_sub(Span::new().months(10)),
            month.saturating_add(Span::new().months(2)).last_of_month(),
        );
        Self::at(now, contract, customers, |_, _| {}).await
    }

    async fn at(
        now: Timestamp,
        (start, end): (Date, Date),
        customers: &[(u32, i32)],
        change: impl FnOnce(&mut Config, &[Customer]),
    ) -> Self {
        let today = local(now);
        let mut world = World::new(today);
        world.users = vec![User::default()];
        let service = world.add_service("Coro EDR", "4.20");
        let customers: Vec<Customer> = (1..)
            .zip(customers)
            .map(|(at, &(devices, units))| {
                let company = world.add_company(&format!("Company {at}"));
                let contract = world.add_contract(company, "Managed services", start, end);
                let line = world.add_line(LineKind::Service, contract, service, units);
                let line = line.expect("an open contract");
                let workspace = format!("w{at}");
                Customer {
                    workspace,
                    devices,
                    units,
                    company,
                    contract,
                    line,
                }
            })
            .collect();
        let before_this_month = today.first_of_month().yesterday();
        world.post_through(before_this_month.expect("a day before"));
        let mut config = Config::new(world);
        change(&mut config, &customers);
        let simulator = Simulator::start(config)
            .await
            .expect("free ports on loopback");
        let clock = Clock::starting_at(now);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let host = open(folder.path(), &clock, None);
        let scene = Self {
            simulator,
            host,
            customers,
            service,
            clock,
            folder,
        };
        scene.set_up().await;
        scene
    }

    /// A second view of the same data directory.
    pub fn second_host(&self) -> Access {
        open(self.folder.path(), &self.clock, None)
    }

    /// The `psa-host` program on this data directory, as a person would start it.
    pub fn program(&self) -> Command {
        program(self.folder.path())
    }

    /// A third view, whose steps an observer is told of.
    pub fn observed_host(&self, observer: Observer) -> Access {
        open(self.folder.path(), &self.clock, Some(observer))
    }

    /// A sync in a process of its own: this test program again, at the test `role`.
    pub fn child(&self, role: &str) -> Child {
        Child::new(self.folder.path(), self.now(), role)
    }

    /// The key of the secrets and of the history.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    async fn set_up(&self) {
        let connector = connector_file();
        let path = connector.to_str().expect("a readable path");
        self.host
            .add_plugin(path)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        self.host.approve_plugin("autotask").expect("approved");
        let values = Values {
            secrets: BTreeMap::from([(
                "integration-code".into(),
                Secret::new("SIM-TRACKING-CODE"),
            )]),
            ..Values::default()
        };
        self.host.set_plugin("autotask", &values).expect("set");
        let mut workspaces = vec![workspace("msp", "channel", None)];
        workspaces.extend(
            self.customers
                .iter()
                .map(|c| workspace(&c.workspace, "child", Some("msp"))),
        );
        let file = json!({ "workspaces": workspaces }).to_string();
        self.host
            .import_workspaces(&Source::new("workspaces", file))
            .expect("workspaces");
        let counts: Vec<(&str, u32)> = self
            .customers
            .iter()
            .map(|c| (c.workspace.as_str(), c.devices))
            .collect();
        self.import_usage(&counts);
        let check = self
            .host
            .add_connection(AddConnection {
                name: name(),
                plugin: "autotask".to_owned(),
                channel: WorkspaceId::new("msp").expect("an id"),
                time_zone: "America/New_York".to_owned(),
                values: Values {
                    settings: BTreeMap::from([
                        ("username".into(), User::default().user_name),
                        ("base-url".into(), self.simulator.base_url()),
                    ]),
                    secrets: BTreeMap::from([("secret".into(), Secret::new("sim-secret"))]),
                },
            })
            .await
            .expect("a connection");
        assert!(check.is_connected(), "{check:?}");
        let accounts: Vec<Value> = self
            .customers
            .iter()
            .map(|c| json!({ "workspace": c.workspace, "account": c.company.to_string() }))
            .collect();
        let services =
            json!([{ "module": MODULE, "service": self.service.to_string(), "metric": "devices" }]);
        let file = json!({ "accounts": accounts, "services": services, "contracts": [] });
        let source = Source::new("mapping", file.to_string());
        let mapped = self
            .host
            .import_mappings(&name(), &source, false, &unwatched)
            .await;
        let mapped = mapped.expect("mappings");
        assert!(mapped.applied, "{:?}", mapped.refused);
        ask_nobody(&self.host);
        self.simulator.clear_journal();
    }

    /// The limits and brakes that every connection begins with.
    pub fn begin_with_limits(&self) {
        let rules = Rules::default();
        self.host.set_rules(&name(), &rules).expect("rules");
    }

    /// A complete snapshot of the present instant.
    pub fn import_usage(&self, counts: &[(&str, u32)]) {
        let items: Vec<Value> = counts
            .iter()
            .map(|(workspace, devices)| {
                json!({ "workspace": workspace, "module": MODULE, "users": 1, "devices": devices })
            })
            .collect();
        let file = json!({
            "channel": "msp", "taken_at": self.now().to_string(), "complete": true, "items": items,
        });
        let source = Source::new("usage", file.to_string());
        self.host
            .import_usage(&source, &UsageForm::Json)
            .expect("usage");
    }

    /// Sync, as a person or the scheduler would.
    pub async fn sync(&self) -> RunReport {
        self.try_sync(&SyncOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sync in a way that may fail as a whole.
    ///
    /// # Errors
    /// As [`Access::sync`].
    pub async fn try_sync(&self, options: &SyncOptions) -> psa_host_sync::Result<RunReport> {
        self.host.sync(&name(), options, &unwatched).await
    }

    /// The instant of the scene's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The date in the connection's zone.
    pub fn today(&self) -> Date {
        local(self.now())
    }

    /// Let time pass, for psa-host and for the PSA.
    pub fn wait(&self, minutes: i64) {
        self.clock.skip(SignedDuration::from_mins(minutes));
        self.simulator.advance(jiff::Span::new().minutes(minutes));
    }

    /// Moves psa-host's clock alone, from anywhere, by minutes.
    pub fn hand(&self) -> impl Fn(i64) + Send + Sync + 'static {
        let clock = self.clock.clone();
        move |minutes| clock.skip(SignedDuration::from_mins(minutes))
    }

    /// Let time pass until so many minutes before the next midnight in the connection's
    /// zone, and take a new snapshot.
    pub fn wait_until_before_midnight(&self, minutes: i64) {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        let now = self.now().to_zoned_datetime(zone);
        let midnight = now.tomorrow().and_then(|next| next.start_of_day());
        let left = midnight
            .expect("a next day")
            .timestamp()
            .duration_since(now.timestamp());
        self.wait(left.as_mins() - minutes);
        let counts: Vec<(&str, u32)> = self
            .customers
            .iter()
            .map(|c| (c.workspace.as_str(), c.devices))
            .collect();
        self.import_usage(&counts);
    }

    /// Units on a customer's line on a day.
    pub fn units_on(&self, customer: usize, day: Date) -> i32 {
        let line = self.customers[customer].line;
        let units = self
            .simulator
            .world()
            .units_on(LineKind::Service, line, day);
        units.expect("the line has units on that day")
    }

    /// What was applied to a customer's line by requests, in order.
    pub fn applied(&self, customer: usize) -> Vec<i32> {
        let line = self.customers[customer].line;
        let applied = self.simulator.applied();
        applied
            .iter()
            .filter(|a| a.line == line && !a.foreign)
            .map(|a| a.unit_change)
            .collect()
    }

    /// Adjustments that reached the PSA, applied or not.
    pub fn adjustments_sent(&self) -> usize {
        let journal = self.simulator.journal();
        journal
            .iter()
            .filter(|entry| entry.endpoint == "ContractServiceAdjustments")
            .count()
    }
}

/// The line of a customer in a report.
pub fn line_of<'a>(report: &'a RunReport, workspace: &str) -> &'a LineReport {
    let line = report
        .lines
        .iter()
        .find(|line| line.workspace.as_str() == workspace);
    line.unwrap_or_else(|| panic!("no line of {workspace} in {report:#?}"))
}

/// A line's outcome and code in one word each.
pub fn outcome(report: &RunReport, workspace: &str) -> (Outcome, Option<String>) {
    let line = line_of(report, workspace);
    (line.outcome, line.code.clone())
}

/// What most scenes are about comes after a person has agreed: their connection posts
/// without asking, whatever it comes to.
fn ask_nobody(host: &Access) {
    let mut rules = Rules {
        approval: ApprovalLimits::none(),
        ..Rules::default()
    };
    rules.brakes.units_percent = None;
    rules.brakes.alike_lines = None;
    host.set_rules(&name(), &rules).expect("rules");
}

/// The connection's name.
pub fn name() -> ConnectionName {
    ConnectionName::new(CONNECTION).expect("a name")
}

fn program(data: &Path) -> Command {
    let beside = std::env::current_exe().expect("this program");
    let folder = beside.ancestors().nth(2).expect("the folder of programs");
    let mut command = Command::new(folder.join("psa-host"));
    command
        .env("PSA_HOST_DATA", data.join("data"))
        .env("PSA_HOST_KEY_FILE", data.join("key"))
        .env("PSA_HOST_DEV_LOOPBACK", "1")
        .stdin(Stdio::null());
    command
}

fn open(folder: &Path, clock: &Clock, observer: Option<Observer>) -> Access {
    let clock = clock.clone();
    Host::open(HostOptions {
        observer,
        key: KeySource::File(folder.join("key")),
        dev_loopback: true,
        clock: Arc::new(move || clock.now()),
        ..HostOptions::new(folder.join("data"))
    })
    .expect("a data directory")
    .access(Actor::operator("psa-host"))
}

/// Goes on like any clock, from an instant of its own, and can be put forward.
#[derive(Debug, Clone)]
struct Clock {
    start: Timestamp,
    begun: Instant,
    skipped_seconds: Arc<AtomicI64>,
}

impl Clock {
    fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            begun: Instant::now(),
            skipped_seconds: Arc::default(),
        }
    }

    fn skip(&self, time: SignedDuration) {
        self.skipped_seconds
            .fetch_add(time.as_secs(), Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        let skipped = SignedDuration::from_secs(self.skipped_seconds.load(Ordering::SeqCst));
        let passed = SignedDuration::try_from(self.begun.elapsed()).expect("a short test");
        self.start + skipped + passed
    }
}

fn workspace(id: &str, kind: &str, parent: Option<&str>) -> Value {
    json!({
        "id": id, "name": id, "company": format!("Company {id}"),
        "domain": format!("{id}.example"), "kind": kind, "parent": parent,
        "status": "subscription",
    })
}

/// The connector, as `plugins/build` made it.
///
/// # Panics
/// Where it has not been built.
pub fn connector_file() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist/autotask.wasm");
    path.canonicalize()
        .unwrap_or_else(|_| panic!("build the connector first: plugins/build autotask"))
}

fn local(at: Timestamp) -> Date {
    let zone = TimeZone::get("America/New_York").expect("a zone");
    at.to_zoned_datetime(zone).date()
}

fn timestamp(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}
