//! The one error of this crate, and the one shape that every error has for people and
//! programs: code, message, cause, fix, link.

use jiff::Timestamp;
use psa_host_billing::ErrorCode;
use psa_host_ledger::LedgerError;
use psa_host_sandbox::{CallError, CallErrorKind, LoadError, SandboxError, SessionError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every call returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as it is shown: on the terminal, in JSON, in the console.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Stable; what scripts and documents go by.
    pub code: ErrorCode,
    /// What went wrong, in one sentence.
    pub message: String,
    /// Why, where that is more than the message says.
    pub cause: Option<String>,
    /// What a person can do about it.
    pub fix: Option<String>,
    /// https address of the record concerned, where one is known.
    pub link: Option<String>,
}

impl Problem {
    /// A problem with its fix.
    pub fn new(
        code: impl Into<ErrorCode>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            cause: None,
            fix: Some(fix.into()),
            link: None,
        }
    }

    /// Say why.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// Why a call failed. Unless it says otherwise, the state is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data directory.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The engine.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file that is no usable plugin.
    #[error("{file}: {error}")]
    Load {
        /// Its path, or which installed file it is.
        file: String,
        /// What is wrong with it.
        error: LoadError,
    },
    /// Settings, secrets and approval do not fit the plugin.
    #[error("connection {connection}: {error}")]
    Session {
        /// The connection's name.
        connection: String,
        /// What does not fit.
        error: SessionError,
    },
    /// A call to the PSA, through the plugin.
    #[error("connection {connection}: {error}")]
    Call {
        /// The connection's name.
        connection: String,
        /// What the call ended with.
        error: Box<CallError>,
    },
    /// A rule of this crate.
    #[error(transparent)]
    Rule(#[from] Problem),
    /// A run that had begun to post could not go on.
    #[error("{done}, then: {}", first_sentence(.error))]
    WhilePosting {
        /// What it had done.
        done: String,
        /// Why it could not go on.
        error: Box<Error>,
    },
}

/// Without "nothing was changed", which is true of the last step alone.
fn first_sentence(error: &Error) -> String {
    let told = error.to_string();
    let cut = told.strip_suffix("; nothing was changed");
    cut.unwrap_or(&told).to_owned()
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Ledger(error) => error.code(),
            Self::Sandbox(_) => ErrorCode::Sandbox,
            Self::Load { error, .. } => error.code(),
            Self::Session { error, .. } => error.code(),
            Self::Call { error, .. } => error.code(),
            Self::Rule(problem) => problem.code,
            Self::WhilePosting { error, .. } => error.code(),
        }
    }

    /// The connection that it is about, where it says so.
    pub fn connection(&self) -> Option<&str> {
        match self {
            Self::Session { connection, .. } | Self::Call { connection, .. } => Some(connection),
            Self::Ledger(
                LedgerError::TenantChanged { connection, .. }
                | LedgerError::TenantClaimed { connection, .. }
                | LedgerError::OpenIntents { connection, .. },
            ) => Some(connection),
            Self::WhilePosting { error, .. } => error.connection(),
            _ => None,
        }
    }

    /// When it is worth trying again, where the tenant's request budget says so.
    pub fn parked_until(&self) -> Option<Timestamp> {
        match self {
            Self::Call { error, .. } => match error.kind {
                CallErrorKind::BudgetParked { until } => Some(until),
                _ => None,
            },
            Self::WhilePosting { error, .. } => error.parked_until(),
            _ => None,
        }
    }

    /// In the shape that all errors have.
    pub fn problem(&self) -> Problem {
        if let Self::Rule(problem) = self {
            return problem.clone();
        }
        let (cause, fix) = match self {
            Self::Ledger(error) => (None, Some(error.fix())),
            Self::Sandbox(error) => (None, Some(error.fix().to_owned())),
            Self::Load { error, .. } => (None, Some(error.fix().to_owned())),
            Self::Session { error, .. } => (None, Some(fix_of_session(error))),
            Self::Call { error, .. } => {
                let words = error.psa_words.as_ref();
                let cause = words.map(|words| format!("the PSA said: {words}"));
                (cause, Some(error.advice(&fix_of_call(error))))
            }
            Self::WhilePosting { error, .. } => {
                let problem = error.problem();
                let fix = problem.fix.unwrap_or_default();
                let after = "Then sync again: what is in doubt is read before anything is sent.";
                (
                    problem.cause,
                    Some(format!("{fix} {after}").trim().to_owned()),
                )
            }
            Self::Rule(_) => (None, None),
        };
        Problem {
            code: self.code(),
            message: self.to_string(),
            cause,
            fix,
            link: None,
        }
    }
}

/// The sandbox does not know this program's switches.
fn fix_of_session(error: &SessionError) -> String {
    match error {
        SessionError::Loopback { .. } => "Use the PSA's https address. For development only: \
             --dev-loopback or PSA_HOST_DEV_LOOPBACK=1."
            .to_owned(),
        _ => error.fix(),
    }
}

/// What can be done, by the kind of failure.
fn fix_of_call(error: &CallError) -> String {
    use psa_host_sandbox::CallErrorKind as Kind;
    let fix = match &error.kind {
        Kind::Authentication => {
            "Enter new credentials with `psa-host connection rotate`, then `psa-host connection \
             check`."
        }
        Kind::Permission => "Give the API user the permission in the PSA.",
        Kind::RateLimited { .. } => "Wait, and do it again.",
        Kind::Transient => "Check the network and the PSA's status page, and do it again.",
        Kind::NoConnection(fault) => fault.fix(),
        Kind::BudgetParked { until } => {
            return format!("Do it again after {until}.");
        }
        Kind::Trapped | Kind::TimedOut | Kind::OutOfLimits { .. } | Kind::BadAnswer => {
            "This is a defect of the plugin: tell its author."
        }
        Kind::Invalid => {
            "Do it again. If it stays so, a proxy stands between, or the PSA has changed: tell the \
             plugin's author, with this text."
        }
        Kind::NotFound => {
            "See that the record is still in the PSA, and that the API user may see it; correct \
             the mapping or the base URL that names it."
        }
        Kind::Rejected => "Change in the PSA what its words complain of, and do it again.",
        Kind::Refused => {
            "See with `psa-host plugin inspect` what the plugin may reach and do; approve it anew \
             if it is to have more."
        }
        Kind::Gone => "Do it again.",
    };
    fix.to_owned()
}

/// Shorthand for a failed rule.
pub(crate) fn rule(
    code: impl Into<ErrorCode>,
    message: impl Into<String>,
    fix: impl Into<String>,
) -> Error {
    Error::Rule(Problem::new(code, message, fix))
}
