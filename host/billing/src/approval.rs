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

/// A change with everything that a person is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Units now.
    pub baseline: Units,
    /// Units that are to be.
    pub target: Units,
    /// The first day of the new quantity.
    pub effective: Date,
    /// Change of money a month; none: it cannot be told.
    pub monthly: Option<&'a Money>,
    /// Why it waits.
    pub reasons: &'a [Reason],
}

impl Shown<'_> {
    /// Whether a person who agreed to this has agreed to that as well: to the same units,
    /// no more money, no earlier day and no other reason. A later day bills less of what
    /// was agreed to, and each day that an answer takes makes it later; an earlier one
    /// bills days that nobody was shown.
    pub fn covers(&self, now: &Shown<'_>) -> bool {
        let shown = |reason: &Reason| self.reasons.iter().any(|one| one.is_like(reason));
        (self.baseline, self.target) == (now.baseline, now.target)
            && self.effective <= now.effective
            && no_more(now.monthly, self.monthly)
            && now.reasons.iter().all(shown)
    }
}

/// Money that cannot be told is neither less nor more than any that can.
fn no_more(now: Option<&Money>, shown: Option<&Money>) -> bool {
    let (now, shown) = match (now, shown) {
        (None, None) => return true,
        (Some(now), Some(shown)) if now.currency == shown.currency => (now.amount, shown.amount),
        _ => return false,
    };
    let same_way = now.is_zero() || now.is_sign_negative() == shown.is_sign_negative();
    same_way && now.abs() <= shown.abs()
}

impl Reason {
    /// The same limit, whatever the numbers; the same run.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rollback { run }, Self::Rollback { run: other }) => run == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// A question that was put to a person for a line. With other units it is asked anew; so
/// is a change that a grant does not cover ([`Shown::covers`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Units when it was asked.
    pub baseline: Units,
    /// Units that were to be.
    pub target: Units,
    /// The first day that was shown.
    pub effective: Date,
    /// Change of money a month that was shown.
    pub monthly: Option<Money>,
    /// The reasons that were shown.
    pub reasons: Vec<Reason>,
    /// What became of it.
    pub verdict: Verdict,
    /// Set where it takes an earlier run back: this change stands in the place of what
    /// the counts ask for.
    pub rollback: Option<Rollback>,
}

/// What a question takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The question by its number.
    pub question: String,
    /// The run.
    pub run: String,
    /// The date of the adjustment that it opposes.
    pub effective: Date,
}

impl Question {
    /// What the person saw.
    pub fn shown(&self) -> Shown<'_> {
        Shown {
            baseline: self.baseline,
            target: self.target,
            effective: self.effective,
            monthly: self.monthly.as_ref(),
            reasons: &self.reasons,
        }
    }

    /// Whether it is about these very units.
    pub fn is_about(&self, baseline: Units, target: Units) -> bool {
        (self.baseline, self.target) == (baseline, target)
    }
}

#[cfg(test)]
mod tests;
