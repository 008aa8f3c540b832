//! What was counted last, for looking at.

use jiff::Timestamp;
use psa_host_billing::{UsageItem, WorkspaceId};
use psa_host_ledger::Snapshot;
use serde::Serialize;

use crate::error::rule;
use crate::{Host, Result};

/// A usage snapshot, without its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotView {
    /// Its number (`u-000007`).
    pub snapshot: String,
    /// Its channel.
    pub channel: WorkspaceId,
    /// When it was counted.
    pub taken_at: Timestamp,
    /// Whether everything below the channel is in it.
    pub complete: bool,
    /// How many counts it has.
    pub counts: u64,
    /// Where it came from.
    pub source: String,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// By whom.
    pub imported_by: String,
}

impl Host {
    /// The newest snapshot of each channel, by channel.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn newest_snapshots(&self) -> Result<Vec<SnapshotView>> {
        let mut newest = Vec::new();
        for workspace in self.ledger().workspaces()? {
            let snapshot = self.ledger().latest_snapshot(&workspace.id)?;
            newest.extend(snapshot.map(SnapshotView::from));
        }
        Ok(newest)
    }

    /// The newest snapshot of a channel with its counts, by workspace and module.
    ///
    /// # Errors
    /// Not a channel, or nothing was imported for it.
    pub fn newest_counts(&self, channel: &WorkspaceId) -> Result<(SnapshotView, Vec<UsageItem>)> {
        self.channel_workspace(channel)?;
        let Some(snapshot) = self.ledger().latest_snapshot(channel)? else {
            return Err(rule(
                "no-snapshot",
                format!("there is no usage snapshot of channel {channel}"),
                "Import one with `psa-host usage import`.",
            ));
        };
        let items = self.ledger().usage_items(snapshot.id)?;
        let mut items: Vec<UsageItem> = items.into_iter().map(counted).collect();
        items.sort_by(|a, b| (&a.workspace, &a.module).cmp(&(&b.workspace, &b.module)));
        Ok((snapshot.into(), items))
    }
}

/// As the rules take it.
pub(crate) fn counted(item: psa_host_ledger::UsageItem) -> UsageItem {
    UsageItem {
        workspace: item.workspace,
        module: item.module,
        users: item.users,
        devices: item.devices,
    }
}

impl From<Snapshot> for SnapshotView {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            snapshot: snapshot.id.to_string(),
            channel: snapshot.channel,
            taken_at: snapshot.taken_at,
            complete: snapshot.complete,
            counts: snapshot.items,
            source: snapshot.source,
            imported_at: snapshot.imported_at,
            imported_by: snapshot.imported_by,
        }
    }
}
