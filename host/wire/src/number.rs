//! Sums: in JSON as numbers, where JSON's numbers hold them exactly.

use std::borrow::Cow;
use std::fmt;

use psa_host_billing::{Units, UnitsChange};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A whole number as an integer, a fraction as the number it is written as; what a
/// double would round, as text.
///
/// ```
/// let shown = |text: &str| psa_host_wire::number(text.parse().unwrap()).to_string();
/// assert_eq!(shown("12.00"), "12");
/// assert_eq!(shown("2.5"), "2.5");
/// assert_eq!(shown("0.1234567890123456789"), "\"0.1234567890123456789\"");
/// ```
pub fn number(decimal: Decimal) -> Value {
    let decimal = decimal.normalize();
    if let (true, Some(whole)) = (decimal.is_integer(), decimal.to_i64()) {
        return Value::from(whole);
    }
    let text = decimal.to_string();
    let read = serde_json::from_str::<Value>(&text).ok();
    let exact = read.filter(|number| {
        let shown = number.to_string();
        shown == text
    });
    exact.unwrap_or(Value::String(text))
}

/// A quantity or a sum, in JSON as [`number`] writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub Decimal);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Value::deserialize(deserializer)?;
        let text = match &read {
            Value::String(text) => text.clone(),
            // As it was written, and not as the double beside it.
            Value::Number(number) => number.to_string(),
            other => return Err(D::Error::custom(format!("{other} is no number"))),
        };
        let exact = Decimal::from_str_exact(&text).map_err(D::Error::custom)?;
        Ok(Self(exact))
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Units::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Units as a number.
pub(crate) fn units(units: Units) -> Number {
    Number(units.get())
}

/// A difference of units as a number.
pub(crate) fn change(change: UnitsChange) -> Number {
    Number(change.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_as_it_was_and_what_is_no_number_is_not() {
        for text in ["12", "-3", "2.5", "0.1234567890123456789"] {
            let written = Number(text.parse().unwrap_or_default());
            let json = serde_json::to_string(&written).unwrap_or_default();
            let read = serde_json::from_str::<Number>(&json);
            assert_eq!(
                read.ok().map(|read| read.to_string()).as_deref(),
                Some(text)
            );
        }
        for wrong in ["null", "true", "\"twelve\"", "[1]"] {
            assert!(serde_json::from_str::<Number>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quantity_is_a_number_unless_that_would_round_it() {
        let shown = |text: &str| number(text.parse().unwrap_or_default()).to_string();
        assert_eq!(shown("12"), "12");
        assert_eq!(shown("-3"), "-3");
        assert_eq!(shown("12.00"), "12");
        assert_eq!(shown("2.5"), "2.5");
        assert_eq!(shown("0.1234567890123456789"), "\"0.1234567890123456789\"");
    }
}
