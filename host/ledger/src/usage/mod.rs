//! Usage snapshots: what a channel's workspaces used at one instant, as it was
//! imported. Its counts are never changed afterwards.

pub(crate) mod count_exclusions;
pub(crate) mod count_policies;
mod disagreement;
mod first_seen;
pub(crate) mod unread;
pub(crate) mod usage_names;
pub(crate) mod usage_series;
mod withdrawn;

use std::collections::HashSet;

use jiff::Timestamp;
use psa_host_billing::{UnreadUsage, UsageItem, WorkspaceId};
use serde_json::json;

use crate::db::names::{Numbers, Texts};
use crate::db::{Optional, Row, Sql, Tx, UnknownWord, instant, not_as_written, params, parsed};
use crate::error::Inside;
use crate::history::chain::About;
use crate::ids::SnapshotId;
use crate::usage::usage_names::ItemNames;
use crate::{Ledger, LedgerError, Result};

pub(crate) use disagreement::disagree;
pub use disagreement::{Counted, DifferingCount, Disagreement};
pub use withdrawn::Withdrawal;

/// A snapshot to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// The channel workspace whose tree was counted.
    pub channel: WorkspaceId,
    /// When it was counted.
    pub taken_at: Timestamp,
    /// Whether everything below the channel is in it.
    pub complete: bool,
    /// Where it came from (`file usage.json`).
    pub source: String,
    /// The counts, each pair once.
    pub items: Vec<UsageItem>,
    /// The users and devices behind them, where the source names any: only of pairs in
    /// `items`, each once.
    pub names: Vec<ItemNames>,
    /// What the source has and could not be read; none of it is among the items.
    pub unread: Vec<UnreadUsage>,
}

/// A snapshot that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number.
    pub id: SnapshotId,
    /// The channel workspace whose tree was counted.
    pub channel: WorkspaceId,
    /// When it was counted.
    pub taken_at: Timestamp,
    /// Whether everything below the channel is in it.
    pub complete: bool,
    /// Where it came from.
    pub source: String,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// By whom.
    pub imported_by: String,
    /// How many items it has.
    pub items: u64,
    /// That nothing is counted from it any more; none: it was not withdrawn.
    pub withdrawn: Option<Withdrawal>,
}

impl Ledger {
    /// Import a snapshot, whole or not at all.
    ///
    /// # Errors
    /// [`LedgerError::Duplicate`] for a pair that is in it twice.
    pub fn import_snapshot(&self, new: &NewSnapshot) -> Result<SnapshotId> {
        self.write(|change, journal| {
            let id = change
                .prepare(
                    "INSERT INTO snapshots (channel, taken_at, complete, source, imported_at,
                         imported_by, item_count)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .insert(params![
                    new.channel.as_str(),
                    new.taken_at.as_microsecond(),
                    new.complete,
                    new.source,
                    journal.at().as_microsecond(),
                    journal.who(),
                    i64::try_from(new.items.len()).unwrap_or(i64::MAX),
                ])?;
            let mut numbers = Numbers::new(change);
            let mut pairs = HashSet::with_capacity(new.items.len());
            let items = new.items.iter().map(|item| {
                let workspace = numbers.of(item.workspace.as_str())?;
                let module = numbers.of(item.module.as_str())?;
                if !pairs.insert((workspace, module)) {
                    return Err(LedgerError::Duplicate {
                        what: "count",
                        id: format!("{} {}", item.workspace, item.module),
                    }
                    .into());
                }
                Ok([
                    id.into(),
                    workspace.into(),
                    module.into(),
                    item.users.into(),
                    item.devices.into(),
                ])
            });
            change.insert_rows(
                "INSERT INTO usage_items (snapshot, workspace, module, users, devices)
                 VALUES :rows",
                items,
            )?;
            usage_names::insert(change, &mut numbers, id, &new.names)?;
            unread::insert(change, &mut numbers, id, &new.unread)?;
            let id = SnapshotId(id);
            let detail = json!({
                "channel": new.channel, "taken_at": new.taken_at.to_string(),
                "complete": new.complete, "source": new.source, "items": new.items.len(),
                "items_with_names": new.names.len(), "unread": new.unread.len(),
            });
            journal.write(
                change,
                About::Channel(&new.channel),
                "usage.imported",
                &id.to_string(),
                &detail,
            )?;
            Ok(id)
        })
    }

    /// The snapshot of a channel that was taken last and was not withdrawn. Another of the
    /// same instant may count otherwise: see [`Ledger::disagreement`].
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn latest_snapshot(&self, channel: &WorkspaceId) -> Result<Option<Snapshot>> {
        self.read(|view| {
            Ok(view
                .prepare(
                    "SELECT * FROM snapshots WHERE channel = ?1 AND withdrawn_at IS NULL
                     ORDER BY taken_at DESC, id DESC LIMIT 1",
                )?
                .query_row([channel.as_str()], snapshot)
                .optional()?)
        })
    }

    /// Snapshots, the one imported last first, at most `limit`; withdrawn ones too.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn snapshots(&self, channel: Option<&WorkspaceId>, limit: u32) -> Result<Vec<Snapshot>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT * FROM snapshots WHERE ?1 IS NULL OR channel = ?1
                 ORDER BY id DESC LIMIT ?2",
            )?;
            Ok(rows
                .query_map(params![channel.map(WorkspaceId::as_str), limit], snapshot)?
                .collect::<Sql<_>>()?)
        })
    }

    /// One snapshot.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn snapshot(&self, id: SnapshotId) -> Result<Snapshot> {
        self.read(|view| must_exist(view, id))
    }

    /// A snapshot's counts. Equal ids share their text, so that 60,000 items are a few
    /// megabytes.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn usage_items(&self, id: SnapshotId) -> Result<Vec<UsageItem>> {
        self.read(|view| {
            let mut workspaces = Texts::new(view);
            let mut modules = Texts::new(view);
            let mut select = view.prepare(
                "SELECT workspace, module, users, devices FROM usage_items WHERE snapshot = ?1",
            )?;
            let mut rows = select.query([id.0])?;
            let mut items = Vec::new();
            while let Some(row) = rows.next()? {
                items.push(UsageItem {
                    workspace: workspaces.of(row.get(0)?)?,
                    module: modules.of(row.get(1)?)?,
                    users: row.get(2)?,
                    devices: row.get(3)?,
                });
            }
            Ok(items)
        })
    }
}

/// The snapshot with this number.
pub(crate) fn must_exist(view: &Tx<'_>, id: SnapshotId) -> Inside<Snapshot> {
    view.prepare("SELECT * FROM snapshots WHERE id = ?1")?
        .query_row([id.0], snapshot)
        .optional()?
        .ok_or_else(|| id.not_found().into())
}

fn snapshot(row: &Row<'_>) -> Sql<Snapshot> {
    let items: i64 = row.get("item_count")?;
    Ok(Snapshot {
        id: SnapshotId(row.get("id")?),
        channel: parsed(row, "channel")?,
        taken_at: instant(row, "taken_at")?,
        complete: row.get("complete")?,
        source: row.get("source")?,
        imported_at: instant(row, "imported_at")?,
        imported_by: row.get("imported_by")?,
        withdrawn: withdrawn::withdrawal(row)?,
        items: u64::try_from(items)
            .map_err(|_| not_as_written(0, UnknownWord(items.to_string())))?,
    })
}
