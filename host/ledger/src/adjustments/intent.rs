//! An intent: an adjustment that is written down before it is sent, and where it is.

use std::ops::Deref;

use jiff::Timestamp;
use psa_host_billing::{Adjustment, TenantKey};

use crate::adjustments::answer::Refusal;
use crate::adjustments::transition::IntentState;
use crate::ids::{IntentId, RunId};

/// An adjustment to be sent, with its place in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The PSA instance.
    pub tenant: TenantKey,
    /// The row of the run it is for.
    pub row: u32,
    /// What is to be sent.
    pub adjustment: Adjustment,
}

impl Deref for Intent {
    type Target = Adjustment;

    fn deref(&self) -> &Adjustment {
        &self.adjustment
    }
}

/// An intent and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentRecord {
    /// Its number.
    pub id: IntentId,
    /// The run that made it.
    pub run: RunId,
    /// What is to be sent.
    pub intent: Intent,
    /// Where it is.
    pub state: IntentState,
    /// Requests that were handed out, and may have left this machine.
    pub attempt: u32,
    /// The boot it was marked as sending in; none once it was handed out.
    pub(crate) marked_in: Option<String>,
    /// How the last answer refused it.
    pub refusal: Option<Refusal>,
    /// A person took back that its rejection counts.
    pub lifted: bool,
    /// Why it is held, as a code.
    pub code: Option<String>,
    /// The PSA's or the host's words.
    pub words: Option<String>,
    /// What a resolution stands on.
    pub evidence: Option<String>,
    /// When it was written down.
    pub intended_at: Timestamp,
    /// When bytes may first have left, at the last send.
    pub sending_at: Option<Timestamp>,
    /// When the last answer came.
    pub answered_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}
