//! What people decided about lines whose units somebody else changed.

use std::collections::HashSet;

use jiff::Timestamp;
use psa_host_billing::stance::Stance;
use psa_host_billing::{LineId, ModuleId, TenantKey, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::db::{Optional, Row, Sql, Tx, instant, json as json_column, params, parsed, to_json};
use crate::error::{Fault, Inside};
use crate::history::chain::About;
use crate::history::journal::Journal;
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
            let mut rows = view.prepare("SELECT * FROM stances WHERE tenant = ?1 ORDER BY line")?;
            Ok(rows
                .query_map([tenant.as_str()], record)?
                .collect::<Sql<_>>()?)
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

/// Decide in the place of what was decided before, for good.
fn put(
    change: &Tx<'_>,
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
    journal.write(
        change,
        About::Line(tenant, line),
        "line.decided",
        line.as_str(),
        &detail,
    )
}

/// Pin a line for the rollback that this question asks for. What a person had decided
/// before is kept with the pin; so is the pin of an earlier rollback, which still stands.
pub(crate) fn pin_for(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    line: &LineId,
    pair: (&WorkspaceId, &ModuleId),
    (question, stance): (i64, &Stance),
    why: &str,
) -> Inside<()> {
    let before = match find(change, tenant, line)? {
        Some(kept) if kept.question == Some(question) => kept.before,
        Some(kept) => Some(to_json(&Before::from(kept.record))?),
        None => None,
    };
    put(change, journal, tenant, line, pair, stance, why)?;
    change
        .prepare("UPDATE stances SET question = ?3, before = ?4 WHERE tenant = ?1 AND line = ?2")?
        .execute(params![tenant.as_str(), line.as_str(), question, before])?;
    Ok(())
}

/// Another question takes the place of a rollback's: the pin is that one's now.
pub(crate) fn hand_over(change: &Tx<'_>, from: i64, to: i64) -> Inside<()> {
    change
        .prepare("UPDATE stances SET question = ?2 WHERE question = ?1")?
        .execute([from, to])?;
    Ok(())
}

/// Take the pin of a rollback's question away and put back what was decided before it.
/// What a person decided since is theirs, and stays.
pub(crate) fn unpin(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    line: &LineId,
    question: i64,
    why: &str,
) -> Inside<()> {
    let own = find(change, tenant, line)?.filter(|kept| kept.question == Some(question));
    let Some(own) = own else { return Ok(()) };
    let Some(before) = own.before else {
        remove(change, journal, tenant, line, why)?;
        return Ok(());
    };
    let before: Before =
        serde_json::from_str(&before).map_err(|error| Fault::Row(error.to_string()))?;
    change
        .prepare(
            "UPDATE stances SET workspace = ?3, module = ?4, stance = ?5, why = ?6, who = ?7,
                 at = ?8, question = NULL, before = NULL
             WHERE tenant = ?1 AND line = ?2",
        )?
        .execute(params![
            tenant.as_str(),
            line.as_str(),
            before.workspace.as_str(),
            before.module.as_str(),
            to_json(&before.stance)?,
            before.why,
            before.who,
            before.at.as_microsecond(),
        ])?;
    let detail = json!({ "tenant": tenant, "stance": before.stance, "why": why });
    journal.write(
        change,
        About::Line(tenant, line),
        "line.decision-restored",
        line.as_str(),
        &detail,
    )
}

/// Whether there was one.
fn remove(
    change: &Tx<'_>,
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
        journal.write(
            change,
            About::Line(tenant, line),
            "line.released",
            line.as_str(),
            &detail,
        )?;
    }
    Ok(removed > 0)
}

/// The lines of a tenant about which somebody decided.
pub(crate) fn decided(view: &Tx<'_>, tenant: &TenantKey) -> Inside<HashSet<LineId>> {
    let mut lines = view.prepare("SELECT line FROM stances WHERE tenant = ?1")?;
    let lines = lines.query_map([tenant.as_str()], |row| parsed(row, 0))?;
    Ok(lines.collect::<Sql<_>>()?)
}

/// A change of the line was confirmed: what was decided about the units from before has
/// been made use of.
pub(crate) fn use_up(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    line: &LineId,
    by: &str,
) -> Inside<()> {
    let used = find(change, tenant, line)?
        .map(|kept| kept.record)
        .filter(|kept| kept.stance.is_used_up_by_a_change());
    let Some(used) = used else { return Ok(()) };
    change
        .prepare("DELETE FROM stances WHERE tenant = ?1 AND line = ?2")?
        .execute([tenant.as_str(), line.as_str()])?;
    let detail = json!({ "tenant": tenant, "stance": used.stance, "by": by });
    journal.write(
        change,
        About::Line(tenant, line),
        "line.decision-used",
        line.as_str(),
        &detail,
    )
}

/// A decision with what only a rollback's pin has.
struct Kept {
    record: StanceRecord,
    question: Option<i64>,
    before: Option<String>,
}

/// What a rollback's pin took the place of.
#[derive(Serialize, Deserialize)]
struct Before {
    workspace: WorkspaceId,
    module: ModuleId,
    stance: Stance,
    why: String,
    who: String,
    at: Timestamp,
}

impl From<StanceRecord> for Before {
    fn from(record: StanceRecord) -> Self {
        Self {
            workspace: record.workspace,
            module: record.module,
            stance: record.stance,
            why: record.why,
            who: record.who,
            at: record.at,
        }
    }
}

fn find(view: &Tx<'_>, tenant: &TenantKey, line: &LineId) -> Inside<Option<Kept>> {
    Ok(view
        .prepare("SELECT * FROM stances WHERE tenant = ?1 AND line = ?2")?
        .query_row([tenant.as_str(), line.as_str()], |row| {
            Ok(Kept {
                record: record(row)?,
                question: row.get("question")?,
                before: row.get("before")?,
            })
        })
        .optional()?)
}

fn record(row: &Row<'_>) -> Sql<StanceRecord> {
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
