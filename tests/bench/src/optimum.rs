//! The fewest requests, and the shortest time, that a sync can do with. Printed with
//! their numbers, so that a reader can check them.

use std::time::Duration;

use crate::tenant::Rows;

/// Most rows on a page and most keys in a list: the PSA's own limit.
pub const PAGE: usize = 500;

/// How often a line that changes is read whole: while planning, before it is sent, after.
const LOOKS: u64 = 3;

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
            window,
            ..
        } = self.rows;
        [
            ("companies", pages(companies)),
            ("services", pages(services)),
            ("bundles", pages(0)),
            ("contracts", pages(contracts)),
            ("lines", pages(lines)),
            ("bundle lines", pages(0)),
            ("units", pages(window)),
        ]
    }

    /// One look at the changed lines with all their units, in pages: of lines, of units.
    fn look(&self) -> (u64, u64) {
        if self.changes == 0 {
            (0, 0)
        } else {
            (pages(self.changes), pages(self.rows.whole))
        }
    }

    /// Requests but for the adjustments themselves.
    pub fn reading(&self) -> u64 {
        let reads: u64 = self.reads().iter().map(|(_, pages)| pages).sum();
        let (lines, units) = self.look();
        1 + reads + LOOKS * (lines + units)
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
            window,
            whole,
        } = self.rows;
        let [a, s, b, c, l, bl, u] = self.reads().map(|(_, pages)| pages);
        let (look_lines, look_units) = self.look();
        format!(
            "check 1 + pages of {PAGE}: {companies} companies {a} + {services} services {s} + bundles {b} \
             + {contracts} contracts {c} + {lines} lines {l} + bundle lines {bl} \
             + {window} unit rows of this and the next period {u}\n\
             + {changes} lines whole, with {whole} unit rows: {LOOKS} × (lines {look_lines} + units {look_units}), \
             while planning, before posting and after + adjustments {changes} = {all}",
            changes = self.changes,
            all = self.requests(),
        )
    }

    /// The shortest time with two requests under way on each endpoint, all endpoints
    /// at once, and so long for each answer. What must follow one another does:
    /// check, reads, the changed lines whole, the same before posting, adjustments, read back.
    pub fn floor(&self, latency: Duration) -> Duration {
        let longest = self
            .reads()
            .iter()
            .map(|(_, pages)| turns(*pages))
            .max()
            .unwrap_or(0);
        let (lines, units) = self.look();
        let look = turns(lines.max(units));
        let turns = 1 + longest + LOOKS * look + turns(self.changes as u64);
        latency * u32::try_from(turns).unwrap_or(u32::MAX)
    }

    /// How [`Optimum::floor`] comes about.
    pub fn floor_formula(&self, latency: Duration) -> String {
        let (name, longest) = self
            .reads()
            .into_iter()
            .max_by_key(|(_, pages)| *pages)
            .unwrap_or(("nothing", 0));
        let (lines, units) = self.look();
        let look = lines.max(units);
        format!(
            "{latency:?} × (check 1 + longest endpoint of the reads, {name}: ⌈{longest}/2⌉ \
             + changed lines whole {LOOKS} × ⌈{look}/2⌉ + adjustments ⌈{}/2⌉) = {:.2} s",
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
            window: 120_000,
            whole: 36_000,
        };
        Optimum::new(rows, 3_000)
    }

    #[test]
    fn the_optimum_is_the_sum_of_full_pages() {
        // 1 + 20 + 1 + 1 + 20 + 120 + 1 + 240 + 3 × (6 + 72) + 3,000
        assert_eq!(large().requests(), 3_638);
        assert_eq!(large().reading(), 638);
        assert!(large().requests_formula().ends_with("= 3638"));
    }

    #[test]
    fn the_floor_is_what_must_follow_one_another() {
        // 1 + 120 + 3 × 36 + 1,500 turns of 20 ms
        assert_eq!(
            large().floor(Duration::from_millis(20)),
            Duration::from_millis(34_580)
        );
        let formula = large().floor_formula(Duration::from_millis(20));
        assert!(formula.ends_with("= 34.58 s"), "{formula}");
    }

    #[test]
    fn without_changes_nothing_is_looked_at_twice() {
        let mut none = large();
        none.changes = 0;
        assert_eq!(none.requests(), 404);
    }
}
