//! A plan as a whole: gathered pair by pair, so that a large tenant never stands in
//! memory, and looked at by the brakes before any of it is posted.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::vanished::Vanished;
use super::{Adjustment, Context, Decision, PlanLine};
use crate::brake::{self, Brake, BrakeCode};
use crate::rules::BrakeLimits;
use crate::{AccountId, Contract};

/// Gathers what the brakes look at, and keeps the adjustments until they have.
#[derive(Debug)]
pub struct Plan {
    limits: BrakeLimits,
    all_zero: bool,
    mapped: usize,
    missing_accounts: usize,
    first_run: bool,
    changed: BTreeSet<AccountId>,
    money: BTreeMap<Option<Box<str>>, Decimal>,
    money_unknown: usize,
    vanished: Vanished,
    adjustments: Vec<(usize, Adjustment)>,
}

/// What the PSA gave in answer, as far as the brakes ask.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Mapped accounts of workspaces that are in the snapshot's channel; nothing of others
    /// is asked for, so nothing of them can be missing.
    pub asked: &'a BTreeSet<AccountId>,
}

impl Plan {
    /// An empty plan.
    pub fn new(context: &Context<'_>, answered: Answered<'_>) -> Self {
        let missing_accounts = answered
            .asked
            .iter()
            .filter(|account| !context.accounts.contains_key(*account))
            .count();
        Self {
            limits: context.rules.brakes.clone(),
            all_zero: context.snapshot.all_zero(),
            mapped: answered.asked.len(),
            missing_accounts,
            // Of posting: having looked at lines that were right says nothing of how many
            // will change.
            first_run: !context.past.values().any(|past| past.posted),
            changed: BTreeSet::new(),
            money: BTreeMap::new(),
            money_unknown: 0,
            vanished: Vanished::new(context),
            adjustments: Vec::new(),
        }
    }

    /// Take note of what the PSA gave for an account that was read.
    pub fn saw(&mut self, account: &AccountId, contracts: &[Contract]) {
        self.vanished.saw(account, contracts);
    }

    /// Take a pair into account, with its place in the run's report.
    pub fn add(&mut self, at: usize, line: &PlanLine) {
        if !line.changes() || line.needs_whole() {
            return;
        }
        self.changed.insert(line.pair.account.clone());
        match &line.monthly {
            Some(monthly) => {
                let sum = self.money.entry(monthly.currency.clone()).or_default();
                *sum = sum.saturating_add(monthly.amount.abs());
            }
            None => self.money_unknown += 1,
        }
        if let (Decision::Adjust, Some(key), Some(baseline), Some(target)) =
            (&line.decision, &line.line, line.baseline, line.target)
        {
            let adjustment = Adjustment {
                pair: line.pair.clone(),
                line: key.clone(),
                baseline,
                target,
                effective: line.effective,
            };
            self.adjustments.push((at, adjustment));
        }
    }

    /// The brakes that are on. `released`: codes of brakes that a person released for
    /// this run.
    pub fn brakes(&self, released: &BTreeSet<BrakeCode>) -> Vec<Brake> {
        let limits = &self.limits;
        let Vanished { gone, known, .. } = self.vanished;
        let accounts = brake::too_many_gone(limits, self.missing_accounts, self.mapped);
        let lines = brake::too_many_gone(limits, gone, known);
        [
            self.all_zero.then_some(Brake::SnapshotAllZero),
            accounts.then_some(Brake::AccountsVanished {
                gone: self.missing_accounts,
                of: self.mapped,
            }),
            lines.then_some(Brake::LinesVanished { gone, of: known }),
            brake::too_many_accounts(limits, self.changed.len(), self.mapped, self.first_run),
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

    /// What to write, with its place in the report.
    ///
    /// # Errors
    /// The brakes that are on; then nothing may be written.
    pub fn adjustments(
        self,
        released: &BTreeSet<BrakeCode>,
    ) -> Result<Vec<(usize, Adjustment)>, Vec<Brake>> {
        let brakes = self.brakes(released);
        if brakes.is_empty() {
            Ok(self.adjustments)
        } else {
            Err(brakes)
        }
    }
}
