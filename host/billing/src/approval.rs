//! What a person is asked before it is posted. A change within all limits posts by
//! itself; what waits is looked at again with fresh units when it is granted.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::rules::ApprovalLimits;
use crate::{Money, Units};

/// A change, as far as its approval goes.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Units now.
    pub baseline: Units,
    /// Units that are to be.
    pub target: Units,
    /// Change of money a month, where it can be told.
    pub monthly: Option<&'a Money>,
    /// This product never adjusted the line before.
    pub first_time: bool,
}

/// Why a change waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Too many units.
    Units {
        /// Of the change.
        change: Decimal,
        /// The most that posts by itself.
        limit: Decimal,
    },
    /// Too large a share of the baseline.
    Percent {
        /// Of the change.
        change: Decimal,
        /// The most that posts by itself.
        limit: Decimal,
    },
    /// Too much money a month.
    Money {
        /// Of the change; none: it cannot be told.
        change: Option<Money>,
        /// The most that posts by itself.
        limit: Decimal,
    },
    /// The first adjustment of the line.
    FirstTime,
    /// Fewer units than before.
    Decrease,
    /// It takes an earlier run back.
    Rollback {
        /// Which.
        run: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units { change, limit } => {
                write!(f, "a change of {change} units, over the limit of {limit}")
            }
            Self::Percent { change, limit } => {
                write!(f, "a change of {change} %, over the limit of {limit} %")
            }
            Self::Money {
                change: Some(change),
                limit,
            } => write!(f, "a change of {change} a month, over the limit of {limit}"),
            Self::Money {
                change: None,
                limit,
            } => write!(
                f,
                "a change whose money cannot be told, and there is a limit of {limit} a month"
            ),
            Self::FirstTime => f.write_str("the first adjustment of this line"),
            Self::Decrease => f.write_str("a decrease"),
            Self::Rollback { run } => write!(f, "a rollback of run {run}"),
        }
    }
}

/// Every limit that a change is over; none: it posts by itself.
pub fn reasons(limits: &ApprovalLimits, change: &Change<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let units = change.target.change_from(change.baseline);
    let size = units.get().abs();
    if let Some(limit) = limits.units
        && size > limit
    {
        let change = size.normalize();
        reasons.push(Reason::Units { change, limit });
    }
    if let Some(limit) = limits.percent
        && !change.baseline.is_zero()
    {
        let share = size
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|hundredfold| hundredfold.checked_div(change.baseline.get()))
            .unwrap_or(Decimal::MAX);
        if share > limit {
            let change = share.round_dp(1).normalize();
            reasons.push(Reason::Percent { change, limit });
        }
    }
    if let Some(limit) = limits.money {
        let over = change
            .monthly
            .is_none_or(|monthly| monthly.amount.abs() > limit);
        if over {
            let change = change.monthly.cloned();
            reasons.push(Reason::Money { change, limit });
        }
    }
    if limits.first_time && change.first_time {
        reasons.push(Reason::FirstTime);
    }
    if limits.decrease && units.is_decrease() {
        reasons.push(Reason::Decrease);
    }
    reasons
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has answered yet.
    Waiting,
    /// It may be posted.
    Granted,
    /// It must not be posted.
    Rejected {
        /// Who said so, and why.
        words: String,
    },
}

/// A question that was put to a person for a line. It covers exactly this change: with
/// other units it is asked anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Units when it was asked.
    pub baseline: Units,
    /// Units that were to be.
    pub target: Units,
    /// What became of it.
    pub verdict: Verdict,
    /// Set where it takes an earlier run back: this change stands in the place of what
    /// the counts ask for.
    pub rollback: Option<Rollback>,
}

/// What a question takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The run.
    pub run: String,
    /// The date of the adjustment that it opposes.
    pub effective: Date,
}

impl Question {
    /// Whether it is about this very change.
    pub fn covers(&self, baseline: Units, target: Units) -> bool {
        (self.baseline, self.target) == (baseline, target)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> ApprovalLimits {
        ApprovalLimits {
            units: Some(Decimal::from(10)),
            percent: Some(Decimal::from(50)),
            money: Some(Decimal::from(100)),
            first_time: false,
            decrease: false,
        }
    }

    fn asked(
        limits: &ApprovalLimits,
        from: u32,
        to: u32,
        monthly: Option<&str>,
        first: bool,
    ) -> String {
        let monthly = monthly.map(|amount| Money {
            amount: amount.parse().unwrap(),
            currency: Some("USD".into()),
        });
        let change = Change {
            baseline: from.into(),
            target: to.into(),
            monthly: monthly.as_ref(),
            first_time: first,
        };
        let reasons = reasons(limits, &change);
        let texts: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        texts.join("; ")
    }

    #[test]
    fn a_change_beyond_a_limit_waits_and_says_which() {
        let none = ApprovalLimits::default();
        let first = ApprovalLimits {
            first_time: true,
            ..ApprovalLimits::default()
        };
        let fall = ApprovalLimits {
            decrease: true,
            ..ApprovalLimits::default()
        };
        let table = [
            ("no limits", &none, 5, 5000, None, true, ""),
            ("at the limit", &limits(), 20, 30, Some("100"), true, ""),
            (
                "over the units",
                &limits(),
                100,
                111,
                Some("1"),
                false,
                "a change of 11 units, over the limit of 10",
            ),
            (
                "a fall over the units",
                &limits(),
                111,
                100,
                Some("-1"),
                false,
                "a change of 11 units, over the limit of 10",
            ),
            (
                "over the share",
                &limits(),
                6,
                10,
                Some("1"),
                false,
                "a change of 66.7 %, over the limit of 50 %",
            ),
            (
                "from nothing there is no share",
                &limits(),
                0,
                10,
                Some("1"),
                false,
                "",
            ),
            (
                "over the money",
                &limits(),
                20,
                21,
                Some("-100.01"),
                false,
                "a change of -100.01 USD a month, over the limit of 100",
            ),
            (
                "money that cannot be told",
                &limits(),
                20,
                21,
                None,
                false,
                "a change whose money cannot be told, and there is a limit of 100 a month",
            ),
            (
                "the first time",
                &first,
                5,
                6,
                None,
                true,
                "the first adjustment of this line",
            ),
            ("not the first time", &first, 5, 6, None, false, ""),
            ("a decrease", &fall, 6, 5, None, false, "a decrease"),
            ("an increase", &fall, 5, 6, None, false, ""),
        ];
        for (case, limits, from, to, monthly, first, expected) in table {
            assert_eq!(asked(limits, from, to, monthly, first), expected, "{case}");
        }
    }

    proptest! {
        /// A larger change of the same line in the same direction never waits less.
        #[test]
        fn a_larger_change_never_waits_less(from in 1_u32..500, by in 0_u32..500, more in 0_u32..500) {
            let limits = ApprovalLimits { money: None, ..limits() };
            let wait = |to| !asked(&limits, from, to, None, false).is_empty();
            prop_assert!(!wait(from + by) || wait(from + by + more));
        }
    }
}
