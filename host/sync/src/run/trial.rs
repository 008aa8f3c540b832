//! A file on trial reads and plans as a dry run does, and leaves no run behind.

use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use psa_host_billing::ErrorCode;
use psa_host_billing::plan::last_day_to_read;
use psa_host_billing::trial::Tried;
use psa_host_sandbox::{Depth, FindingVerdict};

use super::only::Only;
use super::planning::{Planning, Rows};
use super::stall::{LONGEST_STALL, Stall};
use crate::error::rule;
use crate::progress::Progress;
use crate::{Access, OpenConnection, Result, Window};

impl Access {
    /// What a file makes of a connection on a day: its check with all permissions, and, as a
    /// dry run reads and plans them, the contracts and lines of every mapped account.
    ///
    /// # Errors
    /// What the check or the reading ended with; a permission that is refused.
    pub(crate) async fn try_reading(&self, open: &OpenConnection, as_of: Date) -> Result<Tried> {
        let stall = Stall::new(LONGEST_STALL);
        let watch = |progress: Progress| stall.note(&progress);
        tokio::select! {
            biased;
            tried = self.reading_on_trial(open, as_of, &watch) => tried,
            () = stall.ends(|| open.session.waited()) => Err(stall.error(open)),
        }
    }

    async fn reading_on_trial(
        &self,
        open: &OpenConnection,
        as_of: Date,
        watch: crate::Watch<'_>,
    ) -> Result<Tried> {
        let report = open.reader.check(Depth::Full).await;
        let report = report.map_err(|error| open.failed(error))?;
        let refused = report
            .findings
            .iter()
            .find(|finding| finding.verdict == FindingVerdict::Refused);
        if let Some(finding) = refused {
            return Err(rule(
                ErrorCode::Permission,
                format!(
                    "connection {}: the PSA refuses {}: {}",
                    open.connection.name, finding.subject, finding.detail
                ),
                "Give the connection's user this permission in the PSA, then try again.",
            ));
        }
        // Whatever tenant the file claims: what is known of its lines, and its budget, are
        // those of the connection.
        let tenant = match &open.connection.tenant {
            Some(tenant) => tenant.clone(),
            None => report.tenant.clone(),
        };
        let tried = Mutex::new(Tried::at(Some(report.tenant)));
        match self.newest_snapshot(open)? {
            Some(snapshot) => {
                let rules = self.ledger().rules(&open.connection.name)?;
                let planning = Planning {
                    open,
                    tenant: &tenant,
                    as_of,
                    snapshot: &snapshot,
                    rules: &rules,
                    quarantine: open.quarantine(),
                    only: &Only::default(),
                    tried: Some(&tried),
                };
                let mut rows = Rows::new(self.ledger(), None);
                self.plan(&planning, &mut rows, watch).await?;
            }
            None => self.only_read(open, as_of, &tried, watch).await?,
        }
        Ok(tried.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Without counts there is nothing to plan.
    async fn only_read(
        &self,
        open: &OpenConnection,
        as_of: Date,
        tried: &Mutex<Tried>,
        watch: crate::Watch<'_>,
    ) -> Result<()> {
        let mapping = self.mapping_of(open)?;
        let accounts: Vec<_> = mapping
            .accounts()
            .map(|(_, account)| account.clone())
            .collect();
        let window = Window {
            start: as_of,
            horizon: Some(last_day_to_read(as_of)),
        };
        let mut chunks = open.reader.chunks(&accounts, window);
        while let Some(chunk) = chunks.next(watch).await {
            for read in chunk.map_err(|error| open.failed(error))? {
                if let Ok(contracts) = &read.contracts {
                    let mut tried = tried.lock().unwrap_or_else(PoisonError::into_inner);
                    tried.read(contracts, as_of);
                }
            }
        }
        Ok(())
    }
}
