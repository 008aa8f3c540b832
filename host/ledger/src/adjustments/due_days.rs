//! The days from which lines were to be changed, where their PSA takes no date with a change
//! and it cannot be sent yet.

use psa_host_billing::plan::Due;
use psa_host_billing::{LineId, TenantKey};
use serde_json::json;

use crate::db::{Sql, Tx, date, parsed};
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, Result, RunLease};

impl Ledger {
    /// Remember for lines the day from which they are to be changed, in the place of what was
    /// remembered; none: nothing is to be changed any more. The history has one entry for all.
    ///
    /// # Errors
    /// [`crate::LedgerError::RunState`]; a failing or damaged database.
    pub fn set_due_days(
        &self,
        lease: RunLease,
        tenant: &TenantKey,
        days: &[(LineId, Option<Due>)],
    ) -> Result<()> {
        if days.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            held.of(tenant.as_str())?;
            let run = held.run;
            for (line, _) in days.iter().filter(|(_, due)| due.is_none()) {
                forget(change, tenant, line)?;
            }
            let kept = days.iter().filter_map(|(line, due)| {
                let due = due.as_ref()?;
                Some(Ok([
                    tenant.as_str().into(),
                    line.as_str().into(),
                    due.workspace.as_str().into(),
                    due.module.as_str().into(),
                    due.from.into(),
                ]))
            });
            change.insert_rows(
                "INSERT OR REPLACE INTO due_days (tenant, line, workspace, module, due)
                 VALUES :rows",
                kept,
            )?;
            let set = days.iter().filter(|(_, due)| due.is_some()).count();
            let detail = json!({ "tenant": tenant, "set": set, "settled": days.len() - set });
            journal.write(
                change,
                About::Connection(held.connection),
                "lines.due",
                &run.to_string(),
                &detail,
            )
        })
    }

    /// What is remembered of a tenant's lines.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn due_days(&self, tenant: &TenantKey) -> Result<Vec<(LineId, Due)>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT line, workspace, module, due FROM due_days
                 WHERE tenant = ?1 ORDER BY line",
            )?;
            let due = rows.query_map([tenant.as_str()], |row| {
                let due = Due {
                    workspace: parsed(row, 1)?,
                    module: parsed(row, 2)?,
                    from: date(row, 3)?,
                };
                Ok((parsed(row, 0)?, due))
            })?;
            Ok(due.collect::<Sql<_>>()?)
        })
    }
}

/// The change was confirmed.
pub(crate) fn forget(change: &Tx<'_>, tenant: &TenantKey, line: &LineId) -> Inside<()> {
    change
        .prepare("DELETE FROM due_days WHERE tenant = ?1 AND line = ?2")?
        .execute([tenant.as_str(), line.as_str()])?;
    Ok(())
}
