//! The thread limit and the hourly threshold.
//!
//! Threads are counted for each tracking identifier and entity, whoever the user is
//! [DOC ThreadLimiting]; the hour is counted for the whole database [DOC]. Both are
//! plain data here: waiting and answering is the caller's.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::civil::DateTime;

use crate::config::Limits;

/// What a thread limit is counted by: tracking identifier and endpoint.
pub(crate) type SlotKey = (String, &'static str);

/// Requests in flight.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    busy: HashMap<SlotKey, Busy>,
    peak: HashMap<SlotKey, usize>,
    released: u64,
}

#[derive(Debug, Default)]
struct Busy {
    slots: usize,
    /// The slot whose answer has gone out but which is not free yet. There is one at
    /// most, so that a client with two requests at once is always safe and one with
    /// three is not: what the vendor's users report.
    lingering: Option<u64>,
}

impl Threads {
    /// Takes a slot, or refuses. The peak counts what was tried, so that a client
    /// with one request too many is seen even where its answer was a refusal.
    pub(crate) fn enter(&mut self, key: &SlotKey, limits: &Limits) -> bool {
        let busy = self.busy.entry(key.clone()).or_default();
        let peak = self.peak.entry(key.clone()).or_default();
        let at_once = busy.slots + 1 - usize::from(busy.lingering.is_some());
        *peak = (*peak).max(at_once);
        if busy.slots >= limits.threads {
            return false;
        }
        busy.slots += 1;
        true
    }

    /// The answer went out: the slot lingers, the one that lingered before is free.
    /// The number returned frees it for good.
    pub(crate) fn answered(&mut self, key: &SlotKey) -> u64 {
        self.released += 1;
        if let Some(busy) = self.busy.get_mut(key)
            && busy.lingering.replace(self.released).is_some()
        {
            busy.slots = busy.slots.saturating_sub(1);
        }
        self.released
    }

    /// Frees the slot that lingers, if it still is that one.
    pub(crate) fn free(&mut self, key: &SlotKey, number: u64) {
        if let Some(busy) = self.busy.get_mut(key)
            && busy.lingering == Some(number)
        {
            busy.lingering = None;
            busy.slots = busy.slots.saturating_sub(1);
        }
    }

    /// The most requests at once that were tried, by tracking identifier and endpoint.
    pub(crate) fn peaks(&self) -> &HashMap<SlotKey, usize> {
        &self.peak
    }
}

/// Requests of the last 60 minutes, by the tenant's clock.
#[derive(Debug, Default)]
pub(crate) struct Hour {
    counts: VecDeque<(DateTime, u32)>,
    total: u32,
}

impl Hour {
    /// Counts `n` requests at `now` and returns how many the hour holds with them.
    pub(crate) fn count(&mut self, now: DateTime, n: u32) -> u32 {
        match self.counts.back_mut() {
            Some((at, count)) if *at == now => *count += n,
            _ => self.counts.push_back((now, n)),
        }
        self.total += n;
        self.current(now)
    }

    /// Requests in the hour that ends now.
    pub(crate) fn current(&mut self, now: DateTime) -> u32 {
        let from = now.saturating_sub(jiff::Span::new().minutes(60));
        while let Some((at, count)) = self.counts.front().copied() {
            if at > from {
                break;
            }
            self.counts.pop_front();
            self.total -= count;
        }
        self.total
    }
}

/// How the usage of the hour slows a request: nothing below half of the threshold,
/// then a delay, twice that from three quarters on [DERIVED SKILL]; `None` past it.
pub(crate) fn usage_delay(used: u32, limits: &Limits) -> Option<Duration> {
    let (used, limit) = (u64::from(used), u64::from(limits.hourly));
    if used > limit {
        None
    } else if used * 4 >= limit * 3 {
        Some(limits.half_delay * 2)
    } else if used * 2 >= limit {
        Some(limits.half_delay)
    } else {
        Some(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use jiff::civil::date;

    #[test]
    fn usage_slows_in_two_steps_and_then_stops() {
        let limits = Limits {
            hourly: 100,
            half_delay: Duration::from_millis(500),
            ..Limits::default()
        };
        let millis = |used| usage_delay(used, &limits).map(|d| d.as_millis());
        assert_eq!(millis(49), Some(0));
        assert_eq!(millis(50), Some(500));
        assert_eq!(millis(74), Some(500));
        assert_eq!(millis(75), Some(1000));
        assert_eq!(millis(100), Some(1000));
        assert_eq!(millis(101), None);
    }

    #[test]
    fn the_hour_rolls() {
        let mut hour = Hour::default();
        let start = date(2026, 11, 23).at(9, 0, 0, 0);
        assert_eq!(hour.count(start, 10), 10);
        let later = start + 30.minutes();
        assert_eq!(hour.count(later, 5), 15);
        assert_eq!(hour.current(start + 60.minutes()), 5);
        assert_eq!(hour.current(later + 61.minutes()), 0);
    }

    #[test]
    fn the_fourth_request_at_once_is_refused_for_its_entity_only() {
        let (mut threads, limits) = (Threads::default(), Limits::default());
        let companies = ("CODE".to_owned(), "Companies");
        assert!((0..3).all(|_| threads.enter(&companies, &limits)));
        assert!(!threads.enter(&companies, &limits));
        assert!(threads.enter(&("CODE".to_owned(), "Contracts"), &limits));
        assert!(threads.enter(&("OTHER".to_owned(), "Companies"), &limits));
        let slot = threads.answered(&companies);
        assert!(!threads.enter(&companies, &limits), "the slot lingers");
        threads.free(&companies, slot);
        assert!(threads.enter(&companies, &limits));
        assert_eq!(threads.peaks()[&companies], 4);
    }

    #[test]
    fn two_at_once_are_always_safe() {
        let (mut threads, limits) = (Threads::default(), Limits::default());
        let key = ("CODE".to_owned(), "Companies");
        assert!(threads.enter(&key, &limits));
        for _ in 0..10 {
            assert!(threads.enter(&key, &limits));
            threads.answered(&key);
        }
        assert_eq!(threads.peaks()[&key], 2);
    }
}
