//! Changes that wait for a person: asked in a run, and closed by what a run shows.

use std::collections::HashMap;

use psa_host_billing::approval::{Reason, Shown};
use psa_host_billing::rules::ApprovalLimits;
use psa_host_billing::{LineId, ModuleId, WorkspaceId};
use psa_host_ledger::{NewQuestion, Outcome, QuestionRecord, QuestionState};

use super::RunScope;
use super::lines::RunLines;
use super::report::LineReport;
use crate::{Access, Result};

impl Access {
    /// Put the questions of a plan to people; their lines say how to answer.
    pub(super) fn ask_people(
        &self,
        begun: &RunScope<'_>,
        lines: &mut RunLines,
        questions: Vec<(usize, NewQuestion)>,
    ) -> Result<()> {
        if questions.is_empty() {
            return Ok(());
        }
        let live = self.ledger().live_questions(begun.tenant)?;
        let live: HashMap<&LineId, &QuestionRecord> = live
            .iter()
            .map(|asked| (&asked.question.key.line, asked))
            .collect();
        let (rows, new): (Vec<usize>, Vec<NewQuestion>) = questions
            .into_iter()
            .map(|(row, mut question)| {
                // A rollback that is still waiting stays the question it is; one that was
                // rejected is another question than what the counts ask for.
                let taken_back = |reason| matches!(reason, &Reason::Rollback { .. });
                if question.reasons.iter().any(taken_back) {
                    let asked = live.get(&question.key.line);
                    question.rollback = asked.and_then(|asked| asked.question.rollback);
                }
                (row, question)
            })
            .unzip();
        let ids = self.ledger().ask(begun.run, begun.tenant, &new)?;
        for (row, id) in rows.into_iter().zip(ids) {
            lines[row].asked(id, &begun.open.connection.name);
        }
        Ok(())
    }

    /// Close the questions of this connection that a run has dealt with: posted, or not
    /// planned any more. What a run held or did not come to stays as it is.
    ///
    /// `lines`: those that were planned, without orphans, which no question is about. Of a line
    /// that stands at its count a question is as little needed as of one that is not planned, so
    /// these need not be among them.
    pub(super) fn close_questions<'l>(
        &self,
        begun: &RunScope<'_>,
        limits: &ApprovalLimits,
        lines: impl Iterator<Item = &'l LineReport>,
    ) -> Result<()> {
        let live = self.ledger().live_questions(begun.tenant)?;
        if live.is_empty() {
            return Ok(());
        }
        let by_pair: HashMap<(&WorkspaceId, &ModuleId), &LineReport> = lines
            .map(|line| ((&line.workspace, &line.module), line))
            .collect();
        let closed: Vec<_> = live
            .iter()
            .filter(|asked| asked.connection == begun.open.connection.name)
            .filter(|asked| begun.only.has(&asked.question.workspace))
            .filter_map(|asked| {
                let pair = (&asked.question.workspace, &asked.question.module);
                let planned = by_pair.get(&pair).copied();
                Some((asked.id, becomes(asked, planned, limits)?))
            })
            .collect();
        Ok(self.ledger().close_questions(begun.run, &closed)?)
    }
}

/// What becomes of a question, given what became of its pair; none: it stays.
fn becomes(
    asked: &QuestionRecord,
    planned: Option<&LineReport>,
    limits: &ApprovalLimits,
) -> Option<QuestionState> {
    let about = &asked.question;
    // Mapped no more, excluded, nothing is billed for it, or its line stands at its count.
    let Some(planned) = planned else {
        return Some(QuestionState::Superseded);
    };
    match &planned.line {
        // Its account or contract could not be looked at.
        None => return None,
        Some(line) if *line != about.key.line => return Some(QuestionState::Superseded),
        Some(_) => {}
    }
    let same_target = planned.target == Some(about.target);
    let same = same_target && planned.baseline == Some(about.baseline);
    let granted = asked.state == QuestionState::Granted && is_covered(about, planned, limits);
    match planned.outcome {
        Outcome::Confirmed | Outcome::Doubtful | Outcome::Rejected if same || granted => {
            Some(QuestionState::Posted)
        }
        Outcome::Confirmed | Outcome::Doubtful | Outcome::Rejected => {
            Some(QuestionState::Superseded)
        }
        // It gathers for a later day, and its window is to find the answer.
        Outcome::Planned if granted => None,
        Outcome::Unchanged | Outcome::Planned => Some(QuestionState::Superseded),
        Outcome::AwaitingApproval => None,
        // Of a pair that is held for another reason the count has moved on. What was
        // rejected stays so, should the count come back.
        Outcome::Held => {
            let moved_on = planned.target.is_some() && !same_target;
            let keeps =
                granted || asked.state == QuestionState::Rejected || about.rollback.is_some();
            (moved_on && !keeps).then_some(QuestionState::Superseded)
        }
    }
}

/// Whether what is planned now is what was agreed to, but for what passes unasked.
fn is_covered(about: &NewQuestion, planned: &LineReport, limits: &ApprovalLimits) -> bool {
    let Some((baseline, target)) = planned.baseline.zip(planned.target) else {
        return false;
    };
    // A line that is held may not have come to its price.
    let monthly = planned
        .money
        .as_ref()
        .and_then(|m| m.monthly_change.as_ref());
    let now = Shown {
        baseline,
        target,
        effective: planned.effective_date.max(about.effective),
        monthly: monthly.or(about.money.as_ref()),
        reasons: &[],
    };
    about.shown().covers_within(&now, limits)
}
