//! When a whole run posts nothing. A wrong number for one customer is a hold; a sign
//! that all numbers may be wrong is a brake.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A snapshot older than this many days before the date planned for is stale. Three,
/// so that a source that pauses over a weekend does not stop Monday's run.
pub const STALE_AFTER_DAYS: i32 = 3;

/// With this many accounts or fewer changed, the share does not matter: a small MSP
/// may well change all its customers in a day.
pub const FEW_ACCOUNTS: usize = 20;

/// More than this share of the mapped accounts, in percent, changed in one run after
/// the first: more likely a fault of the source than the truth.
pub const CHANGED_SHARE_PERCENT: usize = 50;

/// Why nothing is posted in this run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Brake {
    /// There is no snapshot of the channel at all.
    NoSnapshot,
    /// The source says that something is missing.
    SnapshotIncomplete,
    /// The snapshot is too old.
    SnapshotStale {
        /// The day it was taken, in the connection's zone.
        taken_on: Date,
        /// The day planned for.
        as_of: Date,
    },
    /// An earlier run used a newer snapshot.
    SnapshotOlderThanLast,
    /// Not one count above zero.
    SnapshotAllZero,
    /// Too many accounts would change.
    TooManyAccounts {
        /// How many would.
        changed: usize,
        /// Of how many mapped.
        mapped: usize,
    },
}

impl Brake {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSnapshot => "no-snapshot",
            Self::SnapshotIncomplete => "snapshot-incomplete",
            Self::SnapshotStale { .. } => "snapshot-stale",
            Self::SnapshotOlderThanLast => "snapshot-older-than-last",
            Self::SnapshotAllZero => "snapshot-all-zero",
            Self::TooManyAccounts { .. } => "too-many-accounts",
        }
    }

    /// What happened.
    pub fn message(&self) -> String {
        match self {
            Self::NoSnapshot => "there is no usage snapshot of the channel".to_owned(),
            Self::SnapshotIncomplete => {
                "the source says that the newest usage snapshot is not complete".to_owned()
            }
            Self::SnapshotStale { taken_on, as_of } => format!(
                "the newest usage snapshot is of {taken_on}, more than {STALE_AFTER_DAYS} days \
                 before {as_of}"
            ),
            Self::SnapshotOlderThanLast => {
                "an earlier run used a newer usage snapshot than this one".to_owned()
            }
            Self::SnapshotAllZero => "the usage snapshot has no count above zero".to_owned(),
            Self::TooManyAccounts { changed, mapped } => format!(
                "{changed} of {mapped} mapped accounts would change, more than \
                 {CHANGED_SHARE_PERCENT} %"
            ),
        }
    }

    /// What a person does about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::NoSnapshot => "import one with `psa-host usage import`",
            Self::SnapshotIncomplete | Self::SnapshotAllZero => {
                "import a complete snapshot with `psa-host usage import`; nothing is posted \
                 from this one"
            }
            Self::SnapshotStale { .. } | Self::SnapshotOlderThanLast => {
                "import a newer snapshot with `psa-host usage import`"
            }
            Self::TooManyAccounts { .. } => {
                "look at `psa-host sync --dry-run`; if the numbers are right, release the brake \
                 for one run with `psa-host sync --release too-many-accounts`"
            }
        }
    }

    /// Whether a person may release it for one run. A snapshot that is not complete
    /// is not a matter of opinion.
    pub fn can_be_released(&self) -> bool {
        matches!(self, Self::TooManyAccounts { .. })
    }
}

/// Whether so many accounts change that the numbers are in doubt. The first run of a
/// connection brings everything to its place and is exempt.
pub fn too_many_accounts(changed: usize, mapped: usize, first_run: bool) -> Option<Brake> {
    let trips =
        !first_run && changed > FEW_ACCOUNTS && changed * 100 > mapped * CHANGED_SHARE_PERCENT;
    trips.then_some(Brake::TooManyAccounts { changed, mapped })
}

/// Whether a snapshot of this day is too old for that one.
pub fn stale(taken_on: Date, as_of: Date) -> Option<Brake> {
    let age = taken_on.until(as_of).ok()?.get_days();
    (age > STALE_AFTER_DAYS).then_some(Brake::SnapshotStale { taken_on, as_of })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_share_of_changed_accounts_has_a_limit() {
        for (changed, mapped, first_run, trips) in [
            (200, 200, true, false),
            (200, 200, false, true),
            (20, 20, false, false),
            (21, 42, false, false),
            (22, 42, false, true),
            (3000, 10_000, false, false),
        ] {
            let brake = too_many_accounts(changed, mapped, first_run);
            assert_eq!(
                brake.is_some(),
                trips,
                "{changed} of {mapped}, first {first_run}"
            );
        }
    }

    #[test]
    fn a_snapshot_is_stale_after_three_days() {
        let as_of = date(2026, 11, 23);
        assert_eq!(stale(date(2026, 11, 20), as_of), None);
        assert!(stale(date(2026, 11, 19), as_of).is_some());
        assert_eq!(stale(date(2026, 11, 24), as_of), None);
    }
}
