//! The codes of brakes, with what they mean and whether a person may release them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! brake_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $cause:literal, $held:expr;)*) => {
        /// A stable code of a brake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum BrakeCode { $($(#[$doc])* $variant,)* }

        impl BrakeCode {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [BrakeCode] = &[$(BrakeCode::$variant,)*];

            /// As it stands in reports (`no-snapshot`).
            pub fn as_str(self) -> &'static str {
                match self { $(BrakeCode::$variant => $code,)* }
            }

            /// What happened, in general.
            pub fn cause(self) -> &'static str {
                match self { $(BrakeCode::$variant => $cause,)* }
            }

            /// Whether it says that the PSA's answer leaves out what is there.
            pub fn doubts_the_answer(self) -> bool {
                matches!(self, Self::AccountsVanished | Self::LinesVanished)
            }

            /// Whether other counts, or another answer of the PSA, end it with nobody's help: it
            /// is worth trying again the same day. The others wait for a person's judgement.
            pub fn mends_itself(self) -> bool {
                match self {
                    Self::NoSnapshot
                    | Self::SnapshotIncomplete
                    | Self::SnapshotsDisagree
                    | Self::SnapshotInFuture
                    | Self::SnapshotStale
                    | Self::SnapshotOlderThanLast
                    | Self::SnapshotAllZero
                    | Self::WorkspacesUnread
                    | Self::TooMuchUnread
                    | Self::AccountsVanished
                    | Self::LinesVanished => true,
                    Self::TooManyAccounts
                    | Self::TooManyUnits
                    | Self::CountsAlike
                    | Self::TooMuchMoney
                    | Self::MoneyUnknown => false,
                }
            }

            /// Why nobody may release it; none: a person may, for one run.
            pub fn never_released(self) -> Option<&'static str> {
                match self { $(BrakeCode::$variant => $held,)* }
            }
        }
    };
}

brake_codes! {
    /// There is no snapshot of the channel at all.
    NoSnapshot = "no-snapshot",
        "Nothing was ever counted for the connection's channel, or all of it was withdrawn.",
        Some("without a snapshot there is nothing to post");
    /// The source says that something is missing.
    SnapshotIncomplete = "snapshot-incomplete",
        "The source of the newest snapshot says that something is missing from it.",
        Some("what is missing cannot be told from what is not used any more");
    /// Two snapshots of one instant count otherwise.
    SnapshotsDisagree = "snapshots-disagree",
        "Two usage snapshots of the channel say that they were taken at the same instant, and their counts differ.",
        Some("which of the two is right is not known; withdraw the other");
    /// A clock is wrong.
    SnapshotInFuture = "snapshot-in-future",
        "The newest snapshot says that it was taken later than now: a clock is wrong, or was set back.",
        Some("when it was counted is not known, and it would stand before every later count");
    /// The snapshot is too old.
    SnapshotStale = "snapshot-stale",
        "The newest snapshot is older than the rules of the connection allow, whatever day is planned for.",
        None;
    /// An earlier run used a newer snapshot.
    SnapshotOlderThanLast = "snapshot-older-than-last",
        "The newest snapshot is older than one that the connection was billed by.",
        Some("newer counts were billed already; withdraw their snapshot if it is wrong");
    /// Not one count above zero.
    SnapshotAllZero = "snapshot-all-zero",
        "Not one count of the newest snapshot is above zero: rather a fault of the source than the end of every customer.",
        None;
    /// Rows of the list of workspaces could not be read.
    WorkspacesUnread = "workspaces-unread",
        "The newest list of workspaces is not whole: rows of it could not be read (`--partial`), or it says itself that it is a page or a part. It lasts until a whole list is imported.",
        Some("which customers are billed cannot be told from a list that is not whole");
    /// The usage of too many pairs could not be read.
    TooMuchUnread = "too-much-unread",
        "The usage of so many mapped pairs could not be read that the source itself is in doubt (more than one, and over the share of `vanished-percent`).",
        None;
    /// Too many accounts would change.
    TooManyAccounts = "too-many-accounts",
        "More accounts would change than the rules of the connection allow. New accounts, and changes that a person granted, are not counted.",
        None;
    /// Too many units up or down in one day.
    TooManyUnits = "too-many-units",
        "The units of the connection together would rise or fall by more than the rules allow, all runs of a day added up and held against what its first run saw. New accounts, and changes that a person granted, are not counted.",
        None;
    /// One and the same count on many lines.
    CountsAlike = "counts-alike",
        "So many of the lines that would change have one and the same count that the source seems to stop counting there. New accounts, and changes that a person granted, are not counted.",
        None;
    /// Too much money would change.
    TooMuchMoney = "too-much-money",
        "The changes of a month, up and down added together, are over the limit of the rules.",
        None;
    /// The money of some changes cannot be told.
    MoneyUnknown = "money-unknown",
        "The rules have a limit of money, and the PSA does not say the price or the billing period of some changes.",
        None;
    /// Mapped accounts are not in the PSA's answer.
    AccountsVanished = "accounts-vanished",
        "So many mapped accounts are not in the PSA's answer that the answer itself is in doubt.",
        None;
    /// Posted lines are not in the PSA's answer.
    LinesVanished = "lines-vanished",
        "So many lines that were posted before are not in the PSA's answer that the answer itself is in doubt.",
        None;
}

impl fmt::Display for BrakeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no brake's code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is no brake; there are {}", text, all())]
pub struct UnknownBrake {
    text: String,
}

fn all() -> String {
    let all: Vec<&str> = BrakeCode::ALL.iter().map(|code| code.as_str()).collect();
    all.join(", ")
}

impl FromStr for BrakeCode {
    type Err = UnknownBrake;
    fn from_str(text: &str) -> Result<Self, UnknownBrake> {
        let found = Self::ALL.iter().copied().find(|c| c.as_str() == text);
        found.ok_or_else(|| UnknownBrake {
            text: text.chars().take(60).collect(),
        })
    }
}

impl Serialize for BrakeCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for BrakeCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
