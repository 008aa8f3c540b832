//! What came of each pair of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::db::UnknownWord;

/// What came of a pair.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
pub enum Outcome {
    /// Posted and read back at its target.
    Confirmed,
    /// Was at its target.
    Unchanged,
    /// Would be posted, or is yet to be.
    Planned,
    /// Over a limit: it is posted when a person agrees.
    AwaitingApproval,
    /// Not posted: a rule or a person stands against it.
    Held,
    /// The PSA refused it.
    Rejected,
    /// Sent, and nobody knows yet whether it was applied.
    Doubtful,
}

impl Outcome {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A new outcome of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineUpdate {
    /// Which row: its place among the run's rows, from 0.
    pub row: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, as a code.
    pub code: Option<String>,
    /// Why, in words.
    pub message: Option<String>,
    /// What a person can do.
    pub fix: Option<String>,
}
