//! The runs there were, as a list.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::{ConnectionName, TenantKey};
use psa_host_ledger::{Run, RunId};
use serde::Serialize;

use crate::access::unseen;
use crate::{Access, Power, Result};

/// A run in the list; its lines are in [`Access::run_report`].
#[derive(Debug, Clone, Serialize)]
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
    pub as_of: Date,
    /// Where it is: `running`, `abandoned`, `done`, `parked`, `braked`, `failed`,
    /// `interrupted`.
    pub status: &'static str,
    /// By whom.
    pub started_by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Requests sent to the PSA.
    pub requests: u64,
    /// Lines by outcome.
    pub counts: BTreeMap<&'static str, u64>,
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
        let view = |run: psa_host_ledger::Run| RunView {
            run: run.id.to_string(),
            connection: run.connection,
            tenant: run.tenant,
            snapshot: run.snapshot.map(|id| id.to_string()),
            dry_run: run.dry_run,
            as_of: run.as_of,
            status: run.status.as_str(),
            started_by: run.started_by,
            started_at: run.started_at,
            ended_at: run.ended_at,
            requests: run.requests,
            counts: run
                .counts
                .into_iter()
                .map(|(outcome, count)| (outcome.as_str(), count))
                .collect(),
        };
        Ok(runs.into_iter().map(view).collect())
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
