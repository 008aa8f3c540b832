//! What a run says for itself: one entry for each mapped pair, a sum over all, and
//! whatever a person has to look at.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::approval::{NewAccounts, Reason};
use psa_host_billing::brake::Brake;
use psa_host_billing::plan::{Decision, PlanLine};
use psa_host_billing::{
    AccountId, ConnectionName, ContractId, Hold, HoldCode, LineId, ModuleId, Money, ReportCode,
    ServiceId, TenantKey, Units, UnitsChange, WorkspaceId,
};
use psa_host_ledger::{HistoryHead, Outcome, QuestionId, RunEnding, Withdrawal};
use psa_host_sandbox::Incident;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::release::Released;
use crate::orphans::Orphan;

/// Whether a person should look at a pair with this outcome.
pub fn needs_a_person(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Held | Outcome::Rejected | Outcome::Doubtful | Outcome::AwaitingApproval
    )
}

/// One mapped pair in a run; or a line that was posted and is mapped no more.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
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
    /// First day of the new quantity.
    #[schemars(with = "psa_host_billing::form::Day")]
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
    /// What the change is worth, where there is one and its price can be told.
    pub money: Option<Box<LineMoney>>,
    /// The question that was put to a person (`q-000123`).
    pub question: Option<Box<str>>,
}

/// What a change is worth.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct LineMoney {
    /// Price of one unit for one billing period.
    pub unit_price: Option<Money>,
    /// Change a month; none where the billing period is unknown.
    pub monthly_change: Option<Money>,
}

impl LineReport {
    /// As planned, before anything is sent.
    pub fn planned(line: PlanLine) -> Self {
        let delta = line.delta();
        let changes = delta.is_some_and(|delta| !delta.is_zero());
        // One that is left as it is (adopted, pinned) costs nothing, whatever its count.
        let posts = line.decision != Decision::Unchanged;
        let money = LineMoney {
            unit_price: line.unit_price,
            monthly_change: line.monthly,
        };
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
            effective_date: line.effective,
            outcome: Outcome::Planned,
            code: None,
            message: line.note,
            fix: None,
            link: None,
            money: (changes && posts && money.unit_price.is_some()).then(|| Box::new(money)),
            question: None,
        };
        match line.decision {
            Decision::Adjust => {}
            Decision::Gather { not_before } => {
                report.say(&format!(
                    "changes gather; this one is sent from {not_before} on"
                ));
            }
            Decision::Ask(reasons) => {
                report.outcome = Outcome::AwaitingApproval;
                let code = match reasons.contains(&Reason::NewAccount) {
                    true => ReportCode::NewAccount,
                    false => ReportCode::ApprovalNeeded,
                };
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                report.say(&reasons.join("; "));
                report.code = Some(code.as_str().to_owned());
            }
            Decision::Unchanged => {
                report.outcome = Outcome::Unchanged;
                if line.left {
                    let code = ReportCode::LeftAsItIs;
                    report.code = Some(code.as_str().to_owned());
                    report.fix = Some(code.fix().to_owned());
                }
            }
            Decision::Hold(hold) => report.hold(hold),
        }
        report
    }

    /// Whether it waits as one of the changes of new accounts.
    pub fn is_of_new_account(&self) -> bool {
        self.outcome == Outcome::AwaitingApproval
            && self.code.as_deref() == Some(ReportCode::NewAccount.as_str())
    }

    /// Target less baseline, where both are known.
    pub fn delta(&self) -> Option<UnitsChange> {
        Some(self.target?.change_from(self.baseline?))
    }

    /// Whether it says anything beyond that the line stands at its count.
    pub fn speaks(&self) -> bool {
        self.outcome != Outcome::Unchanged || self.code.is_some()
    }

    /// Whether it is held for good: no later run posts it as it stands.
    fn is_never_posted(&self) -> bool {
        let code = self.code.as_deref().and_then(HoldCode::named);
        self.outcome == Outcome::Held && code.is_some_and(HoldCode::is_for_good)
    }

    /// Whether it changes units, and nobody can say what that is worth.
    fn lacks_money(&self) -> bool {
        if self.delta().is_none_or(UnitsChange::is_zero) {
            return false;
        }
        match (self.outcome, &self.money) {
            (Outcome::Unchanged, _) => false,
            // It may be held before its money is looked at.
            (Outcome::Held, money) => money.is_none(),
            (_, Some(money)) => money.monthly_change.is_none(),
            (_, None) => true,
        }
    }

    /// Say something before what is said already.
    fn say(&mut self, first: &str) {
        self.message = Some(match self.message.take() {
            Some(said) => format!("{first}; {said}"),
            None => first.to_owned(),
        });
    }

    /// It was put to a person.
    pub(super) fn asked(&mut self, id: QuestionId, connection: &ConnectionName) {
        self.question = Some(id.to_string().into());
        if self.is_of_new_account() {
            self.fix = Some(format!(
                "Answer all of them with `psa-host approval approve --new-accounts {connection} \
                 --why TEXT` or `approval reject`, those of one account with --account besides, \
                 or one line by its number; what is approved is posted by the next sync, looked \
                 at again with the units of then."
            ));
            return;
        }
        self.fix = Some(format!(
            "Answer with `psa-host approval approve {id} --why …` or `approval reject`; an \
             approved change is posted by the next sync, if the numbers are still the same."
        ));
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
            effective_date: as_of,
            outcome: Outcome::Held,
            code: None,
            message: None,
            fix: None,
            link: None,
            money: None,
            question: None,
        };
        report.hold(hold);
        report
    }

    /// Held, for this reason.
    pub fn hold(&mut self, hold: Hold) {
        self.outcome = Outcome::Held;
        self.explain(hold.code.as_str(), hold.message, &hold.fix);
        self.link = hold.link;
        self.contract = self.contract.take().or(hold.contract);
    }

    /// Held by what stops the whole run.
    pub(super) fn brake(&mut self, brake: &Notice) {
        self.outcome = Outcome::Held;
        self.explain(&brake.code, brake.message.clone(), &brake.fix);
    }

    /// Say why it came out as it did.
    pub fn explain(&mut self, code: &str, message: impl Into<String>, fix: &str) {
        self.code = Some(code.to_owned());
        self.message = Some(message.into());
        self.fix = Some(fix.to_owned());
    }
}

/// What stopped the whole run, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Notice {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The plugin that did it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
}

impl From<Hold> for Notice {
    /// A hold that concerns more than one line.
    fn from(hold: Hold) -> Self {
        Self {
            code: hold.code.to_string(),
            message: hold.message,
            fix: hold.fix,
            plugin: None,
        }
    }
}

impl Notice {
    /// What the sandbox refused or ended, with the plugin that did it.
    pub(super) fn of_plugin(plugin: &str, incident: &Incident) -> Self {
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
            message: format!("plugin {plugin}: {message}, in {during}{times}"),
            fix: fix.clone().unwrap_or_default(),
            plugin: Some(plugin.to_owned()),
        }
    }
}

impl Notice {
    /// How the run ended, where it could not say so itself.
    pub(super) fn of_run(code: ReportCode) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: code.cause().to_owned(),
            fix: code.fix().to_owned(),
            plugin: None,
        }
    }

    /// There was nothing to plan.
    pub(super) fn not_set_up(connection: &ConnectionName, why: &str) -> Self {
        let code = ReportCode::SetupRequired;
        Self {
            code: code.as_str().to_owned(),
            message: format!("nothing of connection {connection} can be posted: {why}"),
            fix: code.fix().to_owned(),
            plugin: None,
        }
    }

    /// Said once: an upgrade gave the connection limits.
    pub(super) fn limits_added(connection: &ConnectionName) -> Self {
        let code = ReportCode::LimitsAdded;
        Self {
            code: code.as_str().to_owned(),
            message: format!("connection {connection} was upgraded. {}", code.cause()),
            fix: code
                .fix()
                .replace("rules show", &format!("rules show {connection}")),
            plugin: None,
        }
    }

    pub(crate) fn of(brake: &Brake, connection: &ConnectionName) -> Self {
        Self {
            code: brake.code().to_owned(),
            message: brake.message(),
            fix: brake.fix(connection.as_str()),
            plugin: None,
        }
    }
}

/// How many pairs came out how.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Summary {
    /// All pairs.
    pub lines: usize,
    /// By outcome; every outcome is there, also with none.
    #[serde(flatten)]
    pub outcomes: BTreeMap<Cow<'static, str>, usize>,
    /// Pairs held, by code.
    pub held_by_code: BTreeMap<String, usize>,
    /// Changes of money a month, by currency.
    pub money: Vec<MoneyChange>,
    /// The same, by account: those that change.
    pub money_by_account: BTreeMap<AccountId, Vec<MoneyChange>>,
    /// Changes that are missing from the money, because it cannot be told.
    pub money_unknown: usize,
    /// Changes that are missing from the money, because they can never be posted.
    pub never_posted: usize,
    /// Changes of new accounts that wait as one question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_accounts: Option<NewAccounts>,
    /// Workspaces with usage that are not mapped.
    pub unmapped_workspaces: usize,
    /// Modules in use that are not mapped.
    pub unmapped_modules: usize,
}

impl Summary {
    /// By outcome, as the ledger keeps it.
    pub(super) fn counts(&self) -> BTreeMap<Outcome, u64> {
        let count = |(text, count): (&Cow<'static, str>, &usize)| {
            Some((text.parse::<Outcome>().ok()?, *count as u64))
        };
        self.outcomes.iter().filter_map(count).collect()
    }

    /// Count the lines, and so many others that stand at their count.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a LineReport>, unchanged: usize) -> Self {
        const ALL: [Outcome; 7] = [
            Outcome::Confirmed,
            Outcome::Unchanged,
            Outcome::Planned,
            Outcome::AwaitingApproval,
            Outcome::Held,
            Outcome::Rejected,
            Outcome::Doubtful,
        ];
        let mut summary = Self {
            lines: unchanged,
            ..Self::default()
        };
        for outcome in ALL {
            summary.outcomes.insert(outcome.as_str().into(), 0);
        }
        let at_their_count = Outcome::Unchanged.as_str();
        summary.outcomes.insert(at_their_count.into(), unchanged);
        for line in lines {
            summary.lines += 1;
            *summary
                .outcomes
                .entry(line.outcome.as_str().into())
                .or_default() += 1;
            if let (Outcome::Held, Some(code)) = (line.outcome, &line.code) {
                *summary.held_by_code.entry(code.clone()).or_default() += 1;
            }
            if let (true, Some(baseline), Some(target)) =
                (line.is_of_new_account(), line.baseline, line.target)
            {
                let monthly = line.money.as_ref().and_then(|m| m.monthly_change.as_ref());
                let sums = summary.new_accounts.get_or_insert_default();
                sums.add(&line.workspace, baseline, target, monthly);
            }
            if line.is_never_posted() {
                let changes = line.delta().is_some_and(|delta| !delta.is_zero());
                summary.never_posted += usize::from(changes);
                continue;
            }
            summary.money_unknown += usize::from(line.lacks_money());
            if let Some(change) = line.money.as_ref().and_then(|m| m.monthly_change.as_ref()) {
                MoneyChange::add(&mut summary.money, line.outcome, change);
                if let Some(account) = &line.account {
                    let of_account = summary.money_by_account.entry(account.clone());
                    MoneyChange::add(of_account.or_default(), line.outcome, change);
                }
            }
        }
        summary
            .money_by_account
            .retain(|_, changes| !changes.is_empty());
        summary
    }
}

/// Changes of money a month in one currency, by what became of them. Up and down set
/// off against each other.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct MoneyChange {
    /// ISO 4217, where the PSA says it.
    pub currency: Option<Box<str>>,
    /// Posted and read back.
    pub confirmed: Decimal,
    /// To be posted.
    pub planned: Decimal,
    /// Waiting for a person.
    pub awaiting_approval: Decimal,
    /// Held, refused or in doubt.
    pub not_posted: Decimal,
}

impl MoneyChange {
    /// What is left as it is counts nowhere.
    fn add(changes: &mut Vec<Self>, outcome: Outcome, change: &Money) {
        if outcome == Outcome::Unchanged {
            return;
        }
        let known = changes
            .iter()
            .position(|known| known.currency == change.currency);
        let at = known.unwrap_or_else(|| {
            changes.push(Self {
                currency: change.currency.clone(),
                confirmed: Decimal::ZERO,
                planned: Decimal::ZERO,
                awaiting_approval: Decimal::ZERO,
                not_posted: Decimal::ZERO,
            });
            changes.len() - 1
        });
        let Some(sums) = changes.get_mut(at) else {
            return;
        };
        let sum = match outcome {
            Outcome::Confirmed => &mut sums.confirmed,
            Outcome::Planned | Outcome::Unchanged => &mut sums.planned,
            Outcome::AwaitingApproval => &mut sums.awaiting_approval,
            Outcome::Held | Outcome::Rejected | Outcome::Doubtful => &mut sums.not_posted,
        };
        *sum = sum.saturating_add(change.amount);
    }
}

/// The whole of a run.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct RunReport {
    /// `r-000123`.
    pub run: String,
    /// How it ended: `done`, `parked`, `braked` or `cancelled`; of an earlier run also
    /// `running`, `failed`, `abandoned` or `killed`.
    pub status: &'static str,
    /// Of which connection.
    pub connection: ConnectionName,
    /// Behind it.
    pub tenant: TenantKey,
    /// Whether anything was to be posted at all.
    pub dry_run: bool,
    /// The civil date planned for.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: Date,
    /// The civil date on which it ran, in the connection's zone.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub today: Date,
    /// Why it did not go through all rows, where it did not.
    pub why: Option<String>,
    /// By whom.
    pub started_by: String,
    /// When it began.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub started_at: Timestamp,
    /// When it ended; none while it is under way, or where its process died unseen.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub ended_at: Option<Timestamp>,
    /// Who ended it early, where that is how it ended.
    pub cancelled_by: Option<String>,
    /// The workspaces that it was about; empty where it was about all.
    pub only: Vec<WorkspaceId>,
    /// Mapped workspaces that it was not about.
    pub left_out: usize,
    /// The snapshot that was planned from (`u-000123`).
    pub snapshot: Option<String>,
    /// The instant of the counts.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub snapshot_taken_at: Option<Timestamp>,
    /// That the snapshot was withdrawn after the run.
    pub snapshot_withdrawn: Option<Withdrawal>,
    /// Requests sent to the PSA.
    pub requests: u64,
    /// Loopback origins used because of the development switch.
    pub dev_origins: Vec<String>,
    /// Lines by outcome as it ended.
    pub counts: BTreeMap<Cow<'static, str>, u64>,
    /// The sums, as they are known today.
    pub summary: Summary,
    /// Brakes that a person released for it.
    pub released: Vec<Released>,
    /// What stopped the run or a part of it.
    pub notices: Vec<Notice>,
    /// What the sandbox refused or ended.
    pub incidents: Vec<Notice>,
    /// Adjustments of earlier runs that this one settled.
    pub settled: Vec<LineReport>,
    /// One for each mapped pair, then the orphans; of a run that was asked to be
    /// [brief](crate::run::SyncOptions::brief) only those that [speak](LineReport::speaks).
    pub lines: Vec<LineReport>,
    /// The history of the channel as it stood after the run's own last entry.
    pub history_head: Option<HistoryHead>,
}

impl RunReport {
    /// Whether a brake was on, so that nothing was posted or asked (exit status 4).
    pub fn is_braked(&self) -> bool {
        self.status == RunEnding::Braked.as_str()
    }

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
