//! From a PSA's unit rows to a line's timeline, or the reason why there is none.
//!
//! The rule that money depends on: between the first and the last row every day has
//! exactly one quantity. A row that is missing in between is an error and never zero
//! units; outside of the rows nothing is known, and the timeline says nothing there.

use crate::{Date, Decimal, Money, Segment, Timeline, Truth};

/// What it means where two rows of one line share days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// The row that began later holds the shared days, in two cases:
    /// - it begins on the first one's last day (Autotask documents an adjusted row's end as
    ///   "the effective date of that adjustment");
    /// - both end on the same day: an adjustment that leaves the period's row as it was and
    ///   adds one from its own date on, with the new quantity. Public clients of Autotask
    ///   agree that the row that began last has the quantity.
    ///
    /// Any other overlap is a contradiction.
    LaterHolds,
    /// The quantities add up on the shared days, where they agree on price and posting;
    /// what they disagree on is left open there.
    AddsUp,
    /// Always a contradiction.
    Contradicts,
}

/// One row as the PSA keeps it. Both dates belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The PSA's number for it.
    pub id: i64,
    /// Its first day.
    pub start: Date,
    /// None: open.
    pub end: Option<Date>,
    /// How many on each of these days.
    pub units: Decimal,
    /// In major units, without a currency.
    pub unit_price: Option<Decimal>,
    /// Whether it was invoiced, as far as the PSA says.
    pub posted: Truth,
}

/// Puts the rows in order and checks that they touch. Rows that ended before `from` are
/// left out; the order and exact repetitions do not matter. `overlap`: what this PSA means
/// by two rows that share days.
#[must_use]
pub fn build(rows: &mut Vec<Row>, from: Date, overlap: Overlap) -> Timeline {
    match checked(rows, from, overlap) {
        Ok(()) => Timeline::Segments(rows.iter().map(segment).collect()),
        Err(reason) => Timeline::Unreadable(reason),
    }
}

fn checked(rows: &mut Vec<Row>, from: Date, overlap: Overlap) -> Result<(), String> {
    rows.sort_unstable_by_key(|row| (row.start, row.id));
    rows.dedup();
    for row in rows.iter() {
        if let Some(end) = row.end.filter(|end| *end < row.start) {
            return Err(format!(
                "unit row {} ends on {end}, before it starts on {}",
                row.id, row.start
            ));
        }
        if row.units.is_negative() {
            return Err(format!("unit row {} has {} units", row.id, row.units));
        }
    }
    each_id_once(rows)?;
    match overlap {
        Overlap::AddsUp => *rows = added_up(rows)?,
        Overlap::LaterHolds | Overlap::Contradicts => cut_where_shared(rows, overlap)?,
    }
    for pair in rows.windows(2) {
        let (former, later) = (pair[0], pair[1]);
        if let Some(end) = former.end.filter(|end| end.next() != later.start) {
            return Err(format!(
                "no unit row covers {} to {}: a row is missing",
                end.next(),
                later.start.previous()
            ));
        }
    }
    rows.retain(|row| row.end.is_none_or(|end| end >= from));
    if rows.is_empty() {
        return Err(format!(
            "no unit row covers {from} or later: the rows are missing"
        ));
    }
    Ok(())
}

/// One row in two versions cannot be told apart from two rows.
fn each_id_once(rows: &[Row]) -> Result<(), String> {
    let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!(
            "unit row {} came twice with different content",
            pair[0]
        )),
        None => Ok(()),
    }
}

/// Ends each row where the next one takes over, or says that the two contradict.
fn cut_where_shared(rows: &mut [Row], overlap: Overlap) -> Result<(), String> {
    for at in 1..rows.len() {
        let (former, later) = (rows[at - 1], rows[at]);
        if former.start == later.start {
            return Err(format!(
                "unit rows {} and {} both start on {}",
                former.id, later.id, later.start
            ));
        }
        if former.end.is_some_and(|end| end < later.start) {
            continue;
        }
        let takes_over = former.end == Some(later.start) || former.end == later.end;
        if overlap == Overlap::LaterHolds && takes_over {
            rows[at - 1].end = Some(later.start.previous());
            continue;
        }
        let end = former
            .end
            .map_or_else(|| "open".to_owned(), |end| format!("to {end}"));
        return Err(format!(
            "unit rows {} ({end}) and {} (from {}) overlap",
            former.id, later.id, later.start
        ));
    }
    Ok(())
}

/// The sum of the rows on each stretch of days on which the same ones hold.
fn added_up(rows: &[Row]) -> Result<Vec<Row>, String> {
    let after = |row: &Row| row.end.map(Date::next);
    let mut borders: Vec<Date> = rows.iter().map(|row| row.start).collect();
    borders.extend(rows.iter().filter_map(after));
    borders.sort_unstable();
    borders.dedup();
    let mut sums: Vec<Row> = Vec::new();
    for (at, start) in borders.iter().enumerate() {
        let end = borders.get(at + 1).map(|next| next.previous());
        let mut holding = rows
            .iter()
            .filter(|row| row.start <= *start && row.end.is_none_or(|last| last >= *start));
        let Some(first) = holding.next() else {
            continue;
        };
        let mut sum = Row {
            start: *start,
            end,
            ..*first
        };
        for row in holding {
            sum.units = sum.units.plus(row.units).ok_or_else(|| {
                format!("the units from {start} on add up to more than can be counted")
            })?;
            if sum.unit_price != row.unit_price {
                sum.unit_price = None;
            }
            if sum.posted != row.posted {
                sum.posted = Truth::Unknown;
            }
        }
        sums.push(sum);
    }
    Ok(sums)
}

fn segment(row: &Row) -> Segment {
    Segment {
        start: row.start.into(),
        end: row.end.map(Into::into),
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
            end: Date::parse(end),
            units: units.into(),
            unit_price: None,
            posted: Truth::No,
        }
    }

    /// `start..end units` per segment, or the reason, where the later row holds.
    fn told(rows: Vec<Row>) -> String {
        told_of(rows, Overlap::LaterHolds)
    }

    fn told_of(mut rows: Vec<Row>, overlap: Overlap) -> String {
        match build(&mut rows, Date::parse("2026-11-10").unwrap(), overlap) {
            Timeline::Unreadable(reason) => reason,
            Timeline::Segments(segments) => segments
                .iter()
                .map(|segment| {
                    let date = |date: crate::CivilDate| Date::try_from(date).unwrap().to_string();
                    let end = segment.end.map(date).unwrap_or_default();
                    format!("{}..{end} {}", date(segment.start), segment.units)
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

    #[test]
    fn where_rows_add_up_the_days_that_they_share_have_their_sum() {
        let rows = || {
            vec![
                row(1, "2026-11-01", "", 5),
                row(2, "2026-11-15", "2026-12-14", 2),
                row(3, "2026-12-01", "", 1),
            ]
        };
        assert_eq!(
            told_of(rows(), Overlap::AddsUp),
            "2026-11-01..2026-11-14 5, 2026-11-15..2026-11-30 7, 2026-12-01..2026-12-14 8, \
             2026-12-15.. 6"
        );
        assert_eq!(
            told_of(rows(), Overlap::Contradicts),
            "unit rows 1 (open) and 2 (from 2026-11-15) overlap"
        );
    }

    #[test]
    fn days_between_rows_that_add_up_are_missing_and_not_zero() {
        let rows = vec![
            row(1, "2026-11-01", "2026-11-30", 5),
            row(2, "2027-01-01", "", 2),
        ];
        assert_eq!(
            told_of(rows, Overlap::AddsUp),
            "no unit row covers 2026-12-01 to 2026-12-31: a row is missing"
        );
    }

    #[test]
    fn a_sum_of_rows_that_disagree_on_price_or_posting_leaves_it_open() {
        let mut rows = vec![row(1, "2026-11-01", "", 5), row(2, "2026-11-01", "", 2)];
        rows[0].posted = Truth::Yes;
        rows[0].unit_price = Some(3.into());
        let from = Date::parse("2026-11-10").unwrap();
        let Timeline::Segments(sum) = build(&mut rows, from, Overlap::AddsUp) else {
            panic!("no timeline");
        };
        assert_eq!(
            (sum[0].units.as_str(), sum[0].posted),
            ("7", Truth::Unknown)
        );
        assert_eq!(sum[0].unit_price, None);
    }

    #[test]
    fn an_open_row_may_only_be_the_last() {
        let rows = vec![
            row(1, "2026-11-01", "", 5),
            row(2, "2026-12-01", "2026-12-31", 7),
        ];
        assert_eq!(
            told(rows),
            "unit rows 1 (open) and 2 (from 2026-12-01) overlap"
        );
    }
}
