//! When a whole run posts nothing. A wrong number for one customer is a hold; a sign
//! that all numbers may be wrong is a brake.

mod alike;
mod code;
mod example;
mod snapshot;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::BrakeLimits;
use crate::{Money, Units, UnitsChange};

pub use alike::Alike;
pub use code::{BrakeCode, UnknownBrake};
pub use snapshot::{MOST_AHEAD, Newest, against, in_future};

/// Why nothing is posted in this run.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Brake {
    /// There is no snapshot of the channel at all.
    NoSnapshot,
    /// The source says that something is missing.
    SnapshotIncomplete,
    /// Two snapshots of one instant count otherwise.
    SnapshotsDisagree {
        /// Both.
        snapshots: [String; 2],
        /// When both were taken.
        #[schemars(with = "crate::form::Instant")]
        taken_at: Timestamp,
        /// In how many pairs of workspace and module.
        pairs: u64,
        /// One of them, in words.
        example: String,
    },
    /// The snapshot was taken later than now: a clock is wrong.
    SnapshotInFuture {
        /// When it was taken, as it says.
        #[schemars(with = "crate::form::Instant")]
        taken_at: Timestamp,
        /// When it was looked at.
        #[schemars(with = "crate::form::Instant")]
        now: Timestamp,
    },
    /// The snapshot is too old.
    SnapshotStale {
        /// The day it was taken, in the connection's zone.
        #[schemars(with = "crate::form::Day")]
        taken_on: Date,
        /// The day it is there.
        #[schemars(with = "crate::form::Day")]
        today: Date,
        /// The most days between the two.
        limit: u16,
    },
    /// An earlier run used a newer snapshot.
    SnapshotOlderThanLast,
    /// Not one count above zero.
    SnapshotAllZero,
    /// Rows of the list of workspaces could not be read.
    WorkspacesUnread {
        /// What was read (`file workspaces.json`).
        source: String,
        /// How many rows could not be.
        rows: u64,
    },
    /// The usage of too many pairs could not be read.
    TooMuchUnread {
        /// Of so many.
        unread: usize,
        /// Of so many mapped.
        of: usize,
    },
    /// Too many accounts would change.
    TooManyAccounts {
        /// How many would.
        changed: usize,
        /// Of how many mapped.
        mapped: usize,
        /// The most, in percent.
        limit: u8,
    },
    /// Too many units up or down in one day.
    TooManyUnits {
        /// The sum of the day's runs: above zero up, below zero down.
        change: UnitsChange,
        /// On so many accounts.
        accounts: usize,
        /// Of how many units, when the day's first run looked.
        of: Units,
        /// The most, in percent.
        limit: u8,
    },
    /// One and the same count on many changed lines.
    CountsAlike {
        /// On so many.
        lines: usize,
        /// The count.
        count: Units,
        /// Of so many changes.
        of: usize,
    },
    /// Too much money would change.
    TooMuchMoney {
        /// Changes a month, up and down added together.
        change: Money,
        /// The most.
        limit: Decimal,
    },
    /// There is a limit of money, and the money of some changes cannot be told.
    MoneyUnknown {
        /// How many.
        changes: usize,
    },
    /// Mapped accounts are not in the PSA's answer.
    AccountsVanished {
        /// How many are not.
        gone: usize,
        /// Of how many mapped.
        of: usize,
    },
    /// Lines that were posted or found right before are not in the PSA's answer.
    LinesVanished {
        /// How many are not.
        gone: usize,
        /// Of how many.
        of: usize,
    },
}

impl Brake {
    /// Which one it is.
    pub fn kind(&self) -> BrakeCode {
        match self {
            Self::NoSnapshot => BrakeCode::NoSnapshot,
            Self::SnapshotIncomplete => BrakeCode::SnapshotIncomplete,
            Self::SnapshotsDisagree { .. } => BrakeCode::SnapshotsDisagree,
            Self::SnapshotInFuture { .. } => BrakeCode::SnapshotInFuture,
            Self::SnapshotStale { .. } => BrakeCode::SnapshotStale,
            Self::SnapshotOlderThanLast => BrakeCode::SnapshotOlderThanLast,
            Self::SnapshotAllZero => BrakeCode::SnapshotAllZero,
            Self::WorkspacesUnread { .. } => BrakeCode::WorkspacesUnread,
            Self::TooMuchUnread { .. } => BrakeCode::TooMuchUnread,
            Self::TooManyAccounts { .. } => BrakeCode::TooManyAccounts,
            Self::TooManyUnits { .. } => BrakeCode::TooManyUnits,
            Self::CountsAlike { .. } => BrakeCode::CountsAlike,
            Self::TooMuchMoney { .. } => BrakeCode::TooMuchMoney,
            Self::MoneyUnknown { .. } => BrakeCode::MoneyUnknown,
            Self::AccountsVanished { .. } => BrakeCode::AccountsVanished,
            Self::LinesVanished { .. } => BrakeCode::LinesVanished,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.kind().as_str()
    }

    /// What happened.
    pub fn message(&self) -> String {
        match self {
            Self::NoSnapshot => "there is no usage snapshot of the channel".to_owned(),
            Self::SnapshotIncomplete => {
                "the source says that the newest usage snapshot is not complete".to_owned()
            }
            Self::SnapshotsDisagree {
                snapshots: [one, other],
                taken_at,
                pairs,
                example,
            } => format!(
                "usage snapshots {one} and {other} were both taken at {taken_at} and differ in \
                 {pairs} {}, such as {example}: neither is used",
                if *pairs == 1 { "count" } else { "counts" }
            ),
            Self::SnapshotInFuture { taken_at, now } => format!(
                "the newest usage snapshot says that it was taken at {taken_at:.0}, and it is \
                 {now:.0} now"
            ),
            Self::SnapshotStale {
                taken_on,
                today,
                limit,
            } => format!(
                "the newest usage snapshot is of {taken_on}, more than {limit} days before {today}"
            ),
            Self::SnapshotOlderThanLast => {
                "an earlier run used a newer usage snapshot than this one".to_owned()
            }
            Self::SnapshotAllZero => "the usage snapshot has no count above zero".to_owned(),
            Self::WorkspacesUnread { source, rows } => format!(
                "the newest list of workspaces ({source}) is not whole: at least {rows} {} of it \
                 could not be read, so that what it says of customers is not known",
                if *rows == 1 { "row" } else { "rows" }
            ),
            Self::TooMuchUnread { unread, of } => format!(
                "the usage of {unread} of {of} mapped pairs could not be read: that is a fault of \
                 the source rather than of a few rows"
            ),
            Self::TooManyAccounts {
                changed,
                mapped,
                limit,
            } => format!("{changed} of {mapped} mapped accounts would change, more than {limit} %"),
            Self::TooManyUnits {
                change,
                accounts,
                of,
                limit,
            } => format!(
                "{change} units on {accounts} accounts in the runs of this day, of {of} when the \
                 first of them looked: more than {limit} %"
            ),
            Self::CountsAlike { lines, count, of } => format!(
                "{lines} of {of} changed lines have a count of exactly {count}: a source that \
                 counts no further looks like this"
            ),
            Self::TooMuchMoney { change, limit } => format!(
                "changes of {change} a month, up and down added together, are over the limit of \
                 {limit}"
            ),
            Self::MoneyUnknown { changes } => format!(
                "there is a limit of money, and the price or the billing period of {changes} \
                 changes cannot be told"
            ),
            Self::AccountsVanished { gone, of } => format!(
                "{gone} of {of} mapped accounts are not in the PSA's list: an answer that leaves \
                 them out does not mean that they are deleted"
            ),
            Self::LinesVanished { gone, of } => format!(
                "{gone} of {of} lines that are known from before are not in the PSA's answer: that \
                 does not mean that they are deleted"
            ),
        }
    }

    /// What a person does about it in this connection.
    pub fn fix(&self, connection: &str) -> String {
        let release = format!(
            "psa-host sync {connection} --release {} --why TEXT",
            self.code()
        );
        match self {
            Self::NoSnapshot => "import one with `psa-host usage import`".to_owned(),
            Self::SnapshotIncomplete => "import a complete snapshot with `psa-host usage import`; \
                                         nothing is posted from this one"
                .to_owned(),
            Self::SnapshotsDisagree {
                snapshots: [one, other],
                ..
            } => format!(
                "withdraw the wrong one, with `psa-host usage withdraw {one} --why TEXT` or \
                 `psa-host usage withdraw {other} --why TEXT`"
            ),
            Self::SnapshotInFuture { .. } => {
                "set the clock of this computer, or of the source, right; take the snapshot out \
                 with `psa-host usage withdraw` if it is the one that is wrong"
                    .to_owned()
            }
            Self::SnapshotOlderThanLast => {
                "import a newer snapshot with `psa-host usage import`".to_owned()
            }
            Self::SnapshotStale { .. } | Self::SnapshotAllZero => format!(
                "import a newer snapshot with `psa-host usage import`; if these counts are right, \
                 release the brake for one run with `{release}`, with --dry-run first"
            ),
            Self::WorkspacesUnread { .. } => {
                "get the whole list, with its rows correct, and import it with \
                                              `psa-host workspace import`"
                    .to_owned()
            }
            Self::TooMuchUnread { .. } => format!(
                "correct the rows in the source and import the usage again with `psa-host usage \
                 import`; to post the others all the same, release the brake for one run with \
                 `{release}`"
            ),
            Self::CountsAlike { .. } => format!(
                "compare some of these customers with Coro's console; withdraw the snapshot with \
                 `psa-host usage withdraw` if it is cut off; if the counts are right, release the \
                 brake for one run with `{release}`"
            ),
            Self::TooManyAccounts { .. }
            | Self::TooManyUnits { .. }
            | Self::TooMuchMoney { .. }
            | Self::MoneyUnknown { .. } => format!(
                "look at `psa-host sync {connection} --dry-run`; if the numbers are right, release \
                 the brake for one run with `{release}`"
            ),
            Self::AccountsVanished { .. } | Self::LinesVanished { .. } => format!(
                "check what the API user may see in the PSA; if they are really gone, release \
                 the brake for one run with `{release}`"
            ),
        }
    }
}

/// Whether so many accounts change that the numbers are in doubt. Neither side counts
/// accounts that are new, nor changes that a person granted.
pub fn too_many_accounts(limits: &BrakeLimits, changed: usize, mapped: usize) -> Option<Brake> {
    let few = usize::try_from(limits.changed_accounts).unwrap_or(usize::MAX);
    let limit = limits.changed_percent;
    let trips = changed > few && over_percent(changed, mapped, limit);
    trips.then_some(Brake::TooManyAccounts {
        changed,
        mapped,
        limit,
    })
}

/// One or two customers that jump are a matter of their own questions; a source that
/// counts wrong does so for more.
const FEW_ACCOUNTS_OF_UNITS: usize = 2;

/// Whether so many units go up, or go down, that the numbers are in doubt. `of`: all
/// units that were there.
pub fn too_many_units(
    limits: &BrakeLimits,
    change: UnitsChange,
    accounts: usize,
    of: Units,
) -> Option<Brake> {
    let limit = limits.units_percent?;
    let size = change.get().abs();
    let hundredfold = size.saturating_mul(Decimal::ONE_HUNDRED);
    let trips = accounts > FEW_ACCOUNTS_OF_UNITS
        && size > Decimal::from(limits.units)
        && hundredfold > of.get().saturating_mul(limit.into());
    trips.then_some(Brake::TooManyUnits {
        change,
        accounts,
        of,
        limit,
    })
}

/// Whether the changes of a month, by currency, are over the limit.
pub fn too_much_money(
    limits: &BrakeLimits,
    changes: &BTreeMap<Option<Box<str>>, Decimal>,
) -> Option<Brake> {
    let limit = limits.money?;
    let (currency, amount) = changes.iter().max_by_key(|(_, amount)| **amount)?;
    (*amount > limit).then(|| Brake::TooMuchMoney {
        change: Money {
            amount: *amount,
            currency: currency.clone(),
        },
        limit,
    })
}

/// Whether so many things that were there are not in an answer that the answer is in
/// doubt: more than one, and all of them or more than the share. A single one is a
/// matter of its own pair.
pub fn too_many_gone(limits: &BrakeLimits, gone: usize, of: usize) -> bool {
    gone > 1 && (gone == of || over_percent(gone, of, limits.vanished_percent))
}

fn over_percent(part: usize, whole: usize, percent: u8) -> bool {
    part.saturating_mul(100) > whole.saturating_mul(usize::from(percent))
}

#[cfg(test)]
mod tests;
