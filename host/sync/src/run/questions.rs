//! Changes that wait for a person: asked in a run, and closed by what a run shows.

use std::collections::HashMap;

use psa_host_billing::approval::Reason;
use psa_host_billing::{LineId, ModuleId, WorkspaceId};
use psa_host_ledger::{NewQuestion, Outcome, QuestionRecord, QuestionState};

use super::Begun;
use super::report::LineReport;
use crate::{Host, Result};

impl Host {
    /// Put the questions of a plan to people; their lines say how to answer.
    pub(super) fn ask_people(
        &self,
        begun: &Begun<'_>,
        lines: &mut [LineReport],
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
            if let Some(line) = lines.get_mut(row) {
                line.asked(id);
            }
        }
        Ok(())
    }

    /// Close the questions of this connection that a run has dealt with: posted, or not
    /// planned any more. What a run held or did not come to stays as it is.
    ///
    /// `lines`: those that were planned, without orphans, which no question is about.
    pub(super) fn close_questions(&self, begun: &Begun<'_>, lines: &[LineReport]) -> Result<()> {
        let live = self.ledger().live_questions(begun.tenant)?;
        if live.is_empty() {
            return Ok(());
        }
        let by_pair: HashMap<(&WorkspaceId, &ModuleId), &LineReport> = lines
            .iter()
            .map(|line| ((&line.workspace, &line.module), line))
            .collect();
        let closed: Vec<_> = live
            .iter()
            .filter(|asked| asked.connection == begun.open.connection.name)
            .filter_map(|asked| {
                let pair = (&asked.question.workspace, &asked.question.module);
                Some((asked.id, becomes(asked, by_pair.get(&pair).copied())?))
            })
            .collect();
        Ok(self.ledger().close_questions(&closed)?)
    }
}

/// What becomes of a question, given what became of its pair; none: it stays.
fn becomes(asked: &QuestionRecord, planned: Option<&LineReport>) -> Option<QuestionState> {
    let about = &asked.question;
    // Mapped no more, excluded, or nothing is billed for it.
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
    match planned.outcome {
        Outcome::Confirmed | Outcome::Doubtful | Outcome::Rejected if same => {
            Some(QuestionState::Posted)
        }
        Outcome::Confirmed | Outcome::Doubtful | Outcome::Rejected => {
            Some(QuestionState::Superseded)
        }
        Outcome::Unchanged | Outcome::Planned => Some(QuestionState::Superseded),
        Outcome::AwaitingApproval => None,
        // Of a pair that is held for another reason the count has moved on. What was
        // rejected stays so, should the count come back.
        Outcome::Held => {
            let moved_on = planned.target.is_some() && !same_target;
            let keeps = asked.state == QuestionState::Rejected || about.rollback.is_some();
            (moved_on && !keeps).then_some(QuestionState::Superseded)
        }
    }
}
