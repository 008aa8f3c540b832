//! What a run says for itself: one entry for each mapped pair, a sum over all, and
//! whatever a person has to look at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::brake::Brake;
use psa_host_billing::plan::{Decision, PlanLine};
use psa_host_billing::{
    AccountId, ConnectionName, ContractId, Hold, LineId, ModuleId, ServiceId, TenantKey, Units,
    UnitsChange, WorkspaceId,
};
use psa_host_ledger::Outcome;
use psa_host_sandbox::Incident;
use serde::{Deserialize, Serialize};

use crate::orphans::Orphan;

/// Whether a person should look at a pair with this outcome.
pub fn needs_a_person(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Held | Outcome::Rejected | Outcome::Doubtful
    )
}

/// One mapped pair in a run; or a line that was posted and is mapped no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineReport {
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// The account it is mapped to.
    pub account: Option<AccountId>,
    /// The service it is mapped to.
    pub service: ServiceId,
    /// The contract chosen.
    pub contract: Option<ContractId>,
    /// The line chosen.
    pub line: Option<LineId>,
    /// Units on the effective date before the run.
    pub baseline: Option<Units>,
    /// Units that the snapshot asks for.
    pub target: Option<Units>,
    /// Target less baseline.
    pub delta: Option<UnitsChange>,
    /// First day of the new quantity.
    pub effective_date: Date,
    /// What became of it.
    pub outcome: Outcome,
    /// Stable reason code, for all that needs a person.
    pub code: Option<String>,
    /// What happened.
    pub message: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// https address of the record concerned.
    pub link: Option<String>,
}

impl LineReport {
    /// As planned, before anything is sent.
    pub fn planned(line: PlanLine) -> Self {
        let delta = line.delta();
        let (contract, id) = match line.line {
            Some(key) => (Some(key.contract), Some(key.line)),
            None => (None, None),
        };
        let mut report = Self {
            workspace: line.pair.workspace,
            module: line.pair.module,
            account: Some(line.pair.account),
            service: line.pair.service,
            contract,
            line: id,
            baseline: line.baseline,
            target: line.target,
            delta,
            effective_date: line.effective,
            outcome: Outcome::Planned,
            code: None,
            message: None,
            fix: None,
            link: None,
        };
        match line.decision {
            Decision::Adjust => {}
            Decision::Unchanged(note) => {
                report.outcome = Outcome::Unchanged;
                report.message = note;
            }
            Decision::Hold(hold) => report.hold(hold),
        }
        report
    }

    /// A line that no mapping leads to any more.
    pub(super) fn orphan(orphan: Orphan, as_of: Date) -> Self {
        let Orphan {
            posted,
            units,
            hold,
        } = orphan;
        let mut report = Self {
            workspace: posted.workspace,
            module: posted.module,
            account: posted.account,
            service: posted.key.service,
            contract: Some(posted.key.contract),
            line: Some(posted.key.line),
            baseline: units,
            target: None,
            delta: None,
            effective_date: as_of,
            outcome: Outcome::Held,
            code: None,
            message: None,
            fix: None,
            link: None,
        };
        report.hold(hold);
        report
    }

    /// Held, for this reason.
    pub fn hold(&mut self, hold: Hold) {
        self.outcome = Outcome::Held;
        self.explain(hold.code.as_str(), hold.message, &hold.fix);
        self.link = hold.link;
    }

    /// Held by what stops the whole run.
    pub fn brake(&mut self, brake: &Brake) {
        self.outcome = Outcome::Held;
        self.explain(brake.code(), brake.message(), brake.fix());
    }

    /// Say why it came out as it did.
    pub fn explain(&mut self, code: &str, message: impl Into<String>, fix: &str) {
        self.code = Some(code.to_owned());
        self.message = Some(message.into());
        self.fix = Some(fix.to_owned());
    }
}

/// What stopped the whole run, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl From<&Incident> for Notice {
    fn from(incident: &Incident) -> Self {
        let Incident {
            code,
            during,
            message,
            fix,
            times,
        } = incident;
        let times = if *times > 1 {
            format!(" ({times} times)")
        } else {
            String::new()
        };
        Self {
            code: code.as_str().to_owned(),
            message: format!("{message}, in {during}{times}"),
            fix: fix.clone().unwrap_or_default(),
        }
    }
}

impl From<&Brake> for Notice {
    fn from(brake: &Brake) -> Self {
        Self {
            code: brake.code().to_owned(),
            message: brake.message(),
            fix: brake.fix().to_owned(),
        }
    }
}

/// How many pairs came out how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All pairs.
    pub lines: usize,
    /// By outcome; every outcome is there, also with none.
    #[serde(flatten)]
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Pairs held, by code.
    pub held_by_code: BTreeMap<String, usize>,
    /// Workspaces with usage that are not mapped.
    pub unmapped_workspaces: usize,
    /// Modules in use that are not mapped.
    pub unmapped_modules: usize,
}

impl Summary {
    /// By outcome, as the ledger keeps it.
    pub(super) fn counts(&self) -> BTreeMap<Outcome, u64> {
        let count =
            |(text, count): (&&str, &usize)| Some((text.parse::<Outcome>().ok()?, *count as u64));
        self.outcomes.iter().filter_map(count).collect()
    }

    /// Count the lines.
    pub fn of(lines: &[LineReport]) -> Self {
        const ALL: [Outcome; 6] = [
            Outcome::Confirmed,
            Outcome::Unchanged,
            Outcome::Planned,
            Outcome::Held,
            Outcome::Rejected,
            Outcome::Doubtful,
        ];
        let mut summary = Self {
            lines: lines.len(),
            ..Self::default()
        };
        for outcome in ALL {
            summary.outcomes.insert(outcome.as_str(), 0);
        }
        for line in lines {
            *summary.outcomes.entry(line.outcome.as_str()).or_default() += 1;
            if let (Outcome::Held, Some(code)) = (line.outcome, &line.code) {
                *summary.held_by_code.entry(code.clone()).or_default() += 1;
            }
        }
        summary
    }
}

/// The whole of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// `r-000123`.
    pub run: String,
    /// Of which connection.
    pub connection: ConnectionName,
    /// Behind it.
    pub tenant: TenantKey,
    /// Whether anything was to be posted at all.
    pub dry_run: bool,
    /// The civil date planned for.
    pub as_of: Date,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The instant of the counts.
    pub snapshot_taken_at: Option<Timestamp>,
    /// Requests sent to the PSA.
    pub requests: u64,
    /// Loopback origins used because of the development switch.
    pub dev_origins: Vec<String>,
    /// The sums.
    pub summary: Summary,
    /// What stopped the run or a part of it.
    pub notices: Vec<Notice>,
    /// What the sandbox refused or ended.
    pub incidents: Vec<Notice>,
    /// Adjustments of earlier runs that this one settled.
    pub settled: Vec<LineReport>,
    /// One for each mapped pair, then the orphans.
    pub lines: Vec<LineReport>,
}

impl RunReport {
    /// Whether a person should look at it (exit status 3).
    pub fn needs_a_person(&self) -> bool {
        !self.notices.is_empty()
            || !self.incidents.is_empty()
            || self
                .lines
                .iter()
                .chain(&self.settled)
                .any(|line| needs_a_person(line.outcome))
    }
}
