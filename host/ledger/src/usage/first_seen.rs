//! Since when something is in use: the first of a channel's snapshots that counts it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use psa_host_billing::{ModuleId, WorkspaceId};

use crate::db::{Optional, params};
use crate::error::Fault;
use crate::{Ledger, Result};

impl Ledger {
    /// When each of these workspaces was first counted with more than zero. One that
    /// never was is left out.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn workspaces_first_used(
        &self,
        channel: &WorkspaceId,
        workspaces: &[WorkspaceId],
    ) -> Result<BTreeMap<WorkspaceId, Timestamp>> {
        self.first_used(channel, workspaces, WorkspaceId::as_str, "workspace")
    }

    /// The same of modules.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn modules_first_used(
        &self,
        channel: &WorkspaceId,
        modules: &[ModuleId],
    ) -> Result<BTreeMap<ModuleId, Timestamp>> {
        self.first_used(channel, modules, ModuleId::as_str, "module")
    }

    /// `column` is `workspace` or `module`.
    fn first_used<T: Ord + Clone>(
        &self,
        channel: &WorkspaceId,
        ids: &[T],
        text: impl Fn(&T) -> &str,
        column: &str,
    ) -> Result<BTreeMap<T, Timestamp>> {
        self.read(|view| {
            // Snapshot by snapshot, because that is how counts are stored: the first one
            // that has it ends the search.
            let mut first = view.prepare(&format!(
                "SELECT s.taken_at FROM snapshots AS s
                 WHERE s.channel = ?1 AND s.withdrawn_at IS NULL AND EXISTS (
                     SELECT 1 FROM usage_items AS u
                     WHERE u.snapshot = s.id AND u.{column} = ?2
                         AND (u.users > 0 OR u.devices > 0))
                 ORDER BY s.taken_at LIMIT 1"
            ))?;
            let mut found = BTreeMap::new();
            for id in ids {
                let number: Option<i64> = view
                    .prepare("SELECT id FROM names WHERE text = ?1")?
                    .query_row([text(id)], |row| row.get(0))
                    .optional()?;
                let Some(number) = number else { continue };
                let micros: Option<i64> = first
                    .query_row(params![channel.as_str(), number], |row| row.get(0))
                    .optional()?;
                if let Some(micros) = micros {
                    let at = Timestamp::from_microsecond(micros)
                        .map_err(|error| Fault::Row(error.to_string()))?;
                    found.insert(id.clone(), at);
                }
            }
            Ok(found)
        })
    }
}
