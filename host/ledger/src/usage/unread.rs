//! What imports could not read: rows of a usage snapshot, and that rows of the newest list
//! of workspaces are lacking.

use psa_host_billing::{ModuleId, UnreadUsage};

use crate::db::names::{Numbers, Texts};
use crate::db::{Optional, Tx, params};
use crate::error::Inside;
use crate::ids::SnapshotId;
use crate::{Ledger, Result};

/// That rows of the newest list of workspaces could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadWorkspaces {
    /// What was read (`file workspaces.json`).
    pub source: String,
    /// How many rows could not be; above zero.
    pub rows: u64,
}

impl Ledger {
    /// What of a snapshot could not be read, in the order of its source.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn unread_usage(&self, id: SnapshotId) -> Result<Vec<UnreadUsage>> {
        self.read(|view| {
            let mut workspaces = Texts::new(view);
            let mut modules = Texts::new(view);
            let mut select = view.prepare(
                "SELECT workspace, module, why FROM usage_unread WHERE snapshot = ?1
                 ORDER BY rowid",
            )?;
            let mut rows = select.query([id.0])?;
            let mut unread = Vec::new();
            while let Some(row) = &rows.next()? {
                let module: Option<i64> = row.get(1)?;
                let module: Option<ModuleId> = match module {
                    Some(number) => Some(modules.of(number)?),
                    None => None,
                };
                unread.push(UnreadUsage {
                    workspace: workspaces.of(row.get(0)?)?,
                    module,
                    why: row.get(2)?,
                });
            }
            Ok(unread)
        })
    }

    /// Whether rows of the newest list of workspaces could not be read.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn unread_workspaces(&self) -> Result<Option<UnreadWorkspaces>> {
        self.read(|view| {
            let found = view
                .prepare("SELECT source, rows FROM workspaces_unread")?
                .query_row([], |row| Ok((row.get(0)?, row.get::<i64>(1)?)))
                .optional()?;
            Ok(found.map(|(source, rows)| UnreadWorkspaces {
                source,
                rows: rows.unsigned_abs(),
            }))
        })
    }
}

pub(crate) fn insert(
    change: &Tx<'_>,
    numbers: &mut Numbers<'_>,
    snapshot: i64,
    unread: &[UnreadUsage],
) -> Inside<()> {
    let rows = unread.iter().map(|one| {
        let workspace = numbers.of(one.workspace.as_str())?;
        let module = one.module.as_ref();
        let module = module.map(|module| numbers.of(module.as_str()));
        Ok([
            snapshot.into(),
            workspace.into(),
            module.transpose()?.into(),
            (&one.why).into(),
        ])
    });
    change.insert_rows(
        "INSERT INTO usage_unread (snapshot, workspace, module, why) VALUES :rows",
        rows,
    )?;
    Ok(())
}

/// Keep whether the newest list of workspaces lacks rows. Whether that is news.
pub(crate) fn keep_workspaces(change: &Tx<'_>, unread: Option<&UnreadWorkspaces>) -> Inside<bool> {
    let Some(unread) = unread else {
        return Ok(change.execute("DELETE FROM workspaces_unread", [])? > 0);
    };
    let rows = i64::try_from(unread.rows).unwrap_or(i64::MAX);
    change.execute(
        "INSERT OR REPLACE INTO workspaces_unread (id, source, rows) VALUES (1, ?1, ?2)",
        params![unread.source, rows],
    )?;
    Ok(true)
}
