//! The PSA's own journal held against the counts, and against the ledger.

use std::collections::BTreeMap;

use autotask_sim::{Entity, LineKind};
use end_to_end::{Scene, first_that_does_not_hold};
use jiff::civil::Date;
use psa_host_ledger::{IntentRecord, IntentState, RunId};

use crate::summary::Summary;

/// Where the books stood when the round began.
pub(crate) struct Books {
    lines: usize,
    units: Vec<i32>,
    applied: usize,
    by_hand: BTreeMap<i64, i32>,
}

/// A change of a line: which, from when, by how much.
type Change = (String, Date, i32);

impl Books {
    pub(crate) fn open(scene: &Scene) -> Self {
        Self {
            lines: lines(scene),
            units: Vec::new(),
            applied: scene.simulator.applied().len(),
            by_hand: BTreeMap::new(),
        }
    }

    pub(crate) fn begin_round(&mut self, scene: &Scene) {
        let end = last_day();
        self.units = (0..scene.customers.len())
            .map(|customer| scene.units_on(customer, end))
            .collect();
        self.applied = scene.simulator.applied().len();
    }

    /// Adjustments of a line that the PSA applied since the round began.
    pub(crate) fn applied_this_round(&self, scene: &Scene, line: i64) -> usize {
        let applied = scene.simulator.applied();
        let new = &applied[self.applied..];
        new.iter().filter(|change| change.line == line).count()
    }

    /// A person changes the units of all open periods, in the PSA's own pages.
    pub(crate) fn add_by_hand(&mut self, scene: &Scene, customer: usize, units: i32) {
        let line = scene.customers[customer].line;
        let today = scene.simulator.world().today();
        let mut world = scene.simulator.world();
        let rows: Vec<i64> = world
            .timeline(LineKind::Service, line)
            .into_iter()
            .filter(|row| row.end >= today.yesterday().unwrap())
            .map(|row| row.id)
            .collect();
        for row in rows {
            let table = world.units_mut(LineKind::Service);
            table.update(row, |row| row.units += units).unwrap();
        }
        *self.by_hand.entry(line).or_default() += units;
    }

    /// One applied change for each line whose count changed, of exactly the difference,
    /// none for the others, and no new line.
    pub(crate) fn close_round(&mut self, scene: &Scene, counts: &[u32], summary: &mut Summary) {
        let applied = scene.simulator.applied();
        let new = &applied[self.applied..];
        for (at, customer) in scene.customers.iter().enumerate() {
            let change = i32::try_from(counts[at]).unwrap() - self.units[at];
            let wanted: Vec<i32> = Some(change)
                .filter(|change| *change != 0)
                .into_iter()
                .collect();
            let found: Vec<i32> = new
                .iter()
                .filter(|change| change.line == customer.line)
                .map(|change| change.unit_change)
                .collect();
            assert_eq!(found, wanted, "{summary}: {}", customer.workspace);
            summary.wanted += wanted.len();
            summary.applied += found.len();
        }
        assert!(!new.iter().any(|change| change.created_line), "{summary}");
        assert_eq!(lines(scene), self.lines, "{summary}: a line was made");
    }

    /// Over all runs: a confirmed intent for each applied change and the other way
    /// round, nothing left open, and a history that holds.
    pub(crate) fn close(&mut self, scene: &Scene, summary: &mut Summary) {
        assert!(self.by_hand.values().all(|units| *units == 0));
        let intents = intents(scene);
        summary.intents = intents.len();
        let mut confirmed: Vec<Change> = intents
            .iter()
            .filter(|record| record.state == IntentState::Confirmed)
            .map(|record| {
                let change = record.intent.target.change_from(record.intent.baseline);
                let change = change.to_string().parse().unwrap();
                (
                    record.intent.key.line.to_string(),
                    record.intent.effective,
                    change,
                )
            })
            .collect();
        let applied = scene.simulator.applied();
        let mut applied: Vec<Change> = applied
            .iter()
            .map(|change| {
                (
                    change.line.to_string(),
                    change.effective_date,
                    change.unit_change,
                )
            })
            .collect();
        confirmed.sort();
        applied.sort();
        assert_eq!(confirmed, applied, "{summary}");
        assert!(intents.iter().all(|record| !record.state.is_open()));

        let events = scene.host.ledger().history(0, u32::MAX).unwrap();
        for event in events
            .iter()
            .filter(|event| event.what == "adjustment.resolved")
        {
            let from = event.detail["from"].as_str().unwrap();
            summary.doubtful += usize::from(matches!(from, "sending" | "doubtful"));
        }
        summary.history = events.len();
        assert_eq!(first_that_does_not_hold(&scene.key_file(), &events), None);
        let head = scene.host.ledger().history_head().unwrap().unwrap();
        assert_eq!(events.last().unwrap().hash, head.hash);
    }
}

fn lines(scene: &Scene) -> usize {
    scene.simulator.world().rows(Entity::ContractServices).len()
}

fn last_day() -> Date {
    jiff::civil::date(2030, 12, 31)
}

fn intents(scene: &Scene) -> Vec<IntentRecord> {
    let ledger = scene.host.ledger();
    let runs = ledger.runs(None, u32::MAX).unwrap();
    let of_run = |run: RunId| ledger.run_intents(run).unwrap();
    runs.iter().rev().flat_map(|run| of_run(run.id)).collect()
}
