//! A line's quantity over time. A hole or an overlap cannot be said: a missing row of
//! the PSA is an error, never zero units.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Money, Units};

/// A yes or no that the PSA may leave open; unknown is never rounded to either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Certainly not.
    No,
    /// Certainly.
    Yes,
    /// The PSA does not say.
    Unknown,
}

/// A stretch with one quantity; both dates belong to it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Segment {
    /// First day.
    #[schemars(with = "crate::form::Day")]
    pub start: Date,
    /// Last day; none: open, which only the last segment of a timeline is.
    #[schemars(with = "Option<crate::form::Day>")]
    pub end: Option<Date>,
    /// Quantity on each day of it.
    pub units: Units,
    /// Price of one unit, where it can be told exactly.
    pub unit_price: Option<Money>,
    /// Whether it has been approved and posted (invoiced).
    pub posted: Truth,
}

impl Segment {
    /// Whether this day or a later one belongs to it.
    pub fn reaches(&self, day: Date) -> bool {
        self.end.is_none_or(|end| end >= day)
    }

    /// Whether this day belongs to it.
    pub fn holds(&self, day: Date) -> bool {
        self.start <= day && self.reaches(day)
    }

    /// Its last day, for a person.
    pub fn end_in_words(&self) -> String {
        self.end
            .map_or_else(|| "further notice".to_owned(), |end| end.to_string())
    }
}

/// Segments in order, touching, at least one: all that the PSA has from some day on, or
/// only those up to the one that holds a horizon.
///
/// ```
/// use jiff::civil::date;
/// use psa_host_billing::{Segment, Timeline, Truth, Units};
///
/// let segment = |start, end, units: u32| Segment {
///     start,
///     end,
///     units: units.into(),
///     unit_price: None,
///     posted: Truth::No,
/// };
/// let february = segment(date(2026, 2, 1), Some(date(2026, 2, 28)), 5);
/// let since_march = segment(date(2026, 3, 1), None, 8);
/// let units = Timeline::new(vec![february.clone(), since_march])?;
/// assert_eq!(units.at(date(2026, 3, 14)).map(|held| held.units), Some(Units::from(8)));
///
/// // A gap is an error, never a zero.
/// let since_may = segment(date(2026, 5, 1), None, 8);
/// assert!(Timeline::new(vec![february, since_may]).is_err());
/// # Ok::<(), psa_host_billing::TimelineError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    segments: Vec<Segment>,
    horizon: Option<Date>,
}

/// Why segments are no timeline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimelineError {
    /// No segment at all.
    #[error("the PSA gave no units for this line")]
    Empty,
    /// A segment that ends before it starts.
    #[error("a period runs backwards, from {start} to {end}")]
    Backwards {
        /// Its first day.
        start: Date,
        /// Its last day.
        end: Date,
    },
    /// Days without a quantity.
    #[error("no units between {after} and {before}")]
    Gap {
        /// Last day before the hole.
        after: Date,
        /// First day after it.
        before: Date,
    },
    /// Days with two quantities.
    #[error("two periods cover {from}")]
    Overlap {
        /// First day covered twice.
        from: Date,
    },
}

impl Timeline {
    /// All segments there are.
    ///
    /// # Errors
    /// [`TimelineError`] unless the segments are in order and touch.
    pub fn new(segments: Vec<Segment>) -> Result<Self, TimelineError> {
        check(&segments)?;
        Ok(Self {
            segments,
            horizon: None,
        })
    }

    /// The segments up to the one that holds this day; of what follows nothing is known.
    ///
    /// # Errors
    /// [`TimelineError`] unless the segments are in order and touch.
    pub fn up_to(horizon: Date, segments: Vec<Segment>) -> Result<Self, TimelineError> {
        check(&segments)?;
        // Nothing can follow on an open one.
        let open = segments.last().is_some_and(|last| last.end.is_none());
        Ok(Self {
            segments,
            horizon: (!open).then_some(horizon),
        })
    }

    /// The last day that was asked for; none: the timeline is whole. Only of a whole one
    /// may be concluded that something does not follow.
    pub fn horizon(&self) -> Option<Date> {
        self.horizon
    }

    /// The segment that holds this day.
    pub fn at(&self, day: Date) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.holds(day))
    }

    /// The segments that begin after this day.
    pub fn after(&self, day: Date) -> impl Iterator<Item = &Segment> {
        self.segments
            .iter()
            .filter(move |segment| segment.start > day)
    }

    /// All segments, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// As evidence shows it: the segments.
impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.segments.serialize(serializer)
    }
}

fn check(segments: &[Segment]) -> Result<(), TimelineError> {
    if segments.is_empty() {
        return Err(TimelineError::Empty);
    }
    for segment in segments {
        if let Some(end) = segment.end.filter(|end| *end < segment.start) {
            let start = segment.start;
            return Err(TimelineError::Backwards { start, end });
        }
    }
    for pair in segments.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let end = before.end.filter(|end| *end < after.start);
        let Some(end) = end else {
            return Err(TimelineError::Overlap { from: after.start });
        };
        if end.tomorrow().ok() != Some(after.start) {
            return Err(TimelineError::Gap {
                after: end,
                before: after.start,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn segment(start: Date, end: Date, units: u32) -> Segment {
        Segment {
            start,
            end: Some(end),
            units: units.into(),
            unit_price: None,
            posted: Truth::No,
        }
    }

    #[test]
    fn touching_segments_are_a_timeline() {
        let timeline = Timeline::new(vec![
            segment(date(2026, 1, 1), date(2026, 1, 31), 5),
            segment(date(2026, 2, 1), date(2026, 2, 28), 7),
        ])
        .unwrap();
        assert_eq!(
            timeline.at(date(2026, 1, 31)).unwrap().units,
            Units::from(5)
        );
        assert_eq!(timeline.at(date(2026, 2, 1)).unwrap().units, Units::from(7));
        assert_eq!(timeline.at(date(2026, 3, 1)), None);
        assert_eq!(timeline.after(date(2026, 1, 15)).count(), 1);
    }

    #[test]
    fn an_open_segment_holds_every_later_day_and_is_the_last() {
        let mut segments = vec![
            segment(date(2026, 1, 1), date(2026, 1, 31), 5),
            segment(date(2026, 2, 1), date(2026, 2, 28), 7),
        ];
        segments[1].end = None;
        let timeline = Timeline::new(segments.clone()).unwrap();
        assert_eq!(
            timeline.at(date(9999, 12, 31)).unwrap().units,
            Units::from(7)
        );
        segments[0].end = None;
        let overlap = TimelineError::Overlap {
            from: date(2026, 2, 1),
        };
        assert_eq!(Timeline::new(segments), Err(overlap));
    }

    #[test]
    fn a_timeline_up_to_a_horizon_is_not_whole_unless_its_last_segment_is_open() {
        let mut segments = vec![segment(date(2026, 1, 1), date(2026, 1, 31), 5)];
        let day = date(2026, 1, 20);
        let window = Timeline::up_to(day, segments.clone()).unwrap();
        assert_eq!(window.horizon(), Some(day));
        segments[0].end = None;
        let open = Timeline::up_to(day, segments.clone()).unwrap();
        assert_eq!(open, Timeline::new(segments).unwrap());
    }

    #[test]
    fn a_missing_day_is_an_error_and_never_zero() {
        let gap = Timeline::new(vec![
            segment(date(2026, 1, 1), date(2026, 1, 30), 5),
            segment(date(2026, 2, 1), date(2026, 2, 28), 5),
        ]);
        let expected = TimelineError::Gap {
            after: date(2026, 1, 30),
            before: date(2026, 2, 1),
        };
        assert_eq!(gap, Err(expected));
        assert_eq!(Timeline::new(vec![]), Err(TimelineError::Empty));
    }

    #[test]
    fn a_day_with_two_quantities_is_an_error() {
        let overlap = Timeline::new(vec![
            segment(date(2026, 1, 1), date(2026, 1, 31), 5),
            segment(date(2026, 1, 31), date(2026, 2, 28), 5),
        ]);
        assert_eq!(
            overlap,
            Err(TimelineError::Overlap {
                from: date(2026, 1, 31)
            })
        );
        let backwards = Timeline::new(vec![segment(date(2026, 2, 1), date(2026, 1, 1), 5)]);
        assert!(matches!(backwards, Err(TimelineError::Backwards { .. })));
    }

    /// Segments that touch, each so many days long.
    fn touching(lengths: &[i32]) -> Vec<Segment> {
        let mut start = date(2026, 1, 1);
        let mut segments = Vec::new();
        for (units, days) in (0..).zip(lengths) {
            let end = start.checked_add((days - 1).days()).unwrap();
            segments.push(segment(start, end, units));
            start = end.tomorrow().unwrap();
        }
        segments
    }

    proptest! {
        /// Every day from the first to the last has exactly one quantity, and no other day
        /// has any.
        #[test]
        fn each_day_of_a_timeline_has_exactly_one_quantity(
            lengths in prop::collection::vec(1_i32..40, 1..8), day in -20_i32..320,
        ) {
            let segments = touching(&lengths);
            let (first, last) = (segments[0].start, segments[segments.len() - 1].end.unwrap());
            let timeline = Timeline::new(segments.clone()).unwrap();
            let day = date(2026, 1, 1).checked_add(day.days()).unwrap();
            let holding = segments.iter().filter(|s| s.start <= day && Some(day) <= s.end);
            prop_assert_eq!(timeline.at(day), holding.clone().next());
            prop_assert_eq!(holding.count(), usize::from(first <= day && day <= last));
            let before = timeline.segments().iter().filter(|s| s.start <= day).count();
            prop_assert_eq!(before + timeline.after(day).count(), segments.len());
        }

        /// A row that the PSA leaves out, gives twice or gives out of order is never covered
        /// up.
        #[test]
        fn a_row_left_out_twice_or_out_of_order_is_an_error(
            lengths in prop::collection::vec(1_i32..40, 3..8), at in 1_usize..7,
        ) {
            let segments = touching(&lengths);
            let at = at.min(segments.len() - 2);
            let mut missing = segments.clone();
            missing.remove(at);
            prop_assert!(Timeline::new(missing).is_err(), "left out");
            let mut twice = segments.clone();
            twice.insert(at, segments[at].clone());
            prop_assert!(Timeline::new(twice).is_err(), "twice");
            let mut swapped = segments;
            swapped.swap(at, at + 1);
            prop_assert!(Timeline::new(swapped).is_err(), "out of order");
        }
    }
}
