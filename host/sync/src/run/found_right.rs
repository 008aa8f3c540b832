//! Lines that a plan found right, written down while adjustments are on their way: the
//! first run of a large tenant finds tens of thousands, and nothing waits for them.

use psa_host_billing::TenantKey;
use psa_host_ledger::{Ledger, RunId, SeenRight};
use tokio::task::JoinHandle;

use super::ended;
use crate::Result;

/// Lines in one transaction: what else is written waits no longer than for these.
const AT_ONCE: usize = 4_000;

/// What is to be remembered, and the task that writes it once it has begun.
pub(super) struct FoundRight {
    ledger: Ledger,
    run: RunId,
    tenant: TenantKey,
    left: Vec<SeenRight>,
    under_way: Option<JoinHandle<psa_host_ledger::Result<()>>>,
}

impl FoundRight {
    pub fn new(ledger: &Ledger, run: RunId, tenant: &TenantKey, lines: Vec<SeenRight>) -> Self {
        Self {
            ledger: ledger.clone(),
            run,
            tenant: tenant.clone(),
            left: lines,
            under_way: None,
        }
    }

    /// Begin to write, if that has not begun.
    pub fn begin(&mut self) {
        if self.left.is_empty() {
            return;
        }
        let mut lines = std::mem::take(&mut self.left);
        let (ledger, run, tenant) = (self.ledger.clone(), self.run, self.tenant.clone());
        self.under_way = Some(tokio::task::spawn_blocking(move || {
            // In the order of the table they go to.
            lines.sort_unstable_by(|a, b| a.line.cmp(&b.line));
            lines
                .chunks(AT_ONCE)
                .try_for_each(|lines| ledger.see_right(run, &tenant, lines))
        }));
    }

    /// All is written.
    pub async fn finish(&mut self) -> Result<()> {
        self.begin();
        if let Some(written) = self.under_way.take() {
            written.await.map_err(ended)??;
        }
        Ok(())
    }
}
