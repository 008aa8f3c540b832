//! Taking a run back: what it would come to, and the questions that ask people for it.

use std::collections::HashMap;

use psa_host_billing::approval::Reason;
use psa_host_billing::rollback::{Effect, Opposing, effect};
use psa_host_billing::{ConnectionName, ErrorCode, LineId, Money, TenantKey, Units};
use psa_host_ledger::{IntentRecord, IntentState, NewQuestion, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::rule;
use crate::{Access, Power, Result};

/// What taking a run back would come to, or has been put to approval.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct RollbackView {
    /// The run that is to be taken back.
    pub run: String,
    /// Whose connection.
    pub connection: ConnectionName,
    /// How many lines would be changed.
    pub lines: usize,
    /// What that changes, by service and by currency.
    pub effect: Effect,
    /// Lines of the run that are not taken back, and why.
    pub left: Vec<LeftOut>,
    /// The questions, one a line; none where nothing has been asked yet.
    pub questions: Vec<String>,
}

/// A line that a rollback leaves.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub line: LineId,
    /// Why.
    pub why: String,
}

/// What would be asked.
struct Prepared {
    tenant: TenantKey,
    questions: Vec<NewQuestion>,
    view: RollbackView,
}

impl Access {
    /// What [`Access::rollback`] would ask, and what it would come to. Changes nothing.
    ///
    /// # Errors
    /// As [`Access::rollback`].
    pub fn rollback_preview(&self, run: RunId) -> Result<RollbackView> {
        self.may(Power::Read)?;
        Ok(self.prepare_rollback(run)?.view)
    }

    /// Ask to take back what a run posted: the opposing change of each of its confirmed
    /// lines, from the same day where the PSA takes a second change for it. Each waits
    /// for approval; its line is pinned, so that no later sync undoes the rollback.
    ///
    /// # Errors
    /// No such run; a dry run; nothing that could be taken back.
    pub fn rollback(&self, run: RunId, why: &str) -> Result<RollbackView> {
        self.may(Power::Approve)?;
        let Prepared {
            tenant,
            questions,
            mut view,
        } = self.prepare_rollback(run)?;
        let ids = self
            .ledger()
            .ask_rollback(&view.connection, &tenant, run, &questions, why)?;
        view.questions = ids.iter().map(ToString::to_string).collect();
        Ok(view)
    }

    fn prepare_rollback(&self, run: RunId) -> Result<Prepared> {
        let stored = self.run_seen(run)?;
        let name = stored.connection;
        self.connection(&name)?;
        let Some(tenant) = stored.tenant.filter(|_| !stored.dry_run) else {
            return Err(nothing_to_roll_back(run, "it posted nothing"));
        };
        let mut now: HashMap<LineId, Units> = self
            .ledger()
            .lines(&tenant)?
            .into_iter()
            .filter_map(|line| Some((line.key.line, line.units?)))
            .collect();
        // What somebody made of a line since, where a run found that right.
        let seen = self.ledger().seen_right(&tenant)?.into_iter();
        now.extend(seen.map(|seen| (seen.line, seen.units)));
        let money = self.money_of_lines(run)?;
        let (mut questions, mut left) = (Vec::new(), Vec::new());
        for record in self.ledger().run_intents(run)? {
            let line = record.intent.key.line.clone();
            let later = now.get(&line).copied();
            match cannot_be_taken_back(&record, later) {
                Some(why) => left.push(LeftOut { line, why }),
                None => questions.push(opposing(run, &record, money.get(&line))),
            }
        }
        if questions.is_empty() {
            let why = match left.first() {
                Some(first) => format!("line {}: {}", first.line, first.why),
                None => "it posted nothing".to_owned(),
            };
            return Err(nothing_to_roll_back(run, &why));
        }
        let changes: Vec<Opposing> = questions.iter().map(change).collect();
        let view = RollbackView {
            run: run.to_string(),
            connection: name,
            lines: questions.len(),
            effect: effect(&changes),
            left,
            questions: Vec::new(),
        };
        Ok(Prepared {
            tenant,
            questions,
            view,
        })
    }

    /// What the changes of a run are worth a month, by line.
    fn money_of_lines(&self, run: RunId) -> Result<HashMap<LineId, Money>> {
        let lines = self.run_report(run)?.lines.into_iter();
        let money = lines.filter_map(|line| Some((line.line?, line.money?.monthly_change?)));
        Ok(money.collect())
    }
}

/// The question whether a line may be brought back to where it was.
fn opposing(run: RunId, record: &IntentRecord, monthly: Option<&Money>) -> NewQuestion {
    let intent = &record.intent;
    NewQuestion {
        workspace: intent.workspace.clone(),
        module: intent.module.clone(),
        key: intent.key.clone(),
        baseline: intent.target,
        target: intent.baseline,
        effective: intent.effective,
        money: monthly.cloned().map(Money::opposite),
        reasons: vec![Reason::Rollback {
            run: run.to_string(),
        }],
        rollback: Some((run, intent.effective)),
    }
}

fn change(question: &NewQuestion) -> Opposing {
    Opposing {
        module: question.module.clone(),
        service: question.key.service.clone(),
        change: question.target.change_from(question.baseline),
        effective: question.effective,
        monthly: question.money.clone(),
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
        Some(units) => Some(format!("the line was brought to {units} units since")),
        None => Some("nothing is known of the line any more".to_owned()),
    }
}

fn nothing_to_roll_back(run: RunId, why: &str) -> crate::Error {
    rule(
        ErrorCode::NothingToRollBack,
        format!("nothing of run {run} can be taken back: {why}"),
        format!("See `psa-host run show {run}`."),
    )
}
