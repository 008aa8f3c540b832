//! When connections are synced by themselves, as an administrator sets and sees it, and as
//! the scheduler asks.

mod calendar;
mod rule;
mod step;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use psa_host_billing::{ConnectionName, ErrorCode, WorkspaceId};
use psa_host_ledger::{Connection, DateRecord, DueDate, NotClosed, ScheduleRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

pub use rule::{Schedule, ScheduleError};
pub use step::{Standing, Step};

use crate::error::rule as refused;
use crate::mapping::zone_of;
use crate::{Access, Power, Result};

/// How late a date may be begun, unless the operator sets another time.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(20);

/// When a connection is synced by itself, and what became of its newest date.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ScheduleView {
    /// Of which connection.
    pub connection: ConnectionName,
    /// `default`, `off`, a time of day (`05:30`) or a cron expression.
    pub schedule: String,
    /// The zone in which it is meant.
    pub time_zone: String,
    /// When it falls due next; none: never, as the schedule stands.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub next: Option<Timestamp>,
    /// The same without what keeps connections apart.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub next_nominal: Option<Timestamp>,
    /// Whether the connection is paused, so that nothing runs by itself.
    pub paused: bool,
    /// The newest date that it fell due on, while a daemon ran.
    pub newest: Option<DateView>,
}

/// What became of a date.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct DateView {
    /// The civil date, in the connection's zone.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub date: jiff::civil::Date,
    /// `open` (it is tried again), `closed` or `missed`.
    pub state: Cow<'static, str>,
    /// When it fell due by its schedule.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub nominal_at: Timestamp,
    /// When with what keeps connections apart.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub next_at: Option<Timestamp>,
    /// Why it is not closed.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// The run that closed it.
    pub closed_by: Option<String>,
}

/// Everything that the scheduler asks of a connection at once.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// Its name.
    pub name: ConnectionName,
    /// Its channel workspace.
    pub channel: WorkspaceId,
    /// Its schedule.
    pub schedule: Schedule,
    /// Its zone.
    pub zone: TimeZone,
    /// How much later than its schedule says it falls due, where connections are spread.
    pub spread: SignedDuration,
    /// Whether nothing runs by itself.
    pub paused: bool,
    /// From when on the schedule counts; none: nobody set one, and no daemon has seen it.
    pub since: Option<Timestamp>,
    /// The newest date that there is a record of.
    pub newest: Option<DateRecord>,
}

impl Scheduled {
    /// What to do now, where dates may be begun so late.
    pub fn step(&self, window: SignedDuration, now: Timestamp) -> Step {
        if self.paused {
            return Step::Never;
        }
        let standing = Standing {
            schedule: &self.schedule,
            zone: &self.zone,
            spread: self.spread,
            window,
            since: self.since.unwrap_or(now),
            newest: self.newest.as_ref(),
        };
        standing.step(now)
    }
}

impl Access {
    /// When a connection is synced by itself.
    ///
    /// # Errors
    /// No such connection.
    pub fn schedule(&self, name: &ConnectionName) -> Result<ScheduleView> {
        self.may_on(name, Power::Read)?;
        Ok(view(
            self.scheduled_of(&self.ledger().connection(name)?)?,
            self.now(),
        ))
    }

    /// The same of all connections that the actor sees.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn schedules(&self) -> Result<Vec<ScheduleView>> {
        self.may(Power::Read)?;
        let mut views = Vec::new();
        for (_, scheduled) in self.scheduled()? {
            views.push(view(scheduled?, self.now()));
        }
        Ok(views)
    }

    /// Set when a connection is synced by itself. It counts from now on: what fell due
    /// before is not caught up, unless a schedule counted before.
    ///
    /// # Errors
    /// No such connection.
    pub fn set_schedule(&self, name: &ConnectionName, schedule: &Schedule) -> Result<ScheduleView> {
        self.may_on(name, Power::Manage)?;
        let text = match schedule {
            Schedule::Default => None,
            other => Some(other.to_string()),
        };
        self.ledger().set_schedule(name, text.as_deref())?;
        self.schedule(name)
    }

    /// What became of a connection's dates, newest first.
    ///
    /// # Errors
    /// No such connection.
    pub fn dates(&self, name: &ConnectionName, limit: u32) -> Result<Vec<DateView>> {
        self.may_on(name, Power::Read)?;
        let dates = self.ledger().scheduled_dates(name, limit)?;
        Ok(dates.into_iter().map(DateView::from).collect())
    }

    /// What the scheduler knows of all connections. A schedule that cannot be read any more
    /// is an error of its connection alone.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn scheduled(&self) -> Result<Vec<(ConnectionName, Result<Scheduled>)>> {
        self.may(Power::Read)?;
        // Asked for all at once: the scheduler does so all the time.
        let mut schedules = self.ledger().schedules()?;
        let mut newest = self.ledger().newest_dates()?;
        let of = |connection: Connection| {
            let kept = schedules.remove(&connection.name).unwrap_or_default();
            let newest = newest.remove(&connection.name);
            let scheduled = scheduled(&connection, kept, newest);
            (connection.name, scheduled)
        };
        Ok(self.connections_seen()?.into_iter().map(of).collect())
    }

    /// The same of one connection.
    ///
    /// # Errors
    /// No such connection.
    pub fn scheduled_connection(&self, name: &ConnectionName) -> Result<Scheduled> {
        self.may_on(name, Power::Read)?;
        self.scheduled_of(&self.ledger().connection(name)?)
    }

    /// The scheduler has seen a connection: its schedule counts from now on.
    ///
    /// # Errors
    /// No such connection.
    pub fn begin_schedule(&self, name: &ConnectionName) -> Result<Timestamp> {
        self.may_on(name, Power::Approve)?;
        Ok(self.ledger().begin_schedule(name)?)
    }

    /// The scheduler is about to try a date: which attempt it is.
    ///
    /// # Errors
    /// The date, or a later one, is done.
    pub fn begin_attempt(
        &self,
        name: &ConnectionName,
        due: DueDate,
        next_at: Timestamp,
    ) -> Result<u32> {
        self.may_on(name, Power::Approve)?;
        Ok(self.ledger().begin_attempt(name, due, next_at)?)
    }

    /// An attempt ended without its date being done.
    ///
    /// # Errors
    /// A failing database.
    pub fn attempt_failed(
        &self,
        name: &ConnectionName,
        date: jiff::civil::Date,
        why: &NotClosed,
    ) -> Result<bool> {
        self.may_on(name, Power::Approve)?;
        Ok(self.ledger().attempt_failed(name, date, why)?)
    }

    /// It is too late for a date.
    ///
    /// # Errors
    /// A failing database.
    pub fn miss_date(&self, name: &ConnectionName, due: DueDate, why: &str) -> Result<bool> {
        self.may_on(name, Power::Approve)?;
        Ok(self.ledger().miss_date(name, due, why)?)
    }

    fn scheduled_of(&self, connection: &Connection) -> Result<Scheduled> {
        let kept = self.ledger().schedule(&connection.name)?;
        let newest = self.ledger().newest_date(&connection.name)?;
        scheduled(connection, kept, newest)
    }
}

fn scheduled(
    connection: &Connection,
    kept: ScheduleRecord,
    newest: Option<DateRecord>,
) -> Result<Scheduled> {
    let schedule = match kept.schedule {
        None => Schedule::Default,
        Some(text) => text.parse::<Schedule>()?,
    };
    Ok(Scheduled {
        name: connection.name.clone(),
        channel: connection.channel.clone(),
        schedule,
        zone: zone_of(connection)?,
        spread: rule::spread(connection.channel.as_str(), connection.name.as_str()),
        paused: connection.paused,
        since: kept.since,
        newest,
    })
}

fn error_of(error: &ScheduleError) -> crate::Error {
    let fix = "Give a time of day (05:30), `default`, `off`, or a cron expression of five fields \
               that names one time of a day (\"30 5 * * MON-FRI\").";
    refused(ErrorCode::BadSchedule, error.to_string(), fix)
}

impl From<ScheduleError> for crate::Error {
    fn from(error: ScheduleError) -> Self {
        error_of(&error)
    }
}

fn view(scheduled: Scheduled, now: Timestamp) -> ScheduleView {
    let next = match scheduled.step(WINDOW, now) {
        _ if scheduled.paused => None,
        Step::Never => None,
        _ => next_due(&scheduled, now),
    };
    ScheduleView {
        schedule: scheduled.schedule.to_string(),
        time_zone: scheduled.zone.iana_name().unwrap_or("UTC").to_owned(),
        next: next.map(|due| due.due_at),
        next_nominal: next.map(|due| due.nominal_at),
        paused: scheduled.paused,
        newest: scheduled.newest.map(DateView::from),
        connection: scheduled.name,
    }
}

fn next_due(scheduled: &Scheduled, now: Timestamp) -> Option<DueDate> {
    let after = scheduled
        .newest
        .as_ref()
        .map_or(now, |newest| newest.due.due_at.max(now));
    scheduled
        .schedule
        .next(&scheduled.zone, scheduled.spread, after)
}

impl From<DateRecord> for DateView {
    fn from(record: DateRecord) -> Self {
        Self {
            date: record.due.date,
            state: record.state.as_str().into(),
            nominal_at: record.due.nominal_at,
            due_at: record.due.due_at,
            attempts: record.attempts,
            next_at: record.next_at,
            code: record.code,
            message: record.message,
            closed_by: record.closed_by.map(|run| run.to_string()),
        }
    }
}
