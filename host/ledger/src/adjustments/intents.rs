//! Effectively once: what is to be sent is on the disk before a byte leaves, and so is
//! every step after it. A crash at any instant finds here what may have happened.

use jiff::Timestamp;
use psa_host_billing::{LineId, TenantKey, Units};
use serde_json::{Value, json};

use crate::adjustments::due_days;
use crate::adjustments::hand_out::mark_of_boot;
use crate::adjustments::intent::{Intent, IntentRecord};
use crate::adjustments::intents_read::find;
use crate::adjustments::lines;
use crate::adjustments::lines_seen;
use crate::adjustments::transition::{MAX_SENDS, OPEN_STATES};
use crate::db::{Optional, Tx, is_refused, params, parsed};
use crate::decisions::stances;
use crate::error::{Fault, Inside};
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::ids::IntentId;
use crate::runs::lease::Held;
use crate::runs::run_lines;
use crate::{
    Answer, IntentState, Ledger, LedgerError, LineUpdate, Outcome, Refusal, Resolution, Result,
    RunLease, Step,
};

impl Ledger {
    /// Write down what is to be sent, all or nothing, durable when this returns. Claims
    /// the lines for the run's connection.
    ///
    /// # Errors
    /// [`LedgerError::IntentOpen`] where another adjustment of a line is not settled,
    /// [`LedgerError::LineClaimed`], [`LedgerError::RunState`].
    pub fn intend(&self, lease: RunLease, intents: &[Intent]) -> Result<Vec<IntentId>> {
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            intents
                .iter()
                .map(|intent| {
                    held.of(intent.tenant.as_str())?;
                    lines::claim(change, &held, &intent.tenant, &intent.key)?;
                    let id = insert(change, &held, intent, journal.at())?;
                    let detail = json!({
                        "run": held.run.to_string(), "tenant": intent.tenant, "line": intent.key.line,
                        "workspace": intent.workspace, "module": intent.module,
                        "baseline": intent.baseline, "target": intent.target,
                        "effective": intent.effective.to_string(),
                    });
                    journal.write(change, About::Connection(held.connection), "adjustment.intended", &id.to_string(), &detail)?;
                    Ok(id)
                })
                .collect()
        })
        .inspect(|_| self.reached(Step::Intended))
    }

    /// Note that these are about to be sent. Durable when this returns: nothing may be
    /// handed out before ([`Ledger::hand_out`]).
    ///
    /// # Errors
    /// [`LedgerError::WrongTransition`], [`LedgerError::TooManyAttempts`],
    /// [`LedgerError::IntentOpen`].
    pub fn mark_sending(&self, lease: RunLease, intents: &[IntentId]) -> Result<()> {
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            lease.renew(change, journal)?;
            for id in intents {
                let marked = change
                    .prepare(&format!(
                        "{MARK} AND tenant = ?4 AND state = 'intended' AND attempt < {MAX_SENDS}"
                    ))?
                    .execute(params![
                        id.0,
                        journal.at().as_microsecond(),
                        mark_of_boot(),
                        held.tenant(),
                    ])?;
                if marked == 0 {
                    mark_once_more(change, &held, *id, journal.at())?;
                }
            }
            Ok(())
        })
        .inspect(|_| self.reached(Step::MarkedSending))
    }

    /// Note what came back. The run's rows follow: an accepted adjustment is doubtful
    /// until it was read back, which [`Ledger::run_lines`] tells from the intent itself.
    ///
    /// # Errors
    /// [`LedgerError::WrongTransition`].
    pub fn record_answers(&self, lease: RunLease, answers: &[(IntentId, Answer)]) -> Result<()> {
        if answers.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            let held = lease.settling(change)?;
            lease.renew(change, journal)?;
            for (id, answer) in answers {
                let state = answer.state();
                let line = match answer {
                    Answer::Accepted => accepted(change, &held, *id, journal.at())?,
                    _ => answered(change, &held, *id, answer, journal.at())?,
                };
                let detail = json!({
                    "answer": state.as_str(), "words": answer.words(), "line": line,
                });
                journal.write(
                    change,
                    About::Connection(held.connection),
                    "adjustment.answered",
                    &id.to_string(),
                    &detail,
                )?;
            }
            Ok(())
        })
        .inspect(|_| self.reached(Step::Answered))
    }

    /// Settle adjustments, with what that stands on (JSON of the caller's own shape).
    /// The run's rows and the lines' last confirmed units follow.
    ///
    /// # Errors
    /// [`LedgerError::WrongTransition`].
    pub fn resolve(
        &self,
        lease: RunLease,
        resolutions: &[(IntentId, Resolution, Value)],
    ) -> Result<()> {
        if resolutions.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            let held = lease.settling(change)?;
            lease.renew(change, journal)?;
            for (id, resolution, evidence) in resolutions {
                resolve(change, journal, &held, (*id, resolution, evidence))?;
            }
            Ok(())
        })
        .inspect(|_| self.reached(Step::Resolved))
    }
}

impl IntentRecord {
    /// Whether the PSA may have applied it.
    pub fn may_be_applied(&self) -> bool {
        self.may_be_applied_as(self.state)
    }

    /// What never left cannot be applied, unless a person says that it is.
    fn may_be_applied_as(&self, state: IntentState) -> bool {
        state == IntentState::Confirmed || (state.may_be_applied() && self.attempt > 0)
    }
}

/// Mark an intent as sending; the caller adds which state it has to be in.
const MARK: &str = "UPDATE intents SET state = 'sending', marked_in = ?3, sending_at = ?2,
        answered_at = NULL, resolved_at = NULL, code = NULL, words = NULL, evidence = NULL,
        refusal = NULL
    WHERE id = ?1";

/// What was answered or settled was handed out, whoever forgot to say so.
const COUNT: &str = "attempt = attempt + (marked_in IS NOT NULL), marked_in = NULL";

/// Mark an intent as sending that was sent before, or say why it may not be.
fn mark_once_more(change: &Tx<'_>, held: &Held, id: IntentId, at: Timestamp) -> Inside<()> {
    let record = step(change, held, id, IntentState::Sending)?;
    if record.attempt >= MAX_SENDS {
        return Err(LedgerError::TooManyAttempts {
            intent: id.0,
            attempts: record.attempt,
        }
        .into());
    }
    if !record.state.is_open() {
        refuse_open(change, &record.intent.tenant, &record.intent.key.line)?;
    }
    change
        .prepare(MARK)?
        .execute(params![id.0, at.as_microsecond(), mark_of_boot()])?;
    // Its row says that it was not sent.
    let row = LineUpdate {
        row: record.intent.row,
        outcome: Outcome::Planned,
        code: None,
        message: None,
        fix: None,
    };
    run_lines::update(change, held, record.run, &row)?;
    Ok(())
}

/// The common answer, in few statements: thousands come in a run. Its line is returned.
fn accepted(change: &Tx<'_>, held: &Held, id: IntentId, at: Timestamp) -> Inside<LineId> {
    let accepted = change
        .prepare(&format!(
            "UPDATE intents SET state = 'accepted', words = NULL, answered_at = ?2, {COUNT}
             WHERE id = ?1 AND tenant = ?3 AND state = 'sending'
             RETURNING line, tenant, workspace, module",
        ))?
        .query_row(params![id.0, at.as_microsecond(), held.tenant()], |row| {
            let texts: [String; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
            Ok((parsed(row, 0)?, texts))
        })
        .optional()?;
    let Some((line, [tenant, workspace, module])) = accepted else {
        // Says what is wrong.
        return Ok(step(change, held, id, IntentState::Accepted)?
            .intent
            .key
            .line
            .clone());
    };
    change
        .prepare(
            "UPDATE lines SET workspace = ?3, module = ?4
             WHERE tenant = ?1 AND line = ?2 AND (workspace IS NOT ?3 OR module IS NOT ?4)",
        )?
        .execute(params![tenant, LineId::as_str(&line), workspace, module])?;
    Ok(line)
}

/// Any other answer. Its line is returned.
fn answered(
    change: &Tx<'_>,
    held: &Held,
    id: IntentId,
    answer: &Answer,
    at: Timestamp,
) -> Inside<LineId> {
    let state = answer.state();
    let mut record = step(change, held, id, state)?;
    // What never left does not count as sent, also where it was handed out.
    let unsent = state == IntentState::NotSent;
    let handed_out = record.state == IntentState::Sending && record.marked_in.is_none();
    let counted = match (unsent, handed_out) {
        (true, true) => "attempt = attempt - 1",
        (true, false) => "marked_in = NULL",
        (false, _) => COUNT,
    };
    change
        .prepare(&format!(
            "UPDATE intents SET state = ?2, words = ?3, answered_at = ?4, refusal = ?5, {counted}
             WHERE id = ?1",
        ))?
        .execute(params![
            id.0,
            state.as_str(),
            answer.words(),
            at.as_microsecond(),
            answer.refusal().map(Refusal::as_str),
        ])?;
    record.attempt = match (unsent, handed_out) {
        (true, true) => record.attempt.saturating_sub(1),
        (false, false) => record.attempt + 1,
        _ => record.attempt,
    };
    // What the PSA refused was for nobody, until its line says otherwise.
    if !matches!(answer.refusal(), Some(Refusal::Rejected(_))) {
        settle(change, &record, state, None, at)?;
    }
    run_lines::update(change, held, record.run, &answer.row(record.intent.row))?;
    Ok(record.intent.key.line.clone())
}

fn resolve(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    held: &Held,
    (id, resolution, evidence): (IntentId, &Resolution, &Value),
) -> Inside<()> {
    let state = resolution.state();
    let mut record = step(change, held, id, state)?;
    let (code, why) = match resolution {
        Resolution::Held { code, why } => (Some(code), Some(why)),
        _ => (None, None),
    };
    if record.marked_in.is_some() {
        record.attempt += 1;
    }
    // What was refused for reasons that say nothing of the line was no attempt at it.
    let uncounted =
        state == IntentState::NotApplied && record.refusal.is_some_and(Refusal::is_no_attempt);
    change
        .prepare(&format!(
            "UPDATE intents SET state = ?2, code = ?3, words = coalesce(?4, words),
                 evidence = ?5, resolved_at = ?6, {}
             WHERE id = ?1",
            if uncounted {
                "attempt = max(attempt - 1, 0)"
            } else {
                COUNT
            }
        ))?
        .execute(params![
            id.0,
            state.as_str(),
            code,
            why,
            evidence.to_string(),
            journal.at().as_microsecond()
        ])?;
    settle(
        change,
        &record,
        state,
        Some(record.intent.target),
        journal.at(),
    )?;
    if state == IntentState::Confirmed {
        let (tenant, key) = (&record.intent.tenant, &record.intent.key);
        let by = format!("adjustment {id} of run {}", record.run);
        stances::use_up(change, journal, tenant, &key.line, &by)?;
        lines_seen::forget(change, tenant, &key.line)?;
        due_days::forget(change, tenant, &key.line)?;
    }
    run_lines::update(change, held, record.run, &resolution.row(record.intent.row))?;
    let detail = json!({
        "from": record.state.as_str(), "to": state.as_str(), "code": code, "why": why,
        "line": record.intent.key.line, "evidence": evidence,
    });
    journal.write(
        change,
        About::Connection(held.connection),
        "adjustment.resolved",
        &id.to_string(),
        &detail,
    )
}

/// What the line itself remembers: the pair, once it may have been posted for it; the
/// units, once they were confirmed.
fn settle(
    change: &Tx<'_>,
    record: &IntentRecord,
    state: IntentState,
    units: Option<Units>,
    at: Timestamp,
) -> Inside<()> {
    if !record.may_be_applied_as(state) {
        return Ok(());
    }
    let intent = &record.intent;
    let confirmed = units.filter(|_| state == IntentState::Confirmed);
    change
        .prepare(
            "UPDATE lines SET workspace = ?3, module = ?4,
                 units = CASE WHEN ?5 IS NULL THEN units ELSE ?5 END,
                 effective = CASE WHEN ?5 IS NULL THEN effective ELSE ?6 END,
                 confirmed_at = CASE WHEN ?5 IS NULL THEN confirmed_at ELSE ?7 END
             WHERE tenant = ?1 AND line = ?2",
        )?
        .execute(params![
            intent.tenant.as_str(),
            intent.key.line.as_str(),
            intent.workspace.as_str(),
            intent.module.as_str(),
            confirmed.map(|units| units.to_string()),
            intent.effective.to_string(),
            at.as_microsecond(),
        ])?;
    Ok(())
}

fn insert(change: &Tx<'_>, held: &Held, intent: &Intent, at: Timestamp) -> Inside<IntentId> {
    let id = change
        .prepare(
            "INSERT INTO intents (run, row, connection_id, tenant, line, contract, service,
                 workspace, module, baseline, target, effective, state, intended_at, account)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'intended', ?13, ?14)",
        )?
        .insert(params![
            held.run.0,
            intent.row,
            held.connection,
            intent.tenant.as_str(),
            intent.key.line.as_str(),
            intent.key.contract.as_str(),
            intent.key.service.as_str(),
            intent.workspace.as_str(),
            intent.module.as_str(),
            intent.baseline.to_string(),
            intent.target.to_string(),
            intent.effective.to_string(),
            at.as_microsecond(),
            intent.key.account.as_str(),
        ]);
    match id {
        Ok(id) => Ok(IntentId(id)),
        Err(error) if is_refused(&error) => {
            refuse_open(change, &intent.tenant, &intent.key.line)?;
            Err(LedgerError::NotFound {
                what: "row",
                id: format!("{} {}", held.run, intent.row),
            }
            .into())
        }
        Err(error) => Err(Fault::Sql(error)),
    }
}

/// The intent, if it may become this.
fn step(view: &Tx<'_>, held: &Held, id: IntentId, to: IntentState) -> Inside<IntentRecord> {
    let record = find(view, id)?;
    held.of(record.intent.tenant.as_str())?;
    if record.state.may_become(to) {
        return Ok(record);
    }
    Err(LedgerError::WrongTransition {
        intent: id.0,
        from: record.state.as_str(),
        to: to.as_str(),
    }
    .into())
}

/// A clear word for what the index refuses.
fn refuse_open(view: &Tx<'_>, tenant: &TenantKey, line: &LineId) -> Inside<()> {
    let open: Option<i64> = view
        .prepare(&format!(
            "SELECT id FROM intents WHERE tenant = ?1 AND line = ?2 AND state IN ({OPEN_STATES})"
        ))?
        .query_row([tenant.as_str(), line.as_str()], |row| row.get(0))
        .optional()?;
    match open {
        None => Ok(()),
        Some(intent) => Err(LedgerError::IntentOpen {
            tenant: tenant.to_string(),
            line: line.to_string(),
            intent,
        }
        .into()),
    }
}
