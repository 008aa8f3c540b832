//! When a connection falls due. Pure: a rule, a zone and an instant give instants.
//!
//! A rule names one time on each of its civil dates. A time that does not exist on a date,
//! because clocks go forward over it, is the end of the gap; one that exists twice is the
//! first. Cron expressions are searched on the calendar alone, and their times become
//! instants by the same rule as a time of day.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use psa_host_ledger::DueDate;
use sha2::{Digest, Sha256};

use super::calendar;

/// Unless somebody sets another: early, and before anybody reads the numbers.
const USUAL: Time = Time::constant(5, 30, 0, 0);

/// When Coro refreshes its users, each day in UTC (`facts/coro.md`): counts of before are
/// those of yesterday.
const REFRESHED: Time = Time::constant(4, 0, 0, 0);

/// When the default runs instead where the refresh would come soon after it.
const AFTER_REFRESH: Time = Time::constant(4, 30, 0, 0);

/// What "soon after" is.
const SOON: SignedDuration = SignedDuration::from_hours(3);

/// How far connections with one and the same schedule are spread.
const MOST_SPREAD_SECONDS: u64 = 30 * 60;

/// Dates looked at before a rule counts as one that never falls due.
const MOST_DATES: usize = 16;

/// When a connection is synced by itself.
///
/// ```
/// use psa_host_sync::Schedule;
///
/// let weekdays: Schedule = "15 6 * * MON-FRI".parse()?;
/// assert_eq!(weekdays.to_string(), "15 6 * * MON-FRI");
/// assert!("*/5 * * * *".parse::<Schedule>().is_err(), "a date is done once");
/// # Ok::<(), psa_host_sync::ScheduleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Schedule {
    /// At 05:30, and after Coro's refresh where that comes within three hours.
    #[default]
    Default,
    /// Never: only when a person asks for it.
    Off,
    /// Each day at this time.
    Daily(Time),
    /// By a cron expression of five fields, at one time of its days.
    Cron(Box<Expression>),
}

/// A cron expression that names one time of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// As it was given.
    text: String,
    cron: Cron,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither a time nor an expression.
    #[error("{text:?} is not a schedule: {why}")]
    Unreadable {
        /// The text, cut.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// It names several times of one date.
    #[error("{text:?} names several times of a day ({}), and a date is done once", first.join(", "))]
    SeveralTimes {
        /// The expression.
        text: String,
        /// The first of them.
        first: Vec<String>,
    },
    /// There is no such date.
    #[error("{0:?} never falls due")]
    Never(String),
}

impl Schedule {
    /// The newest date that has fallen due by an instant; none where there is none.
    pub fn latest(
        &self,
        zone: &TimeZone,
        spread: SignedDuration,
        now: Timestamp,
    ) -> Option<DueDate> {
        // A date may begin elsewhere than its due instant suggests, by a day at most.
        let mut before = zone.to_datetime(now).date().tomorrow().ok()?;
        for _ in 0..MOST_DATES {
            let civil = self.on_or_before(before)?;
            let due = self
                .due(civil, zone, spread)
                .filter(|due| due.due_at <= now);
            if due.is_some() {
                return due;
            }
            before = civil.date().yesterday().ok()?;
        }
        None
    }

    /// The first date that falls due after an instant.
    pub fn next(&self, zone: &TimeZone, spread: SignedDuration, now: Timestamp) -> Option<DueDate> {
        let mut from = zone.to_datetime(now).date().yesterday().ok()?;
        for _ in 0..MOST_DATES {
            let civil = self.on_or_after(from)?;
            let due = self.due(civil, zone, spread).filter(|due| due.due_at > now);
            if due.is_some() {
                return due;
            }
            from = civil.date().tomorrow().ok()?;
        }
        None
    }

    /// When a date falls due; none where the zone skips that date.
    fn due(&self, civil: DateTime, zone: &TimeZone, spread: SignedDuration) -> Option<DueDate> {
        let date = civil.date();
        let mut nominal_at = instant(civil, zone)?;
        if *self == Self::Default {
            nominal_at = after_refresh(nominal_at)?;
        }
        if zone.to_datetime(nominal_at).date() != date {
            return None;
        }
        // Spread over what is left of the date at most: on the next one it would be planned
        // for that one.
        let day_ends = zone
            .to_timestamp(date.tomorrow().ok()?.to_datetime(Time::midnight()))
            .ok()?;
        let left = day_ends.duration_since(nominal_at);
        let due_at = nominal_at + spread.min(left / 2);
        Some(DueDate {
            date,
            nominal_at,
            due_at,
        })
    }

    fn on_or_before(&self, date: Date) -> Option<DateTime> {
        match self {
            Self::Off => None,
            Self::Default => Some(date.to_datetime(USUAL)),
            Self::Daily(time) => Some(date.to_datetime(*time)),
            Self::Cron(expression) => calendar::on_or_before(&expression.cron, date),
        }
    }

    fn on_or_after(&self, date: Date) -> Option<DateTime> {
        match self {
            Self::Cron(expression) => calendar::on_or_after(&expression.cron, date),
            other => other.on_or_before(date),
        }
    }
}

/// The instant of a civil time: the first of two, and the end of a gap.
fn instant(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        // Read with the offset of before, a time in the gap is after the gap's end.
        AmbiguousOffset::Gap { before, .. } => {
            let after = before.to_timestamp(civil).ok()?;
            let just_after = after.checked_add(1.nanosecond()).ok()?;
            Some(zone.preceding(just_after).next()?.timestamp())
        }
        _ => ambiguous.earlier().ok(),
    }
}

/// The same, or half an hour after Coro's refresh where that comes soon after.
fn after_refresh(nominal: Timestamp) -> Option<Timestamp> {
    let today = TimeZone::UTC.to_datetime(nominal).date();
    for day in [today, today.tomorrow().ok()?] {
        let refreshed = instant(day.to_datetime(REFRESHED), &TimeZone::UTC)?;
        if nominal <= refreshed && refreshed.duration_since(nominal) <= SOON {
            return instant(day.to_datetime(AFTER_REFRESH), &TimeZone::UTC);
        }
    }
    Some(nominal)
}

/// How much later than its schedule says a connection falls due: always the same for one
/// connection, and evenly spread over all.
pub(crate) fn spread(channel: &str, connection: &str) -> SignedDuration {
    let hash = Sha256::new()
        .chain_update(channel)
        .chain_update([0])
        .chain_update(connection)
        .finalize();
    let number = hash
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let seconds = number % (MOST_SPREAD_SECONDS + 1);
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Off => f.write_str("off"),
            Self::Daily(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::Cron(expression) => f.write_str(&expression.text),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "default" => return Ok(Self::Default),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let short: String = text.chars().take(60).collect();
        let unreadable = |why: String| ScheduleError::Unreadable {
            text: short.clone(),
            why,
        };
        if !text.contains(char::is_whitespace) {
            let time = Time::strptime("%H:%M", text).map_err(|_| {
                unreadable("a time of day is given as 05:30, from 00:00 to 23:59".to_owned())
            })?;
            return Ok(Self::Daily(time));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| unreadable(format!("as a cron expression: {error}")))?;
        once_a_day(&cron, &short)?;
        Ok(Self::Cron(Box::new(Expression {
            text: text.to_owned(),
            cron,
        })))
    }
}

/// Hours and minutes of an expression do not depend on the date: one date shows them all.
fn once_a_day(cron: &Cron, text: &str) -> Result<(), ScheduleError> {
    // From the start of a leap cycle, so that the 29th of February is found.
    let begin = Date::constant(2024, 1, 1);
    let first =
        calendar::on_or_after(cron, begin).ok_or_else(|| ScheduleError::Never(text.to_owned()))?;
    let of_that_date: Vec<String> = calendar::rest_of_date(cron, first)
        .take(3)
        .map(|time| time.strftime("%H:%M").to_string())
        .collect();
    match of_that_date.len() {
        0 | 1 => Ok(()),
        _ => Err(ScheduleError::SeveralTimes {
            text: text.to_owned(),
            first: of_that_date,
        }),
    }
}
