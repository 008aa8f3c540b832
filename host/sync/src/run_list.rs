//! The runs there were, as a list.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::{ConnectionName, ReportCode, TenantKey};
use psa_host_ledger::{Run, RunEnding, RunId, RunStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::unseen;
use crate::{Access, Power, Result};

/// A run in the list; its lines are in [`Access::run_report`].
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct RunView {
    /// `r-000123`.
    pub run: String,
    /// Of which connection.
    pub connection: ConnectionName,
    /// The PSA instance, where it was reached.
    pub tenant: Option<TenantKey>,
    /// The snapshot it went by.
    pub snapshot: Option<String>,
    /// Whether nothing was to be posted.
    pub dry_run: bool,
    /// The civil date planned for.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: Date,
    /// Where it is: `running`, `done`, `parked`, `braked`, `cancelled`, `failed`, `abandoned`
    /// (nobody waited for it any more) or `killed`.
    pub status: Cow<'static, str>,
    /// Why it did not go through all rows, where it did not.
    pub why: Option<String>,
    /// Who ended it early, where that is how it ended.
    pub cancelled_by: Option<String>,
    /// By whom.
    pub started_by: String,
    /// When it began.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub started_at: Timestamp,
    /// When it ended.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub ended_at: Option<Timestamp>,
    /// Requests sent to the PSA.
    pub requests: u64,
    /// Lines by outcome.
    pub counts: BTreeMap<Cow<'static, str>, u64>,
}

impl Access {
    /// Runs, latest first, at most `limit`; of one connection or of all.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn run_list(
        &self,
        connection: Option<&ConnectionName>,
        limit: u32,
    ) -> Result<Vec<RunView>> {
        self.may(Power::Read)?;
        if let Some(name) = connection {
            self.may_on(name, Power::Read)?;
        }
        let mut runs = self.ledger().runs(connection, limit)?;
        if self.is_scoped() && connection.is_none() {
            runs.clear();
            for connection in self.connections_seen()? {
                runs.extend(self.ledger().runs(Some(&connection.name), limit)?);
            }
            runs.sort_by_key(|run| std::cmp::Reverse(run.id));
            runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(runs.into_iter().map(RunView::from).collect())
    }

    /// A run of a connection that the actor sees.
    pub(crate) fn run_seen(&self, id: RunId) -> Result<Run> {
        let run = self.ledger().run(id)?;
        match self.sees_connection(&run.connection)? {
            true => Ok(run),
            false => Err(unseen("run", id)),
        }
    }
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            why: why(&run),
            cancelled_by: text(&run.incidents, "cancelled_by"),
            run: run.id.to_string(),
            connection: run.connection,
            tenant: run.tenant,
            snapshot: run.snapshot.map(|id| id.to_string()),
            dry_run: run.dry_run,
            as_of: run.as_of,
            status: run.status.as_str().into(),
            started_by: run.started_by,
            started_at: run.started_at,
            ended_at: run.ended_at,
            requests: run.requests,
            counts: run
                .counts
                .into_iter()
                .map(|(outcome, count)| (outcome.as_str().into(), count))
                .collect(),
        }
    }
}

/// The last thing that a run said of itself, where it did not go through all rows.
fn why(run: &Run) -> Option<String> {
    match run.status {
        RunStatus::Running | RunStatus::Ended(RunEnding::Done) => None,
        RunStatus::Killed => Some(ReportCode::RunKilled.cause().to_owned()),
        RunStatus::Ended(_) => text(run.incidents.get("notices")?.as_array()?.last()?, "message"),
    }
}

fn text(of: &Value, key: &str) -> Option<String> {
    of.get(key)?.as_str().map(str::to_owned)
}
