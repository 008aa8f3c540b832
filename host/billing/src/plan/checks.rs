//! What has to be true of a pair, its account, its service and its number, whatever the
//! policy.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Context, LinePast, Pair, PlanLine, Rejected};
use crate::contract_choice::ChosenLine;
use crate::count::Counted;
use crate::rejection::MAX_REJECTIONS;
use crate::{Hold, HoldCode, Segment, Timeline, Truth, Units, UnitsChange, ZeroUnits};

/// Users or devices that no customer of an MSP has; a counter that ran over, or a field that
/// was mistaken for another, is soon above it.
const LARGEST_PLAUSIBLE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

impl Context<'_> {
    pub(super) fn account_and_service(&self, pair: &Pair) -> Result<(), Hold> {
        match self.accounts.get(&pair.account) {
            None => {
                let message = format!("account {} is not listed by the PSA", pair.account);
                return Err(Hold::new(HoldCode::AccountMissing, message));
            }
            // Not known is not yes: nothing is billed to a customer who may have left.
            Some(account) if account.active != Truth::Yes => {
                let what = format!("account {} ({})", account.id, account.name);
                let message = not_active(&what, account.active);
                return Err(Hold::new(HoldCode::AccountInactive, message).at(account.link.as_ref()));
            }
            Some(_) => {}
        }
        match self.services.get(&pair.service) {
            None => {
                let message = format!("service {} is not listed by the PSA", pair.service);
                Err(Hold::new(HoldCode::ServiceMissing, message))
            }
            Some(service) if service.active != Truth::Yes => {
                let what = format!("service {} ({})", service.id, service.name);
                let message = not_active(&what, service.active);
                Err(Hold::new(HoldCode::ServiceInactive, message).at(service.link.as_ref()))
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn postable(&self, baseline: Units, target: Units) -> Result<(), Hold> {
        let held = |message: String| Err(Hold::new(HoldCode::UnitsNotPostable, message));
        let change = target.change_from(baseline).get();
        if self.model.whole_numbers && !change.is_integer() {
            return held(format!(
                "from {baseline} to {target} is not a whole number of units"
            ));
        }
        let largest = self.model.largest.unwrap_or(Decimal::MAX);
        if target.get() > largest {
            return held(format!(
                "{target} units is over the PSA's largest number, {largest}"
            ));
        }
        if change.abs() > largest {
            let change = target.change_from(baseline);
            return held(format!(
                "the change of {change} units, from {baseline} to {target}, is over the PSA's \
                 largest number, {largest}"
            ));
        }
        if target.is_zero() && self.model.zero == ZeroUnits::Refused {
            return held("the PSA refuses lines with zero units".to_owned());
        }
        if target.get() > LARGEST_PLAUSIBLE {
            let message = format!("{target} units: over {LARGEST_PLAUSIBLE} for one customer");
            return Err(Hold::new(HoldCode::CountImplausible, message));
        }
        Ok(())
    }
}

/// Whether units can be set on the line from outside.
pub(super) fn changeable(place: &ChosenLine<'_>) -> Result<(), Hold> {
    let Some(why) = &place.line.not_writable else {
        return Ok(());
    };
    let id = &place.line.key.line;
    let message = format!("the units of line {id} cannot be set from outside: {why}");
    Err(Hold::new(HoldCode::LineNotWritable, message))
}

/// Whether the customer is invoiced for the line, if it is to have units at all.
pub(super) fn billable(line: &PlanLine, place: &ChosenLine<'_>) -> Result<(), Hold> {
    let has_units = |units: Option<Units>| units.is_some_and(|units| !units.is_zero());
    if place.line.billable != Truth::No || !(has_units(line.target) || has_units(line.baseline)) {
        return Ok(());
    }
    let id = &place.line.key.line;
    let message = format!("the PSA does not invoice the customer for line {id}");
    Err(Hold::new(HoldCode::LineNotBillable, message))
}

/// Units of a change that do not reach the invoice, or may not.
pub(super) fn say_what_is_not_billed(line: &mut PlanLine, place: &ChosenLine<'_>) {
    if place.line.billable == Truth::Unknown {
        line.note("the PSA does not say whether the customer is invoiced for the line");
    }
    let included = place.line.included.filter(|included| !included.is_zero());
    if let (Some(included), Some(target)) = (included, line.target) {
        let billed = above(target, included);
        line.note(format!(
            "the contract includes {included} units free of charge: of {target}, {billed} are billed"
        ));
    }
}

/// The change of what is billed: units that the contract includes are not.
pub(super) fn billed_change(line: &PlanLine, place: &ChosenLine<'_>) -> Option<UnitsChange> {
    let included = place.line.included.unwrap_or(Units::ZERO);
    let (baseline, target) = (line.baseline?, line.target?);
    Some(above(target, included).change_from(above(baseline, included)))
}

fn above(units: Units, included: Units) -> Units {
    let above = units.get().saturating_sub(included.get());
    Units::new(above).unwrap_or(Units::ZERO)
}

fn not_active(what: &str, active: Truth) -> String {
    match active {
        Truth::Unknown => format!("the PSA does not say whether {what} is active"),
        _ => format!("{what} is inactive"),
    }
}

/// A change moves every later segment too: all must have the units of this one.
pub(super) fn nothing_is_coming(
    timeline: &Timeline,
    from: &Segment,
    past: &LinePast,
) -> Result<(), Hold> {
    let coming = timeline
        .after(from.start)
        .find(|later| later.units != from.units);
    let Some(Segment { start, units, .. }) = coming else {
        return Ok(());
    };
    let change = format!("a change to {units} units from {start} on");
    if past.confirmed != Some((*units, *start)) {
        let message = format!("the PSA has {change}");
        return Err(Hold::new(HoldCode::FutureChange, message));
    }
    let message = format!("psa-host itself has already posted {change}, for the next period");
    Err(Hold {
        fix: format!(
            "Nothing to do, and leave that change in the PSA: from {start} on the line is \
             compared with its count again, and what is missing is posted then. Only the days \
             before it stay as they are."
        ),
        ..Hold::new(HoldCode::FutureChange, message)
    })
}

/// Somebody changed the units in the PSA.
pub(super) fn foreign_edit((right, since): (Units, Date), now: Units) -> Hold {
    let message = format!(
        "units were changed in the PSA: {right} were right from {since} on, now there are {now}"
    );
    Hold::new(HoldCode::ForeignEdit, message)
}

/// What the PSA refused twice is not sent a third time by itself.
pub(super) fn not_rejected_twice(target: Units, past: &LinePast) -> Result<(), Hold> {
    let refused = past.rejected.as_ref();
    let refused = refused.filter(|of| of.target == target && of.times >= MAX_REJECTIONS);
    let Some(Rejected { times, words, .. }) = refused else {
        return Ok(());
    };
    let message = format!("the PSA refused {target} units {times} times: {words}");
    Err(Hold::new(HoldCode::RejectedTwice, message))
}

/// What is coming can only be told where all of it was read: a line whose units end
/// before those of its contract's other lines lacks rows, or ends, and a person has to say
/// which.
pub(super) fn nothing_is_cut_off(place: &ChosenLine<'_>, timeline: &Timeline) -> Result<(), Hold> {
    // An open one has no end.
    let end = |timeline: &Timeline| timeline.segments().last().and_then(|last| last.end);
    let Some(own) = end(timeline) else {
        return Ok(());
    };
    let others = place.contract.lines.iter().filter_map(|line| {
        let units = line.timeline.as_ref().ok()?;
        Some((end(units)?, &line.key.line))
    });
    let Some((longest, other)) = others.max_by_key(|(end, _)| *end) else {
        return Ok(());
    };
    if longest <= own {
        return Ok(());
    }
    let message = format!(
        "the units of line {} end on {own}, those of line {other} of the same contract on \
         {longest}: units are missing from the PSA's answer, or the line ends before its contract",
        place.line.key.line
    );
    Err(Hold::new(HoldCode::UnitsUnreadable, message))
}

/// Nothing is to be billed: because nothing is used, or because the count policy makes
/// nothing of what is. Both wait for a person: customers seldom use less than is
/// included all at once.
pub(super) fn fall_to_zero(baseline: Units, counted: &Result<Counted, Hold>) -> Hold {
    let message = format!("a fall from {baseline} to zero units");
    let used = counted.as_ref().ok().filter(|counted| counted.is_used());
    let Some(counted) = used else {
        return Hold::new(HoldCode::FallToZero, message);
    };
    let message = format!("{message}, by the count policy and not for want of use: {counted}");
    Hold {
        fix: "If that is meant, allow it with `psa-host rules set NAME --zero post`; else correct \
              the policy with `psa-host count set`, or the exclusions with `psa-host count restore`."
            .to_owned(),
        ..Hold::new(HoldCode::FallToZero, message)
    }
}
