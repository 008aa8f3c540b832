//! The rows of a run: tens of thousands, written and read in bulk.

use std::cell::RefCell;

use jiff::civil::Date;
use psa_host_billing::{AccountId, ContractId, LineId, ModuleId, ServiceId, Units, WorkspaceId};

use crate::db::names::{Numbers, Texts};
use crate::db::{Optional, Sql, Tx, date_opt, params, parsed, parsed_opt, units_opt};
use crate::error::Inside;
use crate::ids::RunId;
use crate::runs::lease::{Held, RunLease};
use crate::runs::outcome::{LineUpdate, Outcome};
use crate::{Answer, Ledger, Result, Step};

/// One row of a run's report.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLine {
    /// Coro's side: who.
    pub workspace: Option<WorkspaceId>,
    /// Coro's side: what.
    pub module: Option<ModuleId>,
    /// The mapped account.
    pub account: Option<AccountId>,
    /// The mapped service.
    pub service: Option<ServiceId>,
    /// The chosen contract.
    pub contract: Option<ContractId>,
    /// The line on it.
    pub line: Option<LineId>,
    /// Units in the PSA.
    pub baseline: Option<Units>,
    /// Units that are to be there.
    pub target: Option<Units>,
    /// From which day.
    pub effective: Option<Date>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, as a code.
    pub code: Option<String>,
    /// Why, in words.
    pub message: Option<String>,
    /// What a person can do.
    pub fix: Option<String>,
    /// JSON text of the caller's own shape.
    pub detail: Option<String>,
}

impl Ledger {
    /// Add rows to a run, in one transaction. Rows are numbered from 0 in the order
    /// they are added; the number of the first one added here is returned.
    ///
    /// # Errors
    /// [`LedgerError::RunState`](crate::LedgerError::RunState) if the run is over.
    pub fn add_run_lines(
        &self,
        lease: RunLease,
        lines: impl IntoIterator<Item = RunLine>,
    ) -> Result<u32> {
        // Before the transaction, which may have to be run again.
        let lines: Vec<RunLine> = lines.into_iter().collect();
        self.write(|change, _| {
            let run = lease.in_run(change)?.run;
            let first: u32 = change.query_row(
                "SELECT coalesce(max(row) + 1, 0) FROM run_lines WHERE run = ?1",
                [run.0],
                |row| row.get(0),
            )?;
            let mut numbers = Numbers::new(change);
            let rows = (first..).zip(&lines).map(|(row, line)| {
                let workspace = line.workspace.as_ref().map(|id| numbers.of(id.as_str()));
                let module = line.module.as_ref().map(|id| numbers.of(id.as_str()));
                Ok([
                    run.0.into(),
                    row.into(),
                    workspace.transpose()?.into(),
                    module.transpose()?.into(),
                    line.account.as_ref().map(AccountId::as_str).into(),
                    line.service.as_ref().map(ServiceId::as_str).into(),
                    line.contract.as_ref().map(ContractId::as_str).into(),
                    line.line.as_ref().map(LineId::as_str).into(),
                    line.baseline.into(),
                    line.target.into(),
                    line.effective.into(),
                    line.outcome.as_str().into(),
                    line.code.as_ref().into(),
                    line.message.as_ref().into(),
                    line.fix.as_ref().into(),
                    line.detail.as_ref().into(),
                ])
            });
            change.insert_rows(
                "INSERT INTO run_lines (run, row, workspace, module, account, service, contract,
                     line, baseline, target, effective, outcome, code, message, fix, detail)
                 VALUES :rows",
                rows,
            )?;
            Ok(first)
        })
        .inspect(|_| self.reached(Step::RowsWritten))
    }

    /// Give rows of a run a new outcome, in one transaction. Also after the run is over:
    /// what was in doubt is settled later.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound) for a run or row that is
    /// not there.
    pub fn update_run_lines(&self, lease: RunLease, updates: &[LineUpdate]) -> Result<()> {
        self.write(|change, _| {
            let held = lease.held(change)?;
            for line in updates {
                update(change, &held, held.run, line)?;
            }
            Ok(())
        })
        .inspect(|_| self.reached(Step::OutcomesWritten))
    }

    /// The line that each pair of a run stands on, one after the other: a large run is never in
    /// memory for it. Where the database has to be asked again, `take` is given them anew.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn each_chosen_line(
        &self,
        run: RunId,
        take: impl FnMut(WorkspaceId, ModuleId, LineId),
    ) -> Result<()> {
        let take = RefCell::new(take);
        self.read(|view| {
            let mut workspaces = Texts::new(view);
            let mut modules = Texts::new(view);
            let mut select = view.prepare(
                "SELECT workspace, module, line FROM run_lines
                 WHERE run = ?1 AND workspace IS NOT NULL AND module IS NOT NULL
                     AND line IS NOT NULL ORDER BY row",
            )?;
            let mut rows = select.query([run.0])?;
            while let Some(row) = &rows.next()? {
                let (workspace, module) = (row.get(0)?, row.get(1)?);
                take.borrow_mut()(
                    workspaces.of(workspace)?,
                    modules.of(module)?,
                    parsed(row, 2)?,
                );
            }
            Ok(())
        })
    }

    /// All rows of a run, in order. Ids that repeat share their text. A row whose
    /// adjustment was accepted and not read back yet is in doubt.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn run_lines(&self, run: RunId) -> Result<Vec<RunLine>> {
        self.read(|view| {
            view.query_row("SELECT 1 FROM runs WHERE id = ?1", [run.0], |_| Ok(()))
                .optional()?
                .ok_or_else(|| run.not_found())?;
            let mut workspaces = Texts::new(view);
            let mut modules = Texts::new(view);
            // By place, not by name: names are looked up for every row.
            let mut select = view.prepare(
                "SELECT workspace, module, account, service, contract, line, baseline, target,
                     effective, outcome, code, message, fix, detail
                 FROM run_lines WHERE run = ?1 ORDER BY row",
            )?;
            let mut rows = select.query([run.0])?;
            let mut lines = Vec::new();
            while let Some(row) = &rows.next()? {
                let workspace: Option<i64> = row.get(0)?;
                let module: Option<i64> = row.get(1)?;
                lines.push(RunLine {
                    workspace: workspace.map(|id| workspaces.of(id)).transpose()?,
                    module: module.map(|id| modules.of(id)).transpose()?,
                    account: parsed_opt(row, 2)?,
                    service: parsed_opt(row, 3)?,
                    contract: parsed_opt(row, 4)?,
                    line: parsed_opt(row, 5)?,
                    baseline: units_opt(row, 6)?,
                    target: units_opt(row, 7)?,
                    effective: date_opt(row, 8)?,
                    outcome: parsed(row, 9)?,
                    code: row.get(10)?,
                    message: row.get(11)?,
                    fix: row.get(12)?,
                    detail: row.get(13)?,
                });
            }
            for row in accepted(view, run)? {
                let line = usize::try_from(row).ok().and_then(|at| lines.get_mut(at));
                // What the run itself wrote later says more.
                if let Some(line) = line.filter(|line| line.outcome == Outcome::Planned) {
                    line.take(Answer::Accepted.row(row));
                }
            }
            Ok(lines)
        })
    }
}

impl RunLine {
    fn take(&mut self, update: LineUpdate) {
        self.outcome = update.outcome;
        self.code = update.code;
        self.message = update.message;
        self.fix = update.fix;
    }
}

/// Rows of a run whose adjustments were accepted: nothing is written to them until it
/// was read back.
fn accepted(view: &Tx<'_>, run: RunId) -> Inside<Vec<u32>> {
    let mut rows = view.prepare("SELECT row FROM intents WHERE run = ?1 AND state = 'accepted'")?;
    let rows = rows.query_map([run.0], |row| row.get(0))?;
    Ok(rows.collect::<Sql<_>>()?)
}

/// Give one row a new outcome, also of an earlier run whose adjustment is settled now.
pub(crate) fn update(change: &Tx<'_>, _held: &Held, run: RunId, line: &LineUpdate) -> Inside<()> {
    let changed = change
        .prepare(
            "UPDATE run_lines SET outcome = ?3, code = ?4, message = ?5, fix = ?6
             WHERE run = ?1 AND row = ?2",
        )?
        .execute(params![
            run.0,
            line.row,
            line.outcome.as_str(),
            line.code,
            line.message,
            line.fix
        ])?;
    if changed == 0 {
        return Err(crate::LedgerError::NotFound {
            what: "row",
            id: format!("{run} {}", line.row),
        }
        .into());
    }
    Ok(())
}
