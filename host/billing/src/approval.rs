//! What a person is asked before it is posted. A change within all limits posts by
//! itself; what waits is looked at again with fresh units when it is granted.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::rules::{ApprovalLimits, Jump};
use crate::{Money, Units, UnitsChange};

mod new_accounts;

pub use new_accounts::NewAccounts;

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
    /// Nothing of its account was ever posted or found right.
    pub new_account: bool,
}

/// Why a change waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Its account is new: all such changes of a connection are one question.
    NewAccount,
    /// A rise over a share and a number.
    Rise {
        /// The change in units.
        change: Decimal,
        /// The most that posts by itself.
        limit: Jump,
    },
    /// A fall over a share and a number.
    Fall {
        /// The change in units, above zero.
        change: Decimal,
        /// The most that posts by itself.
        limit: Jump,
    },
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
            Self::NewAccount => f.write_str("the first changes of a new account"),
            Self::Rise { change, limit } => jump(f, "rise", *change, limit),
            Self::Fall { change, limit } => jump(f, "fall", *change, limit),
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

fn jump(f: &mut fmt::Formatter<'_>, what: &str, change: Decimal, limit: &Jump) -> fmt::Result {
    let Jump { percent, units } = limit;
    write!(
        f,
        "a {what} of {change} units, over the limit of {units} and {percent} %"
    )
}

/// Every limit that a change is over; none: it posts by itself. Of a new account nothing
/// is asked but the one question.
pub fn reasons(limits: &ApprovalLimits, change: &Change<'_>) -> Vec<Reason> {
    if limits.new_accounts && change.new_account {
        return vec![Reason::NewAccount];
    }
    let mut reasons = Vec::new();
    let units = change.target.change_from(change.baseline);
    let size = units.get().abs();
    let limit = match units.is_decrease() {
        true => limits.fall,
        false => limits.rise,
    };
    if let Some(limit) = limit.filter(|limit| over(limit, change.baseline, size)) {
        let change = size.normalize();
        reasons.push(match units.is_decrease() {
            true => Reason::Fall { change, limit },
            false => Reason::Rise { change, limit },
        });
    }
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

/// Whether a change is over both the number and the share.
fn over(limit: &Jump, baseline: Units, size: Decimal) -> bool {
    let hundredfold = size.saturating_mul(Decimal::ONE_HUNDRED);
    size > limit.units && hundredfold > baseline.get().saturating_mul(limit.percent)
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
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
        let shown = |reason: &Reason| self.has_shown(reason, now);
        (self.baseline, self.target) == (now.baseline, now.target)
            && self.effective <= now.effective
            && no_more(now.monthly, self.monthly)
            && now.reasons.iter().all(shown)
    }

    /// Whether a person who agreed to this has agreed to that as well, or to all of it but
    /// a departure that the limits let pass unasked: counts move while a question waits.
    /// From the same units, in the same direction, no earlier, and no dearer a unit.
    pub fn covers_within(&self, now: &Shown<'_>, limits: &ApprovalLimits) -> bool {
        if self.covers(now) {
            return true;
        }
        let (agreed, change) = (self.change(), now.change());
        let same_way = !change.is_zero() && change.is_decrease() == agreed.is_decrease();
        self.baseline == now.baseline
            && same_way
            && self.effective <= now.effective
            && self.no_dearer(now)
            && self.passes_unasked(now, limits)
            && now.reasons.iter().all(|reason| self.has_shown(reason, now))
    }

    /// What changes.
    pub fn change(&self) -> UnitsChange {
        self.target.change_from(self.baseline)
    }

    /// Whether what lies between the two targets would post by itself.
    fn passes_unasked(&self, now: &Shown<'_>, limits: &ApprovalLimits) -> bool {
        let departure = now.target.change_from(self.target);
        if departure.is_zero() {
            return true;
        }
        let share = departure.get().checked_div(now.change().get());
        let money = now.monthly.zip(share).and_then(|(monthly, share)| {
            let amount = monthly.amount.checked_mul(share)?;
            let currency = monthly.currency.clone();
            Some(Money { amount, currency })
        });
        let change = Change {
            baseline: self.target,
            target: now.target,
            monthly: money.as_ref(),
            first_time: false,
            new_account: false,
        };
        // That it is less of a rise than was agreed to is no decrease of the line.
        let limits = ApprovalLimits {
            decrease: false,
            ..limits.clone()
        };
        reasons(&limits, &change).is_empty()
    }

    /// A person who saw the units and the money of a new account has seen what any limit
    /// could ask about; and a departure that passes by itself may well lie at a limit.
    fn has_shown(&self, reason: &Reason, now: &Shown<'_>) -> bool {
        let as_new = self.reasons.contains(&Reason::NewAccount);
        let departs = self.target != now.target;
        let about_size = !matches!(
            reason,
            Reason::Rollback { .. } | Reason::NewAccount | Reason::FirstTime | Reason::Decrease
        );
        self.reasons.iter().any(|one| one.is_like(reason))
            || (as_new && !matches!(reason, Reason::Rollback { .. }))
            || (departs && about_size)
    }

    /// No more money for each unit that changes.
    fn no_dearer(&self, now: &Shown<'_>) -> bool {
        let (now_money, shown) = match (now.monthly, self.monthly) {
            (None, None) => return true,
            (Some(now), Some(shown)) if now.currency == shown.currency => (now, shown),
            _ => return false,
        };
        let negative = |money: &Money| money.amount.is_sign_negative();
        let same_way = now_money.amount.is_zero() || negative(now_money) == negative(shown);
        let of =
            |money: &Money, units: UnitsChange| money.amount.abs().checked_mul(units.get().abs());
        let (now_for, shown_for) = (of(now_money, self.change()), of(shown, now.change()));
        same_way
            && now_for
                .zip(shown_for)
                .is_some_and(|(now, shown)| now <= shown)
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
    pub answer: Answer,
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

    /// Whether it was asked as one of the changes of new accounts.
    pub fn is_of_new_account(&self) -> bool {
        self.reasons.contains(&Reason::NewAccount)
    }

    /// Whether it is about these very units.
    pub fn is_about(&self, baseline: Units, target: Units) -> bool {
        (self.baseline, self.target) == (baseline, target)
    }
}

#[cfg(test)]
mod tests;
