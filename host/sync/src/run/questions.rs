//! Changes that wait for a person: asked in a run, and closed by what a run shows.

use std::collections::HashMap;

use psa_host_billing::LineId;
use psa_host_billing::approval::Reason;
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
    /// needed any more. What a run held or did not come to stays as it is.
    pub(super) fn close_questions(&self, begun: &Begun<'_>, lines: &[LineReport]) -> Result<()> {
        let live = self.ledger().live_questions(begun.tenant)?;
        let own = live
            .into_iter()
            .filter(|asked| asked.connection == begun.open.connection.name);
        let by_line: HashMap<&LineId, &LineReport> = lines
            .iter()
            .filter_map(|line| Some((line.line.as_ref()?, line)))
            .collect();
        let closed: Vec<_> = own
            .filter_map(|asked| {
                let line = by_line.get(&asked.question.key.line)?;
                Some((asked.id, becomes(&asked, line.outcome)?))
            })
            .collect();
        Ok(self.ledger().close_questions(&closed)?)
    }
}

fn becomes(asked: &QuestionRecord, outcome: Outcome) -> Option<QuestionState> {
    match outcome {
        Outcome::Confirmed | Outcome::Doubtful | Outcome::Rejected => {
            (asked.state == QuestionState::Granted).then_some(QuestionState::Posted)
        }
        Outcome::Unchanged | Outcome::Planned => Some(QuestionState::Superseded),
        Outcome::AwaitingApproval | Outcome::Held => None,
    }
}
