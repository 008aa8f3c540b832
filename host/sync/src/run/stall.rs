//! A run that gets nowhere is ended: it holds its tenant's lock, and every other run of the
//! tenant waits for it.
//!
//! What counts as getting on is what the host itself counts: accounts read, pairs planned,
//! adjustments sent and read back. A plugin that makes one request after another and comes to
//! no end does not get on. Ending a run in the middle is as safe as a kill: what may have
//! left is in the ledger, and the next run settles it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::rule;
use crate::progress::{Activity, Progress};
use crate::{Error, OpenConnection};

/// Half an hour: a chunk of accounts is read in seconds, and in minutes where a PSA is slow.
pub(super) const LONGEST_STALL: Duration = Duration::from_secs(1_800);

/// When a run last got on.
pub(super) struct Stall {
    longest: Duration,
    last: Mutex<Last>,
}

struct Last {
    at: Instant,
    activity: Activity,
    done: usize,
}

impl Stall {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            longest,
            last: Mutex::new(Last {
                at: Instant::now(),
                activity: Activity::Checking,
                done: 0,
            }),
        }
    }

    /// The run says how far it is.
    pub(super) fn note(&self, progress: &Progress) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.activity != progress.activity || last.done != progress.done {
            *last = Last {
                at: Instant::now(),
                activity: progress.activity,
                done: progress.done,
            };
        }
    }

    /// Comes back only when the run got nowhere for too long, waits for its budget not
    /// counted.
    pub(super) async fn ends(&self, open: &OpenConnection) -> Error {
        let mut waited = open.session.waited();
        let mut since = self.last_at();
        loop {
            if self.last_at() != since {
                (since, waited) = (self.last_at(), open.session.waited());
            }
            let meanwhile = open.session.waited().saturating_sub(waited);
            let end = since + self.longest + meanwhile;
            if Instant::now() >= end {
                return self.error(open);
            }
            tokio::time::sleep_until(end).await;
        }
    }

    fn last_at(&self) -> Instant {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).at
    }

    fn error(&self, open: &OpenConnection) -> Error {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &open.connection.name;
        rule(
            "run-stalled",
            format!(
                "the run of connection {name} got nowhere for {} s while {} ({} done), and was ended",
                self.longest.as_secs(),
                last.activity.label(),
                last.done
            ),
            "Sync again: what was sent is found in the ledger and settled first. If it stays so, tell \
             the plugin's author.",
        )
    }
}
