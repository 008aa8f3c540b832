//! Whether a change may be posted by itself, waits for its day, or for a person.

use super::{Context, Decision, LinePast, PlanLine, Trace};
use crate::approval::{self, Answer, Change, Question, Reason, Shown};
use crate::effective::When;
use crate::{Hold, HoldCode};

impl Context<'_> {
    /// Posted now, gathered, or asked first: also what gathers is asked about when it is
    /// first planned, so that its window finds an answer.
    pub(super) fn ask(
        &self,
        line: &mut PlanLine,
        past: &LinePast,
        when: &When,
        trace: &mut Trace<'_>,
    ) -> Result<Decision, Hold> {
        let Some((baseline, target)) = line.baseline.zip(line.target) else {
            return Ok(Decision::Unchanged);
        };
        let asked = past.question.as_ref().filter(|q| q.rollback.is_none());
        // Also where no limit asks for it any more: a person said no to just this.
        if let Some(Question {
            answer: Answer::Rejected { words },
            ..
        }) = asked.filter(|question| question.is_about(baseline, target))
        {
            return Err(Hold::new(HoldCode::ApprovalRejected, words.clone()));
        }
        let change = Change {
            baseline,
            target,
            monthly: line.monthly.as_ref(),
            first_time: !past.posted && past.adjusted.is_empty(),
            new_account: line.new_account,
        };
        let reasons = match asked {
            // The yes to another line of the account is none to this one.
            Some(asked) if asked.is_of_new_account() && asked.answer != Answer::Granted => {
                vec![Reason::NewAccount]
            }
            _ => approval::reasons(&self.rules.approval, &change),
        };
        let now = Shown {
            baseline,
            target,
            effective: line.effective,
            monthly: line.monthly.as_ref(),
            reasons: &reasons,
        };
        let granted = asked.filter(|asked| asked.answer == Answer::Granted);
        let covers = |asked: &&Question| asked.shown().covers_within(&now, &self.rules.approval);
        let covered = granted.filter(covers);
        let waiting =
            || asked.filter(|asked| asked.answer == Answer::Waiting && asked.baseline == baseline);
        line.vetted = covered
            .or_else(waiting)
            .map(|question| question.shown().change());
        let proceeds = reasons.is_empty() || covered.is_some();
        trace.say("approval", || {
            let words = match (covered, granted) {
                (Some(_), _) => "granted by a person",
                (None, Some(_)) => {
                    "granted by a person, but not with these units, this money, day and reasons"
                }
                (None, None) if reasons.is_empty() => "within all limits",
                (None, None) => return in_a_row(&reasons),
            };
            words.to_owned()
        });
        Ok(match (proceeds, when.not_before) {
            (true, None) => Decision::Adjust,
            (true, Some(not_before)) => Decision::Gather { not_before },
            (false, not_before) => {
                if let Some(not_before) = not_before {
                    line.note(format!(
                        "changes gather; once agreed, this one is sent from {not_before} on"
                    ));
                }
                Decision::Ask(reasons)
            }
        })
    }
}

fn in_a_row(reasons: &[Reason]) -> String {
    let words: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    format!("a person is asked: {}", words.join("; "))
}
