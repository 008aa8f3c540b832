//! A scene at a PSA that takes no dates: day after day psa-host syncs in the morning and the
//! PSA makes its invoices at noon.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{Date, date};
use psa_host_billing::WorkspaceId;
use psa_host_billing::rules::EffectivePolicy;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Access, AddConnection, Secret, Source, UsageForm, Values, unwatched};
use serde_json::json;
use small_psa::{Addition, Agreement, Bills, Books, Patch, Periods, SmallPsa};

use crate::{Clock, MODULE, NOW, TODAY, ask_nobody, name, open, timestamp, workspace};

/// Which of the two plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each day is billed with the quantity that it had.
    Immediate,
    /// A period is billed with the quantity that its invoice finds.
    NextInvoice,
}

/// One customer `w1` whose addition has 5, and who has 11 devices from 23 November on.
#[derive(Debug)]
pub struct UndatedScene {
    /// The PSA.
    pub psa: SmallPsa,
    /// The data directory.
    pub host: Access,
    /// Devices in use.
    pub devices: u32,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl UndatedScene {
    /// Connected and mapped on the morning of 23 November, with a policy where one is set.
    pub async fn new(kind: Kind, periods: Periods, policy: Option<EffectivePolicy>) -> Self {
        let psa = SmallPsa::start(books(kind, periods)).await;
        let psa = psa.expect("a free port on loopback");
        let clock = Clock::starting_at(timestamp(NOW));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let host = open(folder.path(), &clock, None);
        let scene = Self {
            psa,
            host,
            devices: 11,
            clock,
            folder,
        };
        scene.set_up(kind).await;
        if let Some(policy) = policy {
            scene.set_policy(policy).expect("a possible policy");
        }
        scene
    }

    /// Another file of the plugin in use, that goes so: `right`, `units`, `line`, `tenant`,
    /// `once`, `fails`, `denied`, `traps` or `writes`. Gives its SHA-256.
    pub async fn add_file(&self, kind: Kind, way: &str) -> String {
        let mut file = std::fs::read(file_of(kind)).expect("a built plugin");
        let start = b"small-psa-goes:";
        let at = file.windows(start.len()).position(|part| part == start);
        let at = at.expect("a file with the mark") + start.len();
        let word = format!("{way:.<17}");
        file[at..at + word.len()].copy_from_slice(word.as_bytes());
        // A custom section, so that it is another file also where it goes right.
        file.extend_from_slice(&[0, 4, 3, b'x', b'y', b'z']);
        let path = self.folder.path().join("other.wasm");
        std::fs::write(&path, file).expect("a file");
        let added = self.host.add_plugin(path.to_str().expect("a path")).await;
        added.expect("a connector").sha256
    }

    /// The `psa-host` program on this data directory.
    pub fn program(&self) -> std::process::Command {
        crate::program(self.folder.path())
    }

    /// Set the policy, as `psa-host rules set` does.
    ///
    /// # Errors
    /// As [`Access::set_rules`].
    pub fn set_policy(&self, policy: EffectivePolicy) -> Result<(), Box<psa_host_sync::Error>> {
        let mut rules = self.host.rules(&name())?;
        rules.effective.policy = policy;
        Ok(self.host.set_rules(&name(), &rules)?)
    }

    async fn set_up(&self, kind: Kind) {
        let path = file_of(kind);
        let added = self.host.add_plugin(&path).await;
        added.unwrap_or_else(|error| panic!("run plugins/build first: {path}: {error}"));
        let plugin = match kind {
            Kind::Immediate => "small-immediate",
            Kind::NextInvoice => "small-next-invoice",
        };
        self.host.approve_plugin(plugin).expect("approved");
        let workspaces = [
            workspace("msp", "channel", None),
            workspace("w1", "child", Some("msp")),
        ];
        let file = json!({ "workspaces": workspaces }).to_string();
        let imported = self
            .host
            .import_workspaces(&Source::new("workspaces", file));
        imported.expect("workspaces");
        let added = self.host.add_connection(AddConnection {
            name: name(),
            plugin: plugin.to_owned(),
            channel: WorkspaceId::new("msp").expect("an id"),
            time_zone: "America/New_York".to_owned(),
            values: Values {
                settings: BTreeMap::from([
                    ("public-key".into(), "public-key".into()),
                    ("base-url".into(), self.psa.base_url()),
                ]),
                secrets: BTreeMap::from([("private-key".into(), Secret::new("private-key"))]),
            },
        });
        let check = added.await.expect("a connection");
        assert!(check.is_connected(), "{check:?}");
        let file = json!({
            "accounts": [{ "workspace": "w1", "account": "7" }],
            "services": [{ "module": MODULE, "service": "40", "metric": "devices" }],
            "contracts": [],
        });
        let source = Source::new("mapping", file.to_string());
        let name = name();
        let mapped = self.host.import_mappings(&name, &source, false, &unwatched);
        let mapped = mapped.await.expect("mappings");
        assert!(mapped.applied, "{:?}", mapped.refused);
        ask_nobody(&self.host);
    }

    /// The date, here and in the PSA.
    pub fn today(&self) -> Date {
        self.psa.books().today
    }

    /// Today's counts, and a sync of them.
    pub async fn sync(&self) -> RunReport {
        self.sync_so(&SyncOptions::default()).await
    }

    /// The same in another way.
    pub async fn sync_so(&self, options: &SyncOptions) -> RunReport {
        let file = json!({
            "channel": "msp", "taken_at": self.clock.now().to_string(), "complete": true,
            "items": [{ "workspace": "w1", "module": MODULE, "users": 1, "devices": self.devices }],
        });
        let source = Source::new("usage", file.to_string());
        let imported = self.host.import_usage(&source, &UsageForm::Json);
        imported.expect("usage");
        let run = self.host.sync(&name(), options, &unwatched).await;
        run.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Noon, and the night.
    pub fn close_day(&self) {
        self.psa.books().close_day();
        self.clock.skip(SignedDuration::from_hours(24));
    }

    /// Let minutes pass.
    pub fn wait(&self, minutes: i64) {
        self.clock.skip(SignedDuration::from_mins(minutes));
    }

    /// Days on which nobody syncs, up to the morning of this one.
    pub fn sleep_until(&self, day: Date) {
        while self.today() < day {
            self.close_day();
        }
    }

    /// Sync each morning, the last time on the day before this one.
    pub async fn live_until(&self, day: Date) -> Vec<RunReport> {
        let mut reports = Vec::new();
        while self.today() < day {
            reports.push(self.sync().await);
            self.close_day();
        }
        reports
    }

    /// What was set, on which days.
    pub fn set(&self) -> Vec<(Date, i64)> {
        let books = self.psa.books();
        let set = books.patches.iter();
        set.map(|Patch { on, quantity, .. }| (*on, *quantity))
            .collect()
    }

    /// What the customer was invoiced for, stretch by stretch.
    pub fn invoiced(&self) -> Vec<(Date, Date, i64)> {
        let books = self.psa.books();
        let invoiced = books.invoices.iter();
        invoiced
            .map(|one| (one.from, one.to, one.quantity))
            .collect()
    }
}

fn file_of(kind: Kind) -> String {
    let plugin = match kind {
        Kind::Immediate => "small-psa-immediate",
        Kind::NextInvoice => "small-psa-next-invoice",
    };
    let folder = env!("CARGO_MANIFEST_DIR");
    format!("{folder}/../../plugins/dist/{plugin}.wasm")
}

fn books(kind: Kind, periods: Periods) -> Books {
    Books {
        today: TODAY,
        bills: match kind {
            Kind::Immediate => Bills::EachDay,
            Kind::NextInvoice => Bills::WhatItFinds,
        },
        agreements: vec![Agreement {
            id: 900,
            company: 7,
            start: date(2026, 1, 1),
            periods,
            unbilled: match periods {
                Periods::InAdvance => date(2026, 12, 1),
                Periods::InArrears => date(2026, 11, 1),
            },
            tells_invoices: true,
            additions: vec![Addition {
                id: 8001,
                product: 40,
                quantities: BTreeMap::from([(date(2026, 1, 1), 5)]),
                bill_customer: "Billable".to_owned(),
                less_included: 0,
                calculated: false,
            }],
        }],
        invoices: Vec::new(),
        patches: Vec::new(),
    }
}
