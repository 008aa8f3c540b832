//! What stands against a usage snapshot as a whole, by its time.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::Brake;
use crate::rules::BrakeLimits;

/// So far may a source's clock be ahead of this computer's. A snapshot of later than that
/// is no snapshot of anything, and would be the newest until its time has come.
pub const MOST_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Whether a snapshot says that it was taken later than now.
pub fn in_future(taken_at: Timestamp, now: Timestamp) -> Option<Brake> {
    (taken_at.duration_since(now) > MOST_AHEAD).then_some(Brake::SnapshotInFuture { taken_at, now })
}

/// Whether a snapshot of this day is too old for that one.
pub fn stale(limits: &BrakeLimits, taken_on: Date, as_of: Date) -> Option<Brake> {
    let age = taken_on.until(as_of).ok()?.get_days();
    let limit = limits.stale_days;
    (age > i32::from(limit)).then_some(Brake::SnapshotStale {
        taken_on,
        as_of,
        limit,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_snapshot_may_be_minutes_ahead_of_this_clock_and_no_more() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for (taken_at, refused) in [
            ("2026-11-22T10:00:00Z", false),
            ("2026-11-23T10:00:00Z", false),
            ("2026-11-23T10:05:00Z", false),
            ("2026-11-23T10:05:01Z", true),
            ("2027-11-23T10:00:00Z", true),
        ] {
            let brake = in_future(taken_at.parse().unwrap(), now);
            assert_eq!(brake.is_some(), refused, "{taken_at}");
        }
    }

    #[test]
    fn a_snapshot_is_stale_after_three_days() {
        let as_of = date(2026, 11, 23);
        let stale = |taken_on| stale(&BrakeLimits::default(), taken_on, as_of);
        assert_eq!(stale(date(2026, 11, 20)), None);
        assert!(stale(date(2026, 11, 19)).is_some());
        assert_eq!(stale(date(2026, 11, 24)), None);
    }
}
