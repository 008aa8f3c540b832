//! A rejection is a claim: what a connector says a PSA refused, and what follows from it
//! once the line was read.

use std::fmt;
use std::str::FromStr;

use crate::settle::Shows;

/// Rejections of one target, in a row, after which a line is held until its target changes
/// or a person lifts it: one may be a moment's, two are the PSA's answer.
pub const MAX_REJECTIONS: usize = 2;

/// Why a PSA refused an adjustment, as the connector recognised its words.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    schemars::JsonSchema,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionKind {
    /// It has an adjustment of the line for this date.
    DateAlreadyAdjusted,
    /// The period is approved and posted.
    PeriodPosted,
    /// The date lies outside the contract.
    OutsideContract,
    /// The API user may not.
    Permission,
    /// The credentials are refused.
    Credentials,
    /// For another reason, of which the connector is sure that nothing was done.
    Other,
}

impl RejectionKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DateAlreadyAdjusted,
        Self::PeriodPosted,
        Self::OutsideContract,
        Self::Permission,
        Self::Credentials,
        Self::Other,
    ];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DateAlreadyAdjusted => "date-already-adjusted",
            Self::PeriodPosted => "period-posted",
            Self::OutsideContract => "outside-contract",
            Self::Permission => "permission",
            Self::Credentials => "credentials",
            Self::Other => "other",
        }
    }

    /// About whoever asks, not about the line: it ends the run's writes, and counts for no
    /// line.
    pub fn is_about_the_user(self) -> bool {
        matches!(self, Self::Permission | Self::Credentials)
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of rejection")]
pub struct UnknownRejection(pub String);

impl FromStr for RejectionKind {
    type Err = UnknownRejection;

    fn from_str(text: &str) -> Result<Self, UnknownRejection> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownRejection(text.to_owned()))
    }
}

/// What a rejection comes to, once its line was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// The line stands where it was: the PSA refused it.
    Stands,
    /// It stands where it was, and the refusal says nothing of the line.
    NotThisLine,
    /// What the line shows contradicts the refusal, or goes beyond it.
    Contradicted(Shows),
}

/// Judge a rejection by what its line shows.
pub fn rejected(kind: RejectionKind, shows: Shows) -> Rejected {
    match shows {
        Shows::NotApplied if kind.is_about_the_user() => Rejected::NotThisLine,
        Shows::NotApplied => Rejected::Stands,
        applied_or_else => Rejected::Contradicted(applied_or_else),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hold, HoldCode};

    #[test]
    fn a_rejection_stands_only_where_the_line_stands_at_its_baseline() {
        let other = || Shows::Else(Hold::new(HoldCode::UnexpectedUnits, "9"));
        for kind in RejectionKind::ALL {
            let stands = match kind {
                RejectionKind::Permission | RejectionKind::Credentials => Rejected::NotThisLine,
                _ => Rejected::Stands,
            };
            assert_eq!(rejected(kind, Shows::NotApplied), stands, "{kind}");
            for shows in [Shows::Applied, other()] {
                let judged = rejected(kind, shows.clone());
                assert_eq!(judged, Rejected::Contradicted(shows), "{kind}");
            }
        }
    }

    #[test]
    fn kinds_read_back() {
        for kind in RejectionKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("no".parse::<RejectionKind>().is_err());
    }
}
