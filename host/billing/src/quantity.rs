//! How many units: exact, and never below zero.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why a number cannot be units.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitsError {
    /// Below zero.
    #[error("{0} units: a quantity cannot be negative")]
    Negative(Decimal),
    /// Not `[0-9]+(\.[0-9]+)?` of at most 28 digits.
    #[error("{0:?} is not a decimal number")]
    NotDecimal(String),
}

/// A quantity on a line, zero or more. Most PSAs take whole numbers only, but a line
/// that a person set to 2.5 must still be readable.
///
/// ```
/// use psa_host_billing::Units;
///
/// let before = Units::parse("2.50")?;
/// assert_eq!(before.to_string(), "2.5");
/// assert_eq!(Units::from(4).change_from(before).to_string(), "+1.5");
/// assert!(Units::parse("-1").is_err());
/// # Ok::<(), psa_host_billing::UnitsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Decimal")]
pub struct Units(Decimal);

impl Units {
    /// No units.
    pub const ZERO: Units = Units(Decimal::ZERO);

    /// # Errors
    /// [`UnitsError::Negative`].
    pub fn new(number: Decimal) -> Result<Self, UnitsError> {
        if number.is_sign_negative() && !number.is_zero() {
            return Err(UnitsError::Negative(number));
        }
        Ok(Self(number.normalize()))
    }

    /// Read a connector's decimal text.
    ///
    /// # Errors
    /// [`UnitsError`] for what is no decimal number, or is below zero.
    pub fn parse(text: &str) -> Result<Self, UnitsError> {
        let number = parse_decimal(text).ok_or_else(|| UnitsError::NotDecimal(shorten(text)))?;
        Self::new(number)
    }

    /// The number.
    pub fn get(self) -> Decimal {
        self.0
    }

    /// Whether there are none.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether it has no fraction.
    pub fn is_whole(self) -> bool {
        self.0.is_integer()
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).normalize())
    }

    /// `self − other`: what must be posted to come from `other` to `self`.
    pub fn change_from(self, other: Units) -> UnitsChange {
        UnitsChange((self.0 - other.0).normalize())
    }
}

impl From<u32> for Units {
    fn from(count: u32) -> Self {
        Self(Decimal::from(count))
    }
}

impl TryFrom<Decimal> for Units {
    type Error = UnitsError;
    fn try_from(number: Decimal) -> Result<Self, UnitsError> {
        Self::new(number)
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A difference of two quantities; may be negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub struct UnitsChange(Decimal);

impl Serialize for Units {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_number(self.0, serializer)
    }
}

impl Serialize for UnitsChange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_number(self.0, serializer)
    }
}

/// A number where a number is exact (whole, as nearly all are), else decimal text.
fn serialize_number<S: serde::Serializer>(number: Decimal, to: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(number) {
        Ok(whole) if number.is_integer() => to.serialize_i64(whole),
        _ => to.collect_str(&number),
    }
}

impl From<Decimal> for UnitsChange {
    fn from(change: Decimal) -> Self {
        Self(change.normalize())
    }
}

impl UnitsChange {
    /// The number.
    pub fn get(self) -> Decimal {
        self.0
    }

    /// Both changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).normalize())
    }

    /// How much further it goes than an earlier one: what lies beyond, where both go the
    /// same way; else all of it.
    #[must_use]
    pub fn beyond(self, earlier: Self) -> Self {
        if self.is_decrease() != earlier.is_decrease() || earlier.is_zero() {
            return self;
        }
        if self.0.abs() <= earlier.0.abs() {
            return Self::default();
        }
        Self(self.0.saturating_sub(earlier.0).normalize())
    }

    /// Whether nothing changes.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether fewer are billed.
    pub fn is_decrease(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }
}

/// Signed, as a clerk writes it: `+6`, `-2`, `0`.
impl fmt::Display for UnitsChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            f.pad("0")
        } else if self.0.is_sign_positive() {
            f.pad(&format!("+{}", self.0))
        } else {
            f.pad(&self.0.to_string())
        }
    }
}

/// Read `-?[0-9]+(\.[0-9]+)?`, at most 28 digits; nothing else (no exponent, no
/// underscore, no plus sign, no missing digits).
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) || digits.len() > 29 {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimal_text_is_read_exactly_or_not_at_all() {
        let cases = [
            ("0", Some("0")),
            ("12", Some("12")),
            ("2.50", Some("2.5")),
            ("-0", Some("0")),
            ("-1", None),
            ("", None),
            ("1e3", None),
            ("+1", None),
            (".5", None),
            ("5.", None),
            ("1_000", None),
            ("NaN", None),
            ("99999999999999999999999999999999", None),
        ];
        for (text, expected) in cases {
            let read = Units::parse(text).ok().map(|units| units.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn whole_units_are_json_numbers_and_others_exact_text() {
        let json = |text| serde_json::to_string(&Units::parse(text).unwrap()).unwrap();
        assert_eq!(
            (json("12").as_str(), json("2.50").as_str()),
            ("12", "\"2.5\"")
        );
        for text in ["12", "\"2.5\""] {
            let units: Units = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&units).unwrap(), text);
        }
        assert!(serde_json::from_str::<Units>("-1").is_err());
    }

    #[test]
    fn a_change_is_written_with_its_sign() {
        let five = Units::from(5);
        assert_eq!(Units::from(11).change_from(five).to_string(), "+6");
        assert_eq!(Units::from(3).change_from(five).to_string(), "-2");
        assert_eq!(five.change_from(five).to_string(), "0");
        assert!(Units::from(3).change_from(five).is_decrease());
    }

    proptest! {
        /// What is written is read back as the same number, as text and as JSON.
        #[test]
        fn units_survive_being_written(number in 0_i64..i64::MAX, scale in 0_u32..10) {
            let units = Units::new(Decimal::new(number, scale)).unwrap();
            prop_assert_eq!(Units::parse(&units.to_string()), Ok(units));
            let json = serde_json::to_string(&units).unwrap();
            prop_assert_eq!(serde_json::from_str::<Units>(&json).unwrap(), units);
        }

        /// A change leads from the one quantity to the other, its opposite leads back, and
        /// both together are none.
        #[test]
        fn a_change_leads_there_and_back(from in 0_i64..1_000_000, to in 0_i64..1_000_000, scale in 0_u32..4) {
            let units = |number| Units::new(Decimal::new(number, scale)).unwrap();
            let (from, to) = (units(from), units(to));
            let (there, back) = (to.change_from(from), from.change_from(to));
            prop_assert_eq!(from.get() + there.get(), to.get());
            prop_assert!(there.and(back).is_zero());
            prop_assert_eq!(there.is_decrease(), to < from);
        }

        /// A quantity below zero cannot be had in any way.
        #[test]
        fn nothing_makes_a_quantity_negative(number in i64::MIN..0, scale in 0_u32..10) {
            let below = Decimal::new(number, scale);
            prop_assert!(Units::new(below).is_err());
            prop_assert!(Units::parse(&below.to_string()).is_err());
            let json = serde_json::to_string(&below).unwrap();
            prop_assert!(serde_json::from_str::<Units>(&json).is_err());
        }
    }
}
