//! When connections are synced by themselves, which of their dates are done, and whether
//! anything may be posted at all.

pub(crate) mod dates;
pub(crate) mod stop;

use std::collections::HashMap;

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Optional, Row, Sql, Tx, instant, params, parsed};
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, Result};

/// When a connection is synced by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// As it was set, in the caller's form; none: nobody set any.
    pub schedule: Option<String>,
    /// From when on it counts: no date before is missed. None: no daemon has seen the
    /// connection, and nobody set a schedule.
    pub since: Option<Timestamp>,
}

/// The word of a row that only says since when the default counts.
const NOT_SET: &str = "default";

impl Ledger {
    /// A connection's schedule.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn schedule(&self, name: &ConnectionName) -> Result<ScheduleRecord> {
        self.read(|view| schedule_in(view, must_exist(view, name)?))
    }

    /// Those of all connections that have one, and since when they count.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn schedules(&self) -> Result<HashMap<ConnectionName, ScheduleRecord>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT c.name, s.schedule, s.since FROM schedules AS s
                 JOIN connections AS c ON c.id = s.connection",
            )?;
            let rows = rows.query_map([], |row| Ok((parsed(row, "name")?, record(row)?)))?;
            Ok(rows.collect::<Sql<_>>()?)
        })
    }

    /// Set a connection's schedule; none: the default again. Counts from now on, unless one
    /// counted before. The same again changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn set_schedule(&self, name: &ConnectionName, schedule: Option<&str>) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            let before = schedule_in(change, id)?;
            if before.schedule.as_deref() == schedule && before.since.is_some() {
                return Ok(());
            }
            put(change, id, schedule.unwrap_or(NOT_SET), journal.at())?;
            let detail = json!({ "from": before.schedule, "to": schedule });
            journal.write(
                change,
                About::Connection(id),
                "schedule.set",
                name.as_str(),
                &detail,
            )
        })
    }

    /// The schedule of a connection counts from now on, unless it does already: a daemon has
    /// seen it. Since when it counts.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn begin_schedule(&self, name: &ConnectionName) -> Result<Timestamp> {
        if let Some(since) = self.schedule(name)?.since {
            return Ok(since);
        }
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            if let Some(since) = schedule_in(change, id)?.since {
                return Ok(since);
            }
            put(change, id, NOT_SET, journal.at())?;
            Ok(journal.at())
        })
    }
}

fn put(change: &Tx<'_>, connection: i64, schedule: &str, at: Timestamp) -> Inside<()> {
    change.execute(
        "INSERT INTO schedules (connection, schedule, since) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET schedule = excluded.schedule",
        params![connection, schedule, at.as_microsecond()],
    )?;
    Ok(())
}

fn schedule_in(view: &Tx<'_>, connection: i64) -> Inside<ScheduleRecord> {
    let found = view
        .prepare("SELECT schedule, since FROM schedules WHERE connection = ?1")?
        .query_row([connection], record)
        .optional()?;
    Ok(found.unwrap_or_default())
}

fn record(row: &Row<'_>) -> Sql<ScheduleRecord> {
    let schedule: String = row.get("schedule")?;
    Ok(ScheduleRecord {
        schedule: Some(schedule).filter(|schedule| schedule != NOT_SET),
        since: Some(instant(row, "since")?),
    })
}
