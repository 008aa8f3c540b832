//! The civil dates that a connection was due on. A date is done once: a run that closes it
//! does so in the transaction in which it ends ([`RunEnd::closes_date`](crate::RunEnd)).

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::ConnectionName;
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Optional, Row, Sql, Tx, UnknownWord, date, instant, instant_opt, params, parsed};
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, LedgerError, Result, RunId};

/// A date on which a connection falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDate {
    /// The civil date, in the connection's zone.
    pub date: Date,
    /// When by its schedule.
    pub nominal_at: Timestamp,
    /// When with what keeps connections apart.
    pub due_at: Timestamp,
}

/// What became of a date.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
pub enum DateState {
    /// To be tried, or tried again.
    Open,
    /// A run closed it.
    Closed,
    /// It was never done, and will not be.
    Missed,
}

impl DateState {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A date and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRecord {
    /// The date, and when it fell due.
    pub due: DueDate,
    /// What became of it.
    pub state: DateState,
    /// How often it was tried.
    pub attempts: u32,
    /// When the last attempt began.
    pub attempted_at: Option<Timestamp>,
    /// Before when it is not tried again.
    pub next_at: Option<Timestamp>,
    /// Why it is not closed, or was missed: a stable code.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// The run that closed it.
    pub closed_by: Option<RunId>,
    /// When.
    pub closed_at: Option<Timestamp>,
}

/// Why an attempt did not close its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotClosed {
    /// A stable code.
    pub code: String,
    /// In words.
    pub message: String,
    /// Before when it is not tried again.
    pub next_at: Timestamp,
}

impl Ledger {
    /// The newest date of a connection that there is a record of.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn newest_date(&self, name: &ConnectionName) -> Result<Option<DateRecord>> {
        Ok(self.scheduled_dates(name, 1)?.into_iter().next())
    }

    /// The newest date of each connection that there is a record of.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn newest_dates(&self) -> Result<HashMap<ConnectionName, DateRecord>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT c.name, d.* FROM scheduled_dates AS d
                 JOIN connections AS c ON c.id = d.connection
                 WHERE d.date = (SELECT max(date) FROM scheduled_dates
                     WHERE connection = d.connection)",
            )?;
            let rows = rows.query_map([], |row| Ok((parsed(row, "name")?, record(row)?)))?;
            Ok(rows.collect::<Sql<_>>()?)
        })
    }

    /// Dates of a connection, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn scheduled_dates(&self, name: &ConnectionName, limit: u32) -> Result<Vec<DateRecord>> {
        self.read(|view| {
            let id = must_exist(view, name)?;
            let mut rows = view.prepare(
                "SELECT * FROM scheduled_dates WHERE connection = ?1
                 ORDER BY date DESC LIMIT ?2",
            )?;
            Ok(rows
                .query_map(params![id, limit], record)?
                .collect::<Sql<_>>()?)
        })
    }

    /// A date is about to be tried: counted before anything is done for it, so that an
    /// attempt that takes the process down counts too. Which attempt it is, from 1. Earlier
    /// dates that are still open are missed from here on.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`]; [`LedgerError::DateDone`] where the date, or a later one,
    /// is done.
    pub fn begin_attempt(
        &self,
        name: &ConnectionName,
        due: DueDate,
        next_at: Timestamp,
    ) -> Result<u32> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            refuse_done(change, id, name, due.date)?;
            give_up_before(change, id, due.date)?;
            let attempt = change
                .prepare(
                    "INSERT INTO scheduled_dates (connection, date, nominal_at, due_at, state,
                         attempts, attempted_at, next_at)
                     VALUES (?1, ?2, ?3, ?4, 'open', 1, ?5, ?6)
                     ON CONFLICT DO UPDATE SET attempts = attempts + 1,
                         attempted_at = excluded.attempted_at, next_at = excluded.next_at
                     RETURNING attempts",
                )?
                .query_row(
                    params![
                        id,
                        due.date.to_string(),
                        due.nominal_at.as_microsecond(),
                        due.due_at.as_microsecond(),
                        journal.at().as_microsecond(),
                        next_at.as_microsecond(),
                    ],
                    |row| row.get(0),
                )?;
            Ok(attempt)
        })
    }

    /// An attempt ended and its date is not done. Whether it still is open: another run may
    /// have closed it.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection.
    pub fn attempt_failed(
        &self,
        name: &ConnectionName,
        date: Date,
        why: &NotClosed,
    ) -> Result<bool> {
        self.write(|change, _| {
            let id = must_exist(change, name)?;
            let open = change.execute(
                "UPDATE scheduled_dates SET code = ?3, message = ?4, next_at = ?5
                 WHERE connection = ?1 AND date = ?2 AND state = 'open'",
                params![
                    id,
                    date.to_string(),
                    why.code,
                    why.message,
                    why.next_at.as_microsecond()
                ],
            )?;
            Ok(open == 1)
        })
    }

    /// A date was missed: it is too late for it. Nothing where there is a record of it.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection.
    pub fn miss_date(&self, name: &ConnectionName, due: DueDate, why: &str) -> Result<bool> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            give_up_before(change, id, due.date)?;
            let missed = change.execute(
                "INSERT INTO scheduled_dates (connection, date, nominal_at, due_at, state,
                     code, message)
                 VALUES (?1, ?2, ?3, ?4, 'missed', 'date-missed', ?5)
                 ON CONFLICT DO NOTHING",
                params![
                    id,
                    due.date.to_string(),
                    due.nominal_at.as_microsecond(),
                    due.due_at.as_microsecond(),
                    why
                ],
            )?;
            if missed == 1 {
                let detail = json!({ "date": due.date, "due_at": due.due_at, "why": why });
                journal.write(
                    change,
                    About::Connection(id),
                    "date.missed",
                    name.as_str(),
                    &detail,
                )?;
            }
            Ok(missed == 1)
        })
    }
}

/// A run that ends closes the date that it was begun for. Nothing where the date is done:
/// the first run closed it.
pub(crate) fn close(change: &Tx<'_>, run: RunId, at: Timestamp) -> Inside<()> {
    change.execute(
        "UPDATE scheduled_dates SET state = 'closed', closed_by = ?1, closed_at = ?2,
             code = NULL, message = NULL, next_at = NULL
         WHERE state = 'open' AND (connection, date) IN
             (SELECT connection_id, scheduled_for FROM runs WHERE id = ?1)",
        params![run.0, at.as_microsecond()],
    )?;
    Ok(())
}

fn refuse_done(view: &Tx<'_>, id: i64, name: &ConnectionName, date: Date) -> Inside<()> {
    let done: Option<String> = view
        .prepare(
            "SELECT date FROM scheduled_dates WHERE connection = ?1
                 AND (date > ?2 OR date = ?2 AND state <> 'open')
             ORDER BY date DESC LIMIT 1",
        )?
        .query_row(params![id, date.to_string()], |row| row.get(0))
        .optional()?;
    match done {
        None => Ok(()),
        Some(_) => Err(LedgerError::DateDone {
            connection: name.to_string(),
            date,
        }
        .into()),
    }
}

/// What is still open when the next date falls due was not done.
fn give_up_before(change: &Tx<'_>, id: i64, date: Date) -> Inside<()> {
    change.execute(
        "UPDATE scheduled_dates SET state = 'missed', next_at = NULL
         WHERE connection = ?1 AND date < ?2 AND state = 'open'",
        params![id, date.to_string()],
    )?;
    Ok(())
}

fn record(row: &Row<'_>) -> Sql<DateRecord> {
    Ok(DateRecord {
        due: DueDate {
            date: date(row, "date")?,
            nominal_at: instant(row, "nominal_at")?,
            due_at: instant(row, "due_at")?,
        },
        state: parsed(row, "state")?,
        attempts: row.get("attempts")?,
        attempted_at: instant_opt(row, "attempted_at")?,
        next_at: instant_opt(row, "next_at")?,
        code: row.get("code")?,
        message: row.get("message")?,
        closed_by: row.get::<Option<i64>>("closed_by")?.map(RunId),
        closed_at: instant_opt(row, "closed_at")?,
    })
}
