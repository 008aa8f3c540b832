//! A person ends a run that another process carries out.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_ledger::{LedgerError, RunId, RunStatus};
use serde::Serialize;

use crate::error::{Problem, rule};
use crate::{Access, Power, Result, RunView};

/// Between two looks whether the run has ended.
const LOOK: Duration = Duration::from_millis(500);

/// Which run is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelTarget {
    /// This one.
    Run(RunId),
    /// The one of this connection that is under way.
    Connection(ConnectionName),
}

/// A run that was asked to end.
#[derive(Debug, Clone, Serialize)]
pub struct CancelAsked {
    /// `r-000123`.
    pub run: String,
    /// Of which connection.
    pub connection: ConnectionName,
    /// By whom.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
}

impl FromStr for CancelTarget {
    type Err = Problem;

    /// A run's number, or a connection's name.
    fn from_str(text: &str) -> Result<Self, Problem> {
        if let Ok(run) = text.parse() {
            return Ok(Self::Run(run));
        }
        text.parse().map(Self::Connection).map_err(|error| {
            let short: String = text.chars().take(60).collect();
            Problem::new(
                ErrorCode::CancelTarget,
                format!("{short:?} is neither a run nor a connection: {error}"),
                "Name a run such as r-000012, or a connection.",
            )
        })
    }
}

impl Access {
    /// Ask a run to end: what is in flight is finished and read back, the rest is not sent.
    /// Its process notices within a second.
    ///
    /// # Errors
    /// No such run or connection, none under way, one that has ended or was asked before.
    pub fn cancel_run(&self, target: &CancelTarget) -> Result<CancelAsked> {
        self.may(Power::Approve)?;
        let run = match target {
            CancelTarget::Run(run) => *run,
            CancelTarget::Connection(name) => self.only_run_of(name)?,
        };
        let found = self.run_seen(run)?;
        match found.status {
            RunStatus::Running => {}
            RunStatus::Killed => {
                return Err(rule(
                    ErrorCode::RunOver,
                    format!("the process of run {run} is dead: nobody is at work any more"),
                    format!(
                        "Sync again: what may have left is read before anything is sent. `psa-host \
                         run show {run}` says what is in doubt."
                    ),
                ));
            }
            RunStatus::Ended(ending) => return Err(has_ended(run, ending.as_str())),
        }
        let earlier = match self.ledger().request_cancel(run) {
            // It ended in this moment.
            Err(LedgerError::RunState { .. }) => {
                let status = self.ledger().run(run)?.status;
                return Err(has_ended(run, status.as_str()));
            }
            asked => asked?,
        };
        if let Some(earlier) = earlier {
            return Err(rule(
                ErrorCode::RunBeingCancelled,
                format!(
                    "run {run} is being cancelled already: {} asked for it at {:.0}",
                    earlier.by, earlier.at
                ),
                format!(
                    "Wait: what is in flight is finished and read back first. `psa-host run show \
                     {run}` says how far it is."
                ),
            ));
        }
        Ok(CancelAsked {
            run: run.to_string(),
            connection: found.connection,
            asked_by: self.actor().who().to_owned(),
            asked_at: self.now(),
        })
    }

    /// Wait until a run has ended, however it does.
    ///
    /// # Errors
    /// No such run; a failing or damaged database.
    pub async fn wait_for_end(&self, run: &str) -> Result<RunView> {
        self.may(Power::Read)?;
        let id: RunId = run.parse()?;
        loop {
            let found = self.run_seen(id)?;
            if found.status != RunStatus::Running {
                return Ok(found.into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn only_run_of(&self, name: &ConnectionName) -> Result<RunId> {
        self.connection(name)?;
        let under_way = self.ledger().runs_under_way(name)?;
        match under_way.as_slice() {
            [] => Err(rule(
                ErrorCode::NoRunUnderWay,
                format!("no run of connection {name} is under way"),
                format!("See `psa-host run list {name}`."),
            )),
            [one] => Ok(one.id),
            several => {
                let runs: Vec<String> = several
                    .iter()
                    .map(|run| match run.dry_run {
                        true => format!("{} (dry run)", run.id),
                        false => run.id.to_string(),
                    })
                    .collect();
                Err(rule(
                    ErrorCode::SeveralRunsUnderWay,
                    format!(
                        "{} runs of connection {name} are under way: {}",
                        runs.len(),
                        runs.join(", ")
                    ),
                    "Name the one that is to end.",
                ))
            }
        }
    }
}

fn has_ended(run: RunId, status: &str) -> crate::Error {
    rule(
        ErrorCode::RunOver,
        format!("run {run} has ended already ({status})"),
        format!("See `psa-host run show {run}`."),
    )
}
