//! The users and devices behind a count, where the source of the snapshot names them.
//! They explain a number; nothing is ever counted from them.

use psa_host_billing::{ModuleId, WorkspaceId};

use crate::db::names::Numbers;
use crate::db::{Optional, Tx, json, params, to_json};
use crate::error::Inside;
use crate::ids::SnapshotId;
use crate::{Ledger, Result};

/// Who or what was counted. None: the source did not say, which is not an empty list.
#[derive(Debug, Clone, Default, PartialEq, Eq, schemars::JsonSchema, serde::Serialize)]
pub struct Names {
    /// Protected users, as many as were counted, in the source's order.
    pub users: Option<Vec<String>>,
    /// Protected devices, as many as were counted, in the source's order.
    pub devices: Option<Vec<String>>,
}

impl Names {
    /// Whether the source named neither.
    pub fn is_empty(&self) -> bool {
        self.users.is_none() && self.devices.is_none()
    }
}

/// The names of one item of a snapshot to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemNames {
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// By whom.
    pub names: Names,
}

impl Ledger {
    /// The names behind one count of a snapshot. None: the source gave none for it, or
    /// the snapshot is not kept (any more).
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn names_behind(
        &self,
        snapshot: SnapshotId,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<Option<Names>> {
        self.read(|view| {
            let found = view
                .prepare(
                    "SELECT coalesce(users, 'null') AS users, coalesce(devices, 'null') AS devices
                     FROM usage_names
                     WHERE snapshot = ?1
                       AND workspace = (SELECT id FROM names WHERE text = ?2)
                       AND module = (SELECT id FROM names WHERE text = ?3)",
                )?
                .query_row(
                    params![snapshot.0, workspace.as_str(), module.as_str()],
                    |row| {
                        Ok(Names {
                            users: json(row, "users")?,
                            devices: json(row, "devices")?,
                        })
                    },
                )
                .optional()?;
            Ok(found)
        })
    }
}

/// Keep the names of a snapshot whose items are there already.
pub(crate) fn insert(
    change: &Tx<'_>,
    numbers: &mut Numbers<'_>,
    snapshot: i64,
    items: &[ItemNames],
) -> Inside<()> {
    let text = |list: &Option<Vec<String>>| list.as_ref().map(to_json).transpose();
    let named = items.iter().filter(|item| !item.names.is_empty());
    let rows = named.map(|item| {
        Ok([
            snapshot.into(),
            numbers.of(item.workspace.as_str())?.into(),
            numbers.of(item.module.as_str())?.into(),
            text(&item.names.users)?.into(),
            text(&item.names.devices)?.into(),
        ])
    });
    change.insert_rows(
        "INSERT INTO usage_names (snapshot, workspace, module, users, devices) VALUES :rows",
        rows,
    )?;
    Ok(())
}
