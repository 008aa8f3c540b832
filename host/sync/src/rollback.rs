//! Taking back what a run posted.

use std::collections::HashMap;

use psa_host_billing::approval::Reason;
use psa_host_billing::{ConnectionName, LineId, Money, Units};
use psa_host_ledger::{IntentRecord, IntentState, NewQuestion, RunId};
use serde::Serialize;

use crate::error::rule;
use crate::run::LineReport;
use crate::{Host, Result};

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
        let mut now: HashMap<LineId, Units> = self
            .ledger()
            .lines(&tenant)?
            .into_iter()
            .filter_map(|line| Some((line.key.line, line.units?)))
            .collect();
        // What somebody made of a line since, where a run found that right.
        let seen = self.ledger().seen_right(&tenant)?.into_iter();
        now.extend(seen.map(|seen| (seen.line, seen.units)));
        let posted = self.run_report(run)?.lines.into_iter();
        let worth: HashMap<LineId, Money> = posted
            .filter_map(|line| Some((line.line.clone()?, taken_back(&line)?)))
            .collect();
        for record in self.ledger().run_intents(run)? {
            let intent = &record.intent;
            let line = intent.key.line.clone();
            let later = now.get(&line).copied();
            match cannot_be_taken_back(&record, later) {
                Some(why) => left.push(LeftOut { line, why }),
                None => questions.push(NewQuestion {
                    workspace: intent.workspace.clone(),
                    module: intent.module.clone(),
                    key: intent.key.clone(),
                    baseline: intent.target,
                    target: intent.baseline,
                    effective: intent.effective,
                    money: worth.get(&line).cloned(),
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
        Some(units) => Some(format!("the line was brought to {units} units since")),
        None => Some("nothing is known of the line any more".to_owned()),
    }
}

/// What the run's change was worth a month, the other way; the next run looks at today's
/// prices.
fn taken_back(posted: &LineReport) -> Option<Money> {
    let monthly = posted.money.as_ref()?.monthly_change.clone()?;
    Some(Money {
        amount: -monthly.amount,
        ..monthly
    })
}

fn nothing_to_roll_back(run: RunId, why: &str) -> crate::Error {
    rule(
        "nothing-to-roll-back",
        format!("nothing of run {run} can be taken back: {why}"),
        format!("See `psa-host run show {run}`."),
    )
}
