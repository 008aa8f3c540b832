//! Runs: one sync of one connection, with a row for every pair it looked at.

pub(crate) mod cancel;
pub(crate) mod known_accounts;
pub(crate) mod lease;
pub(crate) mod outcome;
pub(crate) mod run_lines;

use std::cell::Cell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::{ConnectionName, TenantKey};
use serde_json::{Value, json};

use crate::connections::must_exist;
use crate::db::{
    Optional, Row, Sql, Tx, UnknownWord, date, date_opt, instant, instant_opt, json as json_column,
    params, parsed, parsed_opt, to_json,
};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::ids::{RunId, SnapshotId};
use crate::runs::lease::RunLease;
use crate::runs::outcome::Outcome;
use crate::schedules::dates;
use crate::schedules::stop::{PostingStop, stop_in};
use crate::{Ledger, LedgerError, Result, Step};

/// A run to begin.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Of which connection.
    pub connection: ConnectionName,
    /// Which PSA instance, where it is known yet.
    pub tenant: Option<TenantKey>,
    /// By which snapshot, where there is one.
    pub snapshot: Option<SnapshotId>,
    /// Posts nothing.
    pub dry_run: bool,
    /// The civil date planned for, in the connection's zone.
    pub as_of: Date,
    /// The date of the schedule that it is to close; none: a person asked for it, or it
    /// settles what earlier ones left open.
    pub scheduled_for: Option<Date>,
}

/// How a run ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
pub enum RunEnding {
    /// It went through all rows.
    Done,
    /// The request budget ran low; the rest is for later.
    Parked,
    /// A brake: nothing was posted.
    Braked,
    /// A person or the system ended it: the rest was not sent.
    Cancelled,
    /// It could not go on.
    Failed,
    /// The program gave it up: nobody waited for it any more.
    Abandoned,
    /// Its process died, and a later one noticed.
    Killed,
    /// Another run took its place before it was over.
    Superseded,
}

impl RunEnding {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// Its process is at work.
    Running,
    /// Its process died, and no later one has written that down yet.
    Killed,
    /// It is over.
    Ended(RunEnding),
}

impl RunStatus {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Killed => RunEnding::Killed.as_str(),
            Self::Ended(ending) => ending.as_str(),
        }
    }
}

/// What a run leaves behind.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// How it ended.
    pub ending: RunEnding,
    /// Requests it made to the PSA.
    pub requests: u64,
    /// Rows by outcome.
    pub counts: BTreeMap<Outcome, u64>,
    /// What happened beside the rows; JSON of the caller's own shape.
    pub incidents: Value,
    /// Whether the date that it was begun for is done with it.
    pub closes_date: bool,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// Of which connection; it may have been removed since.
    pub connection: ConnectionName,
    /// Which PSA instance.
    pub tenant: Option<TenantKey>,
    /// By which snapshot.
    pub snapshot: Option<SnapshotId>,
    /// Posts nothing.
    pub dry_run: bool,
    /// The civil date planned for.
    pub as_of: Date,
    /// The date of the schedule that it was begun for.
    pub scheduled_for: Option<Date>,
    /// By whom.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Where it is.
    pub status: RunStatus,
    /// Requests it made to the PSA.
    pub requests: u64,
    /// Rows by outcome.
    pub counts: BTreeMap<Outcome, u64>,
    /// What happened beside the rows.
    pub incidents: Value,
}

impl Ledger {
    /// Begin a run, and take its tenant unless it is a dry one: whoever had it writes no
    /// more. Until the run is ended or let go, or this process ends, others see it running.
    /// Whoever begins it tells of [`Step::RunBegun`], once it is sure to be ended.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection; [`LedgerError::PostingStopped`] unless it
    /// is a dry one.
    pub fn begin_run(&self, new: &NewRun) -> Result<RunLease> {
        let held = Cell::new(None);
        let begun = self.write(|change, journal| {
            let connection = must_exist(change, &new.connection)?;
            if !new.dry_run {
                refuse_stopped(change)?;
                supersede(change, journal, connection)?;
            }
            let id = change
                .prepare(
                    "INSERT INTO runs (connection_id, connection, tenant, snapshot, dry_run,
                         as_of, started_by, started_at, scheduled_for)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .insert(params![
                    connection,
                    new.connection.as_str(),
                    new.tenant.as_ref().map(TenantKey::as_str),
                    new.snapshot.map(|id| id.0),
                    new.dry_run,
                    new.as_of.to_string(),
                    journal.who(),
                    journal.at().as_microsecond(),
                    new.scheduled_for.map(|date| date.to_string()),
                ])?;
            let id = RunId(id);
            let detail = json!({
                "connection": new.connection, "tenant": new.tenant, "dry_run": new.dry_run,
                "snapshot": new.snapshot.map(|id| id.to_string()),
                "as_of": new.as_of.to_string(), "scheduled_for": new.scheduled_for,
            });
            journal.write(
                change,
                About::Connection(connection),
                "run.begun",
                &id.to_string(),
                &detail,
            )?;
            // Before the row can be seen, or its process would look dead.
            if let Some(former) = held.replace(Some(id)) {
                self.inner.run_locks.drop_lock(former);
            }
            self.inner.run_locks.hold(id)?;
            RunLease::begin(
                change,
                journal,
                id,
                new.tenant.as_ref().filter(|_| !new.dry_run),
            )
        });
        if let (Err(_), Some(id)) = (&begun, held.get()) {
            self.inner.run_locks.drop_lock(id);
        }
        begun
    }

    /// End a run.
    ///
    /// # Errors
    /// [`LedgerError::RunState`] if it is over, [`LedgerError::LeaseLost`].
    pub fn end_run(&self, lease: RunLease, end: &RunEnd) -> Result<()> {
        self.end(lease.run(), end, |change| lease.in_run(change).map(|_| ()))
    }

    /// End a run whose process died. Its lease is of no matter: whoever else takes the
    /// tenant takes it from nobody.
    ///
    /// # Errors
    /// [`LedgerError::RunState`] if it is over, or its process is alive.
    pub fn end_killed_run(&self, id: RunId, end: &RunEnd) -> Result<()> {
        let alive = self.inner.run_locks.is_alive(id)?;
        self.end(id, end, |_| match alive {
            false => Ok(()),
            true => Err(LedgerError::RunState {
                run: id.to_string(),
                why: "is under way",
            }
            .into()),
        })
    }

    fn end(&self, id: RunId, end: &RunEnd, may: impl Fn(&Tx<'_>) -> Inside<()>) -> Result<()> {
        self.write(|change, journal| {
            may(change)?;
            let connection = must_run(change, id)?;
            change.execute(
                "UPDATE runs SET ended_at = ?2, ending = ?3, requests = ?4, counts = ?5,
                     incidents = ?6 WHERE id = ?1",
                params![
                    id.0,
                    journal.at().as_microsecond(),
                    end.ending.as_str(),
                    i64::try_from(end.requests).unwrap_or(i64::MAX),
                    to_json(&end.counts)?,
                    to_json(&end.incidents)?,
                ],
            )?;
            // What a stop kept from being sent is left to do on the same date.
            if end.closes_date && stop_in(change)?.is_none() {
                dates::close(change, id, journal.at())?;
            }
            let detail = json!({
                "ending": end.ending.as_str(), "requests": end.requests, "counts": end.counts,
            });
            journal.write(
                change,
                About::Connection(connection),
                "run.ended",
                &id.to_string(),
                &detail,
            )
        })?;
        self.reached(Step::RunEnded);
        self.inner.run_locks.release(id);
        Ok(())
    }

    /// Runs, latest first, at most `limit`; of one connection or of all.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn runs(&self, connection: Option<&ConnectionName>, limit: u32) -> Result<Vec<Run>> {
        let mut runs = self.read(|view| {
            let mut rows = view.prepare(
                "SELECT * FROM runs WHERE ?1 IS NULL OR connection = ?1
                 ORDER BY id DESC LIMIT ?2",
            )?;
            Ok(rows
                .query_map(params![connection.map(ConnectionName::as_str), limit], run)?
                .collect::<Sql<Vec<_>>>()?)
        })?;
        self.look_for_life(&mut runs)?;
        Ok(runs)
    }

    /// One run.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn run(&self, id: RunId) -> Result<Run> {
        let found = self.read(|view| {
            view.query_row("SELECT * FROM runs WHERE id = ?1", [id.0], run)
                .optional()?
                .ok_or_else(|| id.not_found().into())
        })?;
        let mut runs = [found];
        self.look_for_life(&mut runs)?;
        let [run] = runs;
        Ok(run)
    }

    /// Take a run's tenant again, to settle by hand what the run left open. Whoever had
    /// it writes nothing more. The caller has the tenant's lock.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the run.
    pub fn take_up(&self, run: RunId) -> Result<RunLease> {
        let tenant = self.run(run)?.tenant;
        self.write(|change, journal| RunLease::by_hand(change, journal, run, tenant.as_ref()))
    }

    /// This process is done with a run that it could not end: others see that it is dead,
    /// and end it.
    pub fn let_go(&self, id: RunId) {
        self.inner.run_locks.release(id);
    }

    /// Runs whose process died before they ended, oldest first, to be ended with
    /// [`Ledger::end_killed_run`]. Their adjustments are among [`Ledger::open_intents`].
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn killed_runs(&self) -> Result<Vec<Run>> {
        let mut runs = self.not_ended()?;
        runs.retain(|run| run.status == RunStatus::Killed);
        Ok(runs)
    }

    /// Runs of a connection that are under way, oldest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn runs_under_way(&self, connection: &ConnectionName) -> Result<Vec<Run>> {
        let mut runs = self.not_ended()?;
        runs.retain(|run| run.status == RunStatus::Running && run.connection == *connection);
        Ok(runs)
    }

    fn not_ended(&self) -> Result<Vec<Run>> {
        let mut runs = self.read(|view| {
            let mut rows = view.prepare("SELECT * FROM runs WHERE ending IS NULL ORDER BY id")?;
            Ok(rows.query_map([], run)?.collect::<Sql<Vec<_>>>()?)
        })?;
        self.look_for_life(&mut runs)?;
        Ok(runs)
    }

    fn look_for_life(&self, runs: &mut [Run]) -> Result<()> {
        for run in runs {
            if run.status == RunStatus::Running && !self.inner.run_locks.is_alive(run.id)? {
                run.status = RunStatus::Killed;
            }
        }
        Ok(())
    }
}

/// The connection of a run that is not over.
pub(crate) fn must_run(view: &Tx<'_>, id: RunId) -> Inside<i64> {
    let found = view
        .prepare("SELECT connection_id, ending IS NOT NULL FROM runs WHERE id = ?1")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        None => Err(id.not_found().into()),
        Some((_, true)) => Err(LedgerError::RunState {
            run: id.to_string(),
            why: "is over",
        }
        .into()),
        Some((connection, false)) => Ok(connection),
    }
}

fn refuse_stopped(view: &Tx<'_>) -> Inside<()> {
    match stop_in(view)? {
        None => Ok(()),
        Some(PostingStop { at, who, why }) => {
            Err(LedgerError::PostingStopped { who, at, why }.into())
        }
    }
}

/// One run at a time posts for a connection; an index of the database says so too. Who has
/// the tenant's lock takes its place: what was still open writes no more.
fn supersede(change: &Tx<'_>, journal: &Journal<'_>, connection: i64) -> Inside<()> {
    change.execute(
        "UPDATE runs SET ended_at = ?2, ending = ?3
         WHERE connection_id = ?1 AND ending IS NULL AND dry_run = 0",
        params![
            connection,
            journal.at().as_microsecond(),
            RunEnding::Superseded.as_str()
        ],
    )?;
    Ok(())
}

fn run(row: &Row<'_>) -> Sql<Run> {
    let ending = parsed_opt(row, "ending")?;
    Ok(Run {
        id: RunId(row.get("id")?),
        connection: parsed(row, "connection")?,
        tenant: parsed_opt(row, "tenant")?,
        snapshot: row.get::<Option<i64>>("snapshot")?.map(SnapshotId),
        dry_run: row.get("dry_run")?,
        as_of: date(row, "as_of")?,
        scheduled_for: date_opt(row, "scheduled_for")?,
        started_by: row.get("started_by")?,
        started_at: instant(row, "started_at")?,
        ended_at: instant_opt(row, "ended_at")?,
        status: ending.map_or(RunStatus::Running, RunStatus::Ended),
        requests: row.get::<i64>("requests")?.unsigned_abs(),
        counts: json_column(row, "counts")?,
        incidents: json_column(row, "incidents")?,
    })
}
