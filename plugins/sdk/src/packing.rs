//! How many keys to put into one `in` list, so that few pages come back part empty.
//!
//! A list of 500 contracts with six lines each fills six pages of 500 rows exactly; with
//! "about six" it takes six or seven, and half a page is wasted each time. So the list
//! is cut where the expected rows come just under a whole number of pages.

/// Learns how many rows a key yields, and cuts lists accordingly.
#[derive(Debug, Clone)]
pub struct Packer {
    most_keys: usize,
    page: u64,
    /// Weight and rows seen so far.
    weight: u64,
    rows: u64,
    /// Whether every list so far yielded exactly what the ones before it foretold.
    exact: bool,
}

impl Packer {
    /// Lists of at most `most_keys` keys, for answers of `page` rows.
    #[must_use]
    pub fn new(most_keys: usize, page: u32) -> Self {
        Self {
            most_keys,
            page: u64::from(page),
            weight: 0,
            rows: 0,
            exact: true,
        }
    }

    /// How many of these keys to ask for at once: at least one, at most `most_keys`. A
    /// key's weight is what its rows are taken to be proportional to.
    #[must_use]
    pub fn take(&self, weights: &[u32]) -> usize {
        let most = weights.len().min(self.most_keys);
        if most == weights.len() || self.weight == 0 || self.rows == 0 {
            return most;
        }
        let whole: u64 = weights[..most]
            .iter()
            .map(|weight| u64::from(*weight))
            .sum();
        let pages = self.expected(whole) / self.page;
        if pages == 0 {
            return most;
        }
        let mut budget = pages * self.page;
        if !self.exact {
            // A little room for chance: 1.5 % costs less than a page that is nearly empty.
            budget -= budget * 15 / 1000;
        }
        let mut sum = 0;
        let fitting = weights[..most]
            .iter()
            .take_while(|weight| {
                sum += u64::from(**weight);
                self.expected(sum) <= budget
            })
            .count();
        fitting.max(1)
    }

    /// Rows foretold, rounded up.
    fn expected(&self, weight: u64) -> u64 {
        (weight * self.rows).div_ceil(self.weight.max(1))
    }

    /// What a list of this weight did yield.
    pub fn learn(&mut self, weight: u64, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        if self.weight > 0 {
            self.exact &= weight * self.rows == rows * self.weight;
        }
        self.weight = self.weight.saturating_add(weight);
        self.rows = self.rows.saturating_add(rows);
        // What was long ago counts less; and the sums stay small.
        if self.weight > 1_000_000 {
            self.weight /= 2;
            self.rows /= 2;
            self.exact = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_before_anything_is_known() {
        let packer = Packer::new(500, 500);
        assert_eq!(packer.take(&[1; 2000]), 500);
        assert_eq!(packer.take(&[1; 20]), 20);
    }

    #[test]
    fn exact_yields_fill_pages_exactly() {
        let mut packer = Packer::new(500, 500);
        packer.learn(500, 3000);
        assert_eq!(packer.take(&[1; 2000]), 500);
        let mut packer = Packer::new(500, 500);
        packer.learn(100, 650);
        // 6.5 rows a key: 500 keys would be 6.5 pages, 461 are just under six.
        assert_eq!(packer.take(&[1; 2000]), 461);
    }

    #[test]
    fn uncertain_yields_leave_room() {
        let mut packer = Packer::new(500, 500);
        packer.learn(500, 3000);
        packer.learn(500, 3010);
        let keys = packer.take(&[1; 2000]);
        assert!((485..500).contains(&keys), "{keys}");
    }

    #[test]
    fn the_last_keys_are_never_left_over() {
        let mut packer = Packer::new(500, 500);
        packer.learn(100, 650);
        assert_eq!(packer.take(&[1; 470]), 470);
    }

    #[test]
    fn few_rows_are_asked_for_with_the_longest_list() {
        let mut packer = Packer::new(500, 500);
        packer.learn(500, 20);
        assert_eq!(packer.take(&[1; 2000]), 500);
    }

    #[test]
    fn a_list_is_never_empty() {
        let mut packer = Packer::new(500, 500);
        packer.learn(1, 499);
        packer.learn(1, 700);
        assert!(packer.take(&[u32::MAX; 600]) >= 1);
        assert_eq!(packer.take(&[1]), 1);
    }
}
