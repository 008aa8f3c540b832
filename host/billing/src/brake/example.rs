//! One case of each brake, for the page of codes.

use jiff::Timestamp;
use jiff::civil::date;

use super::{Brake, BrakeCode};
use crate::rules::BrakeLimits;
use crate::{Money, Units};

/// 2026-11-23, 15:00 UTC.
const NOW: i64 = 1_795_446_000;
const A_YEAR: i64 = 365 * 86_400;

impl BrakeCode {
    /// A case in which the brake is on.
    pub fn example(self) -> Brake {
        let limits = BrakeLimits::default();
        match self {
            Self::NoSnapshot => Brake::NoSnapshot,
            Self::SnapshotIncomplete => Brake::SnapshotIncomplete,
            Self::SnapshotsDisagree => Brake::SnapshotsDisagree {
                snapshots: ["u-000041".to_owned(), "u-000042".to_owned()],
                taken_at: Timestamp::from_second(NOW).unwrap_or(Timestamp::MIN),
                pairs: 3,
                example: "edr of ws-17 with 12 devices in u-000041 and 14 devices in u-000042"
                    .to_owned(),
            },
            Self::SnapshotInFuture => Brake::SnapshotInFuture {
                taken_at: Timestamp::from_second(NOW + A_YEAR).unwrap_or(Timestamp::MAX),
                now: Timestamp::from_second(NOW).unwrap_or(Timestamp::MIN),
            },
            Self::SnapshotStale => Brake::SnapshotStale {
                taken_on: date(2026, 11, 18),
                today: date(2026, 11, 23),
                limit: limits.stale_days,
            },
            Self::SnapshotOlderThanLast => Brake::SnapshotOlderThanLast,
            Self::SnapshotAllZero => Brake::SnapshotAllZero,
            Self::WorkspacesUnread => Brake::WorkspacesUnread {
                source: "file workspaces.json".to_owned(),
                rows: 2,
            },
            Self::TooMuchUnread => Brake::TooMuchUnread {
                unread: 60,
                of: 400,
            },
            Self::TooManyAccounts => Brake::TooManyAccounts {
                changed: 180,
                mapped: 200,
                limit: limits.changed_percent,
            },
            Self::TooManyUnits => Brake::TooManyUnits {
                change: Units::from(2_600).change_from(4_000.into()),
                accounts: 60,
                of: 4_000.into(),
                limit: limits.units_percent.unwrap_or_default(),
            },
            Self::CountsAlike => Brake::CountsAlike {
                lines: 14,
                count: 100.into(),
                of: 30,
            },
            Self::TooMuchMoney => Brake::TooMuchMoney {
                change: Money {
                    amount: 12_500.into(),
                    currency: Some("USD".into()),
                },
                limit: 5_000.into(),
            },
            Self::MoneyUnknown => Brake::MoneyUnknown { changes: 3 },
            Self::AccountsVanished => Brake::AccountsVanished { gone: 60, of: 200 },
            Self::LinesVanished => Brake::LinesVanished {
                gone: 400,
                of: 1200,
            },
        }
    }
}
