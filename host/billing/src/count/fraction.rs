//! An exact number that is zero or above: a mean of days has no exact decimal, and a
//! third that is rounded before it is multiplied by three bills a unit too many.

use rust_decimal::Decimal;

use super::Rounding;
use crate::Units;

/// Places shown of a fraction that has no end.
const SHOWN_PLACES: u32 = 6;

/// `over / under`. Every step says none instead of going past the largest number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fraction {
    over: u128,
    under: u128,
}

impl Fraction {
    pub(super) fn whole(number: u128) -> Self {
        Self {
            over: number,
            under: 1,
        }
    }

    /// The mean of `days` counts with this sum; none without a day.
    pub(super) fn mean(sum: u128, days: u128) -> Option<Self> {
        (days > 0).then_some(Self {
            over: sum,
            under: days,
        })
    }

    /// Less so many; none where that is below zero.
    pub(super) fn less(self, number: u128) -> Option<Self> {
        let over = self.over.checked_sub(number.checked_mul(self.under)?)?;
        Some(Self { over, ..self })
    }

    /// Times a decimal above zero.
    pub(super) fn times(self, by: Decimal) -> Option<Self> {
        let mantissa = u128::try_from(by.mantissa()).ok()?;
        Some(Self {
            over: self.over.checked_mul(mantissa)?,
            under: self.under.checked_mul(10_u128.checked_pow(by.scale())?)?,
        })
    }

    pub(super) fn is_whole(self) -> bool {
        self.over.is_multiple_of(self.under)
    }

    /// Whether [`Fraction::shown`] is the number itself.
    pub(super) fn is_exact(self) -> bool {
        let places = 10_u128.pow(SHOWN_PLACES);
        let scaled = self.over.checked_mul(places);
        scaled.is_some_and(|scaled| scaled.is_multiple_of(self.under))
    }

    /// The whole number that it becomes.
    pub(super) fn rounded(self, rounding: Rounding) -> u128 {
        let (whole, rest) = (self.over / self.under, self.over % self.under);
        let up = match rounding {
            Rounding::Up => rest > 0,
            Rounding::Down => false,
            Rounding::Nearest => rest >= self.under - rest,
        };
        whole + u128::from(up)
    }

    /// As a decimal: exact where six places are enough, else the nearest; none where it
    /// is past the largest.
    pub(super) fn shown(self) -> Option<Units> {
        let (number, scale) = if self.is_whole() {
            (self.over / self.under, 0)
        } else {
            let scaled = Self {
                over: self.over.checked_mul(10_u128.pow(SHOWN_PLACES))?,
                ..self
            };
            (scaled.rounded(Rounding::Nearest), SHOWN_PLACES)
        };
        let number = i128::try_from(number).ok()?;
        let decimal = Decimal::try_from_i128_with_scale(number, scale).ok()?;
        Units::new(decimal).ok()
    }
}
