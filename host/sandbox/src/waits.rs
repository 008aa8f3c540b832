//! How long a run only waited: for its tenant's budget, or for others' requests to end.
//!
//! Calls run side by side, so waits overlap: they count once. And they count only while
//! every call under way waits; one that hangs beside a waiting one is not excused by it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Adds up the time in which a session only waited.
#[derive(Debug, Default)]
pub(crate) struct Waits(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: usize,
    waiting: usize,
    total: Duration,
    /// Since when nothing but waits is under way.
    since: Option<Instant>,
}

/// A call is under way as long as this lives.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Waits>);

/// A call waits as long as this lives.
#[derive(Debug)]
pub(crate) struct Waiting<'w>(&'w Waits);

impl Waits {
    /// So far, until now.
    pub(crate) fn total(&self) -> Duration {
        self.state().total(Instant::now())
    }

    /// A call begins to wait.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.state()
            .change(Instant::now(), |state| state.waiting += 1);
        Waiting(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn total(&self, now: Instant) -> Duration {
        let lasting = self.since.map(|since| now.duration_since(since));
        self.total + lasting.unwrap_or_default()
    }

    fn change(&mut self, now: Instant, change: impl FnOnce(&mut Self)) {
        change(self);
        let only_waits = self.waiting > 0 && self.waiting >= self.calls;
        match (only_waits, self.since) {
            (true, None) => self.since = Some(now),
            (false, Some(_)) => {
                self.total = self.total(now);
                self.since = None;
            }
            _ => {}
        }
    }
}

impl UnderWay {
    /// A call begins.
    pub(crate) fn begin(waits: Arc<Waits>) -> Self {
        waits
            .state()
            .change(Instant::now(), |state| state.calls += 1);
        Self(waits)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0
            .state()
            .change(Instant::now(), |state| state.calls -= 1);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0
            .state()
            .change(Instant::now(), |state| state.waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many seconds were only waited until a second, where
    /// so many calls were under way and so many of them waited, from these seconds on.
    fn waited(steps: &[(u64, usize, usize)], until: u64) -> u64 {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut state = State::default();
        for &(seconds, calls, waiting) in steps {
            state.change(at(seconds), |state| {
                (state.calls, state.waiting) = (calls, waiting);
            });
        }
        state.total(at(until)).as_secs()
    }

    #[test]
    fn waits_side_by_side_count_once() {
        assert_eq!(waited(&[(0, 2, 2)], 10), 10, "also while they last");
        assert_eq!(waited(&[(0, 2, 1), (1, 2, 2), (11, 2, 0)], 30), 10);
        assert_eq!(waited(&[(0, 1, 1), (5, 1, 0), (20, 1, 1)], 22), 7);
    }

    #[test]
    fn a_wait_beside_a_call_that_does_something_else_does_not_count() {
        assert_eq!(waited(&[(0, 2, 1)], 10), 0);
        assert_eq!(waited(&[(0, 2, 1), (10, 1, 1), (13, 0, 0)], 20), 3);
        assert_eq!(waited(&[(0, 1, 0)], 10), 0);
        assert_eq!(waited(&[(0, 0, 0)], 10), 0, "nothing is under way");
    }

    #[test]
    fn calls_and_waits_are_under_way_until_dropped() {
        let waits = Arc::new(Waits::default());
        let counts = || {
            let state = waits.state();
            (state.calls, state.waiting, state.since.is_some())
        };
        let call = UnderWay::begin(Arc::clone(&waits));
        let waiting = waits.wait();
        assert_eq!(counts(), (1, 1, true));
        drop(waiting);
        assert_eq!(counts(), (1, 0, false));
        drop(call);
        assert_eq!(counts(), (0, 0, false));
    }
}
