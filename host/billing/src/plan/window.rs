//! What a plan reads of a line's units. Most lines do not change from day to day, and of
//! these a few periods tell enough; contracts that last for years would else be read for
//! years. Of a line that would change, everything is read before anything is concluded.

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Decision, PlanLine};
use crate::HoldCode;

/// The last day of the window that is read of every line: the end of the next month, which
/// lies in the next period of a monthly contract whichever day it begins on.
pub fn last_day_to_read(as_of: Date) -> Date {
    let next = as_of.first_of_month().saturating_add(1.month());
    next.last_of_month()
}

impl PlanLine {
    /// Whether the decision needs the line's whole timeline and only a window of it was
    /// read: what would change, and what is held because something does not follow. Such a
    /// line is read whole and decided anew; until then nothing is written for it.
    pub fn needs_whole(&self) -> bool {
        self.horizon.is_some()
            && match &self.decision {
                Decision::Unchanged => false,
                Decision::Adjust | Decision::Ask(_) | Decision::Gather { .. } => true,
                Decision::Hold(hold) => matches!(
                    hold.code,
                    HoldCode::NoUnitsAtDate
                        | HoldCode::AllPosted
                        | HoldCode::PeriodUnknown
                        | HoldCode::UnitsUnreadable
                ),
            }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_window_reaches_into_the_next_period_of_a_monthly_contract() {
        for (day, last) in [
            (date(2026, 11, 1), date(2026, 12, 31)),
            (date(2026, 11, 30), date(2026, 12, 31)),
            (date(2027, 1, 31), date(2027, 2, 28)),
            (date(2026, 12, 15), date(2027, 1, 31)),
        ] {
            assert_eq!(last_day_to_read(day), last, "{day}");
        }
    }
}
