//! From a complete snapshot, the mappings and what the PSA has, to one decision for
//! each mapped pair: leave it, change it, or hold it with a reason.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::brake::{self, Brake};
use crate::contract_choice::{Place, choose};
use crate::{
    Account, AccountId, CompleteSnapshot, ConnectionName, Contract, Hold, HoldCode, LineId,
    LineKey, Mapping, Metric, ModuleId, Money, QuantityModel, Service, ServiceId, ServiceMapping,
    SetAsideKind, SetAsides, Truth, Units, UnitsChange, UsageItem, Workspace, WorkspaceId,
    ZeroUnits,
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

/// One change of a line's units from a date: the only thing ever written to a PSA.
/// Can only be had from a [`Plan`] that no brake stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    pair: Pair,
    line: LineKey,
    baseline: Units,
    target: Units,
    effective: Date,
}

impl Adjustment {
    /// For whom and what.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }
    /// Where.
    pub fn line(&self) -> &LineKey {
        &self.line
    }
    /// Units on the effective date when it was planned.
    pub fn baseline(&self) -> Units {
        self.baseline
    }
    /// Units from the effective date on.
    pub fn target(&self) -> Units {
        self.target
    }
    /// The first day of the new quantity.
    pub fn effective(&self) -> Date {
        self.effective
    }
}

/// What is done with a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The line already has its target. A note says what a person should know.
    Unchanged(Option<String>),
    /// It is to be changed.
    Adjust,
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
    /// Units that the snapshot asks for.
    pub target: Option<Units>,
    /// The first day of the new quantity.
    pub effective: Date,
    /// Price of one unit on that day, where it can be told.
    pub unit_price: Option<Money>,
    /// What is done.
    pub decision: Decision,
}

impl PlanLine {
    /// Target less baseline, where both are known.
    pub fn delta(&self) -> Option<UnitsChange> {
        Some(self.target?.change_from(self.baseline?))
    }

    /// Hold it after all.
    pub fn hold(&mut self, hold: Hold) {
        self.decision = Decision::Hold(hold);
    }
}

/// What this product remembers of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinePast {
    /// The other connection that posts to it.
    pub taken_by: Option<ConnectionName>,
    /// Units that were last seen to be as they should, and from which day.
    pub confirmed: Option<(Units, Date)>,
    /// The latest date it was adjusted for.
    pub adjusted_on: Option<Date>,
    /// An adjustment without a certain outcome is open.
    pub open: bool,
}

/// Everything that does not differ from account to account.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The civil date planned for, in the connection's zone.
    pub as_of: Date,
    /// The counts.
    pub snapshot: &'a CompleteSnapshot,
    /// The mappings.
    pub mapping: &'a Mapping,
    /// The PSA's accounts.
    pub accounts: &'a HashMap<AccountId, Account>,
    /// The PSA's services.
    pub services: &'a HashMap<ServiceId, Service>,
    /// How the PSA counts.
    pub model: &'a QuantityModel,
    /// What is remembered of lines; a line that is not in it has no past.
    pub past: &'a HashMap<LineId, LinePast>,
    /// What people set aside.
    pub set_asides: &'a SetAsides,
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
            .filter_map(|service| self.plan_pair(workspace, account, service, contracts))
            .collect()
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
        let line = |service: &ServiceMapping| PlanLine {
            decision: Decision::Hold(hold.clone()),
            ..self.blank(workspace, account, service)
        };
        self.mapping.services().filter(used).map(line).collect()
    }

    /// A pair of which nothing but the count is known.
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
            decision: Decision::Unchanged(None),
        }
    }

    fn plan_pair(
        &self,
        workspace: &Workspace,
        account: &AccountId,
        service: &ServiceMapping,
        contracts: &[Contract],
    ) -> Option<PlanLine> {
        let aside = self
            .set_asides
            .of_pair(&workspace.id, &service.module, self.as_of);
        if aside.is_some_and(|aside| aside.kind == SetAsideKind::Exclude) {
            return None;
        }
        let item = self.snapshot.item(&workspace.id, &service.module);
        let pinned = self.mapping.contract(&workspace.id);
        let place = choose(contracts, &service.service, self.as_of, pinned);
        let count = item.and_then(|item| item.count(service.metric));
        let on_contract = match &place {
            Ok(_) => true,
            Err(hold) => !says_not_on_contract(hold.code),
        };
        if !on_contract && (count.unwrap_or(0) == 0 || !workspace.is_paid()) {
            return None;
        }
        let mut line = PlanLine {
            line: place.as_ref().ok().map(|place| place.line.key.clone()),
            ..self.blank(workspace, account, service)
        };
        if let Some(aside) = aside {
            line.hold(aside.as_hold());
            return Some(line);
        }
        line.decision = match self.decide(&mut line, workspace, service, item, place) {
            Ok(decision) => decision,
            Err(hold) => Decision::Hold(hold),
        };
        Some(line)
    }

    fn decide(
        &self,
        line: &mut PlanLine,
        workspace: &Workspace,
        service: &ServiceMapping,
        item: Option<&UsageItem>,
        place: Result<Place<'_>, Hold>,
    ) -> Result<Decision, Hold> {
        self.account_and_service(&line.pair)?;
        let place = place?;
        let day = self.as_of;
        let link = place.line.link.as_ref().or(place.contract.link.as_ref());
        let held = |code, message: String| Err(Hold::new(code, message).at(link));
        let timeline = match &place.line.timeline {
            Ok(timeline) => timeline,
            Err(why) => return held(HoldCode::UnitsUnreadable, why.clone()),
        };
        let Some(segment) = timeline.at(day) else {
            let message = format!("line {} has no units on {day}", place.line.key.line);
            return held(HoldCode::NoUnitsAtDate, message);
        };
        let baseline = segment.units;
        line.baseline = Some(baseline);
        line.unit_price.clone_from(&segment.unit_price);

        let past = self.past.get(&place.line.key.line);
        if let Some(other) = past.and_then(|past| past.taken_by.as_ref()) {
            let message = format!("line {} belongs to connection {other}", place.line.key.line);
            return held(HoldCode::LineTaken, message);
        }
        if past.is_some_and(|past| past.open) {
            let message = format!("line {} has an adjustment in doubt", place.line.key.line);
            return held(HoldCode::OpenAdjustment, message);
        }
        if !workspace.is_paid() {
            let flags = match (workspace.demo, workspace.nfr) {
                (true, _) => " (demo)",
                (false, true) => " (not for resale)",
                (false, false) => "",
            };
            let message = format!(
                "workspace {} is {}{flags}, not a paid subscription, and its line has {baseline} \
                 units",
                workspace.id, workspace.status
            );
            return held(HoldCode::NotYetSupported, message);
        }
        let Some(target) = line.target else {
            let what = if item.is_some() {
                format!("no {} count", service.metric)
            } else {
                "no count".into()
            };
            let message = format!(
                "the snapshot has {what} of this workspace for {}",
                service.module
            );
            return held(HoldCode::UsageMissing, message);
        };
        if target == baseline {
            let note = timeline
                .after(day)
                .find(|later| later.units != baseline)
                .map(|later| format!("the PSA has {} units from {} on", later.units, later.start));
            return Ok(Decision::Unchanged(note));
        }
        // Units confirmed for a later day say nothing of this one.
        if let Some((confirmed, since)) = past.and_then(|past| past.confirmed)
            && since <= day
            && confirmed != baseline
        {
            let message = format!(
                "units were changed in the PSA: {confirmed} confirmed for {since}, now {baseline}"
            );
            return held(HoldCode::NotYetSupported, message);
        }
        if target.is_zero() && self.model.zero != ZeroUnits::Refused {
            return held(
                HoldCode::NotYetSupported,
                format!("a fall from {baseline} to zero units"),
            );
        }
        if let Err(why) = self.postable(baseline, target) {
            return held(HoldCode::UnitsNotPostable, why);
        }
        let later = timeline.after(day);
        for touched in std::iter::once(segment).chain(later) {
            if touched.posted != Truth::No {
                let (start, end) = (touched.start, touched.end);
                let message = match touched.posted {
                    Truth::Yes => format!("the period from {start} to {end} is already posted"),
                    _ => format!("it is not known whether {start} to {end} is already posted"),
                };
                return held(HoldCode::NotYetSupported, message);
            }
            if touched.units != baseline {
                let message = format!(
                    "the PSA has a change to {} units from {} on",
                    touched.units, touched.start
                );
                return held(HoldCode::NotYetSupported, message);
            }
        }
        let adjusted = past.and_then(|past| past.adjusted_on);
        if adjusted == Some(day) && self.model.repeat_date != Truth::Yes {
            let message = format!(
                "line {} was already adjusted for {day}",
                place.line.key.line
            );
            return held(HoldCode::DateAlreadyAdjusted, message);
        }
        Ok(Decision::Adjust)
    }

    fn account_and_service(&self, pair: &Pair) -> Result<(), Hold> {
        match self.accounts.get(&pair.account) {
            None => {
                let message = format!("account {} is not listed by the PSA", pair.account);
                return Err(Hold::new(HoldCode::AccountMissing, message));
            }
            Some(account) if account.active == Truth::No => {
                let message = format!("account {} ({}) is inactive", account.id, account.name);
                return Err(Hold::new(HoldCode::AccountInactive, message).at(account.link.as_ref()));
            }
            Some(_) => {}
        }
        match self.services.get(&pair.service) {
            None => {
                let message = format!("service {} is not listed by the PSA", pair.service);
                Err(Hold::new(HoldCode::ServiceMissing, message))
            }
            Some(service) if service.active == Truth::No => {
                let message = format!("service {} ({}) is inactive", service.id, service.name);
                Err(Hold::new(HoldCode::ServiceInactive, message).at(service.link.as_ref()))
            }
            Some(_) => Ok(()),
        }
    }

    fn postable(&self, baseline: Units, target: Units) -> Result<(), String> {
        let change = target.change_from(baseline).get();
        if self.model.whole_numbers && !change.is_integer() {
            return Err(format!(
                "from {baseline} to {target} is not a whole number of units"
            ));
        }
        let largest = self.model.largest.unwrap_or(Decimal::MAX);
        if target.get() > largest || change.abs() > largest {
            return Err(format!(
                "{target} units is over the PSA's largest number, {largest}"
            ));
        }
        if target.is_zero() && self.model.zero == ZeroUnits::Refused {
            return Err("the PSA refuses lines with zero units".to_owned());
        }
        Ok(())
    }
}

/// Whether a hold of the contract choice means that nothing bills the service now.
fn says_not_on_contract(code: HoldCode) -> bool {
    matches!(
        code,
        HoldCode::NoContract
            | HoldCode::ContractExpired
            | HoldCode::ContractNotStarted
            | HoldCode::LineMissing
            | HoldCode::PinnedContractUnusable
    )
}

/// All decisions of a run, and what stops it.
#[derive(Debug)]
pub struct Plan {
    /// One for each pair, in the order planned.
    pub lines: Vec<PlanLine>,
    /// Why nothing is posted; empty: nothing stops it.
    pub brakes: Vec<Brake>,
}

impl Plan {
    /// Gather the decisions and look at them as a whole. `released`: codes of brakes
    /// that a person released for this run.
    pub fn new(
        context: &Context<'_>,
        lines: Vec<PlanLine>,
        first_run: bool,
        released: &BTreeSet<String>,
    ) -> Self {
        let changed: BTreeSet<&AccountId> = lines
            .iter()
            .filter(|line| matches!(line.decision, Decision::Adjust))
            .map(|line| &line.pair.account)
            .collect();
        let mapped = context.mapping.accounts().len();
        let zero = context
            .snapshot
            .all_zero()
            .then_some(Brake::SnapshotAllZero);
        let many = brake::too_many_accounts(changed.len(), mapped, first_run);
        let brakes = [zero, many]
            .into_iter()
            .flatten()
            .filter(|brake| !(brake.can_be_released() && released.contains(brake.code())))
            .collect();
        Self { lines, brakes }
    }

    /// What to write, with its place in [`Plan::lines`]; nothing while a brake is on.
    pub fn adjustments(&self) -> Vec<(usize, Adjustment)> {
        if !self.brakes.is_empty() {
            return Vec::new();
        }
        let adjust = |(at, line): (usize, &PlanLine)| match (&line.decision, &line.line) {
            (Decision::Adjust, Some(key)) => {
                let adjustment = Adjustment {
                    pair: line.pair.clone(),
                    line: key.clone(),
                    baseline: line.baseline?,
                    target: line.target?,
                    effective: line.effective,
                };
                Some((at, adjustment))
            }
            _ => None,
        };
        self.lines.iter().enumerate().filter_map(adjust).collect()
    }
}

#[cfg(test)]
mod tests;
