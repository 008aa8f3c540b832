//! What people decide: about units that somebody changed in the PSA, about changes that
//! wait, about runs that are to be taken back, and about the rules themselves.

use psa_host_billing::approval::Reason;
use psa_host_billing::plan::Decision;
use psa_host_billing::rules::Rules;
use psa_host_billing::stance::Stance;
use psa_host_billing::{ConnectionName, LineId, ModuleId, Units, WorkspaceId};
use psa_host_ledger::{
    Answering, IntentRecord, IntentState, NewQuestion, QuestionId, QuestionRecord, QuestionState,
    RunId, StanceRecord,
};
use serde::Serialize;

use crate::error::rule;
use crate::{Done, Host, Result};

/// What a person decides about a line whose units somebody else changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineDecision {
    /// Right until the count changes.
    Adopt,
    /// The count is right.
    Overwrite,
    /// Leave it alone.
    Pin,
    /// Take an earlier decision back.
    Release,
}

/// A rollback that was put to approval.
#[derive(Debug, Clone, Serialize)]
pub struct RollbackAsked {
    /// The run that is to be taken back.
    pub run: String,
    /// Whose connection.
    pub connection: ConnectionName,
    /// The questions, one a line.
    pub questions: Vec<String>,
    /// Lines of the run that are not taken back, and why.
    pub left: Vec<LeftOut>,
    /// Units over all lines: what the rollback takes away (below zero) or adds.
    pub net_units: rust_decimal::Decimal,
}

/// A line that a rollback leaves.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Which.
    pub line: LineId,
    /// Why.
    pub why: String,
}

impl Host {
    /// A connection's rules.
    ///
    /// # Errors
    /// No such connection.
    pub fn rules(&self, name: &ConnectionName) -> Result<Rules> {
        self.connection(name)?;
        Ok(self.ledger().rules(name)?)
    }

    /// Set a connection's rules.
    ///
    /// # Errors
    /// No such connection; a number that makes no sense.
    pub fn set_rules(&self, name: &ConnectionName, rules: &Rules) -> Result<()> {
        self.connection(name)?;
        if let Err(what) = rules.check() {
            return Err(rule("rule-out-of-range", what, "Correct the number."));
        }
        Ok(self.ledger().set_rules(name, rules)?)
    }

    /// Decide about the line of a pair, as it stands in the PSA now.
    ///
    /// # Errors
    /// A pair without a line; a line that was not changed by others, where adopting or
    /// overwriting would mean nothing; a PSA that does not answer.
    pub async fn decide_line(
        &self,
        name: &ConnectionName,
        (workspace, module): (&WorkspaceId, &ModuleId),
        decision: LineDecision,
        why: &str,
    ) -> Result<Done> {
        let planned = self.plan_pair(name, workspace, module).await?;
        let Some(line) = planned.line else {
            return Err(no_line(
                workspace,
                module,
                "nothing is used and nothing is billed",
            ));
        };
        let Some(key) = line.line.clone() else {
            let why = match &line.decision {
                Decision::Hold(hold) => hold.message.clone(),
                _ => "no contract has a line for it".to_owned(),
            };
            return Err(no_line(workspace, module, &why));
        };
        let id = &key.line;
        let units = line.baseline;
        let done = |result, message| Done {
            result,
            message,
            notes: Vec::new(),
        };
        if decision == LineDecision::Release {
            self.ledger().release_stance(&planned.tenant, id, why)?;
            let message = format!("line {id} is compared and posted like any other again");
            return Ok(done("released", message));
        }
        if !line.changed_by_others && decision != LineDecision::Pin {
            return Err(not_changed(id, units));
        }
        let (stance, message) = match (decision, units, line.target) {
            (LineDecision::Pin, units, _) => {
                let at = units
                    .map(|units| format!(" at {units} units"))
                    .unwrap_or_default();
                let message = format!("line {id} is left{at} until it is released");
                let why = why.to_owned();
                (Stance::Pin { why }, message)
            }
            (LineDecision::Adopt, Some(units), Some(target)) => (
                Stance::Adopt { units, target },
                format!("line {id} keeps its {units} units until the count ({target}) changes"),
            ),
            (LineDecision::Overwrite, Some(units), _) => (
                Stance::Overwrite { units },
                format!("the next sync may set line {id} from {units} units to the count, once"),
            ),
            _ => {
                let why = "its units or its count are not known";
                return Err(no_line(workspace, module, why));
            }
        };
        self.ledger()
            .set_stance(&planned.tenant, id, (workspace, module), &stance, why)?;
        let word = match decision {
            LineDecision::Adopt => "adopted",
            LineDecision::Overwrite => "overwrite",
            _ => "pinned",
        };
        Ok(done(word, message))
    }

    /// What was decided about a connection's lines.
    ///
    /// # Errors
    /// No such connection.
    pub fn line_decisions(&self, name: &ConnectionName) -> Result<Vec<StanceRecord>> {
        match self.connection(name)?.tenant {
            Some(tenant) => Ok(self.ledger().stances(&tenant)?),
            None => Ok(Vec::new()),
        }
    }

    /// Changes that wait for a person, or all questions ever asked; latest first.
    ///
    /// # Errors
    /// No such connection.
    pub fn questions(
        &self,
        name: Option<&ConnectionName>,
        all: bool,
    ) -> Result<Vec<QuestionRecord>> {
        if let Some(name) = name {
            self.connection(name)?;
        }
        let states: &[QuestionState] = match all {
            true => &[],
            false => &[QuestionState::Waiting],
        };
        Ok(self.ledger().questions(name, states)?)
    }

    /// Answer questions, all or none.
    ///
    /// # Errors
    /// No question; one that is not open to this answer; no reason given.
    pub fn answer(&self, ids: &[QuestionId], answer: Answering, why: &str) -> Result<()> {
        if ids.is_empty() {
            return Err(rule(
                "no-question",
                "no question was named, and none is waiting",
                "See `psa-host approval list`.",
            ));
        }
        Ok(self.ledger().answer(ids, answer, why)?)
    }

    /// Ask to take back what a run posted: the opposing change of each of its confirmed
    /// lines, from the same day where the PSA takes a second change for it. Each waits
    /// for approval; its line is pinned, so that no later sync undoes the rollback.
    ///
    /// # Errors
    /// No such run; a dry run; nothing that could be taken back.
    pub fn rollback(&self, run: RunId, why: &str) -> Result<RollbackAsked> {
        let stored = self.ledger().run(run)?;
        let name = stored.connection;
        self.connection(&name)?;
        let Some(tenant) = stored.tenant.filter(|_| !stored.dry_run) else {
            return Err(nothing_to_roll_back(run, "it posted nothing"));
        };
        let mut questions = Vec::new();
        let mut left = Vec::new();
        let now: std::collections::HashMap<_, _> = self
            .ledger()
            .lines(&tenant)?
            .into_iter()
            .map(|line| (line.key.line.clone(), line))
            .collect();
        for record in self.ledger().run_intents(run)? {
            let intent = &record.intent;
            let line = intent.key.line.clone();
            let later = now.get(&line).and_then(|line| line.units);
            match cannot_be_taken_back(&record, later) {
                Some(why) => left.push(LeftOut { line, why }),
                None => questions.push(NewQuestion {
                    workspace: intent.workspace.clone(),
                    module: intent.module.clone(),
                    key: intent.key.clone(),
                    baseline: intent.target,
                    target: intent.baseline,
                    effective: intent.effective,
                    money: None,
                    reasons: vec![Reason::Rollback {
                        run: run.to_string(),
                    }],
                    rollback: Some((run, intent.effective)),
                }),
            }
        }
        if questions.is_empty() {
            let why = match left.first() {
                Some(first) => format!("line {}: {}", first.line, first.why),
                None => "it posted nothing".to_owned(),
            };
            return Err(nothing_to_roll_back(run, &why));
        }
        let net_units = questions
            .iter()
            .map(|question| question.target.change_from(question.baseline).get())
            .sum();
        let ids = self
            .ledger()
            .ask_rollback(&name, &tenant, run, &questions, why)?;
        Ok(RollbackAsked {
            run: run.to_string(),
            connection: name,
            questions: ids.iter().map(ToString::to_string).collect(),
            left,
            net_units,
        })
    }
}

/// Why an adjustment is not taken back; none: it is.
fn cannot_be_taken_back(record: &IntentRecord, confirmed: Option<Units>) -> Option<String> {
    if record.state.is_open() {
        return Some("its outcome is not certain yet".to_owned());
    }
    if record.state != IntentState::Confirmed {
        return Some(format!("it is {}", record.state));
    }
    match confirmed {
        Some(units) if units == record.intent.target => None,
        Some(units) => Some(format!("a later run brought the line to {units} units")),
        None => Some("nothing is known of the line any more".to_owned()),
    }
}

fn no_line(workspace: &WorkspaceId, module: &ModuleId, why: &str) -> crate::Error {
    rule(
        "no-line",
        format!("workspace {workspace} and module {module} have no line to decide about: {why}"),
        "See `psa-host explain`.",
    )
}

/// Adopting and overwriting are about units that somebody else has put there.
fn not_changed(line: &LineId, units: Option<Units>) -> crate::Error {
    let units = units.map_or_else(String::new, |units| format!(" ({units} units)"));
    rule(
        "not-changed-by-others",
        format!("nobody else is known to have changed line {line}{units}"),
        "To leave it as it is, use `psa-host line pin`; else the next sync goes by its count.",
    )
}

fn nothing_to_roll_back(run: RunId, why: &str) -> crate::Error {
    rule(
        "nothing-to-roll-back",
        format!("nothing of run {run} can be taken back: {why}"),
        format!("See `psa-host run show {run}`."),
    )
}
