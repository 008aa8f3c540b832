//! The host's own record of one call of a guest: what it asked for, and whether a write
//! has left.

use std::sync::Arc;

use jiff::Timestamp;

use super::credentials_watch::{CallId, InQuestion};
use super::{NetworkFault, Refusal};
use crate::refusal::Refuses;
use crate::{CallError, Phase, WriteGate};

/// What the host saw of the write of one `adjust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// None was asked for.
    Nothing,
    /// One was tried, and no byte of it left.
    NotSent,
    /// One may have left; there is no whole answer.
    Left,
    /// The PSA answered.
    Answered {
        /// With this status.
        status: u16,
        /// What it can mean by it if it refuses, by the forms that the plugin declares.
        refuses: Refuses,
    },
}

/// Something the host knows about why a call fails, better than the guest does.
#[derive(Debug, Clone)]
pub(crate) enum Note {
    Parked(Timestamp),
    Credentials(String),
    Refused(Refusal),
    /// There is no connection, for this reason.
    NoConnection(NetworkFault, String),
    /// The write was not let out, for this reason.
    Withheld(CallError),
}

/// The host's own record of one call.
pub(crate) struct CallRecord {
    pub id: CallId,
    pub phase: Phase,
    pub requests: u32,
    pub write: Write,
    pub note: Option<Note>,
    /// The PSA answered that it gets too many requests: then the guest's word counts for how
    /// long.
    pub saw_limit: bool,
    /// Asked before a write leaves.
    pub gate: Option<Arc<dyn WriteGate>>,
    /// The PSA refused this call the credentials. It may still find them good at another
    /// address, until it ends.
    pub in_question: Option<InQuestion>,
}

impl std::fmt::Debug for CallRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallRecord")
            .field("phase", &self.phase)
            .field("requests", &self.requests)
            .field("write", &self.write)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

impl CallRecord {
    pub(crate) fn new(phase: Phase) -> Self {
        Self {
            id: CallId::next(),
            phase,
            requests: 0,
            write: Write::Nothing,
            note: None,
            saw_limit: false,
            gate: None,
            in_question: None,
        }
    }
}
