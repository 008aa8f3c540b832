//! Changes that wait for a person, and the answers. A question is about exactly one
//! change of one line; with other units it is another question.

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::approval::{Reason, Shown};
use psa_host_billing::stance::Stance;
use psa_host_billing::{ConnectionName, LineKey, ModuleId, Money, TenantKey, Units, WorkspaceId};
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{
    Optional, Row, Sql, Tx, UnknownWord, date, date_opt, instant, instant_opt, json as json_column,
    params, parsed, to_json, units,
};
use crate::decisions::stances;
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::ids::{QuestionId, RunId};
use crate::{Ledger, LedgerError, Result, RunLease};

/// Where a question is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
pub enum QuestionState {
    /// Nobody has answered.
    Waiting,
    /// It may be posted; the next run looks at it again with fresh units.
    Granted,
    /// It must not be posted.
    Rejected,
    /// The numbers changed, or the change is not needed any more.
    Superseded,
    /// It was sent.
    Posted,
}

impl QuestionState {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A change to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuestion {
    /// For whom.
    pub workspace: WorkspaceId,
    /// For what.
    pub module: ModuleId,
    /// The line.
    pub key: LineKey,
    /// Units now.
    pub baseline: Units,
    /// Units that are to be.
    pub target: Units,
    /// From which day, as planned now.
    pub effective: Date,
    /// Change of money a month, where it can be told.
    pub money: Option<Money>,
    /// Why it is asked.
    pub reasons: Vec<Reason>,
    /// For a rollback: of which run, and the date of the adjustment it opposes.
    pub rollback: Option<(RunId, Date)>,
}

impl NewQuestion {
    /// What a person sees of it.
    pub fn shown(&self) -> Shown<'_> {
        Shown {
            baseline: self.baseline,
            target: self.target,
            effective: self.effective,
            monthly: self.money.as_ref(),
            reasons: &self.reasons,
        }
    }
}

/// A question and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionRecord {
    /// Its number.
    pub id: QuestionId,
    /// Whose connection.
    pub connection: ConnectionName,
    /// The PSA instance.
    pub tenant: TenantKey,
    /// The run that asked.
    pub run: RunId,
    /// What is asked.
    pub question: NewQuestion,
    /// Where it is.
    pub state: QuestionState,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it was answered.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
    /// Why.
    pub why: Option<String>,
}

/// What a person says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Post it.
    Grant,
    /// Do not.
    Reject,
    /// Ask again.
    Reopen,
}

/// States in which a question is of account.
const LIVE: &str = "'waiting', 'granted', 'rejected'";

impl Ledger {
    /// Ask about changes. One with the same units that waits keeps its number and is
    /// brought up to date; a grant stays as long as it covers what is asked. Another
    /// question about the same line is superseded.
    ///
    /// # Errors
    /// [`LedgerError::RunState`]; a failing or damaged database.
    pub fn ask(
        &self,
        lease: RunLease,
        tenant: &TenantKey,
        questions: &[NewQuestion],
    ) -> Result<Vec<QuestionId>> {
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            held.of(tenant.as_str())?;
            questions
                .iter()
                .map(|new| ask(change, journal, (held.run, held.connection), tenant, new))
                .collect()
        })
    }

    /// Put the adjustments of a run that are to be taken back as questions, outside a
    /// run, and leave their lines alone from now on: all or none.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection.
    pub fn ask_rollback(
        &self,
        name: &ConnectionName,
        tenant: &TenantKey,
        of: RunId,
        questions: &[NewQuestion],
        why: &str,
    ) -> Result<Vec<QuestionId>> {
        self.write(|change, journal| {
            let connection = must_exist(change, name)?;
            let mut ids = Vec::with_capacity(questions.len());
            for new in questions {
                let id = ask(change, journal, (of, connection), tenant, new)?;
                pin(change, journal, tenant, (id, new), of, why)?;
                ids.push(id);
            }
            let detail = json!({
                "connection": name, "why": why,
                "questions": ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            });
            journal.write(
                change,
                About::Connection(connection),
                "run.rollback-asked",
                &of.to_string(),
                &detail,
            )?;
            Ok(ids)
        })
    }

    /// Questions of a connection or of all, in these states (none: in any), latest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn questions(
        &self,
        connection: Option<&ConnectionName>,
        states: &[QuestionState],
    ) -> Result<Vec<QuestionRecord>> {
        let all = self.read(|view| {
            let mut rows = view.prepare(
                "SELECT * FROM questions WHERE ?1 IS NULL OR connection = ?1 ORDER BY id DESC",
            )?;
            Ok(rows
                .query_map([connection.map(ConnectionName::as_str)], record)?
                .collect::<Sql<Vec<_>>>()?)
        })?;
        let wanted =
            |question: &QuestionRecord| states.is_empty() || states.contains(&question.state);
        Ok(all.into_iter().filter(wanted).collect())
    }

    /// The questions of a tenant that are of account, one a line at most.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn live_questions(&self, tenant: &TenantKey) -> Result<Vec<QuestionRecord>> {
        self.read(|view| {
            let mut rows = view.prepare(&format!(
                "SELECT * FROM questions WHERE tenant = ?1 AND state IN ({LIVE}) ORDER BY id"
            ))?;
            Ok(rows
                .query_map([tenant.as_str()], record)?
                .collect::<Sql<_>>()?)
        })
    }

    /// Answer questions, all or none. A rollback that is rejected lets its line go, back
    /// to what was decided about it before.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`]; [`LedgerError::QuestionState`] where a question is not
    /// open to this answer.
    pub fn answer(&self, ids: &[QuestionId], answer: Answering, why: &str) -> Result<()> {
        self.write(|change, journal| {
            for id in ids {
                let asked = find(change, *id)?;
                let (from, to) = match answer {
                    Answering::Grant => (QuestionState::Waiting, QuestionState::Granted),
                    Answering::Reject => (QuestionState::Waiting, QuestionState::Rejected),
                    Answering::Reopen => (QuestionState::Rejected, QuestionState::Waiting),
                };
                // A grant that was not used yet can be taken back.
                let taken_back =
                    answer != Answering::Grant && asked.state == QuestionState::Granted;
                if asked.state != from && !taken_back {
                    return Err(LedgerError::QuestionState {
                        question: id.to_string(),
                        state: asked.state.as_str(),
                    }
                    .into());
                }
                set(change, journal, *id, to, Some(why))?;
                let Some((run, _)) = asked.question.rollback else {
                    continue;
                };
                let about = &asked.question;
                match answer {
                    Answering::Reject => {
                        let line = &about.key.line;
                        stances::unpin(change, journal, &asked.tenant, line, id.0, why)?;
                    }
                    Answering::Reopen => {
                        pin(change, journal, &asked.tenant, (*id, about), run, why)?;
                    }
                    Answering::Grant => {}
                }
            }
            Ok(())
        })
    }

    /// Note what became of questions within a run.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn close_questions(
        &self,
        lease: RunLease,
        closed: &[(QuestionId, QuestionState)],
    ) -> Result<()> {
        if closed.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            lease.posting(change)?;
            closed
                .iter()
                .try_for_each(|(id, state)| set(change, journal, *id, *state, None))
        })
    }
}

/// No later sync brings back the numbers that are taken back.
fn pin(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    tenant: &TenantKey,
    (question, about): (QuestionId, &NewQuestion),
    of: RunId,
    why: &str,
) -> Inside<()> {
    let pin = Stance::Pin {
        why: format!("rollback of {of}: {why}"),
    };
    let pair = (&about.workspace, &about.module);
    let line = &about.key.line;
    stances::pin_for(change, journal, tenant, line, pair, (question.0, &pin), why)
}

fn ask(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    (run, connection): (RunId, i64),
    tenant: &TenantKey,
    new: &NewQuestion,
) -> Inside<QuestionId> {
    let live = change
        .prepare(&format!(
            "SELECT * FROM questions WHERE tenant = ?1 AND line = ?2 AND state IN ({LIVE})"
        ))?
        .query_row([tenant.as_str(), new.key.line.as_str()], record)
        .optional()?;
    let mut superseded = None;
    if let Some(live) = live {
        let same_units = live.question.baseline == new.baseline
            && live.question.target == new.target
            && live.question.rollback.map(|(run, _)| run) == new.rollback.map(|(run, _)| run);
        let answered = match live.state {
            QuestionState::Waiting if same_units => {
                refresh(change, journal, &live, new)?;
                true
            }
            QuestionState::Granted => live.question.shown().covers(&new.shown()),
            // Taken back once more, by a person who asks for it again.
            QuestionState::Rejected => new.rollback.is_none(),
            _ => false,
        };
        if same_units && answered {
            return Ok(live.id);
        }
        set(change, journal, live.id, QuestionState::Superseded, None)?;
        superseded = Some(live).filter(|live| live.question.rollback.is_some());
    }
    let name: String = change.query_row(
        "SELECT name FROM connections WHERE id = ?1",
        [connection],
        |row| row.get(0),
    )?;
    let money = new.money.as_ref().map(to_json).transpose()?;
    let id = change
        .prepare(
            "INSERT INTO questions (connection_id, connection, tenant, run, workspace, module,
                 line, contract, service, baseline, target, effective, money, reasons,
                 rollback_run, rollback_effective, state, asked_at, account)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                 'waiting', ?17, ?18)",
        )?
        .insert(params![
            connection,
            name,
            tenant.as_str(),
            run.0,
            new.workspace.as_str(),
            new.module.as_str(),
            new.key.line.as_str(),
            new.key.contract.as_str(),
            new.key.service.as_str(),
            new.baseline.to_string(),
            new.target.to_string(),
            new.effective.to_string(),
            money,
            to_json(&new.reasons)?,
            new.rollback.map(|(run, _)| run.0),
            new.rollback.map(|(_, date)| date.to_string()),
            journal.at().as_microsecond(),
            new.key.account.as_str(),
        ])?;
    let id = QuestionId(id);
    if let Some(old) = superseded.filter(|_| new.rollback.is_some()) {
        stances::hand_over(change, old.id.0, id.0)?;
    }
    let detail = json!({
        "run": run.to_string(), "line": new.key.line, "workspace": new.workspace,
        "module": new.module, "baseline": new.baseline, "target": new.target,
        "effective": new.effective.to_string(), "reasons": new.reasons,
        "rollback": new.rollback.map(|(run, _)| run.to_string()),
    });
    journal.write(
        change,
        About::Connection(connection),
        "approval.asked",
        &id.to_string(),
        &detail,
    )?;
    Ok(id)
}

/// What is shown of a question that waits is what is true now.
fn refresh(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    live: &QuestionRecord,
    new: &NewQuestion,
) -> Inside<()> {
    if live.question.shown() == new.shown() {
        return Ok(());
    }
    change
        .prepare("UPDATE questions SET effective = ?2, money = ?3, reasons = ?4 WHERE id = ?1")?
        .execute(params![
            live.id.0,
            new.effective.to_string(),
            new.money.as_ref().map(to_json).transpose()?,
            to_json(&new.reasons)?,
        ])?;
    let detail = json!({
        "effective": new.effective.to_string(), "money": new.money, "reasons": new.reasons,
    });
    journal.write(
        change,
        About::Question(live.id.0),
        "approval.refreshed",
        &live.id.to_string(),
        &detail,
    )
}

fn set(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    id: QuestionId,
    state: QuestionState,
    why: Option<&str>,
) -> Inside<()> {
    let decided = why.is_some();
    change
        .prepare(
            "UPDATE questions SET state = ?2,
                 decided_at = CASE WHEN ?3 THEN ?4 ELSE decided_at END,
                 decided_by = CASE WHEN ?3 THEN ?5 ELSE decided_by END,
                 why = CASE WHEN ?3 THEN ?6 ELSE why END
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            state.as_str(),
            decided,
            journal.at().as_microsecond(),
            journal.who(),
            why
        ])?;
    let what = format!("approval.{state}");
    journal.write(
        change,
        About::Question(id.0),
        &what,
        &id.to_string(),
        &json!({ "why": why }),
    )
}

fn find(view: &Tx<'_>, id: QuestionId) -> Inside<QuestionRecord> {
    view.prepare("SELECT * FROM questions WHERE id = ?1")?
        .query_row([id.0], record)
        .optional()?
        .ok_or_else(|| id.not_found().into())
}

fn record(row: &Row<'_>) -> Sql<QuestionRecord> {
    let money: Option<String> = row.get("money")?;
    let run: Option<i64> = row.get("rollback_run")?;
    Ok(QuestionRecord {
        id: QuestionId(row.get("id")?),
        connection: parsed(row, "connection")?,
        tenant: parsed(row, "tenant")?,
        run: RunId(row.get("run")?),
        question: NewQuestion {
            workspace: parsed(row, "workspace")?,
            module: parsed(row, "module")?,
            key: LineKey {
                line: parsed(row, "line")?,
                contract: parsed(row, "contract")?,
                service: parsed(row, "service")?,
                account: parsed(row, "account")?,
            },
            baseline: units(row, "baseline")?,
            target: units(row, "target")?,
            effective: date(row, "effective")?,
            money: match money {
                Some(_) => Some(json_column(row, "money")?),
                None => None,
            },
            reasons: json_column(row, "reasons")?,
            rollback: run.map(RunId).zip(date_opt(row, "rollback_effective")?),
        },
        state: parsed(row, "state")?,
        asked_at: instant(row, "asked_at")?,
        decided_at: instant_opt(row, "decided_at")?,
        decided_by: row.get("decided_by")?,
        why: row.get("why")?,
    })
}
