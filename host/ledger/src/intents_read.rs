//! Looking intents up: what is not settled, what a run made, what a line was adjusted to.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use psa_host_billing::{LineId, LineKey, ModuleId, TenantKey, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Inside;
use crate::row::{date, instant, instant_opt, parsed, units};
use crate::transition::OPEN_STATES;
use crate::{Intent, IntentId, IntentRecord, Ledger, LedgerError, Result, RunId};

impl Ledger {
    /// What is not settled in a tenant, oldest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn open_intents(&self, tenant: &TenantKey) -> Result<Vec<IntentRecord>> {
        self.read(|view| {
            let mut rows = view.prepare_cached(&format!(
                "SELECT * FROM intents WHERE tenant = ?1 AND state IN ({OPEN_STATES}) ORDER BY id"
            ))?;
            Ok(rows
                .query_map([tenant.as_str()], record)?
                .collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All intents of a run, in order.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn run_intents(&self, run: RunId) -> Result<Vec<IntentRecord>> {
        self.read(|view| {
            let mut rows =
                view.prepare_cached("SELECT * FROM intents WHERE run = ?1 ORDER BY row, id")?;
            Ok(rows
                .query_map([run.0], record)?
                .collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All intents for a pair in a tenant, latest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn intents_of_pair(
        &self,
        tenant: &TenantKey,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<Vec<IntentRecord>> {
        self.read(|view| {
            let mut rows = view.prepare_cached(
                "SELECT * FROM intents WHERE tenant = ?1 AND workspace = ?2 AND module = ?3
                 ORDER BY id DESC",
            )?;
            Ok(rows
                .query_map(
                    [tenant.as_str(), workspace.as_str(), module.as_str()],
                    record,
                )?
                .collect::<rusqlite::Result<_>>()?)
        })
    }

    /// One intent.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn intent(&self, id: IntentId) -> Result<IntentRecord> {
        self.read(|view| find(view, id))
    }

    /// The last adjustment of a line for a date that was applied or may have been. Most
    /// PSAs take one for each line and date.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn adjusted_on(
        &self,
        tenant: &TenantKey,
        line: &LineId,
        effective: Date,
    ) -> Result<Option<IntentRecord>> {
        self.read(|view| {
            let mut rows = view.prepare_cached(
                "SELECT * FROM intents WHERE tenant = ?1 AND effective = ?2 AND line = ?3
                 ORDER BY id",
            )?;
            let mut found = None;
            for record in rows.query_map(
                [tenant.as_str(), &effective.to_string(), line.as_str()],
                record,
            )? {
                let record = record?;
                if record.may_be_applied() {
                    found = Some(record);
                }
            }
            Ok(found)
        })
    }

    /// The dates from `since` on for which each line of a tenant was adjusted, or may
    /// have been.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn adjusted_since(
        &self,
        tenant: &TenantKey,
        since: Date,
    ) -> Result<HashMap<LineId, BTreeSet<Date>>> {
        self.read(|view| {
            let mut rows = view.prepare_cached(
                "SELECT * FROM intents WHERE tenant = ?1 AND effective >= ?2 ORDER BY id",
            )?;
            let mut found: HashMap<LineId, BTreeSet<Date>> = HashMap::new();
            for record in rows.query_map([tenant.as_str(), &since.to_string()], record)? {
                let record = record?;
                if record.may_be_applied() {
                    let dates = found.entry(record.intent.key.line).or_default();
                    dates.insert(record.intent.effective);
                }
            }
            Ok(found)
        })
    }
}

/// The intent with this number.
pub(crate) fn find(view: &Connection, id: IntentId) -> Inside<IntentRecord> {
    view.prepare_cached("SELECT * FROM intents WHERE id = ?1")?
        .query_row([id.0], record)
        .optional()?
        .ok_or_else(|| {
            LedgerError::NotFound {
                what: "adjustment",
                id: id.to_string(),
            }
            .into()
        })
}

fn record(row: &Row<'_>) -> rusqlite::Result<IntentRecord> {
    Ok(IntentRecord {
        id: IntentId(row.get("id")?),
        run: RunId(row.get("run")?),
        intent: Intent {
            tenant: parsed(row, "tenant")?,
            row: row.get("row")?,
            key: LineKey {
                line: parsed(row, "line")?,
                contract: parsed(row, "contract")?,
                service: parsed(row, "service")?,
            },
            workspace: parsed(row, "workspace")?,
            module: parsed(row, "module")?,
            baseline: units(row, "baseline")?,
            target: units(row, "target")?,
            effective: date(row, "effective")?,
        },
        state: parsed(row, "state")?,
        attempt: row.get("attempt")?,
        code: row.get("code")?,
        words: row.get("words")?,
        evidence: row.get("evidence")?,
        intended_at: instant(row, "intended_at")?,
        sending_at: instant_opt(row, "sending_at")?,
        answered_at: instant_opt(row, "answered_at")?,
        resolved_at: instant_opt(row, "resolved_at")?,
    })
}
