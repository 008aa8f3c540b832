//! Billing periods of a contract: so many months each, counted from its start.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Contract;

/// One billing period; both dates belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    #[schemars(with = "crate::form::Day")]
    pub start: Date,
    /// Last day.
    #[schemars(with = "crate::form::Day")]
    pub end: Date,
}

/// The period that holds a day, where the contract has a start and a known length. A
/// contract of the 31st is billed from the last day of shorter months: each period is
/// counted from the contract's start, so that it comes back to the 31st.
pub fn period_of(contract: &Contract, day: Date) -> Option<Period> {
    let anchor = contract.start?;
    let months = i32::try_from(contract.billing_months?).ok()?;
    if months < 1 || day < anchor {
        return None;
    }
    let apart = (i32::from(day.year()) - i32::from(anchor.year())) * 12 + i32::from(day.month())
        - i32::from(anchor.month());
    let nth = |n: i32| anchor.checked_add(months_span(n.checked_mul(months)?)).ok();
    let mut n = apart / months;
    // The day of the month decides whether the n-th has begun.
    if nth(n)? > day {
        n -= 1;
    }
    Some(Period {
        start: nth(n)?,
        end: nth(n + 1)?.yesterday().ok()?,
    })
}

/// The period after the one that holds a day.
pub fn next_period(contract: &Contract, day: Date) -> Option<Period> {
    let next = period_of(contract, day)?.end.tomorrow().ok()?;
    period_of(contract, next)
}

fn months_span(months: i32) -> Span {
    months.months()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::plan::tests::contract;

    fn of(start: Date, months: u32, day: Date) -> Option<(Date, Date)> {
        let mut contract = contract();
        contract.start = Some(start);
        contract.billing_months = Some(months);
        period_of(&contract, day).map(|period| (period.start, period.end))
    }

    #[test]
    fn a_period_is_counted_from_the_contracts_start() {
        let cases = [
            (
                "monthly, on the first",
                date(2026, 1, 1),
                1,
                date(2026, 11, 1),
                Some((date(2026, 11, 1), date(2026, 11, 30))),
            ),
            (
                "monthly, on the last",
                date(2026, 1, 1),
                1,
                date(2026, 11, 30),
                Some((date(2026, 11, 1), date(2026, 11, 30))),
            ),
            (
                "from the 15th",
                date(2026, 1, 15),
                1,
                date(2026, 11, 14),
                Some((date(2026, 10, 15), date(2026, 11, 14))),
            ),
            (
                "from the 15th, on the 15th",
                date(2026, 1, 15),
                1,
                date(2026, 11, 15),
                Some((date(2026, 11, 15), date(2026, 12, 14))),
            ),
            (
                "from the 31st, in February",
                date(2026, 1, 31),
                1,
                date(2026, 2, 28),
                Some((date(2026, 2, 28), date(2026, 3, 30))),
            ),
            (
                "from the 31st, before the end of February",
                date(2026, 1, 31),
                1,
                date(2026, 2, 27),
                Some((date(2026, 1, 31), date(2026, 2, 27))),
            ),
            (
                "from the 31st, in a leap year",
                date(2027, 8, 31),
                1,
                date(2028, 2, 29),
                Some((date(2028, 2, 29), date(2028, 3, 30))),
            ),
            (
                "from the 31st, back on the 31st",
                date(2026, 1, 31),
                1,
                date(2026, 3, 31),
                Some((date(2026, 3, 31), date(2026, 4, 29))),
            ),
            (
                "quarterly",
                date(2026, 2, 1),
                3,
                date(2026, 11, 23),
                Some((date(2026, 11, 1), date(2027, 1, 31))),
            ),
            (
                "yearly, from 29 February",
                date(2024, 2, 29),
                12,
                date(2026, 3, 1),
                Some((date(2026, 2, 28), date(2027, 2, 27))),
            ),
            (
                "before the contract",
                date(2026, 12, 1),
                1,
                date(2026, 11, 23),
                None,
            ),
            ("no length", date(2026, 1, 1), 0, date(2026, 11, 23), None),
        ];
        for (case, start, months, day, expected) in cases {
            assert_eq!(of(start, months, day), expected, "{case}");
        }
    }

    proptest! {
        /// Periods follow one another without a hole or an overlap.
        #[test]
        fn every_day_is_in_exactly_one_period(
            first in 0_i32..3000, later in 0_i32..3000, months in 1_u32..=12,
        ) {
            let start = date(2024, 1, 1).checked_add(first.days()).unwrap();
            let day = start.checked_add(later.days()).unwrap();
            let (begin, end) = of(start, months, day).unwrap();
            prop_assert!(begin <= day && day <= end);
            prop_assert_eq!(of(start, months, begin), Some((begin, end)));
            prop_assert_eq!(of(start, months, end), Some((begin, end)));
            let (next, _) = of(start, months, end.tomorrow().unwrap()).unwrap();
            prop_assert_eq!(next, end.tomorrow().unwrap());
        }
    }
}
