//! One and the same number on many lines. Counts of customers differ; a source that stops
//! at a hundred records a customer says "100" of all its large ones.

use std::collections::HashMap;

use crate::Units;
use crate::rules::BrakeLimits;

/// Up to this count many customers are alike by chance.
const ALIKE_ABOVE: u32 = 20;

/// One in so many changes at least: a fifth. On a day on which a thousand lines change,
/// ten equal ones are chance.
const ALIKE_SHARE: usize = 5;

/// Counts the numbers of changed lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alike {
    changes: usize,
    by_count: HashMap<Units, usize>,
    /// Lines with the number that most have, and the number.
    most: Option<(usize, Units)>,
}

impl Alike {
    /// Take a changed line's number in.
    pub fn add(&mut self, count: Units) {
        self.changes += 1;
        if count <= Units::from(ALIKE_ABOVE) {
            return;
        }
        let lines = self.by_count.entry(count).or_default();
        *lines += 1;
        if self.most.is_none_or(|(most, _)| *lines > most) {
            self.most = Some((*lines, count));
        }
    }

    /// Take in a changed line of which no number is known.
    pub fn add_unknown(&mut self) {
        self.changes += 1;
    }

    /// Changed lines that were taken in.
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// So many lines, all with this number, are too many to be chance.
    pub fn found(&self, limits: &BrakeLimits) -> Option<(usize, Units)> {
        let least = usize::try_from(limits.alike_lines?).unwrap_or(usize::MAX);
        let enough = |lines: usize| lines.saturating_mul(ALIKE_SHARE) >= self.changes;
        self.most
            .filter(|(lines, _)| *lines >= least && enough(*lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_above_twenty_on_ten_lines_and_a_fifth_of_the_changes_is_no_chance() {
        // Lines with the number, the number, other changes.
        let table = [
            (10, 100, 0, true),
            (9, 100, 0, false),
            (10, 20, 0, false),
            (10, 21, 0, true),
            (10, 100, 40, true),
            (10, 100, 41, false),
            (200, 100, 800, true),
            (0, 100, 500, false),
        ];
        for (lines, number, others, expected) in table {
            let mut alike = Alike::default();
            for at in 0..others {
                alike.add(Units::from(1_000 + at));
            }
            for _ in 0..lines {
                alike.add(number.into());
            }
            let found = alike.found(&BrakeLimits::default());
            let expected = expected.then_some((lines, number.into()));
            assert_eq!(found, expected, "{lines} with {number}, {others} others");
        }
        let mut alike = Alike::default();
        (0..50).for_each(|_| alike.add(100.into()));
        let none = BrakeLimits {
            alike_lines: None,
            ..BrakeLimits::default()
        };
        assert_eq!(alike.found(&none), None);
    }
}
