//! The lines of a run while it is under way. Only those that have something to say are kept;
//! the others stand at their count: they are counted here and written in the ledger, where
//! whoever wants to see them finds them. So a run's memory grows with what happens, not with
//! the tenant.

use std::ops::{Index, IndexMut};

use super::report::LineReport;

/// The lines of a run, by row.
#[derive(Debug, Default)]
pub(super) struct RunLines {
    /// With their rows, which ascend.
    kept: Vec<(usize, LineReport)>,
    /// Rows so far.
    rows: usize,
}

impl RunLines {
    /// Lines in the order of their rows.
    pub fn of(lines: impl IntoIterator<Item = LineReport>) -> Self {
        let mut all = Self::default();
        for line in lines {
            match line.speaks() {
                true => _ = all.keep(line),
                false => _ = all.pass(),
            }
        }
        all
    }

    /// Keep the line of the next row; which row that is.
    pub fn keep(&mut self, line: LineReport) -> usize {
        let row = self.pass();
        self.kept.push((row, line));
        row
    }

    /// The line of the next row is not kept; which row that is.
    pub fn pass(&mut self) -> usize {
        self.rows += 1;
        self.rows - 1
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Lines that were not kept.
    pub fn passed(&self) -> usize {
        self.rows - self.kept.len()
    }

    /// Those that are kept, with their rows.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &LineReport)> {
        self.kept.iter().map(|(row, line)| (*row, line))
    }

    /// Those that are kept, with their rows.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut LineReport)> {
        self.kept.iter_mut().map(|(row, line)| (*row, line))
    }

    /// Those that are kept.
    pub fn into_kept(self) -> Vec<LineReport> {
        self.kept.into_iter().map(|(_, line)| line).collect()
    }

    /// All of them, with the others from where they are written: `written` has every row.
    pub fn among(self, mut written: Vec<LineReport>) -> Vec<LineReport> {
        for (row, line) in self.kept {
            if let Some(place) = written.get_mut(row) {
                *place = line;
            }
        }
        written
    }
}

/// The line of a row that is kept: whatever is sent or asked about is.
impl Index<usize> for RunLines {
    type Output = LineReport;

    fn index(&self, row: usize) -> &LineReport {
        let at = self.kept.partition_point(|(other, _)| *other < row);
        let (found, line) = &self.kept[at];
        assert_eq!(*found, row, "a row that is not kept was asked for");
        line
    }
}

impl IndexMut<usize> for RunLines {
    fn index_mut(&mut self, row: usize) -> &mut LineReport {
        let at = self.kept.partition_point(|(other, _)| *other < row);
        let (found, line) = &mut self.kept[at];
        assert_eq!(*found, row, "a row that is not kept was asked for");
        line
    }
}
