//! From a PSA's unit rows to a line's timeline, or the reason why there is none.
//!
//! The rule that money depends on: between the first and the last row every day has
//! exactly one quantity. A row that is missing in between is an error and never zero
//! units; outside of the rows nothing is known, and the timeline says nothing there.

use crate::{Date, Decimal, Money, Segment, Timeline, Truth};

/// One row as the PSA keeps it. Both dates belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    pub start: Date,
    pub end: Date,
    pub units: Decimal,
    /// In major units, without a currency.
    pub unit_price: Option<Decimal>,
    pub posted: Truth,
}

/// Puts the rows in order and checks that they touch. Rows that ended before `from` are
/// left out; the order and exact repetitions do not matter.
///
/// Two rows may overlap in two ways, and in both the later row holds the shared days:
/// - the second begins on the first one's last day (Autotask documents an adjusted row's
///   end as "the effective date of that adjustment");
/// - both end on the same day: an adjustment that leaves the period's row as it was and
///   adds one from its own date on, with the new quantity. Public clients of Autotask
///   agree that the row that began last has the quantity.
///
/// Any other overlap is a contradiction.
#[must_use]
pub fn build(rows: &mut Vec<Row>, from: Date) -> Timeline {
    match checked(rows, from) {
        Ok(()) => Timeline::Segments(rows.iter().map(segment).collect()),
        Err(reason) => Timeline::Unreadable(reason),
    }
}

fn checked(rows: &mut Vec<Row>, from: Date) -> Result<(), String> {
    rows.sort_unstable_by_key(|row| (row.start, row.id));
    rows.dedup();
    if let Some(row) = rows.iter().find(|row| row.end < row.start) {
        return Err(format!(
            "unit row {} ends on {}, before it starts on {}",
            row.id, row.end, row.start
        ));
    }
    if let Some(row) = rows.iter().find(|row| row.units.is_negative()) {
        return Err(format!("unit row {} has {} units", row.id, row.units));
    }
    for at in 1..rows.len() {
        let (former, later) = (rows[at - 1], rows[at]);
        if former.id == later.id {
            return Err(format!(
                "unit row {} came twice with different content",
                later.id
            ));
        }
        if former.start == later.start {
            return Err(format!(
                "unit rows {} and {} both start on {}",
                former.id, later.id, later.start
            ));
        }
        if later.start == former.end || (later.start < former.end && later.end == former.end) {
            rows[at - 1].end = later.start.previous();
        } else if later.start < former.end {
            return Err(format!(
                "unit rows {} (to {}) and {} (from {}) overlap",
                former.id, former.end, later.id, later.start
            ));
        } else if later.start != former.end.next() {
            return Err(format!(
                "no unit row covers {} to {}: a row is missing",
                former.end.next(),
                later.start.previous()
            ));
        }
    }
    // A repeated id need not be a neighbour.
    let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!(
            "unit row {} came twice with different content",
            pair[0]
        ));
    }
    rows.retain(|row| row.end >= from);
    if rows.is_empty() {
        return Err(format!(
            "no unit row covers {from} or later: the rows are missing"
        ));
    }
    Ok(())
}

fn segment(row: &Row) -> Segment {
    Segment {
        start: row.start.into(),
        end: row.end.into(),
        units: row.units.to_string(),
        unit_price: row.unit_price.map(|price| Money {
            amount: price.to_string(),
            currency: None,
        }),
        posted: row.posted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, start: &str, end: &str, units: i64) -> Row {
        Row {
            id,
            start: Date::parse(start).unwrap(),
            end: Date::parse(end).unwrap(),
            units: units.into(),
            unit_price: None,
            posted: Truth::No,
        }
    }

    /// `start..end units` per segment, or the reason.
    fn told(mut rows: Vec<Row>) -> String {
        match build(&mut rows, Date::parse("2026-11-10").unwrap()) {
            Timeline::Unreadable(reason) => reason,
            Timeline::Segments(segments) => segments
                .iter()
                .map(|segment| {
                    let date = |date: crate::CivilDate| Date::try_from(date).unwrap().to_string();
                    format!(
                        "{}..{} {}",
                        date(segment.start),
                        date(segment.end),
                        segment.units
                    )
                })
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    #[test]
    fn rows_are_put_in_order_and_those_of_the_past_left_out() {
        let rows = vec![
            row(3, "2026-12-01", "2026-12-31", 7),
            row(1, "2026-10-01", "2026-10-31", 4),
            row(2, "2026-11-01", "2026-11-30", 5),
        ];
        assert_eq!(
            told(rows),
            "2026-11-01..2026-11-30 5, 2026-12-01..2026-12-31 7"
        );
    }

    #[test]
    fn a_missing_row_is_an_error_and_never_zero() {
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(3, "2027-01-01", "2027-01-31", 7),
        ];
        assert_eq!(
            told(rows),
            "no unit row covers 2026-12-01 to 2026-12-31: a row is missing"
        );
        assert_eq!(
            told(vec![]),
            "no unit row covers 2026-11-10 or later: the rows are missing"
        );
    }

    #[test]
    fn repeated_rows_count_once() {
        let one = row(1, "2026-11-01", "2026-11-30", 5);
        assert_eq!(told(vec![one, one]), "2026-11-01..2026-11-30 5");
    }

    #[test]
    fn a_row_in_two_versions_is_an_error() {
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(1, "2026-11-01", "2026-11-30", 6),
        ];
        assert_eq!(told(rows), "unit row 1 came twice with different content");
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(2, "2026-12-01", "2026-12-31", 5),
            row(1, "2027-01-01", "2027-01-31", 6),
        ];
        assert_eq!(told(rows), "unit row 1 came twice with different content");
    }

    #[test]
    fn overlapping_rows_are_an_error() {
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(2, "2026-11-15", "2026-12-14", 7),
        ];
        assert_eq!(
            told(rows),
            "unit rows 1 (to 2026-11-30) and 2 (from 2026-11-15) overlap"
        );
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(2, "2026-11-01", "2026-11-30", 5),
        ];
        assert_eq!(told(rows), "unit rows 1 and 2 both start on 2026-11-01");
    }

    #[test]
    fn of_rows_that_end_together_the_one_that_began_last_holds_from_then_on() {
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(3, "2026-11-23", "2026-11-30", 11),
            row(2, "2026-11-12", "2026-11-30", 7),
            row(4, "2026-12-01", "2026-12-31", 11),
        ];
        assert_eq!(
            told(rows),
            "2026-11-01..2026-11-11 5, 2026-11-12..2026-11-22 7, 2026-11-23..2026-11-30 11, \
             2026-12-01..2026-12-31 11"
        );
    }

    #[test]
    fn of_two_rows_that_share_a_day_the_later_holds_it() {
        let rows = vec![
            row(1, "2026-11-01", "2026-11-15", 5),
            row(2, "2026-11-15", "2026-11-30", 7),
        ];
        assert_eq!(
            told(rows),
            "2026-11-01..2026-11-14 5, 2026-11-15..2026-11-30 7"
        );
    }

    #[test]
    fn impossible_rows_are_errors() {
        let rows = vec![row(1, "2026-11-30", "2026-11-01", 5)];
        assert_eq!(
            told(rows),
            "unit row 1 ends on 2026-11-01, before it starts on 2026-11-30"
        );
        assert_eq!(
            told(vec![row(1, "2026-11-01", "2026-11-30", -5)]),
            "unit row 1 has -5 units"
        );
    }
}
