//! Billing periods of a contract: counted from its first day, cut at its last.

use jiff::ToSpan;
use jiff::civil::Date;

/// A billing period: both days are included, `days` are those of the whole period
/// even where the contract's end cuts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub start: Date,
    /// Last day.
    pub end: Date,
    /// Days of the uncut period.
    pub days: i32,
}

/// The periods of `months` months from `start` up to `end`. A contract that begins
/// on the 31st has its periods begin on the last day of shorter months.
pub fn periods(start: Date, end: Date, months: i32) -> Vec<Period> {
    let mut found = Vec::new();
    let at = |n: i32| start.saturating_add((n * months.max(1)).months());
    for n in 0..1200 {
        let (from, next) = (at(n), at(n + 1));
        if from > end || next <= from {
            break;
        }
        let last = next.saturating_sub(1.day());
        found.push(Period {
            start: from,
            end: last.min(end),
            days: super::units::days(from, last),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn monthly_periods_follow_the_contracts_first_day_without_a_gap() {
        let found = periods(date(2026, 1, 31), date(2026, 4, 15), 1);
        let spans: Vec<_> = found.iter().map(|p| (p.start, p.end)).collect();
        assert_eq!(
            spans,
            [
                (date(2026, 1, 31), date(2026, 2, 27)),
                (date(2026, 2, 28), date(2026, 3, 30)),
                (date(2026, 3, 31), date(2026, 4, 15)),
            ]
        );
        assert_eq!(found[2].days, 30);
    }

    #[test]
    fn a_year_is_one_period_of_a_yearly_contract() {
        let found = periods(date(2026, 1, 1), date(2027, 12, 31), 12);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].days, 365);
    }
}
