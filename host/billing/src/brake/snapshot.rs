//! What stands against a usage snapshot as a whole, by its time.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Brake;
use crate::effective::local_day;
use crate::rules::BrakeLimits;

/// So far may a source's clock be ahead of this computer's. A snapshot of later than that
/// is no snapshot of anything, and would be the newest until its time has come.
pub const MOST_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The newest snapshot of a channel.
#[derive(Debug, Clone, Copy)]
pub struct Newest {
    /// When it was taken, as it says.
    pub taken_at: Timestamp,
    /// Whether its source says that nothing is missing.
    pub complete: bool,
    /// When the one was taken that the connection was billed by last.
    pub last_used: Option<Timestamp>,
}

/// What stands against it. Its age is judged by today in the connection's zone: a plan for
/// another day makes no count newer.
pub fn against(
    newest: &Newest,
    limits: &BrakeLimits,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<Brake> {
    let older = newest
        .last_used
        .is_some_and(|last| newest.taken_at < last)
        .then_some(Brake::SnapshotOlderThanLast);
    let (taken_on, today) = (local_day(newest.taken_at, zone), local_day(now, zone));
    [
        (!newest.complete).then_some(Brake::SnapshotIncomplete),
        in_future(newest.taken_at, now),
        older,
        stale(limits, taken_on, today),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a snapshot says that it was taken later than now.
pub fn in_future(taken_at: Timestamp, now: Timestamp) -> Option<Brake> {
    (taken_at.duration_since(now) > MOST_AHEAD).then_some(Brake::SnapshotInFuture { taken_at, now })
}

/// Whether a snapshot of this day is too old today.
fn stale(limits: &BrakeLimits, taken_on: Date, today: Date) -> Option<Brake> {
    let age = taken_on.until(today).ok()?.get_days();
    let limit = limits.stale_days;
    (age > i32::from(limit)).then_some(Brake::SnapshotStale {
        taken_on,
        today,
        limit,
    })
}

#[cfg(test)]
mod tests {
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
    fn a_snapshot_is_stale_after_three_days_in_the_connections_zone() {
        // In New York, 23:30 on the 23rd.
        let now: Timestamp = "2026-11-24T04:30:00Z".parse().unwrap();
        let codes = |taken_at: &str, complete, last_used: Option<&str>| {
            let newest = Newest {
                taken_at: taken_at.parse().unwrap(),
                complete,
                last_used: last_used.map(|at| at.parse().unwrap()),
            };
            let zone = TimeZone::get("America/New_York").unwrap();
            let found = against(&newest, &BrakeLimits::default(), now, &zone);
            found.iter().map(Brake::code).collect::<Vec<_>>().join(" ")
        };
        let (on_the_19th, on_the_20th) = ("2026-11-20T04:30:00Z", "2026-11-20T05:30:00Z");
        let later = Some("2026-11-22T00:00:00Z");
        for (taken_at, complete, last_used, expected) in [
            (on_the_20th, true, None, ""),
            (on_the_20th, true, Some(on_the_20th), ""),
            (on_the_20th, true, Some(on_the_19th), ""),
            (on_the_20th, true, later, "snapshot-older-than-last"),
            (on_the_19th, true, None, "snapshot-stale"),
            (
                on_the_19th,
                false,
                later,
                "snapshot-incomplete snapshot-older-than-last snapshot-stale",
            ),
            ("2026-11-24T05:00:00Z", true, later, "snapshot-in-future"),
        ] {
            assert_eq!(codes(taken_at, complete, last_used), expected, "{taken_at}");
        }
    }
}
