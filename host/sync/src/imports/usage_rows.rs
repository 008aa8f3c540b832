//! The rows of a file of usage, read, and those that were refused: the same from JSON and
//! from CSV.

use jiff::Timestamp;
use psa_host_billing::{ErrorCode, ModuleId, WorkspaceId};
use psa_host_ledger::{ItemNames, UsageItem};

use crate::Note;
use crate::error::Problem;

/// Where an item stands in its file, for problems found later.
pub(super) trait ItemPosition {
    /// A problem with one field of it (with none: the item).
    fn problem(&self, field: Option<&str>, code: ErrorCode, what: &str, fix: &str) -> Problem;

    /// Where it stands among the others.
    fn at(&self) -> u64;
}

/// Whose count is unread because a row was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Concerned {
    /// Both ids were read.
    Pair(WorkspaceId, ModuleId),
    /// The id of the workspace alone was.
    Workspace(WorkspaceId),
    /// It may be anybody's.
    Anybody,
}

/// A row that is refused.
#[derive(Debug)]
pub(super) struct RefusedRow {
    pub(super) at: u64,
    pub(super) problem: Problem,
    pub(super) of: Concerned,
}

/// A file read, before it is compared with what is known.
pub(super) struct Read<P> {
    pub(super) channel: WorkspaceId,
    pub(super) taken_at: Timestamp,
    pub(super) complete: bool,
    pub(super) items: Vec<(P, UsageItem)>,
    pub(super) refused: Vec<RefusedRow>,
    /// Of items, where the file names who was counted.
    pub(super) names: Vec<ItemNames>,
    pub(super) notes: Vec<Note>,
}
