//! A run that gets nowhere is ended: it holds its tenant's lock, and every other run of the
//! tenant waits for it.
//!
//! What counts as getting on is what the host itself counts: accounts read, pairs planned,
//! adjustments sent and read back. A plugin that makes one request after another and comes to
//! no end does not get on. Ending a run in the middle is as safe as a kill: what may have
//! left is in the ledger, and the next run settles it.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use psa_host_billing::ErrorCode;

use crate::error::rule;
use crate::progress::{Activity, Progress, Watch};
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

    /// Comes back only when the run got nowhere for too long, time not counted in which it
    /// only waited (`waited`: how long so far).
    pub(super) async fn ends(&self, waited: impl Fn() -> Duration) {
        let mut before = waited();
        let mut since = self.last_at();
        loop {
            if self.last_at() != since {
                (since, before) = (self.last_at(), waited());
            }
            let end = end(since, self.longest, waited().saturating_sub(before));
            if Instant::now() >= end {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    fn last_at(&self) -> Instant {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).at
    }

    pub(super) fn error(&self, open: &OpenConnection) -> Error {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &open.connection.name;
        rule(
            ErrorCode::RunStalled,
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

/// Tell while requests wait for the PSA: a bar that stands still says why. Never comes back.
pub(super) async fn tell_of_waits(open: &OpenConnection, watch: Watch<'_>) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(until) = open.session.waiting_until() {
            watch(Progress {
                activity: Activity::Waiting(until),
                done: 0,
                total: None,
            });
        }
    }
}

/// When a run is ended that has not got on since, and only waited for so long meanwhile.
fn end(since: Instant, longest: Duration, waited: Duration) -> Instant {
    since + longest + waited
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(100);

    /// After how many seconds a run is ended that does not get on and of these times only
    /// waits so long; or not within a day.
    fn ended_after(waited: impl Fn(Duration) -> Duration) -> Option<u64> {
        let begun = Instant::now();
        let mut now = begun;
        loop {
            let end = end(begun, LONGEST, waited(now.duration_since(begun)));
            let seconds = now.duration_since(begun).as_secs();
            if now >= end {
                return Some(seconds);
            }
            if seconds > 86_400 {
                return None;
            }
            now = end;
        }
    }

    #[test]
    fn a_run_that_only_waits_is_not_ended_and_one_that_hangs_is() {
        assert_eq!(ended_after(|_| Duration::ZERO), Some(100));
        assert_eq!(
            ended_after(|time| time.min(Duration::from_secs(3_600))),
            Some(3_700)
        );
        assert_eq!(ended_after(|time| time), None);
    }
}
