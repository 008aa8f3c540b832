//! The host's own record of one call of a guest: what it asked for, and whether a write
//! has left.

use jiff::Timestamp;

use super::Refusal;
use crate::Phase;

/// What the host saw of the write of one `adjust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// None was asked for.
    Nothing,
    /// One was tried, and no byte of it left.
    NotSent,
    /// One may have left; there is no whole answer.
    Left,
    /// The PSA answered with this status.
    Answered(u16),
}

/// Something the host knows about why a call fails, better than the guest does.
#[derive(Debug, Clone)]
pub(crate) enum Note {
    Parked(Timestamp),
    Credentials(String),
    Refused(Refusal),
}

/// The host's own record of one call.
#[derive(Debug)]
pub(crate) struct CallRecord {
    pub phase: Phase,
    pub requests: u32,
    pub write: Write,
    pub note: Option<Note>,
}

impl CallRecord {
    pub fn new(phase: Phase) -> Self {
        Self {
            phase,
            requests: 0,
            write: Write::Nothing,
            note: None,
        }
    }
}
