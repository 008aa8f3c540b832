//! Lines that a plan found right, written down while adjustments are on their way: the
//! first run of a large tenant finds tens of thousands, and nothing waits for them.

use jiff::civil::Date;
use psa_host_billing::{LineId, TenantKey, Units};
use psa_host_ledger::{Ledger, RunLease, SeenRight};
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

/// What is to be remembered, and the writing of a part of it that is under way.
pub(super) struct FoundRight {
    ledger: Ledger,
    run: RunLease,
    tenant: TenantKey,
    /// In the order of the table they go to, the first one last.
    left: Vec<RightRow>,
    under_way: Option<JoinHandle<psa_host_ledger::Result<()>>>,
}

impl FoundRight {
    /// `lines`: the rows of the run.
    pub fn new(
        ledger: &Ledger,
        run: RunLease,
        tenant: &TenantKey,
        mut rows: Vec<RightRow>,
        lines: &[LineReport],
    ) -> Self {
        rows.sort_unstable_by(|a, b| b.line(lines).cmp(&a.line(lines)));
        Self {
            ledger: ledger.clone(),
            run,
            tenant: tenant.clone(),
            left: rows,
            under_way: None,
        }
    }

    /// Begin to write the next part, unless the last one is still being written. Part by
    /// part, because a copy of all would take as much memory as the report itself.
    pub async fn go_on(&mut self, lines: &[LineReport]) -> Result<()> {
        if self
            .under_way
            .as_ref()
            .is_some_and(|part| !part.is_finished())
        {
            return Ok(());
        }
        self.written().await?;
        if self.left.is_empty() {
            return Ok(());
        }
        let rest = self.left.len().saturating_sub(AT_ONCE);
        let part = self.left.drain(rest..).rev();
        let seen: Vec<SeenRight> = part.filter_map(|row| row.seen(lines)).collect();
        let (ledger, run, tenant) = (self.ledger.clone(), self.run, self.tenant.clone());
        let write = move || ledger.see_right(run, &tenant, &seen);
        self.under_way = Some(tokio::task::spawn_blocking(write));
        Ok(())
    }

    /// All is written.
    pub async fn finish(&mut self, lines: &[LineReport]) -> Result<()> {
        while !self.left.is_empty() {
            self.written().await?;
            self.go_on(lines).await?;
        }
        self.written().await
    }

    async fn written(&mut self) -> Result<()> {
        if let Some(written) = self.under_way.take() {
            written.await.map_err(ended)??;
        }
        Ok(())
    }
}

impl RightRow {
    fn report<'a>(&self, lines: &'a [LineReport]) -> Option<&'a LineReport> {
        lines.get(usize::try_from(self.row).ok()?)
    }

    fn line<'a>(&self, lines: &'a [LineReport]) -> Option<&'a LineId> {
        self.report(lines)?.line.as_ref()
    }

    fn seen(&self, lines: &[LineReport]) -> Option<SeenRight> {
        let report = self.report(lines)?;
        Some(SeenRight {
            line: report.line.clone()?,
            workspace: report.workspace.clone(),
            module: report.module.clone(),
            contract: report.contract.clone(),
            units: self.units,
            since: self.since,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use psa_host_ledger::{NewRun, Outcome};

    use super::*;
    use crate::testing::Fixture;

    const DAY: Date = date(2026, 10, 1);

    fn report(line: Option<u32>) -> LineReport {
        LineReport {
            workspace: "w1".parse().unwrap(),
            module: "edr".parse().unwrap(),
            account: None,
            service: "7".parse().unwrap(),
            contract: None,
            line: line.map(|line| line.to_string().parse().unwrap()),
            baseline: None,
            target: None,
            effective_date: DAY,
            outcome: Outcome::Unchanged,
            code: None,
            message: None,
            fix: None,
            link: None,
            money: None,
            question: None,
        }
    }

    #[tokio::test]
    async fn all_are_written_part_by_part_each_with_its_own_units() {
        let fixture = Fixture::with_plugin();
        let name = fixture.connect().await;
        let ledger = fixture.host.ledger();
        let tenant: TenantKey = "zone5/db1".parse().unwrap();
        let begun = ledger.begin_run(&NewRun {
            connection: name,
            tenant: Some(tenant.clone()),
            snapshot: None,
            dry_run: false,
            as_of: DAY,
            scheduled_for: None,
        });
        let run = begun.unwrap();
        let count = u32::try_from(2 * AT_ONCE + 10).unwrap();
        // Numbered against the order of the rows; row 3 has lost its line.
        let lines: Vec<LineReport> = (0..count)
            .map(|row| report((row != 3).then_some(count - row)))
            .collect();
        let rows = (0..count).map(|row| RightRow {
            row,
            units: Units::from(row),
            since: DAY,
        });
        let seen = || ledger.seen_right(&tenant).unwrap();
        let mut found = FoundRight::new(ledger, run, &tenant, rows.collect(), &lines);
        assert!(seen().is_empty());
        found.go_on(&lines).await.unwrap();
        found.written().await.unwrap();
        assert_eq!(
            seen().len(),
            AT_ONCE - 1,
            "one part, whose first row has no line"
        );
        found.finish(&lines).await.unwrap();
        let seen = seen();
        assert_eq!(seen.len(), 2 * AT_ONCE + 9);
        for right in seen {
            let line: u32 = right.line.as_str().parse().unwrap();
            assert_eq!(right.units, Units::from(count - line), "line {line}");
        }
    }
}
