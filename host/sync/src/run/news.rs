//! What a run says that the run before it did not: holds that are new, and changes.

use std::collections::HashMap;

use psa_host_billing::{ModuleId, Units, WorkspaceId};
use psa_host_ledger::Outcome;

use super::report::{LineReport, RunReport};
use crate::{Access, Power, Result};

/// So many runs are looked back to find one that came to an end.
const LOOK_BACK: u32 = 100;

/// A report without what the run before it said already.
#[derive(Debug)]
pub struct News {
    /// The run that it is compared with; none where there was none.
    pub since: Option<String>,
    /// What is new. Its sums are still those of all lines.
    pub report: RunReport,
}

impl Access {
    /// Leave out of a report what the connection's run before it said already. A dry run is
    /// compared with any run before it, a run that posts only with one that posts.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn only_new(&self, report: RunReport) -> Result<News> {
        self.may_on(&report.connection, Power::Read)?;
        let runs = self.ledger().runs(Some(&report.connection), LOOK_BACK)?;
        let before = runs
            .into_iter()
            .skip_while(|run| run.id.to_string() != report.run)
            .skip(1)
            .find(|run| {
                let ended = matches!(run.status.as_str(), "done" | "parked" | "braked");
                ended && (report.dry_run || !run.dry_run)
            });
        let Some(before) = before else {
            return Ok(News {
                since: None,
                report,
            });
        };
        let earlier = self.run_report(before.id)?;
        Ok(News {
            since: Some(earlier.run.clone()),
            report: report.without(&earlier),
        })
    }
}

/// What makes a line say the same as another.
type Said = (Outcome, Option<String>, Option<Units>, Option<Units>);

fn said(line: &LineReport) -> Said {
    (line.outcome, line.code.clone(), line.baseline, line.target)
}

impl RunReport {
    /// Without lines that have nothing to say, and without those that said the very same.
    fn without(mut self, earlier: &Self) -> Self {
        let before: HashMap<(&WorkspaceId, &ModuleId), Said> = earlier
            .lines
            .iter()
            .map(|line| ((&line.workspace, &line.module), said(line)))
            .collect();
        self.lines.retain(|line| {
            let speaks = line.outcome != Outcome::Unchanged || line.code.is_some();
            let same = before.get(&(&line.workspace, &line.module)) == Some(&said(line));
            speaks && !same
        });
        self
    }
}
