//! The record of what a plugin tried that it may not, and of how it failed: what a
//! run's report shows beside the plugin's name.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What a plugin was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "each is the export of the contract with its name"
)]
pub enum Phase {
    Describe,
    Configure,
    Check,
    ListAccounts,
    ListServices,
    ListContracts,
    ReadLines,
    Adjust,
}

impl Phase {
    /// The export's name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Configure => "configure",
            Self::Check => "check",
            Self::ListAccounts => "list-accounts",
            Self::ListServices => "list-services",
            Self::ListContracts => "list-contracts",
            Self::ReadLines => "read-lines",
            Self::Adjust => "adjust",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What kind of incident; its text is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum IncidentCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl IncidentCode {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable text (`host-not-granted`).
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// Asked for by the plugin but not approved by the operator.
    HostNotGranted = "host-not-granted",
    /// Not among the hosts that the plugin declares.
    HostNotDeclared = "host-not-declared",
    /// An IP address instead of a name, in whatever spelling.
    IpLiteral = "ip-literal",
    /// A name that resolves to an address inside this network or to the host's own.
    AddressRefused = "address-refused",
    /// Neither https nor an enabled loopback origin.
    SchemeRefused = "scheme-refused",
    /// A port that no setting names.
    PortRefused = "port-refused",
    /// An address that cannot be read in one way only.
    UrlRefused = "url-refused",
    /// A header that is the host's, or could split a request.
    HeaderRefused = "header-refused",
    /// A method outside the contract.
    MethodRefused = "method-refused",
    /// Neither a read nor a declared route.
    RouteUndeclared = "route-undeclared",
    /// A write at any time but in `adjust`.
    WriteOutsideAdjust = "write-outside-adjust",
    /// A second write in one `adjust`.
    SecondWrite = "second-write",
    /// A request in `describe` or `configure`.
    RequestAtWrongTime = "request-at-wrong-time",
    /// A request over a size cap.
    RequestTooLarge = "request-too-large",
    /// More requests than a call or a run may make.
    TooManyRequests = "too-many-requests",
    /// An answer over a size cap, after decompression.
    ResponseTooLarge = "response-too-large",
    /// An answer that did not end in time.
    ResponseTooSlow = "response-too-slow",
    /// An answer that points elsewhere; it was handed over, not followed.
    RedirectNotFollowed = "redirect-not-followed",
    /// A secret in an answer, replaced before the plugin saw it.
    SecretEchoed = "secret-echoed",
    /// A secret's value in what the plugin itself sent.
    SecretKnown = "secret-known",
    /// More log lines than are kept.
    LogFlood = "log-flood",
    /// More storage operations than a call may make.
    StorageFlood = "storage-flood",
    /// A value or key over its cap, or a full quota.
    StorageQuota = "storage-quota",
    /// The plugin's code failed.
    Trap = "trap",
    /// The plugin ended its process.
    Exit = "exit",
    /// Too much computing in one call.
    ComputeLimit = "compute-limit",
    /// A call that did not come back in time.
    CallTimeLimit = "call-time-limit",
    /// More memory than a plugin gets.
    MemoryLimit = "memory-limit",
    /// A larger table than a plugin gets.
    TableLimit = "table-limit",
    /// Deeper recursion than a plugin gets.
    StackLimit = "stack-limit",
    /// More data given to the host at once than it takes.
    AnswerTooLarge = "answer-too-large",
    /// An answer that breaks the contract.
    BadAnswer = "bad-answer",
    /// A cursor that came before: the list would never end.
    CursorRepeats = "cursor-repeats",
    /// A list of more pages or entries than are read.
    TooManyPages = "too-many-pages",
    /// `adjust` said accepted, but no write was sent or the PSA had refused it.
    AcceptedWithoutWrite = "accepted-without-write",
    /// The store that counts requests did not answer.
    BudgetUnrecorded = "budget-unrecorded",
}

impl fmt::Display for IncidentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something a plugin did that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What kind.
    pub code: IncidentCode,
    /// During which call.
    pub during: Phase,
    /// One sentence; may hold hostile text, without control characters.
    pub message: String,
    /// What can be done.
    pub fix: Option<String>,
    /// How often the same happened.
    pub times: u32,
}

/// Different incidents kept of one run: enough to see what goes on, and a plugin that
/// makes a new one with each request cannot fill the memory.
const MAX_KEPT: usize = 200;

/// A run's incidents, written by its instances.
#[derive(Debug, Default)]
pub(crate) struct Incidents(Mutex<Vec<Incident>>);

impl Incidents {
    pub(crate) fn record(
        &self,
        code: IncidentCode,
        during: Phase,
        message: &str,
        fix: Option<&str>,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let message = crate::text::words(message);
        let same = |old: &&mut Incident| {
            old.code == code && old.during == during && old.message == message
        };
        if let Some(old) = kept.iter_mut().find(same) {
            old.times = old.times.saturating_add(1);
            return;
        }
        tracing::debug!(target: "psa_host::plugin", code = code.as_str(), %during, message, "incident");
        if kept.len() < MAX_KEPT {
            kept.push(Incident {
                code,
                during,
                message,
                fix: fix.map(crate::text::words),
                times: 1,
            });
        }
    }

    pub(crate) fn all(&self) -> Vec<Incident> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_incident_is_kept_once_and_counted() {
        let incidents = Incidents::default();
        for _ in 0..3 {
            incidents.record(IncidentCode::SecondWrite, Phase::Adjust, "twice", None);
        }
        let all = incidents.all();
        assert_eq!((all.len(), all[0].times), (1, 3));
    }

    #[test]
    fn new_incidents_with_each_request_do_not_fill_the_memory() {
        let incidents = Incidents::default();
        for n in 0..1_000 {
            incidents.record(IncidentCode::IpLiteral, Phase::Check, &n.to_string(), None);
        }
        assert_eq!(incidents.all().len(), MAX_KEPT);
    }

    #[test]
    fn codes_are_written_the_same_everywhere() {
        for code in IncidentCode::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
        }
    }
}
