//! The changes of a connection's new accounts in one sum: what a person sees who answers
//! them all at once.

use std::collections::BTreeSet;
use std::fmt;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::brake::Alike;
use crate::rules::BrakeLimits;
use crate::{Money, Units, UnitsChange, WorkspaceId};

/// Changes of new accounts, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct NewAccounts {
    /// How many accounts.
    pub accounts: usize,
    /// How many lines.
    pub lines: usize,
    /// Units up, all together.
    pub units_up: UnitsChange,
    /// Units down, all together.
    pub units_down: UnitsChange,
    /// Changes of money a month, by currency.
    pub money: Vec<MoneyUpDown>,
    /// Changes whose money cannot be told.
    pub money_unknown: usize,
    /// So many of them have one and the same target, as if the source counted no further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alike: Option<EqualTargets>,
    #[serde(skip)]
    workspaces: BTreeSet<WorkspaceId>,
    #[serde(skip)]
    targets: Alike,
}

/// Money a month in one currency.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct MoneyUpDown {
    /// ISO 4217, where the PSA says it.
    pub currency: Option<Box<str>>,
    /// More, all together.
    pub up: Decimal,
    /// Less, all together; zero or below.
    pub down: Decimal,
}

/// Lines that would all have the same units.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct EqualTargets {
    /// How many lines.
    pub lines: usize,
    /// Which units.
    pub units: Units,
}

impl NewAccounts {
    /// Take one change in. A workspace stands for its account: the two are one to one.
    pub fn add(
        &mut self,
        workspace: &WorkspaceId,
        baseline: Units,
        target: Units,
        monthly: Option<&Money>,
    ) {
        self.workspaces.insert(workspace.clone());
        self.accounts = self.workspaces.len();
        self.lines += 1;
        let change = target.change_from(baseline);
        let sum = match change.is_decrease() {
            true => &mut self.units_down,
            false => &mut self.units_up,
        };
        *sum = sum.and(change);
        match monthly {
            Some(monthly) => self.add_money(monthly),
            None => self.money_unknown += 1,
        }
        self.targets.add(target);
        let found = self.targets.found(&BrakeLimits::default());
        self.alike = found.map(|(lines, units)| EqualTargets { lines, units });
    }

    fn add_money(&mut self, monthly: &Money) {
        let known = self
            .money
            .iter()
            .position(|m| m.currency == monthly.currency);
        let at = known.unwrap_or_else(|| {
            self.money.push(MoneyUpDown {
                currency: monthly.currency.clone(),
                up: Decimal::ZERO,
                down: Decimal::ZERO,
            });
            self.money.len() - 1
        });
        let Some(sums) = self.money.get_mut(at) else {
            return;
        };
        let sum = match monthly.amount.is_sign_negative() {
            true => &mut sums.down,
            false => &mut sums.up,
        };
        *sum = sum.saturating_add(monthly.amount);
    }
}

/// `600 changes of 200 new accounts: +1234 and -56 units, +5182.80 and -235.20 USD a month`
impl fmt::Display for NewAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        write!(
            f,
            "{} of {}: {} and {} units",
            plural(self.lines, "change"),
            plural(self.accounts, "new account"),
            self.units_up,
            self.units_down
        )?;
        for MoneyUpDown { currency, up, down } in &self.money {
            let money = |amount: Decimal| Money {
                amount,
                currency: None,
            };
            let currency = currency.as_deref().unwrap_or("in the PSA's currency");
            write!(
                f,
                ", +{} and {} {currency} a month",
                money(*up),
                money(*down)
            )?;
        }
        if self.money_unknown > 0 {
            write!(
                f,
                ", {} without a known price",
                plural(self.money_unknown, "change")
            )?;
        }
        if let Some(EqualTargets { lines, units }) = &self.alike {
            write!(
                f,
                "; {lines} lines would all have {units} units: make sure that the source counts \
                 further"
            )?;
        }
        Ok(())
    }
}
