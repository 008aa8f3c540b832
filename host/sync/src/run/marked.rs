//! Intents that are marked as sending, and what has to be true of one just before its
//! request leaves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use psa_host_ledger::{IntentId, Ledger};
use psa_host_sandbox::{AdjustmentRequest, CallError, CallErrorKind};

use super::day::Day;

/// An intent that was marked longer ago than this is marked again: the quarantine
/// counts from the mark, and others of its window may have taken their time.
const MARK_HOLDS: SignedDuration = SignedDuration::from_secs(60);

/// From the mark to the request's last byte, at most: [`MARK_HOLDS`], the longest wait
/// for the tenant's budget, connecting, and as much again to be sure.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(240);

/// An intent that is marked as sending.
pub(super) struct Marked {
    pub id: IntentId,
    pub request: AdjustmentRequest,
    /// When.
    pub at: Timestamp,
}

impl Marked {
    /// It is still the day that was planned for, and the ledger says since when bytes
    /// may be on their way.
    pub async fn may_leave(&mut self, ledger: &Ledger, day: &Day) -> Result<(), CallError> {
        if let Some(hold) = day.over() {
            return Err(unsent(CallErrorKind::Gone, hold.message));
        }
        let now = ledger.now();
        if now.duration_since(self.at) <= MARK_HOLDS {
            return Ok(());
        }
        let (ledger, id) = (ledger.clone(), self.id);
        let again = tokio::task::spawn_blocking(move || ledger.mark_sending_again(id)).await;
        let failed = |why: String| unsent(CallErrorKind::Refused, why);
        again
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))?;
        self.at = now;
        Ok(())
    }
}

/// Nothing left, and why.
pub(super) fn unsent(kind: CallErrorKind, message: String) -> CallError {
    CallError {
        kind,
        message,
        psa_words: None,
        fix: None,
    }
}
