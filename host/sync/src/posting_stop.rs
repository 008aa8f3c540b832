//! The stop of all posting: one switch for the whole installation, for the day on which
//! something is wrong and nobody knows yet what.

use jiff::Timestamp;
use psa_host_billing::ErrorCode;
use psa_host_ledger::PostingStop;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::rule;
use crate::{Access, Power, Result};

/// Whether anything may be posted.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct PostingStopView {
    /// Whether nothing is posted anywhere.
    pub stopped: bool,
    /// Since when.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub since: Option<Timestamp>,
    /// By whom.
    pub by: Option<String>,
    /// The reason.
    pub why: Option<String>,
}

impl Access {
    /// Whether posting is stopped.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn posting_stop(&self) -> Result<PostingStopView> {
        self.may(Power::Read)?;
        Ok(self.ledger().posting_stop()?.into())
    }

    /// Stop all posting: no run begins that would post, and what is under way sends nothing
    /// more.
    ///
    /// # Errors
    /// No reason is given; the actor may not.
    pub fn stop_posting(&self, why: &str) -> Result<PostingStopView> {
        self.may(Power::Operate)?;
        self.ledger().stop_posting(reason(why)?)?;
        self.posting_stop()
    }

    /// Let be posted again.
    ///
    /// # Errors
    /// No reason is given; the actor may not.
    pub fn resume_posting(&self, why: &str) -> Result<PostingStopView> {
        self.may(Power::Operate)?;
        self.ledger().resume_posting(reason(why)?)?;
        self.posting_stop()
    }
}

fn reason(why: &str) -> Result<&str> {
    let why = why.trim();
    match why.is_empty() {
        false => Ok(why),
        true => Err(rule(
            ErrorCode::WhyMissing,
            "no reason is given",
            "Say why: it stands in the history, and in front of everybody who wonders.",
        )),
    }
}

impl From<Option<PostingStop>> for PostingStopView {
    fn from(stop: Option<PostingStop>) -> Self {
        Self {
            stopped: stop.is_some(),
            since: stop.as_ref().map(|stop| stop.at),
            by: stop.as_ref().map(|stop| stop.who.clone()),
            why: stop.map(|stop| stop.why),
        }
    }
}
