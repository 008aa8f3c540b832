//! Two snapshots of one channel and one instant that count otherwise. Which of them is
//! right cannot be told from them: the one imported last may be the correction or the
//! mistake.

use psa_host_billing::{ModuleId, WorkspaceId};

use super::{Snapshot, snapshot};
use crate::db::names::Texts;
use crate::db::{Row, Sql, Tx, params};
use crate::error::Inside;
use crate::{Ledger, Result};

/// That another snapshot of the same instant counts otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The other one; of several the one imported last.
    pub with: Snapshot,
    /// In how many pairs of workspace and module.
    pub pairs: u64,
    /// One of them.
    pub example: DifferingCount,
}

/// A pair that two snapshots count otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingCount {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// Users and devices in the one, and in the other; none: it does not have the pair.
    pub counts: [Option<Counted>; 2],
}

/// What one snapshot says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Protected users, where known.
    pub users: Option<u32>,
    /// Protected devices, where known.
    pub devices: Option<u32>,
}

/// Pairs of the first that the second counts otherwise, and, where the second says that
/// it is complete (`?3`), those that it does not have. What is not in a snapshot that is
/// not complete says nothing.
const DIFFERING: &str = "
    SELECT a.workspace, a.module, a.users, a.devices, b.snapshot IS NOT NULL, b.users, b.devices
    FROM usage_items AS a
    LEFT JOIN usage_items AS b
        ON b.snapshot = ?2 AND b.workspace = a.workspace AND b.module = a.module
    WHERE a.snapshot = ?1
        -- What could not be read in the other one says nothing.
        AND NOT EXISTS (
            SELECT 1 FROM usage_unread AS u
            WHERE u.snapshot = ?2 AND u.workspace = a.workspace
                AND (u.module IS NULL OR u.module = a.module))
        AND CASE WHEN b.snapshot IS NULL THEN ?3
                 ELSE a.users IS NOT b.users OR a.devices IS NOT b.devices END";

/// Pairs that only the second has, where the first says that it is complete (`?3`).
const ONLY_SECOND: &str = "
    SELECT b.workspace, b.module, b.users, b.devices
    FROM usage_items AS b
    WHERE b.snapshot = ?2 AND ?3 AND NOT EXISTS (
        SELECT 1 FROM usage_unread AS u
        WHERE u.snapshot = ?1 AND u.workspace = b.workspace
            AND (u.module IS NULL OR u.module = b.module))
        AND NOT EXISTS (
        SELECT 1 FROM usage_items AS a
        WHERE a.snapshot = ?1 AND a.workspace = b.workspace AND a.module = b.module)";

impl Ledger {
    /// Another snapshot of this one's channel and instant that was not withdrawn and
    /// counts otherwise.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn disagreement(&self, one: &Snapshot) -> Result<Option<Disagreement>> {
        self.read(|view| {
            let mut select = view.prepare(
                "SELECT * FROM snapshots
                 WHERE channel = ?1 AND taken_at = ?2 AND withdrawn_at IS NULL AND id <> ?3
                 ORDER BY id DESC",
            )?;
            let of_instant = params![
                one.channel.as_str(),
                one.taken_at.as_microsecond(),
                one.id.0
            ];
            let others: Vec<Snapshot> = select
                .query_map(of_instant, snapshot)?
                .collect::<Sql<_>>()?;
            for with in others {
                if let Some((pairs, example)) = differing(view, one, &with)? {
                    return Ok(Some(Disagreement {
                        with,
                        pairs,
                        example,
                    }));
                }
            }
            Ok(None)
        })
    }
}

/// Whether two snapshots count otherwise.
pub(crate) fn disagree(
    view: &Tx<'_>,
    (one, one_complete): (i64, bool),
    (other, other_complete): (i64, bool),
) -> Inside<bool> {
    let differ = view
        .prepare(DIFFERING)?
        .exists(params![one, other, other_complete])?;
    let more = view
        .prepare(ONLY_SECOND)?
        .exists(params![one, other, one_complete])?;
    Ok(differ || more)
}

fn differing(
    view: &Tx<'_>,
    one: &Snapshot,
    other: &Snapshot,
) -> Inside<Option<(u64, DifferingCount)>> {
    let (mut workspaces, mut modules) = (Texts::new(view), Texts::new(view));
    let mut example = None;
    let mut pairs = 0;
    let counted = |row: &Row<'_>, at: usize| -> Sql<Option<Counted>> {
        Ok(Some(Counted {
            users: row.get(at)?,
            devices: row.get(at + 1)?,
        }))
    };
    for (sql, complete, only_second) in [
        (DIFFERING, other.complete, false),
        (ONLY_SECOND, one.complete, true),
    ] {
        let mut select = view.prepare(sql)?;
        let mut rows = select.query(params![one.id.0, other.id.0, complete])?;
        while let Some(row) = &rows.next()? {
            pairs += 1;
            if example.is_some() {
                continue;
            }
            let counts = match only_second {
                true => [None, counted(row, 2)?],
                false if row.get(4)? => [counted(row, 2)?, counted(row, 5)?],
                false => [counted(row, 2)?, None],
            };
            example = Some(DifferingCount {
                workspace: workspaces.of(row.get(0)?)?,
                module: modules.of(row.get(1)?)?,
                counts,
            });
        }
    }
    Ok(example.map(|example| (pairs, example)))
}
