//! The moments of a run after which a crash finds another state in the ledger. A test
//! that ends the process at each of them proves that none is lost and none counts
//! twice; the product itself never looks at them.

use std::sync::Arc;

use strum::VariantArray;

use crate::db::UnknownWord;

/// A moment of a run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
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

impl Step {
    /// All of them, as they follow one another.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who is told of each step, after what it says is on the disk. Called from any thread.
pub type Observer = Arc<dyn Fn(Step) + Send + Sync>;
