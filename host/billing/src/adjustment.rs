//! The one thing that is ever written to a PSA.

use std::ops::Deref;

use jiff::civil::Date;

use crate::{LineKey, ModuleId, Units, WorkspaceId};

/// One change of a line's units from a date. It is the same from the plan to the record of
/// what is sent, to the request, and to the line read back, which is judged by it.
///
/// ```
/// use psa_host_billing::{Adjustment, LineKey};
///
/// let adjustment = Adjustment {
///     workspace: "ws-00042".parse()?,
///     module: "edr".parse()?,
///     key: LineKey {
///         line: "8001".parse()?,
///         contract: "9001".parse()?,
///         service: "15".parse()?,
///         account: "17".parse()?,
///     },
///     baseline: 5.into(),
///     target: 11.into(),
///     effective: "2026-12-01".parse()?,
/// };
/// assert_eq!(adjustment.target.change_from(adjustment.baseline).to_string(), "+6");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// For whom.
    pub workspace: WorkspaceId,
    /// For what.
    pub module: ModuleId,
    /// Where.
    pub key: LineKey,
    /// Units on the effective date when it was planned.
    pub baseline: Units,
    /// Units from the effective date on.
    pub target: Units,
    /// The first day of the new quantity.
    pub effective: Date,
}

/// An adjustment that may be sent: only a [`Plan`](crate::plan::Plan) that no brake stopped
/// makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared(Adjustment);

impl Cleared {
    pub(crate) fn by_plan(adjustment: Adjustment) -> Self {
        Self(adjustment)
    }
}

impl Deref for Cleared {
    type Target = Adjustment;

    fn deref(&self) -> &Adjustment {
        &self.0
    }
}
