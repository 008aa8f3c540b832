//! An adjustment that a person wants taken back.

use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::decide::Look;
use super::{Context, Decision, LinePast, PlanLine, Trace, checks};
use crate::approval::{Answer, Reason, Rollback, Shown};
use crate::effective::{Circumstances, When, at_once};
use crate::{Effect, Hold, HoldCode, LineId};

/// Units are read at most this far back for a rollback: what is older has long been
/// invoiced, and each month adds a row a line to what is read.
const MOST_DAYS_BACK: i32 = 62;

/// From which day units have to be read to plan for `as_of`: that day, or the day of an
/// earlier adjustment that is to be taken back and is not posted yet.
pub fn first_day_to_read(past: &HashMap<LineId, LinePast>, as_of: Date) -> Date {
    let oldest = past
        .values()
        .filter(|past| past.taken_by.is_none())
        .filter_map(|past| past.question.as_ref())
        .filter(|question| !matches!(question.answer, Answer::Rejected { .. }))
        .filter_map(|question| Some(question.rollback.as_ref()?.effective))
        .min();
    let furthest = as_of.saturating_sub(MOST_DAYS_BACK.days());
    oldest.unwrap_or(as_of).clamp(furthest, as_of)
}

impl Context<'_> {
    /// The first day, from that of the adjustment on, on which it can be opposed: one
    /// that was read, is not posted, and has no adjustment of its own yet.
    fn opposing_day(&self, look: &Look<'_>, rollback: &Rollback) -> Result<When, Hold> {
        let Look {
            place,
            timeline,
            past,
            ..
        } = *look;
        if self.model.effect != Effect::Dated {
            let at = self.circumstances(&place, timeline, past, None);
            return at_once(&at, rollback.effective);
        }
        // One adjustment a line and date: the next free day is the nearest to undoing it.
        let repeats = self.model.repeats();
        let free = |mut day: Date| {
            while past.adjusted.contains(&day) && !repeats {
                day = day.tomorrow().unwrap_or(day);
            }
            day
        };
        let read = timeline.segments().first();
        let read = read.map_or(rollback.effective, |segment| segment.start);
        let begin = free(rollback.effective.max(read));
        let at = Circumstances {
            as_of: begin,
            ..self.circumstances(&place, timeline, past, None)
        };
        let mut when = at_once(&at, begin)?;
        // Nothing after the first open day is posted.
        when.date = free(when.date);
        Ok(when)
    }

    /// An adjustment that a person wants taken back stands in the place of what the
    /// counts ask for.
    pub(super) fn rollback(
        &self,
        line: &mut PlanLine,
        look: &Look<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Option<Decision>, Hold> {
        let Look { timeline, past, .. } = *look;
        let Some(question) = &past.question else {
            return Ok(None);
        };
        let Some(rollback) = &question.rollback else {
            return Ok(None);
        };
        if matches!(question.answer, Answer::Rejected { .. }) {
            return Ok(None);
        }
        line.target = Some(question.target);
        let when = self.opposing_day(look, rollback)?;
        trace.say("rollback", || {
            format!(
                "run {} is taken back, from {} on instead of {}",
                rollback.run, when.date, rollback.effective
            )
        });
        line.effective = when.date;
        let shown_from = self.model.shown_from(when.date, self.as_of);
        let Some(segment) = timeline.at(shown_from) else {
            let message = format!("the line has no units on {shown_from}");
            return Err(Hold::new(HoldCode::NoUnitsAtDate, message));
        };
        line.baseline = Some(segment.units);
        self.price(line, look, segment, trace);
        if segment.units == question.target {
            return Ok(Some(Decision::Unchanged));
        }
        checks::changeable(&look.place)?;
        self.missed_invoice(line, &when, look);
        if when.date != rollback.effective {
            line.note(format!(
                "run {} held from {}: the days before {} stay as it left them",
                rollback.run, rollback.effective, when.date
            ));
        }
        if !question.is_about(segment.units, question.target) {
            let message = format!(
                "{} takes back run {}, which left {} units; now there are {}",
                rollback.question, rollback.run, question.baseline, segment.units
            );
            return Err(Hold::new(HoldCode::RollbackOvertaken, message));
        }
        self.postable(segment.units, question.target)?;
        checks::nothing_is_coming(timeline, segment, past)?;
        let reasons = vec![Reason::Rollback {
            run: rollback.run.clone(),
        }];
        let now = Shown {
            baseline: segment.units,
            target: question.target,
            effective: when.date,
            monthly: line.monthly.as_ref(),
            reasons: &reasons,
        };
        let granted = question.answer == Answer::Granted && question.shown().covers(&now);
        // A person asked for it, so no brake on change counts it.
        line.vetted = line.delta();
        Ok(Some(match granted {
            true => Decision::Adjust,
            false => Decision::Ask(reasons),
        }))
    }
}
