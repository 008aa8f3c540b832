//! From which date a change holds: by the connection's policy, on a day that is not
//! posted yet, and never twice on one date.

mod undated;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::period::{Period, next_period, period_of};
use crate::rules::{EffectivePolicy, EffectiveRule, LaterChanges};
use crate::{Contract, Effect, Hold, HoldCode, QuantityModel, Segment, Timeline, Truth};

/// What decides on the date, beside the policy.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The civil date planned for, in the connection's zone.
    pub as_of: Date,
    /// The contract of the line.
    pub contract: &'a Contract,
    /// The line's units.
    pub timeline: &'a Timeline,
    /// Dates for which this product adjusted the line.
    pub adjusted: &'a BTreeSet<Date>,
    /// Dates that the PSA refused, because somebody else adjusted the line for them.
    pub refused: &'a BTreeSet<Date>,
    /// How the PSA counts.
    pub model: &'a QuantityModel,
    /// Where the PSA takes no date: the day from which an earlier run wanted to change the
    /// line, if that change has not been posted since.
    pub due: Option<Date>,
}

/// The date a change holds from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The first day of the new quantity.
    pub date: Date,
    /// The day that the policy chose, before it moved.
    pub due: Date,
    /// The first day on which it may be sent; none: now. Until then changes gather.
    pub not_before: Option<Date>,
    /// Days that should have had the new quantity and keep the old one.
    pub missed: Option<Period>,
    /// Days that should have had the new quantity and keep the old one, because the line was
    /// already adjusted for the first of them.
    pub kept: Option<Period>,
    /// What is not known of the date and may cost money, for the report.
    pub unclear: Option<String>,
    /// How the date came about, one sentence each.
    pub because: Vec<String>,
}

impl When {
    fn on(date: Date, due: Date, because: Vec<String>) -> Self {
        Self {
            date,
            due,
            not_before: None,
            missed: None,
            kept: None,
            unclear: None,
            because,
        }
    }
}

/// The civil date of an instant in a connection's zone: what "today" means for it.
pub fn local_day(instant: Timestamp, zone: &TimeZone) -> Date {
    instant.to_zoned_datetime(zone.clone()).date()
}

/// Find the date.
///
/// # Errors
/// A [`Hold`]: the contract's period is unknown or contradicts the line's units, all is
/// posted, nobody knows what is posted, or the date has been adjusted before.
pub fn effective(rule: &EffectiveRule, at: &Circumstances<'_>) -> Result<When, Hold> {
    if at.model.effect != Effect::Dated {
        return undated::effective(rule, at);
    }
    let mut when = by_policy(rule, at)?;
    if at.is_taken(when.date) {
        if when.date <= at.as_of {
            return Err(taken(when.date));
        }
        let mut because = std::mem::take(&mut when.because);
        because.push(format!(
            "the line was already adjusted for {}, so the change gathers for the period after it",
            when.date
        ));
        let missed = when.missed;
        let taken_day = when.date;
        when = next_after(at, when.date, because)?;
        when.kept = kept(taken_day, when.date);
        if at.is_taken(when.date) {
            return Err(taken(when.date));
        }
        // What was posted before stays as it is, whichever day the change holds from.
        when.missed = match (missed, when.missed) {
            (Some(first), Some(more)) => Some(Period {
                start: first.start,
                end: more.end,
            }),
            (first, more) => first.or(more),
        };
    }
    Ok(gathered(rule, at, when))
}

/// The date of the policy, if the line was adjusted for it already: what was asked for
/// may be on its way.
pub fn already_adjusted(rule: &EffectiveRule, at: &Circumstances<'_>) -> Option<Date> {
    if at.model.effect != Effect::Dated {
        return None;
    }
    let date = by_policy(rule, at).ok()?.date;
    at.is_taken(date).then_some(date)
}

/// The first day from `from` on for which a change that a person wants now can hold.
pub(crate) fn at_once(at: &Circumstances<'_>, from: Date) -> Result<When, Hold> {
    match at.model.effect {
        Effect::Dated => first_open(at, from, Vec::new()),
        Effect::Immediate | Effect::NextInvoice => Ok(undated::now(at, from)),
    }
}

/// The date by the policy alone, whatever the line was adjusted for.
fn by_policy(rule: &EffectiveRule, at: &Circumstances<'_>) -> Result<When, Hold> {
    let takes_over = at.contract.start.filter(|start| *start > at.as_of);
    match rule.policy {
        _ if let Some(start) = takes_over => {
            let why = format!("the contract takes over on {start}");
            first_open(at, start, vec![why])
        }
        EffectivePolicy::Today => {
            let why = format!("policy today: {} in the connection's zone", at.as_of);
            first_open(at, at.as_of, vec![why])
        }
        EffectivePolicy::NextPeriod => next_after(at, at.as_of, Vec::new()),
        EffectivePolicy::PeriodStart => start(rule, at),
    }
}

impl Circumstances<'_> {
    fn is_taken(&self, date: Date) -> bool {
        let taken = self.adjusted.contains(&date) || self.refused.contains(&date);
        taken && !self.model.repeats()
    }
}

fn taken(date: Date) -> Hold {
    let message = format!("the line was already adjusted for {date}");
    Hold::new(HoldCode::DateAlreadyAdjusted, message)
}

fn start(rule: &EffectiveRule, at: &Circumstances<'_>) -> Result<When, Hold> {
    let period = agreed_period(at.contract, at.timeline, at.as_of)?;
    let begun = segment(at.timeline, at.as_of)?.start;
    // A segment that begins within the period was made by a change in it.
    let refused = at.refused.contains(&period.start);
    if begun <= period.start && !refused && !at.adjusted.contains(&period.start) {
        let why = format!(
            "policy period-start: the first change of the period from {} to {}",
            period.start, period.end
        );
        return first_open(at, period.start, vec![why]);
    }
    let why = format!(
        "policy period-start: the period from {} on has been changed before, so this change \
         holds later",
        period.start
    );
    let mut when = match rule.later_changes {
        LaterChanges::Today => first_open(at, at.as_of, vec![why]),
        LaterChanges::NextPeriod => next_after(at, at.as_of, vec![why]),
    }?;
    if refused {
        when.kept = kept(period.start, when.date);
    }
    Ok(when)
}

/// The days from one that was adjusted already up to the one from which the change holds.
fn kept(from: Date, until: Date) -> Option<Period> {
    let end = until.yesterday().ok()?;
    (from <= end).then_some(Period { start: from, end })
}

/// The period after the one of this day.
fn next_after(at: &Circumstances<'_>, day: Date, mut because: Vec<String>) -> Result<When, Hold> {
    // Known, and agreeing with the units, before one goes by the next.
    agreed_period(at.contract, at.timeline, day)?;
    let next = next_billing_period(at, day)?;
    because.push(format!("the next period is {} to {}", next.start, next.end));
    agreed_period(at.contract, at.timeline, next.start)?;
    first_open(at, next.start, because)
}

/// The period after the one of this day, if the contract lasts until then.
fn next_billing_period(at: &Circumstances<'_>, day: Date) -> Result<Period, Hold> {
    let Some(next) = next_period(at.contract, day) else {
        return Err(unknown(at.contract));
    };
    if let Some(end) = at.contract.end.filter(|end| *end < next.start) {
        let Contract { id, name, link, .. } = at.contract;
        let message = format!(
            "the change would hold from {} on, and contract {id} ({name}) ends on {end}",
            next.start
        );
        return Err(Hold::new(HoldCode::ContractEndsFirst, message).at(link.as_ref()));
    }
    Ok(next)
}

/// What holds from a later day is not sent before the window in front of that day: one
/// adjustment for all that has changed by then.
fn gathered(rule: &EffectiveRule, at: &Circumstances<'_>, mut when: When) -> When {
    let days = i64::from(rule.window_days);
    if let Ok(opens) = when.date.checked_sub(days.days())
        && opens > at.as_of
    {
        when.because.push(format!(
            "changes gather until {opens}, {days} days before that date"
        ));
        when.not_before = Some(opens);
    }
    when
}

/// This day, or the first after it from which nothing is posted.
pub(crate) fn first_open(
    at: &Circumstances<'_>,
    day: Date,
    mut because: Vec<String>,
) -> Result<When, Hold> {
    let from_day = || {
        at.timeline
            .segments()
            .iter()
            .filter(move |segment| segment.reaches(day))
    };
    segment(at.timeline, day)?;
    if !at.model.knows_posted {
        return first_not_invoiced(at, day, because);
    }
    let unclear = from_day().find(|segment| segment.posted == Truth::Unknown);
    if let Some(segment) = unclear {
        let message = format!(
            "it is not known whether {} to {} is already posted",
            segment.start,
            segment.end_in_words()
        );
        return Err(Hold::new(HoldCode::PostedUnknown, message));
    }
    let Some(last) = from_day().rfind(|s| s.posted == Truth::Yes) else {
        return Ok(When::on(day, day, because));
    };
    let open = last.end.and_then(|end| Some((end, end.tomorrow().ok()?)));
    let open = open.filter(|(_, open)| at.timeline.at(*open).is_some());
    let Some((end, open)) = open else {
        let message = format!(
            "{} to {} is already posted, and the line has no period after it",
            posted_from(at.timeline, last),
            last.end_in_words()
        );
        return Err(Hold::new(HoldCode::AllPosted, message));
    };
    because.push(format!(
        "the period up to {end} is already posted, so the change holds from {open} on"
    ));
    Ok(When {
        missed: Some(Period { start: day, end }),
        ..When::on(open, day, because)
    })
}

/// The first day of what is posted without a gap up to this segment.
fn posted_from(timeline: &Timeline, last: &Segment) -> Date {
    let before = timeline.segments().iter().rev();
    let posted = before
        .skip_while(|segment| segment.start > last.start)
        .take_while(|segment| segment.posted == Truth::Yes);
    posted.last().map_or(last.start, |first| first.start)
}

/// This day, or the first after it that is not invoiced, where the PSA does not tell of each
/// stretch whether it is posted.
fn first_not_invoiced(
    at: &Circumstances<'_>,
    day: Date,
    mut because: Vec<String>,
) -> Result<When, Hold> {
    let Contract { id, name, link, .. } = at.contract;
    let Some(end) = at.contract.invoiced_through else {
        let message =
            format!("the PSA does not say through which day contract {id} ({name}) is invoiced");
        return Err(Hold::new(HoldCode::InvoicingUnknown, message).at(link.as_ref()));
    };
    if end < day {
        return Ok(When::on(day, day, because));
    }
    let open = end.tomorrow().ok();
    let Some(open) = open.filter(|open| at.timeline.at(*open).is_some()) else {
        let message = format!(
            "every day from {day} to {end} is already invoiced, and the line has none after it"
        );
        return Err(Hold::new(HoldCode::AllPosted, message));
    };
    because.push(format!(
        "the contract is invoiced through {end}, so the change holds from {open} on"
    ));
    Ok(When {
        missed: Some(Period { start: day, end }),
        ..When::on(open, day, because)
    })
}

/// The period of a day, where the line's units agree that it begins and ends there.
pub(crate) fn agreed_period(
    contract: &Contract,
    timeline: &Timeline,
    day: Date,
) -> Result<Period, Hold> {
    let period = period_of(contract, day).ok_or_else(|| unknown(contract))?;
    // A segment with an end never reaches over the border of two periods. An open one says
    // nothing of periods.
    let across = timeline.segments().iter().find(|segment| {
        segment.end.is_some_and(|end| {
            (segment.start < period.start && period.start <= end)
                || (segment.start <= period.end && period.end < end)
        })
    });
    match across {
        None => Ok(period),
        Some(segment) => {
            let message = format!(
                "the contract's billing period should be {} to {}, but the line has one quantity \
                 from {} to {}",
                period.start,
                period.end,
                segment.start,
                segment.end_in_words()
            );
            Err(Hold::new(HoldCode::PeriodUnknown, message))
        }
    }
}

fn unknown(contract: &Contract) -> Hold {
    let message = format!(
        "the PSA does not say how long the billing periods of contract {} ({}) are",
        contract.id, contract.name
    );
    Hold::new(HoldCode::PeriodUnknown, message).at(contract.link.as_ref())
}

fn segment(timeline: &Timeline, day: Date) -> Result<&Segment, Hold> {
    timeline.at(day).ok_or_else(|| {
        let message = format!("the line has no units on {day}");
        Hold::new(HoldCode::NoUnitsAtDate, message)
    })
}

#[cfg(test)]
mod tests;
