//! Lines that a plan found right, written down while adjustments are on their way: the
//! first run of a large tenant finds tens of thousands, and nothing waits for them.

use jiff::civil::Date;
use psa_host_billing::{TenantKey, Units};
use psa_host_ledger::{Ledger, RunId, SeenRight};
use tokio::task::JoinHandle;

use super::ended;
use super::report::LineReport;
use crate::Result;

/// Lines in one transaction: what else is written waits no longer than for these.
const AT_ONCE: usize = 4_000;

/// A row of the run whose line was found right.
pub(super) struct RightRow {
    pub row: u32,
    pub units: Units,
    /// From this day on it has them.
    pub since: Date,
}

/// What is to be remembered, and the task that writes it once it has begun.
pub(super) struct FoundRight {
    ledger: Ledger,
    run: RunId,
    tenant: TenantKey,
    left: Vec<RightRow>,
    under_way: Option<JoinHandle<psa_host_ledger::Result<()>>>,
}

impl FoundRight {
    pub fn new(ledger: &Ledger, run: RunId, tenant: &TenantKey, rows: Vec<RightRow>) -> Self {
        Self {
            ledger: ledger.clone(),
            run,
            tenant: tenant.clone(),
            left: rows,
            under_way: None,
        }
    }

    /// Begin to write, if that has not begun. `lines`: the rows of the run.
    pub fn begin(&mut self, lines: &[LineReport]) {
        if self.left.is_empty() {
            return;
        }
        let found = std::mem::take(&mut self.left).into_iter();
        let mut seen: Vec<SeenRight> = found
            .filter_map(|RightRow { row, units, since }| {
                let report = lines.get(usize::try_from(row).ok()?)?;
                Some(SeenRight {
                    line: report.line.clone()?,
                    workspace: report.workspace.clone(),
                    module: report.module.clone(),
                    units,
                    since,
                })
            })
            .collect();
        let (ledger, run, tenant) = (self.ledger.clone(), self.run, self.tenant.clone());
        self.under_way = Some(tokio::task::spawn_blocking(move || {
            // In the order of the table they go to.
            seen.sort_unstable_by(|a, b| a.line.cmp(&b.line));
            seen.chunks(AT_ONCE)
                .try_for_each(|lines| ledger.see_right(run, &tenant, lines))
        }));
    }

    /// All is written.
    pub async fn finish(&mut self, lines: &[LineReport]) -> Result<()> {
        self.begin(lines);
        if let Some(written) = self.under_way.take() {
            written.await.map_err(ended)??;
        }
        Ok(())
    }
}
