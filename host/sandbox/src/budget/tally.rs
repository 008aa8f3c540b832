//! The arithmetic of a tenant's budget: what has been used of the rolling window, and
//! what that means for the next request.
//!
//! used = what this host's processes sent in the window + what others did when the PSA
//! last said so. Own requests are written to the store in batches, after they were
//! counted here, so a crash forgets at most one batch.

use jiff::{SignedDuration, Timestamp};

use super::{BudgetStore, Observation, Terms};
use crate::{StoreFailure, Window};

/// Requests counted in memory before they are written: the most that a crash forgets
/// in one process.
pub const SPEND_BATCH: u32 = 32;
/// Other processes' requests are looked up at least this often.
const FRESH: SignedDuration = SignedDuration::from_secs(2);

/// How long the PSA's word on what others use stands against every request.
const OTHERS_FRESH: SignedDuration = SignedDuration::from_mins(5);

/// What the next request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Go.
    Go,
    /// Over half of the window is used: go, but one at a time.
    OneAtATime,
    /// Not before this time.
    NotBefore(Timestamp),
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pending: u32,
    /// The store's count of the window at `read_at`, and what was counted here since.
    known: u64,
    since: u64,
    read_at: Option<Timestamp>,
    observation: Option<Observation>,
    paused: Option<Timestamp>,
    /// A pause that the store did not take: it holds here at least.
    unsaved_pause: Option<Timestamp>,
}

impl Tally {
    /// Decide about one request, and count it if it may go.
    pub(super) fn decide(
        &mut self,
        now: Timestamp,
        terms: Terms,
        scope: &str,
        store: &dyn BudgetStore,
    ) -> Result<Admission, StoreFailure> {
        let outcome = self.refresh(now, terms.window, scope, store);
        let verdict = self.judge(now, terms, scope, store);
        if !matches!(verdict, Admission::NotBefore(_)) {
            self.pending = self.pending.saturating_add(1);
            self.since += 1;
        }
        outcome.map(|()| verdict)
    }

    /// As [`Tally::decide`], for when the store does not answer: what is known counts.
    pub(super) fn decide_alone(&mut self, now: Timestamp) -> Admission {
        match self.paused {
            Some(until) if until > now => Admission::NotBefore(until),
            _ => Admission::OneAtATime,
        }
    }

    /// Until when nothing is sent, as far as this process knows.
    pub(super) fn paused_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused.filter(|until| *until > now)
    }

    /// One that was counted is not sent after all. Where it is written already, it stays
    /// counted.
    pub(super) fn take_back(&mut self) {
        if let Some(pending) = self.pending.checked_sub(1) {
            self.pending = pending;
            self.since = self.since.saturating_sub(1);
        }
    }

    /// Counted here and not written yet.
    #[cfg(test)]
    pub(super) fn counted(&self) -> u32 {
        self.pending
    }

    fn judge(
        &self,
        now: Timestamp,
        terms: Terms,
        scope: &str,
        store: &dyn BudgetStore,
    ) -> Admission {
        if let Some(until) = self.paused_at(now) {
            return Admission::NotBefore(until);
        }
        let Some(window) = terms.window else {
            return Admission::Go;
        };
        let limit = self.limit(now, window);
        let used = self.known + self.since + self.others(now, window);
        let reserved = if terms.write { reserve(limit) } else { 0 };
        if (used + reserved) * 4 >= limit * 3 {
            let parked = Admission::NotBefore(self.below_half(now, window, limit, scope, store));
            // Where it is others who use it up, they may have stopped: after a while it
            // is worth a request to hear what the PSA says now.
            let own = self.known + self.since;
            match self.current(now, window) {
                Some(seen) if (own + reserved) * 4 < limit * 3 => {
                    let ask_again = later(seen.at, OTHERS_FRESH);
                    match parked {
                        _ if ask_again <= now => Admission::OneAtATime,
                        Admission::NotBefore(until) => Admission::NotBefore(until.min(ask_again)),
                        other => other,
                    }
                }
                _ => parked,
            }
        } else if used * 2 >= limit {
            Admission::OneAtATime
        } else {
            Admission::Go
        }
    }

    fn limit(&self, now: Timestamp, window: Window) -> u64 {
        let declared = u64::from(window.requests);
        match self.current(now, window) {
            Some(seen) if seen.limit > 0 => declared.min(u64::from(seen.limit)),
            _ => declared,
        }
    }

    /// The observation, while it says anything about the present window.
    fn current(&self, at: Timestamp, window: Window) -> Option<Observation> {
        self.observation
            .filter(|seen| at.duration_since(seen.at) < window.length())
    }

    fn others(&self, at: Timestamp, window: Window) -> u64 {
        self.current(at, window)
            .map_or(0, |seen| u64::from(seen.used).saturating_sub(seen.own))
    }

    /// When less than half of the window will be used if nothing more is sent: where
    /// to go on, so that a run does not park again after one request.
    fn below_half(
        &self,
        now: Timestamp,
        window: Window,
        limit: u64,
        scope: &str,
        store: &dyn BudgetStore,
    ) -> Timestamp {
        let fits = |seconds: i64| {
            let at = later(now, SignedDuration::from_secs(seconds));
            let own = store.spent(scope, earlier(at, window.length()));
            let own = own.unwrap_or(self.known) + u64::from(self.pending);
            (own + self.others(at, window)) * 2 < limit
        };
        // What is pending here leaves the window last.
        let (mut low, mut high) = (1, i64::from(window.seconds) + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if fits(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        later(now, SignedDuration::from_secs(low))
    }

    fn refresh(
        &mut self,
        now: Timestamp,
        window: Option<Window>,
        scope: &str,
        store: &dyn BudgetStore,
    ) -> Result<(), StoreFailure> {
        let fresh = self
            .read_at
            .is_some_and(|at| now.duration_since(at).abs() < FRESH);
        if fresh && self.since < u64::from(SPEND_BATCH) {
            return Ok(());
        }
        self.flush(now, scope, store)?;
        if let Some(window) = window {
            self.known = store.spent(scope, earlier(now, window.length()))?;
            self.observation = store.observed(scope)?;
        }
        // The store's word: a person may have lifted a pause.
        let paused = store.paused(scope)?;
        self.paused = paused.max(self.unsaved_pause);
        self.since = 0;
        self.read_at = Some(now);
        Ok(())
    }

    /// Write what is counted.
    pub(super) fn flush(
        &mut self,
        now: Timestamp,
        scope: &str,
        store: &dyn BudgetStore,
    ) -> Result<(), StoreFailure> {
        if self.pending > 0 {
            store.spend(scope, now, self.pending)?;
            self.pending = 0;
        }
        Ok(())
    }

    /// Take note of what the PSA says about everybody's requests.
    pub(super) fn observe(
        &mut self,
        now: Timestamp,
        used: u32,
        limit: u32,
        window: Window,
        scope: &str,
        store: &dyn BudgetStore,
    ) -> Result<(), StoreFailure> {
        self.flush(now, scope, store)?;
        let own = store.spent(scope, earlier(now, window.length()))?;
        let seen = Observation {
            at: now,
            used,
            limit,
            own,
        };
        store.observe(scope, seen)?;
        self.read_at = None;
        Ok(())
    }

    /// Nothing before `until`; `saved`: the store knows it too.
    pub(super) fn pause(&mut self, until: Timestamp, saved: bool) {
        self.paused = self.paused.max(Some(until));
        if !saved {
            self.unsaved_pause = self.unsaved_pause.max(Some(until));
        }
    }
}

/// Requests that writes leave for reading back what was written: two lists of lines, each of
/// a few pages, and what is in flight.
fn reserve(limit: u64) -> u64 {
    LEAST_RESERVE + limit / 100
}

/// Where the limit is small.
const LEAST_RESERVE: u64 = 4;

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryBudget;

    const HOUR: Window = Window {
        requests: 100,
        seconds: 3_600,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn decide(tally: &mut Tally, store: &InMemoryBudget, seconds: i64) -> Admission {
        let terms = terms(Some(HOUR), false);
        tally.decide(at(seconds), terms, "t", store).unwrap()
    }

    fn terms(window: Option<Window>, write: bool) -> Terms {
        Terms {
            window,
            at_once: 2,
            patience: std::time::Duration::ZERO,
            write,
        }
    }

    #[test]
    fn writes_leave_requests_for_reading_back() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        let mut ask = |write| {
            let terms = terms(Some(HOUR), write);
            tally.decide(at(0), terms, "t", &store).unwrap()
        };
        let mut written = 0;
        while !matches!(ask(true), Admission::NotBefore(_)) {
            written += 1;
        }
        assert_eq!(written, 70);
        for n in 0..5 {
            assert_eq!(ask(false), Admission::OneAtATime, "{n}");
        }
        assert!(matches!(ask(false), Admission::NotBefore(_)));
    }

    #[test]
    fn from_half_one_at_a_time_and_from_three_quarters_not_at_all() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        for n in 0..75 {
            let expected = if n < 50 {
                Admission::Go
            } else {
                Admission::OneAtATime
            };
            assert_eq!(decide(&mut tally, &store, 0), expected, "{n}");
        }
        assert!(matches!(
            decide(&mut tally, &store, 0),
            Admission::NotBefore(_)
        ));
    }

    #[test]
    fn a_parked_run_goes_on_when_less_than_half_is_used() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        store.spend("t", at(-3_000), 40).unwrap();
        store.spend("t", at(-100), 40).unwrap();
        // At 600 s the first forty leave the window.
        assert_eq!(decide(&mut tally, &store, 0), Admission::NotBefore(at(601)));
        assert_eq!(decide(&mut tally, &store, 601), Admission::Go);
    }

    #[test]
    fn what_the_psa_says_others_used_counts_until_the_window_has_passed() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        store.spend("t", at(-10), 20).unwrap();
        tally.observe(at(0), 90, 100, HOUR, "t", &store).unwrap();
        assert!(matches!(
            decide(&mut tally, &store, 1),
            Admission::NotBefore(_)
        ));
        assert_eq!(decide(&mut tally, &store, 3_601), Admission::Go);
    }

    #[test]
    fn what_others_used_is_asked_again_after_five_minutes() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        tally.observe(at(0), 90, 100, HOUR, "t", &store).unwrap();
        assert_eq!(decide(&mut tally, &store, 1), Admission::NotBefore(at(300)));
        assert_eq!(decide(&mut tally, &store, 300), Admission::OneAtATime);
        tally.observe(at(301), 90, 100, HOUR, "t", &store).unwrap();
        assert_eq!(
            decide(&mut tally, &store, 302),
            Admission::NotBefore(at(601))
        );
        tally.observe(at(601), 10, 100, HOUR, "t", &store).unwrap();
        assert_eq!(decide(&mut tally, &store, 602), Admission::Go);
        // What is our own does not go away by asking.
        store.spend("t", at(602), 80).unwrap();
        tally.observe(at(603), 95, 100, HOUR, "t", &store).unwrap();
        assert!(matches!(
            decide(&mut tally, &store, 1_000),
            Admission::NotBefore(_)
        ));
    }

    #[test]
    fn a_lower_limit_of_the_psa_holds() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        tally.observe(at(0), 8, 10, HOUR, "t", &store).unwrap();
        assert!(matches!(
            decide(&mut tally, &store, 1),
            Admission::NotBefore(_)
        ));
    }

    #[test]
    fn a_pause_holds_for_the_other_processes_too() {
        let store = InMemoryBudget::default();
        store.pause("t", at(30)).unwrap();
        let mut tally = Tally::default();
        assert_eq!(decide(&mut tally, &store, 0), Admission::NotBefore(at(30)));
        assert_eq!(decide(&mut tally, &store, 30), Admission::Go);
    }

    #[test]
    fn a_pause_that_was_lifted_elsewhere_does_not_hold_here() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        tally.pause(at(600), true);
        assert_eq!(decide(&mut tally, &store, 0), Admission::Go, "lifted");
        tally.pause(at(600), false);
        assert_eq!(
            decide(&mut tally, &store, 10),
            Admission::NotBefore(at(600))
        );
    }

    #[test]
    fn a_crash_forgets_at_most_one_batch() {
        let (mut tally, store) = (Tally::default(), InMemoryBudget::default());
        let wide = terms(
            Some(Window {
                requests: 10_000,
                seconds: 3_600,
            }),
            false,
        );
        for n in 1..=1_000_u64 {
            tally.decide(at(0), wide, "t", &store).unwrap();
            let written = store.spent("t", at(-1)).unwrap();
            assert!(
                n - written <= u64::from(SPEND_BATCH),
                "{n} sent, {written} written"
            );
        }
    }
}
