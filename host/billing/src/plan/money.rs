//! What a change costs from month to month, and what of it missed its invoice.

use super::decide::Look;
use super::words::shown;
use super::{Context, PlanLine, Trace, checks};
use crate::effective::When;
use crate::period::Period;
use crate::{Effect, Segment, Timeline, Truth};

impl Context<'_> {
    pub(super) fn price(
        &self,
        line: &mut PlanLine,
        look: &Look<'_>,
        segment: &Segment,
        trace: &mut Trace<'_>,
    ) {
        // Of a part of a period the price often cannot be told; of the next whole one it
        // can, and that is what the change costs from month to month.
        let later = look
            .timeline
            .after(segment.start)
            .find_map(|later| later.unit_price.as_ref());
        let price = segment.unit_price.as_ref().or(later);
        line.unit_price = price.cloned();
        let contract = look.place.contract;
        let change = checks::billed_change(line, &look.place);
        line.monthly = line
            .unit_price
            .as_ref()
            .zip(change)
            .zip(contract.billing_months)
            .and_then(|((price, change), months)| price.times(change)?.a_month(months));
        trace.say("money", || {
            let price = shown(line.unit_price.as_ref());
            let months = contract
                .billing_months
                .map_or("an unknown period".to_owned(), |months| {
                    format!("{months} month(s)")
                });
            let change = shown(line.monthly.as_ref());
            format!("{price} a unit for {months}; {change} a month for the change")
        });
    }

    pub(super) fn missed_invoice(&self, line: &mut PlanLine, when: &When, look: &Look<'_>) {
        let timeline = look.timeline;
        self.kept_by_others(line, when, timeline);
        let Some(missed) = when.missed else { return };
        if self.model.effect != Effect::Dated || !self.model.knows_posted {
            self.missed_by_what_is_invoiced(line, missed, look);
            return;
        }
        // What lies before the first posted period is open, and only passed over.
        let within = |s: &&Segment| s.reaches(missed.start) && s.start <= missed.end;
        let posted = |s: &&Segment| within(s) && s.posted == Truth::Yes;
        let first = timeline.segments().iter().find(posted);
        let Some((first, target)) = first.zip(line.target) else {
            return;
        };
        let billed = first.units;
        if billed == target {
            return;
        }
        let change = target.change_from(billed);
        line.note(format!(
            "{} to {} is already posted with {billed} units: {change} missed its invoice",
            first.start, missed.end
        ));
    }

    /// The same where the PSA tells of the contract what is invoiced, not of the line.
    fn missed_by_what_is_invoiced(&self, line: &mut PlanLine, missed: Period, look: &Look<'_>) {
        let billed = look.timeline.at(missed.start).map(|segment| segment.units);
        // Where the PSA keeps no dates, what a line had before today need not be told.
        let Some((billed, target)) = billed.or(line.baseline).zip(line.target) else {
            return;
        };
        if billed == target {
            return;
        }
        let change = target.change_from(billed);
        let Period { start, end } = missed;
        let invoiced = look.place.contract.invoiced_through >= Some(end);
        line.note(match self.model.effect {
            Effect::Immediate if !invoiced => {
                format!("{start} to {end} passed with {billed} units: {change} is late")
            }
            _ => format!(
                "{start} to {end} is already invoiced with {billed} units: {change} missed its \
                 invoice"
            ),
        });
    }

    /// Days that keep their units because the line was adjusted for the day on which they
    /// begin.
    fn kept_by_others(&self, line: &mut PlanLine, when: &When, timeline: &Timeline) {
        let Some(kept) = when.kept else { return };
        let billed = timeline.at(kept.start).map(|segment| segment.units);
        let Some((billed, target)) = billed.zip(line.target) else {
            return;
        };
        if billed == target {
            return;
        }
        let change = target.change_from(billed);
        line.note(format!(
            "the line was already adjusted for {}, so {} to {} keep {billed} units: {change} missed \
             their invoice",
            kept.start, kept.start, kept.end
        ));
    }
}
