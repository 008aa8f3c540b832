//! The fewest requests, and the shortest time, that a sync can do with. Printed with
//! their numbers, so that a reader can check them.

use std::time::Duration;

use crate::tenant::Rows;

/// Most rows on a page and most keys in a list: the PSA's own limit.
pub const PAGE: usize = 500;

/// Requests at once per endpoint.
const AT_ONCE: u64 = 2;

/// What a run has to do, in requests by endpoint.
#[derive(Debug, Clone)]
pub struct Optimum {
    rows: Rows,
    changes: usize,
}

impl Optimum {
    /// For a tenant and so many changed lines.
    pub fn new(rows: Rows, changes: usize) -> Self {
        Self { rows, changes }
    }

    /// Pages to read in full, by entity. Of bundles and bundle lines there are none;
    /// that takes a page each to know.
    fn reads(&self) -> [(&'static str, u64); 7] {
        let Rows {
            companies,
            services,
            contracts,
            lines,
            units,
        } = self.rows;
        [
            ("companies", pages(companies)),
            ("services", pages(services)),
            ("bundles", pages(0)),
            ("contracts", pages(contracts)),
            ("lines", pages(lines)),
            ("bundle lines", pages(0)),
            ("units", pages(units)),
        ]
    }

    /// The changed lines once more, with their units: before posting, and after.
    fn second_look(&self) -> u64 {
        if self.changes == 0 {
            0
        } else {
            pages(self.changes)
        }
    }

    /// Requests but for the adjustments themselves.
    pub fn reading(&self) -> u64 {
        let reads: u64 = self.reads().iter().map(|(_, pages)| pages).sum();
        1 + reads + 4 * self.second_look()
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.reading() + self.changes as u64
    }

    /// How [`Optimum::requests`] comes about.
    pub fn requests_formula(&self) -> String {
        let Rows {
            companies,
            services,
            contracts,
            lines,
            units,
        } = self.rows;
        let [a, s, b, c, l, bl, u] = self.reads().map(|(_, pages)| pages);
        let look = self.second_look();
        format!(
            "check 1 + pages of {PAGE}: {companies} companies {a} + {services} services {s} + bundles {b} \
             + {contracts} contracts {c} + {lines} lines {l} + bundle lines {bl} + {units} unit rows {u}\n\
             + second look at {changes} lines: 2 × (lines {look} + units {look}), before posting and after \
             + adjustments {changes} = {all}",
            changes = self.changes,
            all = self.requests(),
        )
    }

    /// The shortest time with two requests under way on each endpoint, all endpoints
    /// at once, and so long for each answer. What must follow one another does:
    /// check, reads, second look, adjustments, read back.
    pub fn floor(&self, latency: Duration) -> Duration {
        let longest = self
            .reads()
            .iter()
            .map(|(_, pages)| turns(*pages))
            .max()
            .unwrap_or(0);
        let look = turns(self.second_look());
        let turns = 1 + longest + 2 * look + turns(self.changes as u64);
        latency * u32::try_from(turns).unwrap_or(u32::MAX)
    }

    /// How [`Optimum::floor`] comes about.
    pub fn floor_formula(&self, latency: Duration) -> String {
        let (name, longest) = self
            .reads()
            .into_iter()
            .max_by_key(|(_, pages)| *pages)
            .unwrap_or(("nothing", 0));
        let look = self.second_look();
        format!(
            "{latency:?} × (check 1 + longest endpoint of the reads, {name}: ⌈{longest}/2⌉ \
             + second look ⌈{look}/2⌉ + adjustments ⌈{}/2⌉ + read back ⌈{look}/2⌉) = {:.2} s",
            self.changes,
            self.floor(latency).as_secs_f64(),
        )
    }
}

/// Requests for so many rows: one at the least, to know that there are none.
fn pages(rows: usize) -> u64 {
    rows.div_ceil(PAGE).max(1) as u64
}

fn turns(requests: u64) -> u64 {
    requests.div_ceil(AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large() -> Optimum {
        let rows = Rows {
            companies: 10_000,
            services: 12,
            contracts: 10_000,
            lines: 60_000,
            units: 60_000,
        };
        Optimum::new(rows, 3_000)
    }

    #[test]
    fn the_optimum_is_the_sum_of_full_pages() {
        // 1 + 20 + 1 + 1 + 20 + 120 + 1 + 120 + 2 × (6 + 6) + 3,000
        assert_eq!(large().requests(), 3_308);
        assert_eq!(large().reading(), 308);
        assert!(large().requests_formula().ends_with("= 3308"));
    }

    #[test]
    fn the_floor_is_what_must_follow_one_another() {
        // 1 + 60 + 3 + 1,500 + 3 turns of 20 ms
        assert_eq!(
            large().floor(Duration::from_millis(20)),
            Duration::from_millis(31_340)
        );
        let formula = large().floor_formula(Duration::from_millis(20));
        assert!(formula.ends_with("= 31.34 s"), "{formula}");
    }

    #[test]
    fn without_changes_nothing_is_looked_at_twice() {
        let mut none = large();
        none.changes = 0;
        assert_eq!(none.requests(), 284);
    }
}
