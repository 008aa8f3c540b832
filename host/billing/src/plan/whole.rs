//! A plan as a whole: gathered pair by pair, so that a large tenant never stands in
//! memory, and looked at by the brakes before any of it is posted.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::passed::OneWay;
use super::vanished::Vanished;
use super::{Context, Decision, Passed, PassedChange, PlanLine};
use crate::adjustment::{Adjustment, Cleared};
use crate::brake::{self, Alike, Brake, BrakeCode};
use crate::rules::BrakeLimits;
use crate::{AccountId, CompleteSnapshot, Contract, Hold, HoldCode, Units};

/// Gathers what the brakes look at, and keeps the adjustments until they have.
#[derive(Debug)]
pub struct Plan {
    limits: BrakeLimits,
    all_zero: bool,
    mapped: usize,
    known: usize,
    missing_accounts: usize,
    /// Accounts of changes that count.
    changed: BTreeSet<AccountId>,
    money: BTreeMap<Option<Box<str>>, Decimal>,
    money_unknown: usize,
    /// Units of all lines, new accounts apart.
    units: Units,
    up: OneWay,
    down: OneWay,
    alike: Alike,
    passed: Passed,
    passing: Vec<PassedChange>,
    vanished: Vanished,
    /// Mapped pairs of the plan, and those whose usage could not be read.
    pairs: usize,
    unread: usize,
    adjustments: Vec<(usize, Cleared)>,
}

/// What a plan stands on as a whole, as far as the brakes ask.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The counts: nothing is missing from them.
    pub snapshot: &'a CompleteSnapshot,
    /// Mapped accounts of workspaces that are in the snapshot's channel; nothing of others
    /// is asked for, so nothing of them can be missing.
    pub asked: &'a BTreeSet<AccountId>,
}

impl Plan {
    /// An empty plan.
    pub fn new(context: &Context<'_>, answered: Answered<'_>, passed: Passed) -> Self {
        let missing_accounts = answered
            .asked
            .iter()
            .filter(|account| !context.accounts.contains_key(*account))
            .count();
        let known = answered.asked.iter().filter(|a| context.known.contains(*a));
        let (up, down) = passed.today();
        Self {
            limits: context.rules.brakes.clone(),
            all_zero: answered.snapshot.all_zero(),
            mapped: answered.asked.len(),
            missing_accounts,
            known: known.count(),
            changed: BTreeSet::new(),
            money: BTreeMap::new(),
            money_unknown: 0,
            units: Units::ZERO,
            up,
            down,
            alike: Alike::default(),
            passed,
            passing: Vec::new(),
            vanished: Vanished::new(context),
            pairs: 0,
            unread: 0,
            adjustments: Vec::new(),
        }
    }

    /// Take note of what the PSA gave for an account that was read.
    pub fn saw(&mut self, account: &AccountId, contracts: &[Contract]) {
        self.vanished.saw(account, contracts);
    }

    /// Take a pair into account, with its place in the run's report.
    pub fn add(&mut self, at: usize, line: &PlanLine) {
        self.weigh(line, true);
        if line.needs_whole() {
            return;
        }
        if let (Decision::Adjust, Some(key), Some(baseline), Some(target)) =
            (&line.decision, &line.line, line.baseline, line.target)
        {
            let adjustment = Adjustment {
                workspace: line.pair.workspace.clone(),
                module: line.pair.module.clone(),
                key: key.clone(),
                baseline,
                target,
                effective: line.effective,
            };
            self.adjustments.push((at, Cleared::by_plan(adjustment)));
        }
    }

    /// Take a pair into account that the run is not about: the brakes count it, it is not
    /// adjusted, and its change does not pass.
    pub fn leave_out(&mut self, line: &PlanLine) {
        self.weigh(line, false);
    }

    /// What the brakes count of a pair. `passes`: its change is not counted again where no
    /// brake is on.
    fn weigh(&mut self, line: &PlanLine, passes: bool) {
        // It is read whole and decided anew, and comes again then.
        if line.needs_whole() {
            return;
        }
        self.pairs += 1;
        let unread = |hold: &Hold| hold.code == HoldCode::UsageUnread;
        self.unread += usize::from(matches!(&line.decision, Decision::Hold(hold) if unread(hold)));
        if !line.new_account
            && let Some(baseline) = line.baseline
        {
            self.units = self.units.and(baseline);
        }
        if !line.changes() {
            return;
        }
        if !line.new_account {
            self.count(line, passes);
        }
    }

    /// Count a change for the brakes: what of it no run and no person has let pass yet.
    fn count(&mut self, line: &PlanLine, passes: bool) {
        let (Some(key), Some(delta)) = (&line.line, line.delta()) else {
            return;
        };
        let before = self.passed.of(&key.line, line.effective);
        let news = delta.beyond(line.vetted.unwrap_or_default());
        let news = match before {
            Some(passed) if delta.beyond(passed.change).get().abs() < news.get().abs() => {
                delta.beyond(passed.change)
            }
            _ => news,
        };
        if news.is_zero() {
            return;
        }
        let account = &line.pair.account;
        if !self.changed.contains(account) {
            self.changed.insert(account.clone());
        }
        let share = news.get().checked_div(delta.get()).unwrap_or(Decimal::ONE);
        match &line.monthly {
            Some(monthly) => {
                let sum = self.money.entry(monthly.currency.clone()).or_default();
                let amount = monthly.amount.abs().saturating_mul(share.abs());
                *sum = sum.saturating_add(amount);
            }
            None => self.money_unknown += 1,
        }
        match news.is_decrease() {
            true => self.down.add(account, news),
            false => self.up.add(account, news),
        }
        match line.count {
            Some(count) => self.alike.add(count.into()),
            None => self.alike.add_unknown(),
        }
        let Some(day) = self.passed.day().filter(|_| passes) else {
            return;
        };
        let earlier_today = before
            .filter(|passed| passed.day == day)
            .map(|passed| passed.on_day)
            .filter(|earlier| earlier.is_decrease() == news.is_decrease());
        self.passing.push(PassedChange {
            line: key.line.clone(),
            account: account.clone(),
            effective: line.effective,
            change: delta,
            day,
            on_day: earlier_today.unwrap_or_default().and(news),
        });
    }

    /// What passes if no brake is on: kept, it is not counted again.
    pub fn passing(&self) -> &[PassedChange] {
        &self.passing
    }

    /// Units of all lines, new accounts apart, before anything of this plan is posted.
    pub fn units(&self) -> Units {
        self.units
    }

    /// The brakes that are on. `released`: codes of brakes that a person released for
    /// this run.
    pub fn brakes(&self, released: &BTreeSet<BrakeCode>) -> Vec<Brake> {
        let limits = &self.limits;
        let Vanished { gone, known, .. } = self.vanished;
        let accounts = brake::too_many_gone(limits, self.missing_accounts, self.mapped);
        let lines = brake::too_many_gone(limits, gone, known);
        let unread = brake::too_many_gone(limits, self.unread, self.pairs);
        [
            self.all_zero.then_some(Brake::SnapshotAllZero),
            unread.then_some(Brake::TooMuchUnread {
                unread: self.unread,
                of: self.pairs,
            }),
            accounts.then_some(Brake::AccountsVanished {
                gone: self.missing_accounts,
                of: self.mapped,
            }),
            lines.then_some(Brake::LinesVanished { gone, of: known }),
            brake::too_many_accounts(limits, self.changed.len(), self.known),
            self.too_many_units(&self.up),
            self.too_many_units(&self.down),
            self.alike
                .found(limits)
                .map(|(lines, count)| Brake::CountsAlike {
                    lines,
                    count,
                    of: self.alike.changes(),
                }),
            brake::too_much_money(limits, &self.money),
            (limits.money.is_some() && self.money_unknown > 0).then_some(Brake::MoneyUnknown {
                changes: self.money_unknown,
            }),
        ]
        .into_iter()
        .flatten()
        .filter(|brake| {
            let kind = brake.kind();
            kind.never_released().is_some() || !released.contains(&kind)
        })
        .collect()
    }

    fn too_many_units(&self, way: &OneWay) -> Option<Brake> {
        let of = self.passed.first_look().unwrap_or(self.units);
        brake::too_many_units(&self.limits, way.units, way.accounts.len(), of)
    }

    /// What to write, with its place in the report.
    ///
    /// # Errors
    /// The brakes that are on; then nothing may be written.
    pub fn adjustments(
        &mut self,
        released: &BTreeSet<BrakeCode>,
    ) -> Result<Vec<(usize, Cleared)>, Vec<Brake>> {
        let brakes = self.brakes(released);
        if brakes.is_empty() {
            Ok(std::mem::take(&mut self.adjustments))
        } else {
            Err(brakes)
        }
    }
}
