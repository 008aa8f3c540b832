//! The moments of a run after which a crash finds another state in the ledger. A test
//! that ends the process at each of them proves that none is lost and none counts
//! twice; the product itself never looks at them.

use std::sync::Arc;

use crate::Ledger;
use crate::db::words;

/// A moment of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The run is written down.
    RunBegun,
    /// Its rows are written down.
    RowsWritten,
    /// What is to be sent is written down.
    Intended,
    /// It is marked as being sent.
    MarkedSending,
    /// One adjustment is about to leave.
    BeforeSend,
    /// Its answer is there, and not yet written down.
    AfterSend,
    /// Answers are written down.
    Answered,
    /// Adjusted lines were read, and nothing is concluded yet.
    ReadBack,
    /// Adjustments are settled.
    Resolved,
    /// Rows have their outcome.
    OutcomesWritten,
    /// The run is over.
    RunEnded,
}

words!(Step {
    RunBegun => "run-begun",
    RowsWritten => "rows-written",
    Intended => "intended",
    MarkedSending => "marked-sending",
    BeforeSend => "before-send",
    AfterSend => "after-send",
    Answered => "answered",
    ReadBack => "read-back",
    Resolved => "resolved",
    OutcomesWritten => "outcomes-written",
    RunEnded => "run-ended",
});

impl Step {
    /// All of them, as they follow one another.
    pub const ALL: [Self; 11] = [
        Self::RunBegun,
        Self::RowsWritten,
        Self::Intended,
        Self::MarkedSending,
        Self::BeforeSend,
        Self::AfterSend,
        Self::Answered,
        Self::ReadBack,
        Self::Resolved,
        Self::OutcomesWritten,
        Self::RunEnded,
    ];
}

/// Who is told of each step, after what it says is on the disk. Called from any thread.
pub type Observer = Arc<dyn Fn(Step) + Send + Sync>;

impl Ledger {
    /// The same ledger, whose steps are told to an observer. For tests.
    #[must_use]
    pub fn with_observer(&self, observer: Observer) -> Self {
        let mut ledger = self.clone();
        ledger.observer = Some(observer);
        ledger
    }

    /// A step is reached. The ledger tells of its own; whoever sends and reads back
    /// tells of the rest.
    pub fn reached(&self, step: Step) {
        if let Some(observer) = &self.observer {
            observer(step);
        }
    }
}
