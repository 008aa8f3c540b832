//! Exact decimal numbers. Money is never floating point: `12.10` from a PSA's JSON is
//! read digit by digit.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

/// At most 28 digits, of which any number after the point; keeps the scale it was
/// written with (`12.10`), and compares by value (`12.10 == 12.1`).
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    /// Digits after the point.
    scale: u8,
}

const MOST_DIGITS: u32 = 28;

impl Decimal {
    /// Nothing at all.
    pub const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
    };

    /// Reads decimal text, also with an exponent as JSON may have (`1.5e3`). None for
    /// anything else and for what does not fit 28 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        if whole.is_empty() {
            return None;
        }
        let mut mantissa = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(i128::from(byte - b'0'))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if mantissa == 0 {
            scale = scale.clamp(0, 28);
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        let value = Self {
            mantissa: if negative { -mantissa } else { mantissa },
            scale: u8::try_from(scale).ok()?,
        };
        value.fits().then_some(value)
    }

    fn fits(self) -> bool {
        u32::from(self.scale) <= MOST_DIGITS
            && self.mantissa.unsigned_abs() < 10_u128.pow(MOST_DIGITS)
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Zero, with however many digits after the point.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The whole number that this is, if it is one (`5.0` is 5).
    #[must_use]
    pub fn to_integer(self) -> Option<i64> {
        let shortest = self.normalized();
        if shortest.scale == 0 {
            i64::try_from(shortest.mantissa).ok()
        } else {
            None
        }
    }

    /// `self + other`; none where it does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = aligned(self, other)?;
        let value = Self {
            mantissa: left.checked_add(right)?,
            scale,
        };
        value.fits().then_some(value)
    }

    /// `self - other`; none where it does not fit.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = aligned(self, other)?;
        let value = Self {
            mantissa: left.checked_sub(right)?,
            scale,
        };
        value.fits().then_some(value)
    }

    /// `self * factor`; none where it does not fit.
    #[must_use]
    pub fn times(self, factor: i64) -> Option<Self> {
        let value = Self {
            mantissa: self.mantissa.checked_mul(i128::from(factor))?,
            scale: self.scale,
        };
        value.fits().then_some(value)
    }

    /// `self / divisor`, only where the result is exact with at most `places` digits
    /// after the point.
    #[must_use]
    pub fn divided_exactly(self, divisor: i64, places: u8) -> Option<Self> {
        let divisor = i128::from(divisor);
        let Self {
            mut mantissa,
            mut scale,
        } = self;
        loop {
            if mantissa.checked_rem(divisor)? == 0 {
                let value = Self {
                    mantissa: mantissa / divisor,
                    scale,
                };
                return value.fits().then_some(value);
            }
            if scale >= places {
                return None;
            }
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
    }

    /// `self * numerator / denominator`, only where the result is exact with at most
    /// `places` digits after the point.
    #[must_use]
    pub fn scaled_exactly(self, numerator: Self, denominator: Self, places: u8) -> Option<Self> {
        let (of, by, to) = (
            self.normalized(),
            numerator.normalized(),
            denominator.normalized(),
        );
        let mut dividend = of.mantissa.checked_mul(by.mantissa)?;
        // The digits after the point that the dividend has beyond the divisor's.
        let mut scale = i32::from(of.scale) + i32::from(by.scale) - i32::from(to.scale);
        while scale < 0 || dividend.checked_rem(to.mantissa)? != 0 {
            if scale >= i32::from(places) {
                return None;
            }
            dividend = dividend.checked_mul(10)?;
            scale += 1;
        }
        let value = Self {
            mantissa: dividend / to.mantissa,
            scale: u8::try_from(scale).ok()?,
        }
        .normalized();
        (value.fits() && value.scale <= places).then_some(value)
    }

    /// Without zeros at the end.
    fn normalized(self) -> Self {
        let Self {
            mut mantissa,
            mut scale,
        } = self;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }
}

fn aligned(left: Decimal, right: Decimal) -> Option<(i128, i128, u8)> {
    let scale = left.scale.max(right.scale);
    let raise = |value: Decimal| {
        value
            .mantissa
            .checked_mul(10_i128.checked_pow(u32::from(scale - value.scale))?)
    };
    Some((raise(left)?, raise(right)?, scale))
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self {
            mantissa: i128::from(whole),
            scale: 0,
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.normalized(), other.normalized());
        left.mantissa == right.mantissa && left.scale == right.scale
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let (left, right, _) = aligned(self.normalized(), other.normalized())?;
        Some(left.cmp(&right))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if self.mantissa < 0 {
            f.write_str("-")?;
        }
        if scale == 0 {
            return f.write_str(&digits);
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{whole}.{fraction}")
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// From a JSON number, or a number in a JSON string. Only from serde_json.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let digits = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        Self::parse(digits.trim())
            .ok_or_else(|| D::Error::custom("not a number that fits 28 digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn json_numbers_stay_exact() {
        for (json, text) in [
            ("12.10", "12.10"),
            ("0.1", "0.1"),
            ("-0.05", "-0.05"),
            ("\"4.50\"", "4.50"),
            ("1.5e3", "1500"),
            ("25E-2", "0.25"),
            ("5.0", "5.0"),
            ("0e99", "0"),
            ("9007199254740993", "9007199254740993"),
            (
                "1234567890123456789012345678",
                "1234567890123456789012345678",
            ),
        ] {
            let value: Decimal = serde_json::from_str(json).unwrap();
            assert_eq!(value.to_string(), text, "{json}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e",
            "1e999999999",
            "abc",
            "NaN",
            "1 2",
            "+1",
            "12345678901234567890123456789",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_recognised() {
        assert_eq!(decimal("5.0").to_integer(), Some(5));
        assert_eq!(decimal("-12").to_integer(), Some(-12));
        assert_eq!(decimal("5.5").to_integer(), None);
        assert_eq!(decimal("99999999999999999999").to_integer(), None);
    }

    #[test]
    fn arithmetic_is_exact_or_none() {
        assert_eq!(
            decimal("10.5").minus(decimal("0.25")),
            Some(decimal("10.25"))
        );
        assert_eq!(decimal("4.5").times(3), Some(decimal("13.50")));
        assert_eq!(decimal("25").divided_exactly(10, 4), Some(decimal("2.5")));
        assert_eq!(decimal("10").divided_exactly(3, 6), None);
        assert_eq!(decimal("10").divided_exactly(0, 6), None);
        assert_eq!(decimal("9999999999999999999999999999").times(10), None);
    }

    #[test]
    fn comparison_is_by_value() {
        assert_eq!(decimal("12.10"), decimal("12.1"));
        assert!(decimal("-1") < decimal("0.001"));
    }

    #[test]
    fn a_price_in_another_currency_is_told_only_where_it_is_exact() {
        for (price, numerator, denominator, expected) in [
            ("4.00", "4.14", "4.50", Some("3.68")),
            ("4.50", "4.50", "4.50", Some("4.5")),
            ("9", "9.00", "10.00", Some("8.1")),
            ("4.00", "0.5", "2", Some("1")),
            ("0.00", "4.14", "4.50", Some("0")),
            ("4.00", "1", "3", None),
            ("4.00", "4.14", "0", None),
            ("0.00001", "1", "1", None),
            (
                "9999999999999999999999999999",
                "9999999999999999999999999999",
                "1",
                None,
            ),
        ] {
            let read = |text| Decimal::parse(text).unwrap();
            let scaled = read(price).scaled_exactly(read(numerator), read(denominator), 4);
            let scaled = scaled.map(|value| value.to_string());
            assert_eq!(
                scaled.as_deref(),
                expected,
                "{price} * {numerator} / {denominator}"
            );
        }
    }
}
