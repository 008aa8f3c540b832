//! Values of records: read from JSON by a field's type, compared by filters,
//! written to the wire.
//!
//! Money is kept as an exact decimal and written as a JSON number, as Autotask does.

use std::cmp::Ordering;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::schema::{Field, Kind};

/// A stored value; the absence of one is a null.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Boolean.
    Bool(bool),
    /// Whole number of any width.
    Int(i64),
    /// Number with decimals.
    Dec(Decimal),
    /// Text.
    Text(Box<str>),
    /// Date (midnight) or instant, in UTC.
    Time(DateTime),
}

/// A value looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// Boolean.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Number with decimals.
    Dec(Decimal),
    /// Text.
    Text(&'a str),
    /// Date or instant.
    Time(DateTime),
}

impl Value {
    /// This value, looked at.
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(b) => Cell::Bool(*b),
            Self::Int(n) => Cell::Int(*n),
            Self::Dec(d) => Cell::Dec(*d),
            Self::Text(t) => Cell::Text(t),
            Self::Time(t) => Cell::Time(*t),
        }
    }

    /// Reads what a client or a world file gives for `field`. Types are exact: a
    /// number in quotes is not a number, a fraction is not a whole number.
    pub fn read(field: &Field, json: &Json) -> Result<Option<Self>, String> {
        let refused = || format!("{}: {json} is not a valid {:?}", field.name, field.kind);
        if json.is_null() {
            return Ok(None);
        }
        Ok(Some(match field.kind {
            Kind::Boolean => Self::Bool(json.as_bool().ok_or_else(refused)?),
            Kind::Long => Self::Int(json.as_i64().ok_or_else(refused)?),
            // The OpenAPI says int32 for many references; ids are stored wide so
            // that a world can hold larger ones, and only counts are held to it.
            Kind::Integer => Self::Int(json.as_i64().ok_or_else(refused)?),
            Kind::Double => Self::Dec(decimal(json).ok_or_else(refused)?),
            Kind::Text => {
                let text = json.as_str().ok_or_else(refused)?;
                if field.length > 0 && text.chars().count() > field.length as usize {
                    return Err(format!(
                        "{}: maximum length is {}",
                        field.name, field.length
                    ));
                }
                Self::Text(text.into())
            }
            Kind::Date => Self::Time(json.as_str().and_then(date).ok_or_else(refused)?.into()),
            Kind::DateTime => Self::Time(json.as_str().and_then(instant).ok_or_else(refused)?),
        }))
    }
}

impl<'a> Cell<'a> {
    /// Whether there is no value.
    pub fn is_null(self) -> bool {
        self == Cell::Null
    }

    /// The whole number, if it is one.
    pub fn int(self) -> Option<i64> {
        if let Cell::Int(n) = self {
            Some(n)
        } else {
            None
        }
    }

    /// The text, if it is one.
    pub fn text(self) -> Option<&'a str> {
        if let Cell::Text(t) = self {
            Some(t)
        } else {
            None
        }
    }

    /// The date, if it is one.
    pub fn date(self) -> Option<Date> {
        if let Cell::Time(t) = self {
            Some(t.date())
        } else {
            None
        }
    }

    /// The number, whole or not.
    pub fn number(self) -> Option<Decimal> {
        match self {
            Cell::Int(n) => Some(n.into()),
            Cell::Dec(d) => Some(d),
            _ => None,
        }
    }

    /// Order against another value of the same family, `None` across families.
    /// Texts compare without regard to case, as the vendor's database does.
    pub fn order(self, other: Cell<'_>) -> Option<Ordering> {
        match (self, other) {
            (Cell::Int(a), Cell::Int(b)) => Some(a.cmp(&b)),
            (Cell::Text(a), Cell::Text(b)) => Some(fold(a).cmp(&fold(b))),
            (Cell::Time(a), Cell::Time(b)) => Some(a.cmp(&b)),
            (Cell::Bool(a), Cell::Bool(b)) => Some(a.cmp(&b)),
            _ => Some(self.number()?.cmp(&other.number()?)),
        }
    }
}

/// A text as the database compares it.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Reads a JSON number without going through binary fractions.
pub fn decimal(json: &Json) -> Option<Decimal> {
    let text = json.as_number()?.to_string();
    Decimal::from_str(&text)
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
}

/// Reads a date, or the date part of an instant: date-only fields are cut to
/// midnight with no conversion between time zones [DERIVED SKILL].
pub fn date(text: &str) -> Option<Date> {
    if text.len() > 10 {
        instant(text)?;
    }
    text.get(..10)?.parse().ok()
}

/// Reads an instant; without an offset it is taken as UTC.
pub fn instant(text: &str) -> Option<DateTime> {
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(TimeZone::UTC.to_datetime(stamp));
    }
    text.parse::<DateTime>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Entity;
    use serde_json::json;

    #[test]
    fn types_are_exact() {
        let units = Entity::ContractServiceAdjustments
            .fields()
            .get("unitChange")
            .expect("known");
        assert!(Value::read(units, &json!(6)).is_ok());
        assert!(Value::read(units, &json!("6")).is_err());
        assert!(Value::read(units, &json!(6.5)).is_err());
    }

    #[test]
    fn a_date_is_the_date_part_of_what_was_sent() {
        for text in [
            "2026-10-01",
            "2026-10-01T00:00:00",
            "2026-10-01T23:30:00-05:00",
            "2026-10-01T00:00:00.000Z",
        ] {
            assert_eq!(date(text), Some(jiff::civil::date(2026, 10, 1)), "{text}");
        }
        assert_eq!(date("01/10/2026"), None);
    }
}
