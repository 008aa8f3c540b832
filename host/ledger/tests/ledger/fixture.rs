//! A data directory with a key beside it, a clock that stands until it is told, and a
//! connection to work with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::{Date, date};
use psa_host_billing::{
    Adjustment, ConnectionName, LineKey, TenantKey, Units, Workspace, WorkspaceId, WorkspaceKind,
    WorkspaceStatus,
};
use psa_host_ledger::{
    Clock, Intent, IntentId, KeySource, Ledger, LedgerError, NewConnection, NewRun, Outcome,
    RightRow, RunLease, RunLine, Secret, SeenRight,
};
use tempfile::TempDir;

pub(crate) const DAY: Date = date(2026, 3, 14);

pub(crate) struct Place {
    _temporary: TempDir,
    pub data: PathBuf,
    pub key: PathBuf,
    micros: Arc<AtomicI64>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self {
            data: temporary.path().join("data"),
            key: temporary.path().join("config").join("key"),
            micros: Arc::new(AtomicI64::new(1_773_480_000_000_000)),
            _temporary: temporary,
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        let micros = Arc::clone(&self.micros);
        Arc::new(move || Timestamp::from_microsecond(micros.load(Ordering::SeqCst)).unwrap())
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn try_open(&self) -> Result<Ledger, LedgerError> {
        Ledger::open(&self.data, KeySource::File(self.key.clone()), self.clock())
    }

    pub(crate) fn open(&self) -> Ledger {
        self.try_open().unwrap()
    }

    /// Open, with a plugin `autotask`, channels `msp` and `other-msp`, and a connection
    /// `acme` that is bound to tenant `zone5/db1`.
    pub(crate) fn with_connection(&self) -> Ledger {
        let ledger = self.open();
        ledger.add_plugin("autotask", b"\0asm", "{}").unwrap();
        let channels = [
            workspace("msp", WorkspaceKind::Channel, None),
            workspace("other-msp", WorkspaceKind::Channel, None),
        ];
        ledger.upsert_workspaces(&channels).unwrap();
        add(&ledger, "acme", "msp");
        ledger.bind_tenant(&name("acme"), &tenant()).unwrap();
        ledger
    }

    /// As before there were any.
    pub(crate) fn drop_triggers_on_decisions(&self) {
        let ledger = rusqlite::Connection::open(self.data.join("ledger.sqlite")).unwrap();
        let mut names = ledger
            .prepare(
                "SELECT name FROM sqlite_schema
                 WHERE type = 'trigger' AND sql LIKE '%decision_changes%'",
            )
            .unwrap();
        let names = names.query_map([], |row| row.get(0)).unwrap();
        let names: Vec<String> = names.map(Result::unwrap).collect();
        assert!(!names.is_empty());
        for name in names {
            self.sql(&format!("DROP TRIGGER {name}")).unwrap();
        }
    }

    /// SQL behind the ledger's back.
    pub(crate) fn sql(&self, sql: &str) -> rusqlite::Result<()> {
        rusqlite::Connection::open(self.data.join("ledger.sqlite"))?.execute_batch(sql)
    }
}

pub(crate) fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

pub(crate) fn tenant() -> TenantKey {
    TenantKey::new("zone5/db1").unwrap()
}

pub(crate) fn units(n: u32) -> Units {
    Units::from(n)
}

pub(crate) fn secret(field: &str, text: &str) -> BTreeMap<String, Secret> {
    BTreeMap::from([(field.to_owned(), Secret::new(text))])
}

pub(crate) fn workspace(id: &str, kind: WorkspaceKind, parent: Option<&str>) -> Workspace {
    Workspace {
        id: WorkspaceId::new(id).unwrap(),
        name: id.to_owned(),
        company: None,
        domain: None,
        kind,
        parent: parent.map(|id| WorkspaceId::new(id).unwrap()),
        status: WorkspaceStatus::Subscription,
        demo: false,
        nfr: false,
    }
}

pub(crate) fn new_connection(connection: &str, channel: &str) -> NewConnection {
    NewConnection {
        name: name(connection),
        plugin: "autotask".to_owned(),
        channel: WorkspaceId::new(channel).unwrap(),
        time_zone: "Europe/Berlin".to_owned(),
        settings: BTreeMap::from([("username".to_owned(), "api@acme.example".to_owned())]),
        secrets: secret("secret", "hunter2"),
    }
}

pub(crate) fn add(ledger: &Ledger, connection: &str, channel: &str) {
    let new = new_connection(connection, channel);
    ledger.add_connection(&new).unwrap();
}

pub(crate) fn new_run(connection: &str) -> NewRun {
    NewRun {
        connection: name(connection),
        tenant: Some(tenant()),
        snapshot: None,
        dry_run: false,
        as_of: DAY,
        scheduled_for: None,
    }
}

pub(crate) fn run_line(line: &str) -> RunLine {
    RunLine {
        workspace: Some("w1".parse().unwrap()),
        module: Some("edr".parse().unwrap()),
        account: Some("101".parse().unwrap()),
        service: Some("15".parse().unwrap()),
        contract: Some("9001".parse().unwrap()),
        line: Some(line.parse().unwrap()),
        baseline: Some(units(5)),
        target: Some(units(7)),
        effective: Some(DAY),
        outcome: Outcome::Planned,
        code: None,
        message: None,
        fix: None,
        detail: None,
    }
}

/// Lines in rows of their own, which the run then finds right.
pub(crate) fn see_right(
    ledger: &Ledger,
    run: RunLease,
    seen: &[SeenRight],
) -> Result<(), LedgerError> {
    let lines = seen.iter().map(|seen| RunLine {
        workspace: Some(seen.workspace.clone()),
        module: Some(seen.module.clone()),
        contract: seen.contract.clone(),
        baseline: Some(seen.units),
        target: Some(seen.units),
        outcome: Outcome::Unchanged,
        ..run_line(seen.line.as_str())
    });
    let first = ledger.add_run_lines(run, &lines.collect::<Vec<_>>())?;
    let rows = (first..).zip(seen).map(|(row, seen)| RightRow {
        row,
        since: seen.since,
    });
    ledger.see_right(run, &tenant(), &rows.collect::<Vec<_>>())
}

pub(crate) fn intent(row: u32, line: &str) -> Intent {
    Intent {
        tenant: tenant(),
        row,
        adjustment: Adjustment {
            key: LineKey {
                line: line.parse().unwrap(),
                contract: "9001".parse().unwrap(),
                service: "15".parse().unwrap(),
                account: psa_host_billing::AccountId::new("a1").expect("an id"),
            },
            workspace: "w1".parse().unwrap(),
            module: "edr".parse().unwrap(),
            baseline: units(5),
            target: units(7),
            effective: DAY,
        },
    }
}

/// A run with one planned row and its intent.
pub(crate) fn one_intent(ledger: &Ledger, line: &str) -> (RunLease, IntentId) {
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let row = ledger.add_run_lines(run, &[run_line(line)]).unwrap();
    let ids = ledger.intend(run, &[intent(row, line)]).unwrap();
    (run, ids[0])
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, LedgerError>) -> &'static str {
    let error = result.unwrap_err();
    assert!(!error.fix().is_empty());
    assert!(!error.to_string().is_empty());
    error.code().as_str()
}
