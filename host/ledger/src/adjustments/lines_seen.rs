//! Lines that a run found as they should be, so that nobody's later change of them is
//! undone unseen. A line that was only seen is no connection's own and was never posted.

use jiff::civil::Date;
use psa_host_billing::{ContractId, LineId, ModuleId, TenantKey, Units, WorkspaceId};
use serde_json::json;

use crate::db::{Row, Sql, Tx, date, params, parsed, parsed_opt, units};
use crate::decisions::stances;
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, Result, RunLease};

/// A line that was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRight {
    /// The line.
    pub line: LineId,
    /// For whom.
    pub workspace: WorkspaceId,
    /// For what.
    pub module: ModuleId,
    /// The contract it stood on; none: it was found before that was written down.
    pub contract: Option<ContractId>,
    /// Its units.
    pub units: Units,
    /// From this day on it had them.
    pub since: Date,
}

impl Ledger {
    /// Remember lines that a run found right, in the place of what was known of each; the
    /// history has one entry for all. What somebody decided about other units of theirs
    /// is used up.
    ///
    /// # Errors
    /// [`crate::LedgerError::RunState`]; a failing or damaged database.
    pub fn see_right(&self, lease: RunLease, tenant: &TenantKey, seen: &[SeenRight]) -> Result<()> {
        if seen.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            held.of(tenant.as_str())?;
            let run = held.run;
            let at = journal.at().as_microsecond();
            let mut keep = change.prepare(
                "INSERT OR REPLACE INTO lines_seen
                     (tenant, line, workspace, module, units, since, seen_at, contract)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            let by = format!("run {run}, which found the line right");
            let decided = stances::decided(change, tenant)?;
            for right in seen {
                keep.execute(params![
                    tenant.as_str(),
                    right.line.as_str(),
                    right.workspace.as_str(),
                    right.module.as_str(),
                    right.units.to_string(),
                    right.since.to_string(),
                    at,
                    right.contract.as_ref().map(ContractId::as_str),
                ])?;
                if decided.contains(&right.line) {
                    stances::use_up(change, journal, tenant, &right.line, &by)?;
                }
            }
            let detail = json!({ "tenant": tenant, "lines": seen.len() });
            journal.write(
                change,
                About::Connection(held.connection),
                "lines.found-right",
                &run.to_string(),
                &detail,
            )
        })
    }

    /// What was last found right in a tenant and not changed by a run since, by line.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn seen_right(&self, tenant: &TenantKey) -> Result<Vec<SeenRight>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT line, workspace, module, units, since, contract FROM lines_seen
                 WHERE tenant = ?1 ORDER BY line",
            )?;
            Ok(rows
                .query_map([tenant.as_str()], seen)?
                .collect::<Sql<_>>()?)
        })
    }
}

/// A change of the line was confirmed: that is what is known of it now.
pub(crate) fn forget(change: &Tx<'_>, tenant: &TenantKey, line: &LineId) -> Inside<()> {
    change
        .prepare("DELETE FROM lines_seen WHERE tenant = ?1 AND line = ?2")?
        .execute([tenant.as_str(), line.as_str()])?;
    Ok(())
}

/// By place: tens of thousands are read in a run.
fn seen(row: &Row<'_>) -> Sql<SeenRight> {
    Ok(SeenRight {
        line: parsed(row, 0)?,
        workspace: parsed(row, 1)?,
        module: parsed(row, 2)?,
        units: units(row, 3)?,
        since: date(row, 4)?,
        contract: parsed_opt(row, 5)?,
    })
}
