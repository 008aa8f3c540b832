//! From a complete snapshot, the mappings and what the PSA has, to one decision for
//! each mapped pair: leave it, change it, ask a person, or hold it with a reason.

mod asking;
mod bundles;
mod checks;
mod day;
mod decide;
mod money;
mod passed;
mod rollback;
mod vanished;
mod whole;
mod window;
mod words;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::{Deref, DerefMut};

use jiff::civil::Date;

pub use passed::{Passed, PassedChange};
pub use rollback::first_day_to_read;
pub use whole::{Answered, Plan};
pub use window::last_day_to_read;

use crate::approval::{Question, Reason};
use crate::count::{Counting, Days};
use crate::rules::Rules;
use crate::stance::Stance;
use crate::{
    Account, AccountId, ConnectionName, Contract, ContractId, Hold, LineId, LineKey, Mapping,
    Metric, ModuleId, Money, QuantityModel, Service, ServiceId, ServiceMapping, SetAsides, Units,
    UnitsChange, UsageCounts, Workspace, WorkspaceId,
};

/// A mapped workspace and a mapped module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// The workspace's account.
    pub account: AccountId,
    /// The module's service.
    pub service: ServiceId,
    /// What is counted.
    pub metric: Metric,
}

/// What is done with a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The line already has its target, or is left as it is by rule.
    Unchanged,
    /// It is to be changed.
    Adjust,
    /// It is to be changed, but not before this day: changes gather until then.
    Gather {
        /// The first day on which it is sent.
        not_before: Date,
    },
    /// A person is asked first.
    Ask(Vec<Reason>),
    /// It is not touched.
    Hold(Hold),
}

/// One mapped pair with everything that explains its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// For whom and what.
    pub pair: Pair,
    /// The line, where one was chosen.
    pub line: Option<LineKey>,
    /// Units on the effective date now.
    pub baseline: Option<Units>,
    /// Units that are asked for.
    pub target: Option<Units>,
    /// The first day of the new quantity.
    pub effective: Date,
    /// Price of one unit for one billing period, on that day, where it can be told.
    pub unit_price: Option<Money>,
    /// Change of money a month, where it can be told.
    pub monthly: Option<Money>,
    /// The units are not those that were last right for that day: somebody else changed
    /// them. A person may adopt or overwrite them; nothing else can be.
    pub changed_by_others: bool,
    /// Its units and from which day, where the line was found at its target and that is
    /// more than was known of it.
    pub found_right: Option<(Units, Date)>,
    /// The last day up to which its units were read; none: all of them, or there is no line.
    pub horizon: Option<Date>,
    /// It keeps other units than its count, by decision of a person or by rule.
    pub left: bool,
    /// What becomes of the day that is remembered for its change.
    pub due: DueNews,
    /// The account is new: nothing of it was ever posted or found right.
    pub new_account: bool,
    /// The number in the snapshot, before any policy.
    pub count: Option<u32>,
    /// So much of its change was granted by a person, or is waiting for one because a run
    /// without a brake has asked: the brakes count what lies beyond.
    pub vetted: Option<UnitsChange>,
    /// What a person should know besides: what missed the invoice, a contract taken
    /// over, why a line is left.
    pub note: Option<String>,
    /// What is done.
    pub decision: Decision,
}

impl PlanLine {
    /// Target less baseline, where both are known.
    pub fn delta(&self) -> Option<UnitsChange> {
        Some(self.target?.change_from(self.baseline?))
    }

    /// Whether the line is to be changed: now, on a later day, or as soon as a person
    /// agrees.
    pub fn changes(&self) -> bool {
        matches!(
            self.decision,
            Decision::Adjust | Decision::Gather { .. } | Decision::Ask(_)
        )
    }

    /// Say something more of it.
    pub(crate) fn note(&mut self, note: impl AsRef<str>) {
        match &mut self.note {
            Some(said) => {
                said.push_str("; ");
                said.push_str(note.as_ref());
            }
            None => self.note = Some(note.as_ref().to_owned()),
        }
    }
}

/// The day from which a line was to be changed, where the PSA takes no date: remembered from
/// the run that first planned the change until it is posted, or not needed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// For whom it was planned.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// The day.
    pub from: Date,
}

/// What becomes of the [`Due`] day of a line, once no brake is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DueNews {
    /// What is remembered, if anything, stays.
    #[default]
    AsItWas,
    /// This day is remembered.
    From(Date),
    /// It is forgotten: the line stands where it should, or a person said no.
    Settled,
}

/// What this product remembers of a line. Of most lines that is only how they were found
/// right; what else there may be is kept apart, because a large tenant has tens of thousands.
/// It is read and written as if it stood here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinePast {
    /// The pair it was last posted for, or found right for.
    pub pair: Option<(WorkspaceId, ModuleId)>,
    /// The contract it stood on when it was last known.
    pub contract: Option<ContractId>,
    /// Units that were last seen to be as they should, and from which day: confirmed
    /// after a change, or found right by a run that changed nothing.
    pub confirmed: Option<(Units, Date)>,
    dealings: Option<Box<Dealings>>,
}

/// What was done to a line, or is to be, and what people decided about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dealings {
    /// The other connection that posts to it.
    pub taken_by: Option<ConnectionName>,
    /// The account on whose contract it stood when it was last posted to.
    pub account: Option<AccountId>,
    /// A change by this product was confirmed on it at some time.
    pub posted: bool,
    /// The dates it was adjusted for.
    pub adjusted: BTreeSet<Date>,
    /// The dates that the PSA refused because somebody else adjusted it for them.
    pub refused: BTreeSet<Date>,
    /// What stands against a change because an earlier one is not settled.
    pub open: Option<Hold>,
    /// What the PSA refused last.
    pub rejected: Option<Rejected>,
    /// What a person decided about units changed by others.
    pub stance: Option<Stance>,
    /// What a person was asked.
    pub question: Option<Question>,
    /// The day from which it was to be changed, and has not been yet.
    pub due: Option<Due>,
}

/// Of a line with which nobody had to do.
static NO_DEALINGS: Dealings = Dealings {
    taken_by: None,
    account: None,
    posted: false,
    adjusted: BTreeSet::new(),
    refused: BTreeSet::new(),
    open: None,
    rejected: None,
    stance: None,
    question: None,
    due: None,
};

impl Deref for LinePast {
    type Target = Dealings;

    fn deref(&self) -> &Dealings {
        self.dealings.as_deref().unwrap_or(&NO_DEALINGS)
    }
}

impl DerefMut for LinePast {
    fn deref_mut(&mut self) -> &mut Dealings {
        self.dealings.get_or_insert_default()
    }
}

/// Changes of a line that a PSA refused, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The units that it was to have.
    pub target: Units,
    /// How often.
    pub times: usize,
    /// What the PSA said last.
    pub words: String,
}

impl LinePast {
    /// What was last right for this day and from when, where the units on it are others.
    /// Units that are known for a later day say nothing of this one.
    fn foreign_edit(&self, units: Units, on: Date) -> Option<(Units, Date)> {
        self.confirmed
            .filter(|(right, since)| *since <= on && *right != units)
    }

    /// What is to be remembered of a line that has its target on this day; none where
    /// nothing is new. `throughout`: it has it on every day from there on, also on those
    /// for which something else was confirmed.
    fn found_right(&self, units: Units, on: Date, throughout: bool) -> Option<(Units, Date)> {
        let decided = self
            .stance
            .as_ref()
            .is_some_and(Stance::is_used_up_by_a_change);
        let news = match self.confirmed {
            None => true,
            Some((_, since)) if since > on => throughout,
            Some((right, _)) => right != units || decided,
        };
        news.then_some((units, on))
    }
}

/// Everything that does not differ from account to account.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The civil date planned for, in the connection's zone.
    pub as_of: Date,
    /// What the MSP decided for the connection.
    pub rules: &'a Rules,
    /// The counts.
    pub snapshot: &'a UsageCounts,
    /// The mappings.
    pub mapping: &'a Mapping,
    /// The PSA's accounts.
    pub accounts: &'a HashMap<AccountId, Account>,
    /// The PSA's services.
    pub services: &'a HashMap<ServiceId, Service>,
    /// Each mapped bundle with each mapped module in it, from [`mapped_bundles`].
    ///
    /// [`mapped_bundles`]: crate::bundle::mapped_bundles
    pub bundles: &'a BTreeSet<(&'a ModuleId, &'a ModuleId)>,
    /// How the PSA counts.
    pub model: &'a QuantityModel,
    /// What is remembered of lines; a line that is not in it has no past.
    pub past: &'a HashMap<LineId, LinePast>,
    /// How counts become units.
    pub counting: &'a Counting,
    /// Earlier counts, for what looks back on them.
    pub days: &'a Days,
    /// What people set aside.
    pub set_asides: &'a SetAsides,
    /// Accounts that are not new: one of their changes was answered by the PSA, or a run
    /// found all their lines right.
    pub known: &'a HashSet<AccountId>,
}

/// Whether all lines of an account that are there have their units, and one has units at
/// all: then its mapping is as good as one that was posted by.
pub fn all_right(lines: &[PlanLine]) -> bool {
    let there = || lines.iter().filter(|line| line.line.is_some());
    let with_units = |line: &PlanLine| line.baseline.is_some_and(|units| !units.is_zero());
    there().all(|line| line.decision == Decision::Unchanged)
        && there().any(|line| !line.left && line.target == line.baseline && with_units(line))
}

/// One thing that led to a decision, for a person who asks why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about (`count`, `contract`, `effective-date`, …).
    pub about: &'static str,
    /// What was found or decided.
    pub says: String,
}

/// Writes down the steps, or nothing where nobody asked.
#[derive(Debug)]
struct Trace<'a>(Option<&'a mut Vec<Step>>);

impl Trace<'_> {
    fn say(&mut self, about: &'static str, says: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            let says = says();
            steps.push(Step { about, says });
        }
    }
}

impl Context<'_> {
    /// Decide on every mapped module of a workspace, given its account's contracts.
    /// Nothing is said of a module that the workspace neither uses nor pays for.
    pub fn plan_workspace(
        &self,
        workspace: &Workspace,
        account: &AccountId,
        contracts: &[Contract],
    ) -> Vec<PlanLine> {
        self.mapping
            .services()
            .filter_map(|service| {
                self.plan_pair(workspace, account, service, contracts, &mut Trace(None))
            })
            .collect()
    }

    /// Decide on one pair and say how it came about.
    pub fn explain(
        &self,
        workspace: &Workspace,
        account: &AccountId,
        service: &ServiceMapping,
        contracts: &[Contract],
    ) -> (Option<PlanLine>, Vec<Step>) {
        let mut steps = Vec::new();
        let mut trace = Trace(Some(&mut steps));
        let line = self.plan_pair(workspace, account, service, contracts, &mut trace);
        (line, steps)
    }

    /// Hold every mapped module that the workspace uses, because its account could not
    /// be looked at.
    pub fn hold_workspace(
        &self,
        workspace: &Workspace,
        account: &AccountId,
        hold: &Hold,
    ) -> Vec<PlanLine> {
        let used = |service: &&ServiceMapping| {
            let asides = self.set_asides;
            !asides.excludes(&workspace.id, &service.module, self.as_of)
                && self.snapshot.item(&workspace.id, &service.module).is_some()
        };
        let line = |service: &ServiceMapping| {
            let counted = self.counted(&workspace.id, service, None, self.as_of);
            PlanLine {
                target: counted.ok().map(|counted| counted.units),
                decision: Decision::Hold(hold.clone()),
                ..self.blank(workspace, account, service)
            }
        };
        self.mapping.services().filter(used).map(line).collect()
    }

    /// A pair of which nothing is known.
    fn blank(
        &self,
        workspace: &Workspace,
        account: &AccountId,
        service: &ServiceMapping,
    ) -> PlanLine {
        let item = self.snapshot.item(&workspace.id, &service.module);
        PlanLine {
            pair: Pair {
                workspace: workspace.id.clone(),
                module: service.module.clone(),
                account: account.clone(),
                service: service.service.clone(),
                metric: service.metric,
            },
            line: None,
            baseline: None,
            target: item
                .and_then(|item| item.count(service.metric))
                .map(Units::from),
            effective: self.as_of,
            unit_price: None,
            monthly: None,
            changed_by_others: false,
            found_right: None,
            horizon: None,
            left: false,
            due: DueNews::AsItWas,
            new_account: !self.known.contains(account),
            count: item.and_then(|item| item.count(service.metric)),
            vetted: None,
            note: None,
            decision: Decision::Unchanged,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
