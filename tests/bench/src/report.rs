//! The table, and the same as JSON.

// Figures for people to compare; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::machine::Machine;
use crate::numbers::{bytes, time};

/// One thing measured.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    what: String,
    target: Option<String>,
    measured: String,
    /// In the unit of the target, where there is one.
    value: Option<f64>,
    met: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

impl Row {
    /// Nothing measured yet.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            target: None,
            measured: String::new(),
            value: None,
            met: None,
            notes: Vec::new(),
        }
    }

    /// A time, and the longest it may be.
    pub fn at_most(&mut self, measured: Duration, target: Duration) {
        self.measured = time(measured);
        self.value = Some(measured.as_secs_f64());
        self.target = Some(format!("≤ {}", time(target)));
        self.met = Some(measured <= target);
    }

    /// A ratio; `target`: the largest it may be.
    pub fn times(&mut self, ratio: f64, target: Option<f64>) {
        self.measured = format!("{ratio:.3}×");
        self.value = Some(ratio);
        self.target = target.map(|most| format!("≤ {most:.2}×"));
        self.met = target.map(|most| ratio <= most);
    }

    /// Bytes, in MB of a million, and the most there may be.
    pub fn bytes_at_most(&mut self, size: u64, target: u64) {
        self.measured = bytes(size);
        self.value = Some(size as f64);
        self.target = Some(format!("≤ {}", bytes(target)));
        self.met = Some(size <= target);
    }

    /// Something to know about it.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    machine: Machine,
    quick: bool,
    rows: Vec<Row>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(quick: bool) -> Self {
        Self {
            machine: Machine::here(),
            quick,
            rows: Vec::new(),
        }
    }

    /// Tell what is going on.
    pub fn progress(&self, what: &str) {
        eprintln!("bench: {what} …");
    }

    /// One more row.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// `what | target | measured | ok` with the notes below each row.
    pub fn table(&self) -> String {
        let mut cells = vec![[
            "what".to_owned(),
            "target".into(),
            "measured".into(),
            "".into(),
        ]];
        for row in &self.rows {
            let verdict = match row.met {
                Some(true) => "ok",
                Some(false) => "MISSED",
                None => "",
            };
            let target = row.target.clone().unwrap_or_else(|| "–".to_owned());
            cells.push([
                row.what.clone(),
                target,
                row.measured.clone(),
                verdict.to_owned(),
            ]);
        }
        let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
        let widths: [usize; 4] = std::array::from_fn(|column| width(column).unwrap_or(0));
        let mut table = String::new();
        let quick = if self.quick {
            " · quick: small sizes, no target means anything"
        } else {
            ""
        };
        let Machine { cores, cpu, load } = &self.machine;
        let _ = writeln!(
            table,
            "{cores} cores, {cpu}, load {load} at the start{quick}\n"
        );
        for (at, row) in cells.iter().enumerate() {
            let padded: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            let _ = writeln!(table, "{}", padded.join(" | ").trim_end());
            if at == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                let _ = writeln!(table, "{}", rule.join("-|-"));
                continue;
            }
            for note in self.rows[at - 1].notes.iter().flat_map(|note| note.lines()) {
                let _ = writeln!(table, "    {note}");
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_said_plainly() {
        let mut report = Report::new(false);
        let mut row = Row::new("start");
        row.at_most(Duration::from_millis(120), Duration::from_millis(100));
        report.add(row);
        let mut row = Row::new("requests");
        row.times(1.04, Some(1.1));
        row.note("of which 3 to spare");
        report.add(row);
        let table = report.table();
        assert!(
            table.contains("start    | ≤ 100.0 ms | 120.0 ms | MISSED\n"),
            "{table}"
        );
        assert!(
            table.contains("1.040×   | ok\n    of which 3 to spare\n"),
            "{table}"
        );
    }
}
