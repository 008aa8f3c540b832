//! What people decided about lines whose units somebody else changed.

use jiff::Timestamp;
use psa_host_billing::stance::Stance;
use psa_host_billing::{LineId, ModuleId, TenantKey, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::error::Inside;
use crate::history::Journal;
use crate::row::{instant, json as json_column, parsed, to_json};
use crate::{Ledger, LedgerError, Result};

/// A decision about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StanceRecord {
    /// The line.
    pub line: LineId,
    /// For whom it is posted.
    pub workspace: WorkspaceId,
    /// For what.
    pub module: ModuleId,
    /// What was decided.
    pub stance: Stance,
    /// Why.
    pub why: String,
    /// By whom.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

impl Ledger {
    /// Every decision in a tenant, by line.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn stances(&self, tenant: &TenantKey) -> Result<Vec<StanceRecord>> {
        self.read(|view| {
            let mut rows =
                view.prepare_cached("SELECT * FROM stances WHERE tenant = ?1 ORDER BY line")?;
            Ok(rows
                .query_map([tenant.as_str()], record)?
                .collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Decide about a line, in the place of what was decided before.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn set_stance(
        &self,
        tenant: &TenantKey,
        line: &LineId,
        pair: (&WorkspaceId, &ModuleId),
        stance: &Stance,
        why: &str,
    ) -> Result<()> {
        self.write(|change, journal| put(change, journal, tenant, line, pair, stance, why))
    }

    /// Take a decision back: the line is compared and posted like any other.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] where nothing was decided.
    pub fn release_stance(&self, tenant: &TenantKey, line: &LineId, why: &str) -> Result<()> {
        self.write(|change, journal| {
            if !remove(change, journal, tenant, line, why)? {
                return Err(LedgerError::NotFound {
                    what: "decision about line",
                    id: line.to_string(),
                }
                .into());
            }
            Ok(())
        })
    }
}

pub(crate) fn put(
    change: &Connection,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    line: &LineId,
    (workspace, module): (&WorkspaceId, &ModuleId),
    stance: &Stance,
    why: &str,
) -> Inside<()> {
    change.execute(
        "INSERT OR REPLACE INTO stances
             (tenant, line, workspace, module, stance, why, who, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            tenant.as_str(),
            line.as_str(),
            workspace.as_str(),
            module.as_str(),
            to_json(stance)?,
            why,
            journal.who(),
            journal.at().as_microsecond(),
        ],
    )?;
    let detail = json!({
        "tenant": tenant, "workspace": workspace, "module": module, "stance": stance, "why": why,
    });
    journal.write(change, "line.decided", line.as_str(), &detail)
}

/// Whether there was one.
pub(crate) fn remove(
    change: &Connection,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    line: &LineId,
    why: &str,
) -> Inside<bool> {
    let removed = change.execute(
        "DELETE FROM stances WHERE tenant = ?1 AND line = ?2",
        [tenant.as_str(), line.as_str()],
    )?;
    if removed > 0 {
        let detail = json!({ "tenant": tenant, "why": why });
        journal.write(change, "line.released", line.as_str(), &detail)?;
    }
    Ok(removed > 0)
}

/// A change of the line was confirmed: what was decided about the units from before has
/// been made use of.
pub(crate) fn use_up(
    change: &Connection,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    line: &LineId,
    by: &str,
) -> Inside<()> {
    let used = find(change, tenant, line)?.filter(|kept| kept.stance.is_used_up_by_a_change());
    let Some(used) = used else { return Ok(()) };
    change
        .prepare_cached("DELETE FROM stances WHERE tenant = ?1 AND line = ?2")?
        .execute([tenant.as_str(), line.as_str()])?;
    let detail = json!({ "tenant": tenant, "stance": used.stance, "by": by });
    journal.write(change, "line.decision-used", line.as_str(), &detail)
}

fn find(view: &Connection, tenant: &TenantKey, line: &LineId) -> Inside<Option<StanceRecord>> {
    Ok(view
        .prepare_cached("SELECT * FROM stances WHERE tenant = ?1 AND line = ?2")?
        .query_row([tenant.as_str(), line.as_str()], record)
        .optional()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<StanceRecord> {
    Ok(StanceRecord {
        line: parsed(row, "line")?,
        workspace: parsed(row, "workspace")?,
        module: parsed(row, "module")?,
        stance: json_column(row, "stance")?,
        why: row.get("why")?,
        who: row.get("who")?,
        at: instant(row, "at")?,
    })
}
