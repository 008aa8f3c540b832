//! Two clocks beside each other: the time of day may be set, and it goes on while the
//! machine sleeps; the other one does neither.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// A difference that is no clock's drift.
const JUMP: SignedDuration = SignedDuration::from_secs(5);

pub(super) struct Clocks {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clocks {
    pub fn new(wall: Timestamp, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// By how much the time of day went otherwise than time did since the last call, where
    /// that is more than drift.
    pub fn jump(&mut self, wall: Timestamp, now: Instant) -> Option<SignedDuration> {
        let passed = now.duration_since(self.monotonic);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let jump = wall.duration_since(self.wall).checked_sub(passed);
        *self = Self {
            wall,
            monotonic: now,
        };
        jump.filter(|jump| jump.abs() > JUMP)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sleep_and_a_set_clock_are_seen_and_time_that_passes_is_not() {
        let begin: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        let started = Instant::now();
        let mut clocks = Clocks::new(begin, started);
        let minute = started + Duration::from_secs(60);
        let minute_later = begin + SignedDuration::from_secs(60);
        assert_eq!(clocks.jump(minute_later, minute), None);
        let slept = minute_later + SignedDuration::from_hours(7);
        let seven_hours = Some(SignedDuration::from_hours(7));
        assert_eq!(clocks.jump(slept, minute), seven_hours);
        let set_back = clocks.jump(begin, minute);
        assert_eq!(set_back, Some(begin.duration_since(slept)));
    }
}
