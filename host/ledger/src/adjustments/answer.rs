//! What came back for an intent, what is found out about it later, and what the run's
//! row says of either.

use std::fmt;
use std::str::FromStr;

use psa_host_billing::{HoldCode, RejectionKind, ReportCode};

use crate::IntentState;
use crate::db::UnknownWord;
use crate::runs::outcome::{LineUpdate, Outcome};

/// How a PSA refused an adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It said no, for this reason, as far as the connector can be believed.
    Rejected(RejectionKind),
    /// It asked for a pause (429): nobody knows whether it did it all the same.
    RateLimited,
}

impl Refusal {
    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected(kind) => kind.as_str(),
            Self::RateLimited => "rate-limited",
        }
    }

    /// Found not to have been applied, it says nothing of the line: the PSA was busy, or
    /// the user was refused.
    pub fn is_no_attempt(self) -> bool {
        match self {
            Self::Rejected(kind) => kind.is_about_the_user(),
            Self::RateLimited => true,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Refusal {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        if word == Self::RateLimited.as_str() {
            return Ok(Self::RateLimited);
        }
        let kind = word.parse().map_err(|_| UnknownWord(word.to_owned()))?;
        Ok(Self::Rejected(kind))
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The PSA said yes.
    Accepted,
    /// The PSA is said to have refused it: in doubt until its line was read.
    Refused {
        /// How.
        how: Refusal,
        /// Its words.
        words: String,
    },
    /// It cannot be told whether it was applied; why.
    Doubtful(String),
    /// The host is sure that no byte left; why.
    NotSent(String),
}

/// What reading the line back showed, or what a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The line is at its target.
    Confirmed,
    /// The line is at its baseline.
    NotApplied,
    /// The line is at its baseline, and the PSA had said no.
    Rejected {
        /// Why, in words.
        why: String,
    },
    /// Neither: a person must look.
    Held {
        /// Why, as a code.
        code: String,
        /// Why, in words.
        why: String,
    },
}

impl Answer {
    pub(crate) fn state(&self) -> IntentState {
        match self {
            Self::Accepted => IntentState::Accepted,
            Self::Refused { .. } | Self::Doubtful(_) => IntentState::Doubtful,
            Self::NotSent(_) => IntentState::NotSent,
        }
    }

    pub(crate) fn words(&self) -> Option<&str> {
        match self {
            Self::Accepted => None,
            Self::Refused { words, .. } | Self::Doubtful(words) | Self::NotSent(words) => {
                Some(words)
            }
        }
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { how, .. } => Some(*how),
            _ => None,
        }
    }

    /// What the run's row says until more is known.
    pub(crate) fn row(&self, row: u32) -> LineUpdate {
        let of = |code: ReportCode| (code.as_str(), code.fix());
        let (outcome, (code, fix)) = match self {
            Self::Accepted => (Outcome::Doubtful, of(ReportCode::NotReadBack)),
            Self::Refused { .. } | Self::Doubtful(_) => {
                (Outcome::Doubtful, of(ReportCode::NoClearAnswer))
            }
            Self::NotSent(_) => (
                Outcome::Held,
                (HoldCode::NotSent.as_str(), HoldCode::NotSent.fix()),
            ),
        };
        let message = match self.words() {
            Some(words) => words.to_owned(),
            None => "The PSA accepted it; it was not read back yet.".to_owned(),
        };
        LineUpdate {
            row,
            outcome,
            code: Some(code.to_owned()),
            message: Some(message),
            fix: Some(fix.to_owned()),
        }
    }
}

impl Resolution {
    pub(crate) fn state(&self) -> IntentState {
        match self {
            Self::Confirmed => IntentState::Confirmed,
            Self::NotApplied => IntentState::NotApplied,
            Self::Rejected { .. } => IntentState::Rejected,
            Self::Held { .. } => IntentState::Held,
        }
    }

    pub(crate) fn row(&self, row: u32) -> LineUpdate {
        let (outcome, code, message, fix) = match self {
            Self::Confirmed => (Outcome::Confirmed, None, None, None),
            Self::NotApplied => (
                Outcome::Held,
                Some(ReportCode::NotApplied.as_str()),
                Some("The change did not reach the line."),
                Some(ReportCode::NotApplied.fix()),
            ),
            Self::Rejected { why } => (
                Outcome::Rejected,
                Some(ReportCode::Rejected.as_str()),
                Some(why.as_str()),
                Some(ReportCode::Rejected.fix()),
            ),
            Self::Held { code, why } => (
                Outcome::Held,
                Some(code.as_str()),
                Some(why.as_str()),
                Some(
                    HoldCode::named(code)
                        .unwrap_or(HoldCode::UnexpectedUnits)
                        .fix(),
                ),
            ),
        };
        LineUpdate {
            row,
            outcome,
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            fix: fix.map(str::to_owned),
        }
    }
}
