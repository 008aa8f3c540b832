//! Makes the data directories that `host/ledger/tests/data` keeps of a released version:
//! runs that version's program against the simulated Autotask and copies what it leaves.
//!
//! ```sh
//! cargo run -p end-to-end --example data_of_version -- PROGRAM FOLDER
//! ```
//!
//! `PROGRAM` is the version's `psa-host`, `FOLDER` the folder to write `synced` and
//! `interrupted` into. The program goes by the machine's clock, so each making has its own
//! dates, keys and hashes; what is in it is always the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use autotask_sim::{Config, Fault, FaultKind, LineKind, Lost, Simulator, User, World};
use flate2::{Compression, GzBuilder};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

/// Units on the lines of the customers' contracts, and devices counted for each.
const CUSTOMERS: [(i32, u32); 8] = [
    (5, 7),
    (3, 3),
    (10, 12),
    (4, 4),
    (2, 2),
    (8, 8),
    (20, 20),
    (30, 30),
];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(program), Some(folder)) = (arguments.next(), arguments.next()) else {
        panic!("wanted: PROGRAM FOLDER");
    };
    let program = fs::canonicalize(program).expect("the program");
    let folder = PathBuf::from(folder);
    let place = Place::set_up(&program).await;
    place.first_changes();
    place.decisions();
    place.keep(&folder.join("synced"));
    let place = Place::set_up(&program).await;
    place.interrupted_adjustments();
    place.keep(&folder.join("interrupted"));
}

fn today() -> Date {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
    now.date()
}

/// A data directory in the making.
struct Place {
    program: PathBuf,
    folder: tempfile::TempDir,
    simulator: Simulator,
    lines: Vec<i64>,
}

impl Place {
    /// A connection that is mapped, of a tenant where every line has units.
    async fn set_up(program: &Path) -> Self {
        let today = today();
        let month = today.first_of_month();
        let mut world = World::new(today);
        world.users = vec![User::default()];
        let service = world.add_service("Coro EDR", "4.20");
        let (start, end) = (
            month.saturating_sub(Span::new().months(10)),
            month.saturating_add(Span::new().months(12)),
        );
        let mut lines = Vec::new();
        let mut accounts = Vec::new();
        let mut workspaces = vec![
            json!({ "id": "msp", "name": "msp", "kind": "channel", "status": "subscription" }),
        ];
        for (at, (units, _)) in (1..).zip(CUSTOMERS) {
            let company = world.add_company(&format!("Company {at}"));
            let contract = world.add_contract(company, "Managed services", start, end);
            let line = world.add_line(LineKind::Service, contract, service, units);
            lines.push(line.expect("an open contract"));
            let id = format!("w{at}");
            accounts.push(json!({ "workspace": id, "account": company.to_string() }));
            workspaces.push(json!({
                "id": id, "name": format!("Customer {at}"), "kind": "child", "parent": "msp",
                "status": "subscription",
            }));
        }
        world.post_through(month.yesterday().expect("a day before"));
        let simulator = Simulator::start(Config::new(world)).await;
        let place = Self {
            program: program.to_owned(),
            folder: tempfile::tempdir().expect("a temporary folder"),
            simulator: simulator.expect("free ports on loopback"),
            lines,
        };
        let services =
            json!([{ "module": "edr", "service": service.to_string(), "metric": "devices" }]);
        place.file("workspaces.json", &json!({ "workspaces": workspaces }));
        let mapping = json!({ "accounts": accounts, "services": services, "contracts": [] });
        place.file("mapping.json", &mapping);
        let connector =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist/autotask.wasm");
        fs::copy(connector, place.folder.path().join("autotask.wasm")).expect("a connector");
        place.secret("code", "SIM-TRACKING-CODE");
        place.secret("secret", "sim-secret");
        place.connect();
        place
    }

    fn connect(&self) {
        self.run("plugin add autotask.wasm");
        self.run("plugin approve autotask");
        self.run("plugin set autotask --secret integration-code=@code");
        self.run("workspace import workspaces.json");
        self.count(&CUSTOMERS.map(|(_, devices)| devices));
        self.run(&format!(
            "connection add autotask --name acme --channel msp --time-zone UTC --set username={} \
             --set base-url={} --secret secret=@secret",
            User::default().user_name,
            self.simulator.base_url()
        ));
        self.run("map import acme mapping.json");
        self.run("rules set acme --ask-units 4");
    }

    /// The first changes are asked about, granted, posted and read back.
    fn first_changes(&self) {
        self.run("sync acme --dry-run");
        self.run("sync acme");
        self.run("approval approve --new-accounts acme --why agreed --yes");
        self.run("sync acme");
    }

    /// A question that waits, a rejected one, a pinned line, a workspace set aside.
    fn decisions(&self) {
        self.count(&[7, 3, 12, 9, 2, 14, 20, 30]);
        self.run("sync acme");
        self.run("approval reject q-000004 --why no");
        self.run("line pin acme w3 edr --why agreed");
        self.run("map set-aside acme --workspace w5 --exclude --why trial");
    }

    /// A run that was killed while one adjustment was doubtful, two under way and others
    /// marked; beside a held one and a question that waits.
    fn interrupted_adjustments(&self) {
        let tomorrow = today().tomorrow().expect("a day");
        let edit = FaultKind::ForeignEdit {
            line_kind: LineKind::Service,
            line: self.lines[0],
            effective_date: tomorrow,
            unit_change: 2,
        };
        let adjust = |kind| {
            let fault = Fault::new(kind).on("ContractServiceAdjustments");
            fault.method("POST")
        };
        self.run("sync acme");
        self.run("approval approve --new-accounts acme --why agreed --yes");
        self.simulator.inject(adjust(edit));
        self.run("sync acme");
        self.count(&[7, 4, 12, 5, 3, 14, 21, 31]);
        let lost = Lost::default();
        self.simulator
            .inject(adjust(FaultKind::ApplyThenLose { lost }));
        let late = FaultKind::Delay { ms: 600_000 };
        self.simulator.inject(adjust(late).times(9));
        let before = self.simulator.journal().len();
        let mut under_way = self.start("sync acme");
        let sent = || {
            let journal = self.simulator.journal();
            let new = journal.iter().skip(before);
            new.filter(|entry| entry.endpoint == "ContractServiceAdjustments")
                .count()
        };
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(100));
            if sent() >= 3 {
                break;
            }
        }
        // What was lost is written down by then.
        std::thread::sleep(Duration::from_secs(5));
        under_way.kill().expect("it is this program's own child");
        under_way.wait().expect("it is this program's own child");
    }

    fn count(&self, devices: &[u32]) {
        let items: Vec<Value> = (1..)
            .zip(devices)
            .map(|(at, devices)| {
                let workspace = format!("w{at}");
                json!({ "workspace": workspace, "module": "edr", "users": 1, "devices": devices })
            })
            .collect();
        let snapshot = json!({
            "channel": "msp", "taken_at": Timestamp::now().to_string(), "complete": true,
            "items": items,
        });
        self.file("usage.json", &snapshot);
        self.run("usage import usage.json");
    }

    fn file(&self, name: &str, content: &Value) {
        self.secret(name, &content.to_string());
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("a file to write to");
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .env("PSA_HOST_DATA", "data")
            .env("PSA_HOST_KEY_FILE", "key")
            .env("PSA_HOST_DEV_LOOPBACK", "1")
            .env("USER", "ann")
            .env_remove("SUDO_USER")
            .stdin(Stdio::null());
        command
    }

    /// 3: something needs a person.
    fn run(&self, words: &str) {
        println!("$ psa-host {words}");
        let status = self.command(words).status().expect("the program starts");
        assert!(matches!(status.code(), Some(0 | 3)), "{words}: {status}");
    }

    fn start(&self, words: &str) -> Child {
        println!("$ psa-host {words} &");
        let mut command = self.command(words);
        command.spawn().expect("the program starts")
    }

    /// The database without its log, compressed; the key.
    fn keep(&self, to: &Path) {
        fs::create_dir_all(to).expect("a folder to write to");
        let copy = self.folder.path().join("copy.sqlite");
        let ledger = self.folder.path().join("data").join("ledger.sqlite");
        let ledger = rusqlite::Connection::open(ledger).expect("the ledger");
        ledger
            .execute("VACUUM INTO ?1", [copy.to_str()])
            .expect("a copy");
        // So that the tests can tell on which boot of which machine they run: on another one.
        let changed = rusqlite::Connection::open(&copy)
            .expect("the copy")
            .execute(
                "UPDATE intents SET marked_in = 'a boot that is over' WHERE marked_in IS NOT NULL",
                [],
            );
        changed.expect("a copy that can be changed");
        let mut states = ledger
            .prepare("SELECT state, count(*) FROM intents GROUP BY state")
            .expect("intents");
        let mut states = states.query([]).expect("intents");
        while let Some(row) = states.next().expect("intents") {
            let state: String = row.get(0).expect("a state");
            let count: i64 = row.get(1).expect("a count");
            println!("{}: {count} {state}", to.display());
        }
        let file = File::create(to.join("ledger.sqlite.gz")).expect("a file to write to");
        let mut file = GzBuilder::new().write(file, Compression::best());
        let mut copy = File::open(copy).expect("a copy");
        std::io::copy(&mut copy, &mut file).expect("a copy");
        file.finish().expect("a copy");
        fs::copy(self.folder.path().join("key"), to.join("key")).expect("the key");
    }
}
