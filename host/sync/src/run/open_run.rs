//! A run that is not over. It cannot be left open: whoever has it ends it and says how, and
//! where that never comes about (an error in between, a panic, a caller that waits no
//! longer) its record says so all the same. Only a process that dies leaves a run open; the
//! next one to sync anything closes it.
//!
//! Whatever the end, adjustments are settled by the rules: what may have left is known to
//! the ledger, is shown as doubtful, and is read by a later run before anything is sent.

use std::collections::BTreeMap;

use jiff::civil::Date;
use psa_host_billing::ReportCode;
use psa_host_billing::brake::BrakeCode;
use psa_host_ledger::{
    Ledger, LedgerError, NewRun, Outcome, Run, RunEnd, RunEnding, RunId, RunLease, Step,
};
use psa_host_sandbox::CallErrorKind;
use serde_json::json;

use super::cancel::Cancel;
use super::only::Only;
use super::release::Released;
use super::report::{Notice, Summary};
use super::stored;
use crate::{Access, Error, OpenConnection, Result};

/// A run under way. Dropped without [`OpenRun::finish`] or [`OpenRun::fail`], it is ended as
/// given up, or as failed where the thread panics.
pub(super) struct OpenRun<'a> {
    ledger: Ledger,
    lease: RunLease,
    about: About<'a>,
    ended: bool,
}

/// What a run's record says whatever its end.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub open: &'a OpenConnection,
    pub cancel: &'a Cancel,
    pub only: &'a Only,
    /// The day it is in the connection's zone.
    pub today: Date,
}

/// How a run ended, as it tells itself.
#[derive(Default)]
pub(super) struct End<'a> {
    /// None: it went through all rows.
    pub ending: Option<RunEnding>,
    /// None: as the rows in the ledger say.
    pub counts: Option<BTreeMap<Outcome, u64>>,
    pub released: &'a [Released],
    pub notices: &'a [Notice],
    pub unmapped: (usize, usize),
}

impl<'a> OpenRun<'a> {
    /// Begin a run.
    ///
    /// # Errors
    /// See [`Ledger::begin_run`].
    pub fn begin(ledger: &Ledger, new: &NewRun, about: About<'a>) -> Result<Self> {
        let run = Self {
            lease: ledger.begin_run(new)?,
            ledger: ledger.clone(),
            about,
            ended: false,
        };
        run.ledger.reached(Step::RunBegun);
        Ok(run)
    }

    /// What its verbs in the ledger take.
    pub fn lease(&self) -> RunLease {
        self.lease
    }

    /// It is over.
    ///
    /// # Errors
    /// The ledger cannot be written; then the run has failed, or counts as killed where not
    /// even that can be written.
    pub fn finish(mut self, end: End<'_>) -> Result<()> {
        self.write(&end).inspect_err(|error| self.fail(error, end))
    }

    /// It could not be carried out; or not yet, where the tenant's budget was used up. Its
    /// adjustments, if any left, are open in the ledger.
    pub fn fail(mut self, error: &Error, mut end: End<'_>) {
        let problem = error.problem();
        let notice = Notice {
            code: problem.code.to_string(),
            message: problem.message,
            fix: problem.fix.unwrap_or_default(),
            plugin: None,
        };
        let parked = matches!(
            error,
            Error::Call { error, .. } if matches!(
                error.kind,
                CallErrorKind::BudgetParked { .. } | CallErrorKind::RateLimited { .. }
            )
        );
        end.ending = Some(match parked {
            true => RunEnding::Parked,
            false => RunEnding::Failed,
        });
        let notices: Vec<Notice> = end.notices.iter().cloned().chain([notice]).collect();
        self.write_or_let_go(&End {
            notices: &notices,
            ..end
        });
    }

    fn write(&mut self, end: &End<'_>) -> Result<()> {
        let About {
            open,
            cancel,
            only,
            today,
        } = self.about;
        let ending = end.ending.unwrap_or(RunEnding::Done);
        let counts = match &end.counts {
            Some(counts) => counts.clone(),
            None => counts_in(&self.ledger, self.lease.run())?,
        };
        let by = cancel.by().filter(|_| ending == RunEnding::Cancelled);
        let record = RunEnd {
            ending,
            requests: open.session.requests().total,
            counts,
            incidents: json!({
                "today": today, "released": end.released, "notices": end.notices,
                "incidents": stored::incidents(open), "dev_origins": open.session.dev_origins(),
                "unmapped_workspaces": end.unmapped.0, "unmapped_modules": end.unmapped.1,
                "cancelled_by": by, "only": only.ids(), "left_out": only.left_out(),
            }),
            closes_date: closes_date(ending, end.notices, cancel),
        };
        self.ledger.end_run(self.lease, &record)?;
        self.ended = true;
        tracing::info!(
            run = %self.lease.run(),
            connection = %open.connection.name,
            status = ending.as_str(),
            requests = record.requests,
            "run ends"
        );
        Ok(())
    }

    /// Where not even the end can be written, others are to see at least that nobody is at
    /// work any more.
    fn write_or_let_go(&mut self, end: &End<'_>) {
        if let Err(error) = self.write(end) {
            let run = self.lease.run();
            tracing::error!(%error, %run, "how a run ended could not be written down");
            self.ledger.let_go(run);
            self.ended = true;
        }
    }
}

impl Drop for OpenRun<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (ending, code) = match std::thread::panicking() {
            true => (RunEnding::Failed, ReportCode::RunFailed),
            false => (RunEnding::Abandoned, ReportCode::RunAbandoned),
        };
        self.write_or_let_go(&End {
            ending: Some(ending),
            notices: &[Notice::of_run(code)],
            ..End::default()
        });
    }
}

impl Access {
    /// End the runs whose process died, whatever their connection: their record says so
    /// from now on. Their adjustments are settled by the next run of their connection.
    pub(super) fn close_killed_runs(&self) -> Result<()> {
        for run in self.ledger().killed_runs()? {
            let end = RunEnd {
                ending: RunEnding::Killed,
                requests: run.requests,
                counts: counts_in(self.ledger(), run.id)?,
                incidents: json!({ "notices": [Notice::of_run(ReportCode::RunKilled)] }),
                closes_date: false,
            };
            match self.ledger().end_killed_run(run.id, &end) {
                // Another process was faster.
                Ok(()) | Err(LedgerError::RunState { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Whether nothing is left to do for the date that a run was for: all rows were gone through,
/// or a person has judged it, or has to.
fn closes_date(ending: RunEnding, notices: &[Notice], cancel: &Cancel) -> bool {
    match ending {
        RunEnding::Done => true,
        RunEnding::Braked => !notices
            .iter()
            .filter_map(|notice| notice.code.parse().ok())
            .any(BrakeCode::mends_itself),
        RunEnding::Cancelled => cancel.is_asked(),
        RunEnding::Parked
        | RunEnding::Failed
        | RunEnding::Abandoned
        | RunEnding::Killed
        | RunEnding::Superseded => false,
    }
}

/// What is known of a run's lines.
fn counts_in(ledger: &Ledger, id: RunId) -> Result<BTreeMap<Outcome, u64>> {
    let Run { as_of, .. } = ledger.run(id)?;
    Ok(Summary::of(&stored::lines_of(ledger, id, as_of)?).counts())
}
