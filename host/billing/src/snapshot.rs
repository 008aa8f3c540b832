//! Counts of all workspaces and modules of one channel at one instant.

use std::collections::HashMap;
use std::ops::Deref;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Metric, ModuleId, WorkspaceId};

/// What one workspace uses of one module. A source may know only one of the counts.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct UsageItem {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// Protected users.
    pub users: Option<u32>,
    /// Protected devices.
    pub devices: Option<u32>,
}

impl UsageItem {
    /// The count by this metric, where the source gives it.
    pub fn count(&self, metric: Metric) -> Option<u32> {
        match metric {
            Metric::Users => self.users,
            Metric::Devices => self.devices,
        }
    }
}

/// What a source has of a pair and could not be read: held, never taken for zero.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct UnreadUsage {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of what; none: of any module.
    pub module: Option<ModuleId>,
    /// Why, with its place in the source.
    pub why: String,
}

/// The snapshot as it came.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct UsageSnapshot {
    /// The channel workspace it is of.
    pub channel: WorkspaceId,
    /// The instant of the counts, as the source says.
    #[schemars(with = "crate::form::Instant")]
    pub taken_at: Timestamp,
    /// Whether the source says that nothing is missing.
    pub complete: bool,
    /// At most one for each workspace and module.
    pub items: Vec<UsageItem>,
    /// What could not be read; none of it is among the items.
    #[serde(default)]
    pub unread: Vec<UnreadUsage>,
}

/// Counts by workspace and module, whatever may be missing from them: for looking at.
#[derive(Debug)]
pub struct UsageCounts {
    channel: WorkspaceId,
    taken_at: Timestamp,
    by_workspace: HashMap<WorkspaceId, Vec<UsageItem>>,
    unread: HashMap<WorkspaceId, Vec<UnreadUsage>>,
    all_zero: bool,
}

/// A snapshot from which nothing is missing: only from such a one comes a plan that can be
/// posted.
#[derive(Debug)]
pub struct CompleteSnapshot(UsageCounts);

impl Deref for CompleteSnapshot {
    type Target = UsageCounts;

    fn deref(&self) -> &UsageCounts {
        &self.0
    }
}

/// Why a snapshot cannot be planned from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Its source says that something is missing.
    #[error("the usage snapshot of {channel} taken at {taken_at} is not complete")]
    Incomplete {
        /// Its channel.
        channel: WorkspaceId,
        /// Its instant.
        taken_at: Timestamp,
    },
}

impl CompleteSnapshot {
    /// # Errors
    /// [`SnapshotError::Incomplete`].
    pub fn new(snapshot: UsageSnapshot) -> Result<Self, SnapshotError> {
        if snapshot.complete {
            return Ok(Self(UsageCounts::new(snapshot)));
        }
        Err(SnapshotError::Incomplete {
            channel: snapshot.channel,
            taken_at: snapshot.taken_at,
        })
    }
}

impl UsageCounts {
    /// What a snapshot has, complete or not.
    pub fn new(snapshot: UsageSnapshot) -> Self {
        let UsageSnapshot {
            channel,
            taken_at,
            complete: _,
            items,
            unread: not_read,
        } = snapshot;
        let all_zero = items
            .iter()
            .all(|item| item.users.unwrap_or(0) == 0 && item.devices.unwrap_or(0) == 0);
        let mut by_workspace: HashMap<WorkspaceId, Vec<UsageItem>> = HashMap::new();
        for item in items {
            by_workspace
                .entry(item.workspace.clone())
                .or_default()
                .push(item);
        }
        for items in by_workspace.values_mut() {
            items.shrink_to_fit();
        }
        let mut unread: HashMap<WorkspaceId, Vec<UnreadUsage>> = HashMap::new();
        for one in not_read {
            unread.entry(one.workspace.clone()).or_default().push(one);
        }
        Self {
            channel,
            taken_at,
            by_workspace,
            unread,
            all_zero,
        }
    }

    /// The channel workspace it is of.
    pub fn channel(&self) -> &WorkspaceId {
        &self.channel
    }

    /// The instant of the counts.
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// Whether no count in it is above zero (also when it has none).
    pub fn all_zero(&self) -> bool {
        self.all_zero
    }

    /// What is known of this pair; none: the snapshot does not have it.
    pub fn item(&self, workspace: &WorkspaceId, module: &ModuleId) -> Option<&UsageItem> {
        self.by_workspace
            .get(workspace)?
            .iter()
            .find(|item| &item.module == module)
    }

    /// That the source has something of this pair, or may have, that could not be read.
    pub fn unread(&self, workspace: &WorkspaceId, module: &ModuleId) -> Option<&UnreadUsage> {
        let of_workspace = self.unread.get(workspace)?;
        let of_pair = |one: &&UnreadUsage| one.module.as_ref() == Some(module);
        let of_any = |one: &&UnreadUsage| one.module.is_none();
        let found = of_workspace.iter().find(of_pair);
        found.or_else(|| of_workspace.iter().find(of_any))
    }

    /// What one workspace uses.
    pub fn of_workspace(&self, workspace: &WorkspaceId) -> &[UsageItem] {
        self.by_workspace.get(workspace).map_or(&[], Vec::as_slice)
    }

    /// Every item, in no order.
    pub fn items(&self) -> impl Iterator<Item = &UsageItem> {
        self.by_workspace.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshot(complete: bool, users: u32) -> UsageSnapshot {
        let item = UsageItem {
            workspace: WorkspaceId::new("w").unwrap(),
            module: ModuleId::new("edr").unwrap(),
            users: Some(users),
            devices: None,
        };
        UsageSnapshot {
            unread: vec![],
            channel: WorkspaceId::new("c").unwrap(),
            taken_at: "2026-10-01T04:30:00Z".parse().unwrap(),
            complete,
            items: vec![item],
        }
    }

    #[test]
    fn an_incomplete_snapshot_cannot_be_planned_from() {
        let error = CompleteSnapshot::new(snapshot(false, 3)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the usage snapshot of c taken at 2026-10-01T04:30:00Z is not complete"
        );
        let looked_at = UsageCounts::new(snapshot(false, 3));
        assert_eq!(looked_at.items().count(), 1, "it may be looked at");
    }

    #[test]
    fn a_pair_that_is_absent_is_none_and_not_zero() {
        let snapshot = CompleteSnapshot::new(snapshot(true, 3)).unwrap();
        let workspace = WorkspaceId::new("w").unwrap();
        let count = |module: &str, metric| {
            let module = ModuleId::new(module).unwrap();
            snapshot
                .item(&workspace, &module)
                .and_then(|item| item.count(metric))
        };
        assert_eq!(count("edr", Metric::Users), Some(3));
        assert_eq!(count("edr", Metric::Devices), None);
        assert_eq!(count("mdm", Metric::Users), None);
    }

    #[test]
    fn all_zero_is_told_from_one_count() {
        assert!(CompleteSnapshot::new(snapshot(true, 0)).unwrap().all_zero());
        assert!(!CompleteSnapshot::new(snapshot(true, 1)).unwrap().all_zero());
    }

    proptest! {
        /// Every count is found again under its own pair, no pair is made up, and a single
        /// count above zero is enough not to be all zero.
        #[test]
        fn each_count_is_found_under_its_own_pair_only(
            counts in prop::collection::btree_map((0_u8..4, 0_u8..4), prop::option::of(0_u32..3), 0..12),
        ) {
            let pair = |(w, m): (u8, u8)| {
                let workspace = WorkspaceId::new(format!("w{w}")).unwrap();
                (workspace, ModuleId::new(format!("m{m}")).unwrap())
            };
            let items = counts.iter().map(|(&at, &users)| {
                let (workspace, module) = pair(at);
                UsageItem { workspace, module, users, devices: None }
            });
            let whole = UsageSnapshot { items: items.collect(), ..snapshot(true, 0) };
            let complete = CompleteSnapshot::new(whole).unwrap();
            for at in (0..4).flat_map(|w| (0..4).map(move |m| (w, m))) {
                let (workspace, module) = pair(at);
                let found = complete.item(&workspace, &module).map(|item| item.users);
                prop_assert_eq!(found, counts.get(&at).copied());
            }
            prop_assert_eq!(complete.items().count(), counts.len());
            prop_assert_eq!(complete.all_zero(), !counts.values().flatten().any(|count| *count > 0));
        }
    }
}
