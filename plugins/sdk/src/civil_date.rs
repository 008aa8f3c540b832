//! Dates as on an invoice: no time, no zone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

use crate::{CivilDate, Error, invalid};

/// A Gregorian date of the years 1 to 9999. It can hold no other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// None where there is no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=9999).contains(&year) && day >= 1 && day <= days_in(year, month);
        exists.then_some(Self { year, month, day })
    }

    /// The date part of `2020-02-23`, `2020-02-23T13:00:00Z`, `2012-10-24 05:00` and the
    /// like. The time is dropped and the zone not applied: PSAs send date-only fields as
    /// a midnight that means no instant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        if !matches!(bytes.get(10), None | Some(b'T' | b't' | b' ')) {
            return None;
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_u16, |sum, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| sum * 10 + u16::from(digit - b'0'))
            })
        };
        let month = u8::try_from(number(&bytes[5..7])?).ok()?;
        let day = u8::try_from(number(&bytes[8..10])?).ok()?;
        Self::new(number(&bytes[0..4])?, month, day)
    }

    /// The day after; the last day of 9999 stays.
    #[must_use]
    pub fn next(self) -> Self {
        Self::new(self.year, self.month, self.day + 1)
            .or_else(|| Self::new(self.year, self.month + 1, 1))
            .or_else(|| Self::new(self.year + 1, 1, 1))
            .unwrap_or(self)
    }

    /// The day before; the first day of year 1 stays.
    #[must_use]
    pub fn previous(self) -> Self {
        if self.day > 1 {
            return Self {
                day: self.day - 1,
                ..self
            };
        }
        let (year, month) = if self.month > 1 {
            (self.year, self.month - 1)
        } else {
            (self.year - 1, 12)
        };
        Self::new(year, month, days_in(year, month)).unwrap_or(self)
    }

    /// The same day so many months later, or the last of that month where it is shorter.
    #[must_use]
    pub fn plus_months(self, months: u16) -> Option<Self> {
        let count = u32::from(self.month) - 1 + u32::from(months);
        let year = u16::try_from(u32::from(self.year) + count / 12).ok()?;
        let month = u8::try_from(count % 12 + 1).ok()?;
        Self::new(year, month, self.day.min(days_in(year, month)))
    }

    /// Whether `self..=end` is exactly so many months ("2026-01-31 to 2026-02-27" is one).
    #[must_use]
    pub fn spans_months(self, end: Self, months: u16) -> bool {
        self.plus_months(months) == Some(end.next())
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Date> for CivilDate {
    fn from(date: Date) -> Self {
        Self {
            year: date.year,
            month: date.month,
            day: date.day,
        }
    }
}

impl TryFrom<CivilDate> for Date {
    type Error = Error;

    fn try_from(date: CivilDate) -> Result<Self, Error> {
        Self::new(date.year, date.month, date.day).ok_or_else(|| {
            invalid(format!(
                "there is no date {}-{}-{}",
                date.year, date.month, date.day
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Date;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date such as 2026-11-23T00:00:00Z")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Date, E> {
                Date::parse(text).ok_or_else(|| E::custom("not a date"))
            }
        }
        deserializer.deserialize_str(Text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn the_date_part_is_taken_from_every_form_psas_send() {
        for text in [
            "2020-02-23",
            "2020-02-23T13:00:00Z",
            "2020-02-23T05:00:00.000Z",
            "2020-02-23 00:00:00",
        ] {
            assert_eq!(date(text).to_string(), "2020-02-23");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2020-02-30",
            "2020-13-01",
            "0000-01-01",
            "2020-2-3",
            "2020-02-233",
            "23.02.2020",
            "2020-02-2é",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_follow_each_other_over_months_years_and_leap_days() {
        for (day, next) in [
            ("2026-11-30", "2026-12-01"),
            ("2026-12-31", "2027-01-01"),
            ("2028-02-28", "2028-02-29"),
            ("2100-02-28", "2100-03-01"),
        ] {
            assert_eq!(date(day).next(), date(next));
            assert_eq!(date(next).previous(), date(day));
        }
    }

    #[test]
    fn the_ends_of_time_stay() {
        assert_eq!(date("9999-12-31").next(), date("9999-12-31"));
        assert_eq!(date("0001-01-01").previous(), date("0001-01-01"));
    }

    #[test]
    fn whole_months_are_recognised_and_parts_are_not() {
        for (start, end, months, whole) in [
            ("2026-11-01", "2026-11-30", 1, true),
            ("2026-11-15", "2026-12-14", 1, true),
            ("2026-01-31", "2026-02-27", 1, true),
            ("2026-11-15", "2026-11-30", 1, false),
            ("2026-01-01", "2026-12-31", 12, true),
            ("2026-01-01", "2026-03-31", 3, true),
        ] {
            assert_eq!(
                date(start).spans_months(date(end), months),
                whole,
                "{start}..{end}"
            );
        }
    }
}
