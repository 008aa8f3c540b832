//! Lines that a plan found right, written down while adjustments are on their way: the
//! first run of a large tenant finds tens of thousands, and nothing waits for them.

use psa_host_billing::TenantKey;
use psa_host_ledger::{Ledger, RightRow, RunLease};
use tokio::task::JoinHandle;

use super::ended;
use crate::Result;

/// Lines in one transaction: what else is written waits no longer than for these.
const AT_ONCE: usize = 4_000;

/// What is to be remembered, and the writing of a part of it that is under way.
pub(super) struct FoundRight {
    ledger: Ledger,
    run: RunLease,
    tenant: TenantKey,
    left: Vec<RightRow>,
    /// So many of them are written, or are being written.
    begun: usize,
    under_way: Option<JoinHandle<psa_host_ledger::Result<()>>>,
}

impl FoundRight {
    /// `rows`: of this run, in their order.
    pub fn new(ledger: &Ledger, run: RunLease, tenant: &TenantKey, rows: Vec<RightRow>) -> Self {
        Self {
            ledger: ledger.clone(),
            run,
            tenant: tenant.clone(),
            left: rows,
            begun: 0,
            under_way: None,
        }
    }

    /// Begin to write the next part, unless the last one is still being written.
    pub async fn go_on(&mut self) -> Result<()> {
        let at_work = self.under_way.as_ref();
        if at_work.is_some_and(|part| !part.is_finished()) {
            return Ok(());
        }
        self.written().await?;
        let left = self.left.get(self.begun..).unwrap_or_default();
        let part: Vec<RightRow> = left.iter().take(AT_ONCE).copied().collect();
        if part.is_empty() {
            return Ok(());
        }
        self.begun += part.len();
        let (ledger, run, tenant) = (self.ledger.clone(), self.run, self.tenant.clone());
        let write = move || ledger.see_right(run, &tenant, &part);
        self.under_way = Some(tokio::task::spawn_blocking(write));
        Ok(())
    }

    /// All is written.
    pub async fn finish(&mut self) -> Result<()> {
        while self.begun < self.left.len() {
            self.written().await?;
            self.go_on().await?;
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

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use psa_host_billing::Units;
    use psa_host_ledger::{NewRun, Outcome, RunLine};

    use super::*;
    use crate::testing::Fixture;

    const DAY: Date = date(2026, 10, 1);
    const LATER: Date = date(2026, 11, 1);

    fn row(line: Option<u32>) -> RunLine {
        RunLine {
            workspace: Some("w1".parse().unwrap()),
            module: Some("edr".parse().unwrap()),
            account: None,
            service: Some("7".parse().unwrap()),
            contract: None,
            line: line.map(|line| line.to_string().parse().unwrap()),
            baseline: None,
            target: line.map(|line| Units::from(2 * line)),
            effective: Some(DAY),
            outcome: Outcome::Unchanged,
            code: None,
            message: None,
            fix: None,
            detail: None,
        }
    }

    #[tokio::test]
    async fn all_are_written_part_by_part_each_with_its_own_units_and_day() {
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
        // Numbered against the order of the rows; row 3 has no line.
        let lines = (0..count).map(|row| (row != 3).then_some(count - row));
        let lines: Vec<RunLine> = lines.map(self::row).collect();
        ledger.add_run_lines(run, &lines).unwrap();
        let since = |row| if row % 5 == 0 { LATER } else { DAY };
        // Row 7 was not found right.
        let rows = (0..count).filter(|row| *row != 7).map(|row| RightRow {
            row,
            since: since(row),
        });
        let seen = || ledger.seen_right(&tenant).unwrap();
        let mut found = FoundRight::new(ledger, run, &tenant, rows.collect());
        assert!(seen().is_empty());
        found.go_on().await.unwrap();
        found.written().await.unwrap();
        assert_eq!(
            seen().len(),
            AT_ONCE - 1,
            "one part, a row of which has no line"
        );
        found.finish().await.unwrap();
        let seen = seen();
        assert_eq!(seen.len(), 2 * AT_ONCE + 8);
        for right in seen {
            let line: u32 = right.line.as_str().parse().unwrap();
            let row = count - line;
            assert!(row != 7 && row != 3, "row {row}");
            let expected = (Units::from(2 * line), since(row));
            assert_eq!((right.units, right.since), expected, "line {line}");
        }
    }
}
