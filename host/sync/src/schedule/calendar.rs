//! A cron expression on the calendar alone: no zone, no instants. (The crate's own support
//! of jiff is for an older version of it.)

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::{
    CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Direction, Resolution, Weekday,
};
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

/// A date and a time of day wherever that is.
#[derive(Debug, Clone, Copy)]
struct Calendar(DateTime);

impl CronDateTime for Calendar {
    fn to_civil(&self) -> CivilDateTime {
        let part = |part: i8| u32::from(part.unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(
                self.0.year().into(),
                part(self.0.month()),
                part(self.0.day()),
            ),
            CivilTime::from_parts_unchecked(
                part(self.0.hour()),
                part(self.0.minute()),
                part(self.0.second()),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let from_sunday = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(from_sunday.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let resolved = DateTime::new(
            year,
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
            0,
        );
        resolved
            .map(|resolved| Resolution::Single(Self(resolved)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// The first time that an expression names on or after a date.
pub(super) fn on_or_after(cron: &Cron, date: Date) -> Option<DateTime> {
    let from = Calendar(date.to_datetime(Time::midnight()));
    Some(cron.find_next_occurrence(&from, true).ok()?.0)
}

/// The last time that an expression names on or before a date.
pub(super) fn on_or_before(cron: &Cron, date: Date) -> Option<DateTime> {
    let from = Calendar(date.to_datetime(Time::constant(23, 59, 59, 0)));
    Some(cron.find_previous_occurrence(&from, true).ok()?.0)
}

/// The times that an expression names on the date of one of them, from that one on.
pub(super) fn rest_of_date(cron: &Cron, from: DateTime) -> impl Iterator<Item = Time> {
    cron.iter_from(Calendar(from), Direction::Forward)
        .map(|found| found.0)
        .take_while(move |found| found.date() == from.date())
        .map(DateTime::time)
}
