//! What a daemon says: schedules and their dates, the stop of all posting, tokens, runs that
//! were started, and errors in the shape of RFC 9457.

use std::borrow::Cow;

use psa_host_billing::ConnectionName;
use psa_host_sync::{DateView, PostingStopView, ScheduleView, TokenMade, TokenView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{About, Action, Fix};

/// When connections are synced by themselves.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Schedules {
    /// One for each connection.
    pub schedules: Vec<ScheduleView>,
}

/// What became of a connection's dates.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Dates {
    /// Of which connection.
    pub connection: ConnectionName,
    /// Newest first.
    pub dates: Vec<DateView>,
}

/// Whether anything may be posted.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct PostingStop {
    /// Whether, since when, by whom and why not.
    #[serde(flatten)]
    pub posting: PostingStopView,
}

/// One schedule.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Schedule {
    /// It, and what became of its newest date.
    #[serde(flatten)]
    pub schedule: ScheduleView,
}

/// Tokens of the API.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Tokens {
    /// By name.
    pub tokens: Vec<TokenView>,
}

/// A token that was just made.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct TokenAdded {
    /// The token, with the only sight of its secret.
    #[serde(flatten)]
    pub made: TokenMade,
}

/// A token that was taken away.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct TokenRemoved {
    /// Its name.
    pub token: String,
    /// Always.
    pub removed: bool,
}

/// A run that was started, and goes on by itself.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct RunStarted {
    /// `r-000123`.
    pub run: String,
    /// Of which connection.
    pub connection: ConnectionName,
    /// Where it is seen.
    pub href: String,
}

/// Whether the daemon works.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether it can do all of its work.
    pub ready: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// One thing that the daemon needs.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Check {
    /// `database`, `scheduler` or `stopping`.
    pub name: Cow<'static, str>,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What is wrong with it.
    pub message: Option<String>,
}

/// An error as RFC 9457 has it, with what every error of psa-host says.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct ProblemDetails {
    /// A name of the kind of error, as a URI that need not lead anywhere.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the status means, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, in one sentence.
    pub detail: String,
    /// The stable code; docs/errors.md has all of them.
    pub code: String,
    /// Why, where that is more than the detail says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The fix as data, where psa-host can do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Fix>,
    /// Where the record concerned is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl ProblemDetails {
    /// A problem under an HTTP status, with the status's own words.
    pub fn new(problem: &psa_host_sync::Problem, status: u16, title: Option<&str>) -> Self {
        let code = problem.code.as_str();
        Self {
            kind: format!("urn:psa-host:error:{code}"),
            title: title.unwrap_or("Error").to_owned(),
            status,
            detail: problem.message.clone(),
            code: code.to_owned(),
            cause: problem.cause.clone(),
            fix: problem.fix.clone(),
            action: Action::about(code, About::default()).map(Fix::from),
            link: problem.link.clone(),
        }
    }
}
