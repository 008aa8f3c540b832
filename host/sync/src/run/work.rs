//! One adjustment on its way through a run: planned, read again, marked, handed out; and
//! back to be read again where its turn came too late.

use jiff::{SignedDuration, Timestamp};
use psa_host_billing::{Cleared, TenantKey};
use psa_host_ledger::{Intent, IntentId};

/// An adjustment that is still to be sent.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// The run's row.
    pub row: usize,
    pub adjustment: Cleared,
    /// Its intent, once it was written down.
    pub intent: Option<IntentId>,
    /// How often it was handed out and certainly did not leave.
    pub tries: u32,
    /// How often its turn came after its reading had become old.
    pub late: u32,
}

impl Work {
    pub fn new(row: usize, adjustment: Cleared) -> Self {
        Self {
            row,
            adjustment,
            intent: None,
            tries: 0,
            late: 0,
        }
    }

    /// What is written down before it leaves.
    pub fn to_intend(&self, tenant: &TenantKey) -> Intent {
        Intent {
            tenant: tenant.clone(),
            row: u32::try_from(self.row).unwrap_or(u32::MAX),
            adjustment: (*self.adjustment).clone(),
        }
    }
}

/// When lines were read, and how long that is good for.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadAt {
    pub begun: Timestamp,
    pub ended: Timestamp,
    /// It was one line's own reading, with nothing beside it: however slow that was, its
    /// adjustment is sent right after it.
    pub alone: bool,
    /// How long it is good for.
    pub fresh: SignedDuration,
}

impl ReadAt {
    /// Whether a write may still leave on it. Not where the clock was set back: how much
    /// time has passed is not known then.
    pub fn is_good(&self, now: Timestamp) -> bool {
        let since = if self.alone { self.ended } else { self.begun };
        let age = now.duration_since(since);
        !age.is_negative() && age <= self.fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_good_for_a_few_seconds_from_its_beginning() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let read = |alone| ReadAt {
            begun: at(0),
            ended: at(8),
            alone,
            fresh: SignedDuration::from_secs(5),
        };
        for (now, many, alone) in [
            (-1, false, false),
            (0, true, false),
            (5, true, false),
            (6, false, false),
            (8, false, true),
            (13, false, true),
            (14, false, false),
        ] {
            assert_eq!(read(false).is_good(at(now)), many, "{now}");
            assert_eq!(read(true).is_good(at(now)), alone, "{now}");
        }
    }
}
