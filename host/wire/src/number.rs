//! Sums: in JSON as numbers, where JSON's numbers hold them exactly.

use psa_host_billing::{Units, UnitsChange};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
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

/// Units as a number.
pub(crate) fn units(units: Units) -> Value {
    number(units.get())
}

/// A difference of units as a number.
pub(crate) fn change(change: UnitsChange) -> Value {
    number(change.get())
}

#[cfg(test)]
mod tests {
    use super::*;

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
