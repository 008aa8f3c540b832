//! From when a change holds where the PSA takes no date with it. Nothing but the day on which it
//! is sent decides what it is billed for, so a change that is sent early is billed early:
//!
//! - `immediate`: it is sent on the day from which it shall hold, or on the next day that runs;
//! - `next-invoice`: it is billed from the first day that is not invoiced yet. It is sent once all
//!   days before the one from which it shall hold are invoiced, and before the invoice is made that
//!   bills that day.
//!
//! Either way it often waits, and by the time it can be sent the policy alone would give a later
//! day (on 1 December, `next-period` means January). So the day is remembered until the change is
//! posted: [`Circumstances::due`].

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Circumstances, When, next_billing_period, taken, unknown};
use crate::period::{Period, period_of};
use crate::rules::{EffectivePolicy, EffectiveRule};
use crate::{Effect, Hold, HoldCode, Truth};

pub(super) fn effective(rule: &EffectiveRule, at: &Circumstances<'_>) -> Result<When, Hold> {
    let (day, because) = shall_hold(rule, at)?;
    let when = match at.model.effect {
        Effect::NextInvoice => from_the_next_invoice(rule, at, day, because)?,
        Effect::Immediate | Effect::Dated => at_once(at, day, because),
    };
    if when.not_before.is_none() && at.is_taken(when.date) {
        return Err(taken(when.date));
    }
    Ok(when)
}

/// A change that a person wants now, whatever is invoiced.
pub(super) fn now(at: &Circumstances<'_>, shall: Date) -> When {
    let first = at.first_not_invoiced();
    let date = match at.model.effect {
        Effect::NextInvoice => first.unwrap_or(at.as_of),
        Effect::Immediate | Effect::Dated => first.map_or(at.as_of, |first| first.max(at.as_of)),
    };
    When {
        missed: missed(shall, date),
        ..When::on(date, shall, Vec::new())
    }
}

/// The day from which the change shall hold by the policy, also where it has passed.
fn shall_hold(rule: &EffectiveRule, at: &Circumstances<'_>) -> Result<(Date, Vec<String>), Hold> {
    if !at.model.effect.allows(rule.policy) {
        let message = format!(
            "the rule is {}, and a change holds from the moment it is sent: it cannot be dated back \
             to the first day of the running period",
            rule.policy
        );
        return Err(Hold::new(HoldCode::PolicyNotPossible, message));
    }
    if let Some(due) = at.due.filter(|due| *due <= at.as_of) {
        let why = format!("a change was to hold from {due} on and is not posted yet");
        return Ok((due, vec![why]));
    }
    if let Some(start) = at.contract.start.filter(|start| *start > at.as_of) {
        return Ok((start, vec![format!("the contract takes over on {start}")]));
    }
    match rule.policy {
        EffectivePolicy::Today => {
            let why = format!("policy today: {} in the connection's zone", at.as_of);
            Ok((at.as_of, vec![why]))
        }
        EffectivePolicy::NextPeriod => {
            let next = next_billing_period(at, at.as_of)?;
            begins_after_an_invoice(at, next)?;
            let why = format!("the next period is {} to {}", next.start, next.end);
            Ok((next.start, vec![why]))
        }
        EffectivePolicy::PeriodStart => {
            let period = period_of(at.contract, at.as_of).ok_or_else(|| unknown(at.contract))?;
            begins_after_an_invoice(at, period)?;
            let why = format!(
                "policy period-start: the period is {} to {}",
                period.start, period.end
            );
            Ok((period.start, vec![why]))
        }
    }
}

/// The contract's periods are the PSA's word; what is invoiced has to agree with it.
fn begins_after_an_invoice(at: &Circumstances<'_>, period: Period) -> Result<(), Hold> {
    let Some(first) = at.first_not_invoiced() else {
        return Ok(());
    };
    let begun = period_of(at.contract, first).map(|of_first| of_first.start);
    if at.model.effect != Effect::NextInvoice || begun.is_none_or(|start| start == first) {
        return Ok(());
    }
    let contract = at.contract;
    let message = format!(
        "the billing period from {} to {} does not fit what is invoiced: contract {} ({}) is \
         invoiced up to the day before {first}, on which no period begins",
        period.start, period.end, contract.id, contract.name
    );
    Err(Hold::new(HoldCode::PeriodUnknown, message).at(contract.link.as_ref()))
}

fn at_once(at: &Circumstances<'_>, day: Date, mut because: Vec<String>) -> When {
    if day > at.as_of {
        because.push(format!(
            "the PSA takes no date and changes the units at once, so it is sent on {day}"
        ));
        return When {
            not_before: Some(day),
            ..When::on(day, day, because)
        };
    }
    because.push("the PSA takes no date and changes the units at once".to_owned());
    When {
        because,
        ..now(at, day)
    }
}

fn from_the_next_invoice(
    rule: &EffectiveRule,
    at: &Circumstances<'_>,
    day: Date,
    mut because: Vec<String>,
) -> Result<When, Hold> {
    let next_invoice = at.contract.next_invoice;
    let first = match (at.first_not_invoiced(), next_invoice, rule.policy) {
        (Some(first), Some(_), _) | (Some(first), None, EffectivePolicy::Today) => first,
        (None, _, EffectivePolicy::Today) if day <= at.as_of => {
            let unclear = "it is not known through which day the contract is invoiced: the change \
                           is billed from the PSA's next invoice on, whatever days that bills";
            return Ok(When {
                unclear: Some(unclear.to_owned()),
                ..When::on(at.as_of, day, because)
            });
        }
        (first, ..) => return Err(invoicing_unknown(at, first)),
    };
    if first < day {
        // An invoice that is to be made yet bills days that shall have the old units.
        let tomorrow = at.as_of.tomorrow().unwrap_or(at.as_of);
        let opens = next_invoice.map_or(tomorrow, |made| made.max(tomorrow));
        because.push(format!(
            "sent now it would be billed from {first} on, so it waits for the invoice of the days \
             before {day}"
        ));
        return Ok(When {
            not_before: Some(opens),
            ..When::on(first_period_from(at, day), day, because)
        });
    }
    if let Some(end) = at.contract.end.filter(|end| *end < first) {
        let message = format!("all days from {day} to the contract's end on {end} are invoiced");
        return Err(Hold::new(HoldCode::AllPosted, message).at(at.contract.link.as_ref()));
    }
    if first > day {
        because.push(format!(
            "it is invoiced up to the day before {first}, so the change holds from {first} on"
        ));
    }
    // One change for all that has gathered by the time the invoice is made.
    let made = next_invoice.map_or(first, |made| made.min(first));
    let opens = made.checked_sub(i64::from(rule.window_days).days());
    let opens = opens.ok().filter(|opens| *opens > at.as_of);
    if let Some(opens) = opens {
        let days = rule.window_days;
        because.push(format!(
            "changes gather until {opens}, {days} days before the invoice"
        ));
    }
    Ok(When {
        not_before: opens,
        missed: missed(day, first),
        ..When::on(first, day, because)
    })
}

fn missed(shall: Date, holds: Date) -> Option<Period> {
    let end = holds.yesterday().ok().filter(|_| shall < holds)?;
    Some(Period { start: shall, end })
}

/// What an invoice bills begins with a period: for what waits, the day it is likely to be.
fn first_period_from(at: &Circumstances<'_>, day: Date) -> Date {
    match period_of(at.contract, day) {
        Some(period) if period.start < day => period.end.tomorrow().unwrap_or(day),
        _ => day,
    }
}

fn invoicing_unknown(at: &Circumstances<'_>, first: Option<Date>) -> Hold {
    let contract = at.contract;
    let what = match first {
        None => "through which day it is invoiced",
        Some(_) => "when its next invoice is made",
    };
    let message = format!(
        "the PSA takes no date with a change, and does not say of contract {} ({}) {what}",
        contract.id, contract.name
    );
    Hold::new(HoldCode::InvoicingUnknown, message).at(contract.link.as_ref())
}

impl Circumstances<'_> {
    /// The first day that no invoice has billed yet, where the PSA tells.
    pub(super) fn first_not_invoiced(&self) -> Option<Date> {
        let of_segments = || {
            // An open one that is called posted says nothing of a day.
            let posted = self.timeline.segments().iter();
            let posted = posted.filter(|s| self.model.knows_posted && s.posted == Truth::Yes);
            posted.filter_map(|segment| segment.end).max()
        };
        let through = self.contract.invoiced_through.or_else(of_segments)?;
        through.tomorrow().ok()
    }
}
