//! What is in doubt when a run ends: when to sync again, and waiting for it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use psa_host_billing::{ConnectionName, HoldCode, TenantKey, WorkspaceId};
use psa_host_ledger::{IntentRecord, IntentState};

use super::SyncOptions;
use super::report::{Notice, RunReport};
use super::settling::until;
use crate::progress::Watch;
use crate::{Access, OpenConnection, Power, Result};

/// Between two looks at the clock: it may be put forward.
const LOOK: Duration = Duration::from_secs(1);

/// Adjustments of which nobody knows yet what became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
    /// When the last of their lines may be read.
    pub until: Timestamp,
    /// Whose they are.
    pub workspaces: BTreeSet<WorkspaceId>,
}

impl Access {
    /// What is in doubt of a connection, and when a run settles it; none where nothing is.
    ///
    /// # Errors
    /// No such connection; a plugin that cannot be loaded any more.
    pub async fn in_doubt(&self, name: &ConnectionName) -> Result<Option<InDoubt>> {
        self.may_on(name, Power::Read)?;
        let Some(tenant) = self.ledger().connection(name)?.tenant else {
            return Ok(None);
        };
        let doubtful = self.in_doubt_of(name, &tenant)?;
        if doubtful.is_empty() {
            return Ok(None);
        }
        let quarantine = self.quarantine_of(name).await?;
        let until = doubtful.iter().map(|open| until(open, quarantine)).max();
        let workspaces = doubtful
            .into_iter()
            .map(|open| open.intent.adjustment.workspace)
            .collect();
        Ok(until.map(|until| InDoubt { until, workspaces }))
    }

    /// Sync, and where adjustments are in doubt at the end, wait out their quarantine, read
    /// their lines and send what is missing once more: a second run, whose report is
    /// returned. `before_waiting` is given that of the first.
    ///
    /// # Errors
    /// As [`Access::sync`].
    pub async fn sync_and_wait(
        &self,
        name: &ConnectionName,
        options: &SyncOptions,
        watch: Watch<'_>,
        before_waiting: &(dyn Fn(&RunReport) + Sync),
    ) -> Result<RunReport> {
        self.may_on(name, options.power())?;
        let first = self.sync(name, options, watch).await?;
        let quarantine = match options.quarantine {
            Some(quarantine) => quarantine,
            None => self.quarantine_of(name).await?,
        };
        let Some(until) = self.all_due(name, &first.tenant, quarantine)? else {
            return Ok(first);
        };
        before_waiting(&first);
        while self.now() <= until {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = options.cancel.cancelled() => return Ok(first),
            }
        }
        // What a person released for the first run is not released for another.
        let again = SyncOptions {
            release: None,
            ..options.clone()
        };
        self.sync(name, &again, watch).await
    }

    /// What a run says of that which is in doubt at its end.
    pub(super) fn says_when_to_sync_again(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        quarantine: Duration,
    ) -> Result<Option<Notice>> {
        let name = &open.connection.name;
        let doubtful = self.in_doubt_of(name, tenant)?;
        let Some(until) = self.all_due(name, tenant, quarantine)? else {
            return Ok(None);
        };
        Ok(Some(Notice {
            code: HoldCode::OpenAdjustment.to_string(),
            message: format!(
                "{} adjustments have no certain outcome yet; their lines are read after {until:.0}",
                doubtful.len()
            ),
            fix: format!(
                "Sync again after {until:.0}. `psa-host sync {name} --wait` waits for it by itself."
            ),
            plugin: None,
        }))
    }

    /// When the last line in doubt may be read; none where none is.
    fn all_due(
        &self,
        name: &ConnectionName,
        tenant: &TenantKey,
        quarantine: Duration,
    ) -> Result<Option<Timestamp>> {
        let doubtful = self.in_doubt_of(name, tenant)?;
        Ok(doubtful.iter().map(|open| until(open, quarantine)).max())
    }

    /// Adjustments of a connection that only time settles.
    fn in_doubt_of(&self, name: &ConnectionName, tenant: &TenantKey) -> Result<Vec<IntentRecord>> {
        let mut open = self.ledger().open_intents(tenant)?;
        open.retain(|intent| {
            let waits = !matches!(intent.state, IntentState::Held | IntentState::Intended);
            waits && !intent.is_only_marked() && self.made_by(intent, name)
        });
        Ok(open)
    }

    async fn quarantine_of(&self, name: &ConnectionName) -> Result<Duration> {
        let open = self.open_connection(name, crate::Purpose::Look).await?;
        Ok(open.quarantine())
    }
}
