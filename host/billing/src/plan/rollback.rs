//! An adjustment that a person wants taken back.

use super::decide::Look;
use super::{Context, Decision, PlanLine, Trace, checks};
use crate::approval::{Reason, Shown, Verdict};
use crate::effective::{Circumstances, effective};
use crate::rules::{EffectivePolicy, EffectiveRule};
use crate::{Hold, HoldCode, Truth};

impl Context<'_> {
    /// An adjustment that a person wants taken back stands in the place of what the
    /// counts ask for.
    pub(super) fn rollback(
        &self,
        line: &mut PlanLine,
        look: &Look<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Option<Decision>, Hold> {
        let Look {
            place,
            timeline,
            past,
            ..
        } = *look;
        let Some(question) = &past.question else {
            return Ok(None);
        };
        let Some(rollback) = &question.rollback else {
            return Ok(None);
        };
        if matches!(question.verdict, Verdict::Rejected { .. }) {
            return Ok(None);
        }
        line.target = Some(question.target);
        let wanted = EffectiveRule {
            policy: EffectivePolicy::Today,
            ..self.rules.effective.clone()
        };
        let mut date = rollback.effective;
        // One adjustment a line and date: the next free day is the nearest to undoing it.
        while past.adjusted.contains(&date) && self.model.repeat_date != Truth::Yes {
            date = date.tomorrow().unwrap_or(date);
        }
        let at = Circumstances {
            as_of: date,
            contract: place.contract,
            timeline,
            adjusted: &past.adjusted,
            repeats: self.model.repeat_date == Truth::Yes,
        };
        let mut when = effective(&wanted, &at)?;
        when.not_before = None;
        trace.say("rollback", || {
            format!(
                "run {} is taken back, from {} on instead of {}",
                rollback.run, when.date, rollback.effective
            )
        });
        line.effective = when.date;
        let Some(segment) = timeline.at(when.date) else {
            let message = format!("the line has no units on {}", when.date);
            return Err(Hold::new(HoldCode::NoUnitsAtDate, message));
        };
        line.baseline = Some(segment.units);
        self.price(line, look, segment, trace);
        if segment.units == question.target {
            return Ok(Some(Decision::Unchanged));
        }
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
        checks::nothing_is_coming(timeline, segment)?;
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
        let granted = question.verdict == Verdict::Granted && question.shown().covers(&now);
        Ok(Some(match granted {
            true => Decision::Adjust,
            false => Decision::Ask(reasons),
        }))
    }
}
