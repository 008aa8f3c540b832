//! The price of one unit, only where it can be told exactly.
//!
//! A unit row's `price` is the extended amount of the row, not of one unit [LIVE], and
//! whether it is prorated for a part of a period is [?]. The query does not return a
//! line's `adjustedPrice` but `internalCurrencyAdjustedPrice` and `unitPrice` [CODE]. So:
//!
//! 1. a price that the line names, if units times it is exactly the row's amount: two
//!    sources agree, whatever the row's length;
//! 2. else the amount divided by the units, if that comes out even and the row is whole
//!    billing periods long (1, 3, 6 or 12 months), where nothing is prorated;
//! 3. else, if the row says nothing of its own (no units, no amount, a part of a period)
//!    and neither does a later one, the price that the line is agreed to have;
//! 4. else none: the row and the line contradict each other.

use psa_connector_sdk::{Date, Decimal};

const PERIODS_IN_MONTHS: [u16; 4] = [1, 3, 6, 12];
/// Autotask shows unit prices with up to four places.
const PLACES: u8 = 4;

/// Prices of one unit that a line names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LinePrices {
    pub listed: Option<Decimal>,
    /// The price agreed for this contract, where it can be told in the customer's
    /// currency.
    pub adjusted: Option<Decimal>,
    /// What one unit is agreed to cost: the adjusted price, or where none is kept the
    /// list price.
    pub agreed: Option<Decimal>,
}

impl LinePrices {
    /// In a tenant with several currencies the adjusted price is in the internal one,
    /// and the row's price in the customer's. The two list prices give the rate between
    /// them [CODE]; equal ones mean one currency. A rate that does not come out even
    /// tells nothing: the amounts are rounded.
    pub(crate) fn of(
        listed: Option<Decimal>,
        internal_listed: Option<Decimal>,
        internal_adjusted: Option<Decimal>,
    ) -> Self {
        let adjusted = match (internal_adjusted, listed, internal_listed) {
            (Some(adjusted), Some(listed), Some(internal)) if listed == internal => Some(adjusted),
            (Some(adjusted), Some(listed), Some(internal)) => {
                adjusted.scaled_exactly(listed, internal, PLACES)
            }
            _ => None,
        };
        Self {
            listed,
            adjusted,
            agreed: match internal_adjusted {
                Some(_) => adjusted,
                None => listed,
            },
        }
    }
}

/// What a unit row says of the price of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfRow {
    Told(Decimal),
    /// Nothing: the line's own price may stand for it.
    Silent,
    /// Something else than the line, and not exactly.
    Contradicts,
}

pub(crate) fn of_row(
    amount: Option<Decimal>,
    units: i64,
    start: Date,
    end: Date,
    line: LinePrices,
) -> OfRow {
    let Some(amount) = amount.filter(|_| units > 0) else {
        return OfRow::Silent;
    };
    let named = [line.adjusted, line.listed]
        .into_iter()
        .flatten()
        .find(|price| price.times(units).is_some_and(|total| total == amount));
    if let Some(price) = named {
        return OfRow::Told(price);
    }
    let whole = PERIODS_IN_MONTHS
        .iter()
        .any(|months| start.spans_months(end, *months));
    match whole {
        true => amount
            .divided_exactly(units, PLACES)
            .map_or(OfRow::Contradicts, OfRow::Told),
        false => OfRow::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(amount: &str, units: i64, end: &str, listed: &str, adjusted: &str) -> String {
        let line = LinePrices {
            listed: Decimal::parse(listed),
            adjusted: Decimal::parse(adjusted),
            agreed: None,
        };
        let (start, end) = (
            Date::parse("2026-11-01").unwrap(),
            Date::parse(end).unwrap(),
        );
        match of_row(Decimal::parse(amount), units, start, end, line) {
            OfRow::Told(price) => price.to_string(),
            OfRow::Silent => "silent".to_owned(),
            OfRow::Contradicts => "contradicts".to_owned(),
        }
    }

    #[test]
    fn a_unit_price_is_told_only_where_it_is_exact() {
        for (amount, units, end, listed, adjusted, expected) in [
            // Agrees with a price of the line, whole month or part of one.
            ("45.00", 10, "2026-11-30", "4.50", "", "4.50"),
            ("45.00", 10, "2026-11-14", "4.50", "", "4.50"),
            ("40.00", 10, "2026-11-14", "4.50", "4.00", "4.00"),
            // Agrees with none: divided, for a whole period only.
            ("39.00", 10, "2026-11-30", "4.50", "", "3.90"),
            ("22.50", 10, "2026-11-14", "4.50", "", "silent"),
            ("10.00", 3, "2026-11-30", "4.50", "", "contradicts"),
            // Nothing to tell it from.
            ("0.00", 0, "2026-11-30", "4.50", "", "silent"),
            ("", 10, "2026-11-30", "4.50", "", "silent"),
        ] {
            assert_eq!(
                told(amount, units, end, listed, adjusted),
                expected,
                "{amount} for {units} to {end}"
            );
        }
    }

    #[test]
    fn the_agreed_price_is_told_in_the_customers_currency_or_not_at_all() {
        let read = |text: &str| Decimal::parse(text);
        for (case, listed, internal, adjusted, expected) in [
            ("no other price", "4.50", "4.50", "", Some("4.50")),
            ("agreed", "4.50", "4.50", "4.00", Some("4.00")),
            ("in another currency", "4.14", "4.50", "4.00", Some("3.68")),
            ("a rate that is not even", "4.15", "4.51", "4.00", None),
            ("no rate", "4.14", "", "4.00", None),
            ("free in the list", "0", "0", "4.00", Some("4.00")),
            ("no price at all", "", "", "", None),
        ] {
            let prices = LinePrices::of(read(listed), read(internal), read(adjusted));
            let agreed = prices.agreed.map(|price| price.to_string());
            assert_eq!(agreed.as_deref(), expected, "{case}");
        }
    }
}
