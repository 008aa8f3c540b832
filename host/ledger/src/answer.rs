//! What came back for an intent, what is found out about it later, and what the run's
//! row says of either.

use psa_host_billing::{HoldCode, ReportCode};

use crate::{IntentState, LineUpdate, Outcome};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The PSA said yes.
    Accepted,
    /// The PSA said no, in its words.
    Rejected(String),
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
            Self::Rejected(_) => IntentState::Rejected,
            Self::Doubtful(_) => IntentState::Doubtful,
            Self::NotSent(_) => IntentState::NotSent,
        }
    }

    pub(crate) fn words(&self) -> Option<&str> {
        match self {
            Self::Accepted => None,
            Self::Rejected(words) | Self::Doubtful(words) | Self::NotSent(words) => Some(words),
        }
    }

    /// What the run's row says until more is known.
    pub(crate) fn row(&self, row: u32) -> LineUpdate {
        let of = |code: ReportCode| (code.as_str(), code.fix());
        let (outcome, (code, fix)) = match self {
            Self::Accepted => (Outcome::Doubtful, of(ReportCode::NotReadBack)),
            Self::Rejected(_) => (Outcome::Rejected, of(ReportCode::Rejected)),
            Self::Doubtful(_) => (Outcome::Doubtful, of(ReportCode::NoClearAnswer)),
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
            Self::Held { code, why } => (
                Outcome::Held,
                Some(code.as_str()),
                Some(why.as_str()),
                Some("Look at the line in the PSA, then say what happened with `run resolve`."),
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
