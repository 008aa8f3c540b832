//! Amounts: exact, in major units of a currency that the PSA may or may not name.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnitsChange;

/// An amount of money (`4.50 USD`).
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Money {
    /// In major units.
    pub amount: Decimal,
    /// ISO 4217, where the PSA says it.
    pub currency: Option<Box<str>>,
}

impl Money {
    /// So many units at this price, or none where the number is too large to be said.
    pub fn times(&self, units: UnitsChange) -> Option<Self> {
        Some(Self {
            amount: self.amount.checked_mul(units.get())?,
            currency: self.currency.clone(),
        })
    }

    /// The same amount the other way.
    #[must_use]
    pub fn opposite(self) -> Self {
        Self {
            amount: -self.amount,
            ..self
        }
    }

    /// An amount for this many months, for one: to the cent, halves away from zero.
    pub fn a_month(&self, months: u32) -> Option<Self> {
        let amount = self.amount.checked_div(Decimal::from(months))?;
        let mut amount = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        // `25.20`, not `25.2`, in reports.
        amount.rescale(2);
        Some(Self {
            amount,
            currency: self.currency.clone(),
        })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.amount.normalize();
        if amount.scale() < 2 {
            amount.rescale(2);
        }
        match &self.currency {
            Some(currency) => write!(f, "{amount} {currency}"),
            None => write!(f, "{amount}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Units;

    #[test]
    fn a_change_of_units_is_a_change_of_money_a_month() {
        let table = [
            ("monthly", "4.20", 5, 11, 1, "25.20"),
            ("a fall", "4.20", 11, 5, 1, "-25.20"),
            ("quarterly", "12.60", 5, 11, 3, "25.20"),
            ("yearly, not even", "10", 0, 1, 12, "0.83"),
            ("half a cent goes away from zero", "0.06", 0, 1, 12, "0.01"),
            ("and so below zero", "0.06", 1, 0, 12, "-0.01"),
            ("a price in parts of a cent", "0.0125", 0, 1000, 1, "12.50"),
        ];
        for (case, price, from, to, months, expected) in table {
            let (from, to): (u32, u32) = (from, to);
            let price = Money {
                amount: price.parse().unwrap(),
                currency: None,
            };
            let change = Units::from(to).change_from(from.into());
            let monthly = price.times(change).and_then(|money| money.a_month(months));
            assert_eq!(monthly.unwrap().to_string(), expected, "{case}");
        }
    }

    fn cents(cents: i64) -> Money {
        Money {
            amount: Decimal::new(cents, 2),
            currency: None,
        }
    }

    proptest! {
        /// A month is off by at most half a cent, has no part of a cent, and is the same
        /// amount whichever way the change goes.
        #[test]
        fn a_month_is_the_nearest_cent_and_the_same_both_ways(amount in -1_000_000_i64..1_000_000, months in 1_u32..=12) {
            let month = cents(amount).a_month(months).unwrap();
            let off = month.amount * Decimal::from(months) - cents(amount).amount;
            prop_assert!(off.abs() <= Decimal::new(5, 3) * Decimal::from(months), "{month} off by {off}");
            prop_assert_eq!(month.amount.scale(), 2);
            let back = cents(amount).opposite().a_month(months).unwrap();
            prop_assert_eq!(back.amount, -month.amount);
        }

        /// Two changes one after the other cost what both together do.
        #[test]
        fn a_change_in_two_steps_costs_the_same(price in 0_i64..100_000, from in 0_u32..1000, by in 0_u32..1000, to in 0_u32..1000) {
            let (from, by, to) = (Units::from(from), Units::from(by), Units::from(to));
            let cost = |change| cents(price).times(change).unwrap().amount;
            let steps = cost(by.change_from(from)) + cost(to.change_from(by));
            prop_assert_eq!(steps, cost(to.change_from(from)));
        }
    }
}
