//! What was counted, for looking at: the snapshots there are, and the newest.

use jiff::Timestamp;
use psa_host_billing::{ErrorCode, ModuleId, UsageItem, WorkspaceId};
use psa_host_ledger::{Snapshot, SnapshotId, Withdrawal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::unseen;
use crate::error::rule;
use crate::snapshot::{disagreeing, fix_of};
use crate::{Access, Power, Result};

/// A usage snapshot, without its counts.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct SnapshotView {
    /// Its number (`u-000007`).
    pub snapshot: String,
    /// Its channel.
    pub channel: WorkspaceId,
    /// When it was counted.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub taken_at: Timestamp,
    /// Whether everything below the channel is in it.
    pub complete: bool,
    /// How many counts it has.
    pub counts: u64,
    /// How many pairs, or whole workspaces, its source has and could not be read: they are held.
    pub unread: usize,
    /// Where it came from.
    pub source: String,
    /// When it was imported.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub imported_at: Timestamp,
    /// By whom.
    pub imported_by: String,
    /// That nothing is counted from it any more; none: it was not withdrawn.
    pub withdrawn: Option<Withdrawal>,
    /// Another snapshot of the same instant counts otherwise: neither is used until one of
    /// them is withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagrees: Option<DisagreementView>,
}

/// That two snapshots of one instant count otherwise.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct DisagreementView {
    /// The other one's number; of several the one imported last.
    pub with: String,
    /// In how many pairs of workspace and module.
    pub pairs: u64,
    /// In words, with one of the pairs.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// One count of a snapshot, and who or what was counted.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct CountView {
    /// The snapshot's number.
    pub snapshot: String,
    /// When it was counted.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub taken_at: Timestamp,
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// Protected users, where known.
    pub users: Option<u32>,
    /// Protected devices, where known.
    pub devices: Option<u32>,
    /// The users, where the snapshot names them.
    pub user_names: Option<Vec<String>>,
    /// The devices, where the snapshot names them.
    pub device_names: Option<Vec<String>>,
}

impl Access {
    /// The newest snapshot of each channel, by channel.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn newest_snapshots(&self) -> Result<Vec<SnapshotView>> {
        self.may(Power::Read)?;
        let mut newest = Vec::new();
        for workspace in self.workspaces()? {
            let snapshot = self.ledger().latest_snapshot(&workspace.id)?;
            newest.extend(snapshot.map(|found| self.viewed(found)).transpose()?);
        }
        Ok(newest)
    }

    /// Snapshots of one channel or of all, the one imported last first, at most `limit`;
    /// withdrawn ones too.
    ///
    /// # Errors
    /// Not a channel.
    pub fn snapshot_list(
        &self,
        channel: Option<&WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<SnapshotView>> {
        self.may(Power::Read)?;
        if let Some(channel) = channel {
            self.channel_workspace(channel)?;
        }
        let mut snapshots = self.ledger().snapshots(channel, limit)?;
        if self.is_scoped() && channel.is_none() {
            snapshots.clear();
            for workspace in self.workspaces()? {
                snapshots.extend(self.ledger().snapshots(Some(&workspace.id), limit)?);
            }
            snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.id));
            snapshots.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let viewed = snapshots.into_iter().map(|found| self.viewed(found));
        viewed.collect()
    }

    /// With what stands against it.
    pub(crate) fn viewed(&self, snapshot: Snapshot) -> Result<SnapshotView> {
        let disagrees = match snapshot.withdrawn {
            Some(_) => None,
            None => self.ledger().disagreement(&snapshot)?,
        };
        let disagrees = disagrees.map(|found| {
            let brake = disagreeing(&found, &snapshot);
            DisagreementView {
                with: found.with.id.to_string(),
                pairs: found.pairs,
                message: brake.message(),
                fix: fix_of(&brake),
            }
        });
        Ok(SnapshotView {
            unread: self.ledger().unread_usage(snapshot.id)?.len(),
            snapshot: snapshot.id.to_string(),
            channel: snapshot.channel,
            taken_at: snapshot.taken_at,
            complete: snapshot.complete,
            counts: snapshot.items,
            source: snapshot.source,
            imported_at: snapshot.imported_at,
            imported_by: snapshot.imported_by,
            withdrawn: snapshot.withdrawn,
            disagrees,
        })
    }

    /// One snapshot, without its counts.
    ///
    /// # Errors
    /// No such snapshot.
    pub fn snapshot_view(&self, id: SnapshotId) -> Result<SnapshotView> {
        self.may(Power::Read)?;
        let snapshot = self.ledger().snapshot(id)?;
        if !self.sees(&snapshot.channel)? {
            return Err(unseen("usage snapshot", id));
        }
        self.viewed(snapshot)
    }

    /// The newest snapshot of a channel with its counts, by workspace and module.
    ///
    /// # Errors
    /// Not a channel, or nothing was imported for it; two snapshots that disagree.
    pub fn newest_counts(&self, channel: &WorkspaceId) -> Result<(SnapshotView, Vec<UsageItem>)> {
        self.may(Power::Read)?;
        self.channel_workspace(channel)?;
        let Some(snapshot) = self.snapshot_to_use(channel)? else {
            return Err(rule(
                ErrorCode::NoSnapshot,
                format!("there is no usage snapshot of channel {channel}"),
                "Import one with `psa-host usage import`.",
            ));
        };
        let items = self.ledger().usage_items(snapshot.id)?;
        let mut items: Vec<UsageItem> = items.into_iter().map(counted).collect();
        items.sort_by(|a, b| (&a.workspace, &a.module).cmp(&(&b.workspace, &b.module)));
        Ok((self.viewed(snapshot)?, items))
    }

    /// One count of a channel's newest snapshot, with the names behind it where the
    /// snapshot has any.
    ///
    /// # Errors
    /// Not a channel; nothing was imported for it, or two snapshots that disagree; the
    /// pair is not counted in it.
    pub fn names_behind(
        &self,
        channel: &WorkspaceId,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<CountView> {
        self.may(Power::Read)?;
        self.channel_workspace(channel)?;
        let found = self.count_behind(channel, workspace, module)?;
        found.ok_or_else(|| {
            rule(
                ErrorCode::NoCount,
                format!(
                    "the newest usage snapshot of channel {channel} has no count of module \
                     {module} for workspace {workspace}"
                ),
                "See `psa-host usage show --channel` for what was counted.",
            )
        })
    }

    /// The same; none where there is no snapshot or no such count.
    pub(crate) fn count_behind(
        &self,
        channel: &WorkspaceId,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<Option<CountView>> {
        let Some(snapshot) = self.snapshot_to_use(channel)? else {
            return Ok(None);
        };
        let items = self.ledger().usage_items(snapshot.id)?;
        let mut items = items.into_iter().map(counted);
        let Some(item) = items.find(|item| item.workspace == *workspace && item.module == *module)
        else {
            return Ok(None);
        };
        let names = self.ledger().names_behind(snapshot.id, workspace, module)?;
        let names = names.unwrap_or_default();
        Ok(Some(CountView {
            snapshot: snapshot.id.to_string(),
            taken_at: snapshot.taken_at,
            workspace: item.workspace,
            module: item.module,
            users: item.users,
            devices: item.devices,
            user_names: names.users,
            device_names: names.devices,
        }))
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
