//! HTTP on a plugin's behalf. A request passes, in this order: [`policy`] (where),
//! [`routes`] (read or write), [`headers`] (with what), the tenant's budget (when),
//! [`auth`] (as whom), [`resolver`] (to which address); its answer passes [`exchange`]
//! (how much, how long) and [`redact`] (without secrets) before the guest sees it.
//! [`send`] and [`attempt`] put them in a row.

mod address;
mod attempt;
mod auth;
mod call;
mod checked;
mod credentials_watch;
mod exchange;
mod fault;
mod headers;
mod network;
mod oauth;
mod policy;
mod rate;
mod redact;
mod request_count;
mod resolver;
mod routes;
mod secrets;
mod send;
mod token;
mod unescape;

pub use self::fault::NetworkFault;
pub use self::network::{Network, NetworkError};
pub use self::request_count::RequestCount;
pub use self::resolver::{Lookup, Resolver};
pub use self::routes::{PathPattern, Route, RouteError, RouteKind};

pub(crate) use self::auth::Credentials;
pub(crate) use self::call::{CallRecord, Note, Write};
pub(crate) use self::credentials_watch::CredentialsWatches;
pub(crate) use self::headers::is_reserved;
pub(crate) use self::policy::{Policy, is_loopback};
pub(crate) use self::redact::can_be_told;
pub(crate) use self::send::{Egress, Setup};

use crate::IncidentCode;

/// Why the host would not send a request. A value for the guest, an incident for the
/// operator, never a trap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: IncidentCode,
    pub message: String,
    pub fix: Option<String>,
}

impl Refusal {
    fn new(code: IncidentCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fix: None,
        }
    }

    fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

#[cfg(test)]
impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.fix {
            Some(fix) => write!(f, " [{fix}]"),
            None => Ok(()),
        }
    }
}
