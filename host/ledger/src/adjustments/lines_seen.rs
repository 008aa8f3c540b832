//! Lines that a run found as they should be, so that nobody's later change of them is
//! undone unseen. A line that was only seen is no connection's own and was never posted.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::Hash;

use jiff::civil::Date;
use psa_host_billing::{ContractId, LineId, ModuleId, TenantKey, Units, WorkspaceId};
use serde_json::json;

use crate::db::{Sql, Tx, date, params, parsed, parsed_opt, units};
use crate::decisions::stances;
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, Result, RunId, RunLease};

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

/// A row of a run whose line was found to have its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightRow {
    /// The row.
    pub row: u32,
    /// From this day on the line has its target.
    pub since: Date,
}

impl Ledger {
    /// Remember lines that a run found right, in the place of what was known of each; the
    /// history has one entry for all. What somebody decided about other units of theirs
    /// is used up.
    ///
    /// The run names its rows, which are written already: tens of thousands of lines go from
    /// one table to the other without coming to memory. A row without a line or a target is
    /// passed over.
    ///
    /// # Errors
    /// [`crate::LedgerError::RunState`]; a failing or damaged database.
    pub fn see_right(&self, lease: RunLease, tenant: &TenantKey, rows: &[RightRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            held.of(tenant.as_str())?;
            let run = held.run;
            let at = journal.at().as_microsecond();
            // The rows lead: each is found by its number, and its names by theirs.
            let mut keep = change.prepare(
                "INSERT OR REPLACE INTO lines_seen
                     (tenant, line, workspace, module, units, since, seen_at, contract)
                 SELECT ?1, r.line, w.text, m.text, r.target, ?2, ?3, r.contract
                 FROM run_lines AS r
                 CROSS JOIN names AS w ON w.id = r.workspace
                 CROSS JOIN names AS m ON m.id = r.module
                 WHERE r.run = ?4 AND r.row BETWEEN ?5 AND ?6
                     AND r.line IS NOT NULL AND r.target IS NOT NULL",
            )?;
            let by = format!("run {run}, which found the line right");
            let decided = stances::decided(change, tenant)?;
            let mut kept = 0;
            for (first, last, since) in stretches(rows) {
                kept += keep.execute(params![
                    tenant.as_str(),
                    since.to_string(),
                    at,
                    run.0,
                    first,
                    last,
                ])?;
                if decided.is_empty() {
                    continue;
                }
                for line in lines_of(change, run, first, last)? {
                    if decided.contains(&line) {
                        stances::use_up(change, journal, tenant, &line, &by)?;
                    }
                }
            }
            let detail = json!({ "tenant": tenant, "lines": kept });
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
            let mut all = Vec::new();
            each_seen(view, tenant, |seen| all.push(seen))?;
            Ok(all)
        })
    }

    /// The same, one after the other: a large tenant has tens of thousands. Ids that repeat
    /// share their text. A reading that is made again tells of the same lines again.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn each_seen_right(&self, tenant: &TenantKey, take: impl FnMut(SeenRight)) -> Result<()> {
        let take = RefCell::new(take);
        self.read(|view| each_seen(view, tenant, &mut *take.borrow_mut()))
    }
}

fn each_seen(view: &Tx<'_>, tenant: &TenantKey, mut take: impl FnMut(SeenRight)) -> Inside<()> {
    let mut select = view.prepare(
        "SELECT line, workspace, module, units, since, contract FROM lines_seen
         WHERE tenant = ?1 ORDER BY line",
    )?;
    let mut rows = select.query([tenant.as_str()])?;
    let (mut workspaces, mut modules) = (Shared::default(), Shared::default());
    let mut contracts = Shared::default();
    while let Some(row) = &rows.next()? {
        take(SeenRight {
            line: parsed(row, 0)?,
            workspace: workspaces.id(parsed(row, 1)?),
            module: modules.id(parsed(row, 2)?),
            units: units(row, 3)?,
            since: date(row, 4)?,
            contract: parsed_opt(row, 5)?.map(|id| contracts.id(id)),
        });
    }
    Ok(())
}

/// Ids of which each is kept once.
#[derive(Debug)]
struct Shared<T>(HashSet<T>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash + Clone> Shared<T> {
    fn id(&mut self, id: T) -> T {
        if let Some(known) = self.0.get(&id) {
            return known.clone();
        }
        self.0.insert(id.clone());
        id
    }
}

/// Rows that follow one another and have the same day: first, last, day.
fn stretches(rows: &[RightRow]) -> impl Iterator<Item = (u32, u32, Date)> + '_ {
    let goes_on = |one: &RightRow, next: &RightRow| {
        one.row.checked_add(1) == Some(next.row) && one.since == next.since
    };
    rows.chunk_by(goes_on).filter_map(|stretch| {
        let (first, last) = (stretch.first()?, stretch.last()?);
        Some((first.row, last.row, first.since))
    })
}

fn lines_of(view: &Tx<'_>, run: RunId, first: u32, last: u32) -> Inside<Vec<LineId>> {
    let mut lines = view.prepare(
        "SELECT line FROM run_lines WHERE run = ?1 AND row BETWEEN ?2 AND ?3
             AND line IS NOT NULL AND target IS NOT NULL",
    )?;
    let lines = lines.query_map(params![run.0, first, last], |row| parsed(row, 0))?;
    Ok(lines.collect::<Sql<_>>()?)
}

/// A change of the line was confirmed: that is what is known of it now.
pub(crate) fn forget(change: &Tx<'_>, tenant: &TenantKey, line: &LineId) -> Inside<()> {
    change
        .prepare("DELETE FROM lines_seen WHERE tenant = ?1 AND line = ?2")?
        .execute([tenant.as_str(), line.as_str()])?;
    Ok(())
}
