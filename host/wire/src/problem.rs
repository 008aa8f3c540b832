//! Errors.

use std::borrow::Cow;

use psa_host_billing::ConnectionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{About, Action, Fix};

/// What could not be done, and what to do about it.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Problem<'a> {
    /// Code, message, cause, fix in words, link.
    #[serde(flatten)]
    pub problem: Cow<'a, psa_host_sync::Problem>,
    /// The fix as data, where psa-host can do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Fix>,
}

impl<'a> Problem<'a> {
    /// `connection`: which it is about, where that is known.
    pub fn new(problem: &'a psa_host_sync::Problem, connection: Option<&ConnectionName>) -> Self {
        let about = About {
            connection,
            ..About::default()
        };
        Self {
            problem: Cow::Borrowed(problem),
            action: Action::about(problem.code.as_str(), about).map(Fix::from),
        }
    }
}

/// A command that failed: the whole of its answer.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Error<'a> {
    /// What could not be done.
    pub error: Problem<'a>,
}
