//! The errors of this crate: each says what happened, and where a person can act,
//! what to do.

use std::time::Duration;

use jiff::Timestamp;

use crate::NetworkFault;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A folder that cannot be made, or that others could write to.
    #[error("the folder {path} cannot be used: {problem}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        problem: String,
    },
    /// This computer cannot run the engine as configured.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
}

impl SandboxError {
    /// What a person can do.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "Check that the data directory belongs to this user alone.",
            Self::Engine(_) => {
                "The engine reserves some two terabytes of address space, and uses little of it: lift the limit on it (`ulimit -v unlimited`, LimitAS=infinity in a systemd unit), on a 64-bit Linux."
            }
        }
    }
}

/// Why a file is no usable plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Over the cap for a file.
    #[error("the file has {size} bytes; a plugin has at most {most}")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The cap.
        most: u64,
    },
    /// Not WebAssembly at all.
    #[error("this is not a WebAssembly file{0}")]
    NotWasm(&'static str),
    /// A core module.
    #[error("this is a WebAssembly module, not a component")]
    NotComponent,
    /// A component that is no connector.
    #[error(
        "this component is not a PSA connector: it does not export `psa-host:connector/connector`{found}"
    )]
    NotConnector {
        /// What it exports instead, for a person.
        found: String,
    },
    /// A connector for another version of the contract.
    #[error(
        "this connector was made for version {found} of the contract; this host speaks {supported}"
    )]
    Version {
        /// What it was made for.
        found: String,
        /// What this host speaks.
        supported: String,
    },
    /// An import beyond what connectors get.
    #[error("this connector imports `{import}`, which connectors do not get")]
    Import {
        /// Its name.
        import: String,
    },
    /// The names are right, the types are not.
    #[error("this connector does not fit the contract: {0}")]
    Interface(String),
    /// Damaged, or using WebAssembly features that are switched off.
    #[error("the component cannot be compiled: {0}")]
    Invalid(String),
    /// Compilation took too long, or too much memory, and was killed.
    #[error("compiling the component was stopped: {0}")]
    CompileLimit(String),
    /// The compiler could not be run, or the cache could not be written.
    #[error("the component could not be compiled here: {0}")]
    Compiler(String),
    /// `describe` failed.
    #[error("the connector could not describe itself: {0}")]
    Describe(Box<CallError>),
    /// `describe` answered, and the answer makes no sense.
    #[error("the connector's description is not valid: {}", .0.join("; "))]
    Description(Vec<String>),
}

impl LoadError {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "plugin-too-large",
            Self::NotWasm(_) => "plugin-not-wasm",
            Self::NotComponent => "plugin-not-component",
            Self::NotConnector { .. } => "plugin-not-connector",
            Self::Version { .. } => "plugin-version",
            Self::Import { .. } => "plugin-import",
            Self::Interface(_) => "plugin-interface",
            Self::Invalid(_) => "plugin-invalid",
            Self::CompileLimit(_) => "plugin-compile-limit",
            Self::Compiler(_) => "plugin-compiler",
            Self::Describe(_) => "plugin-describe",
            Self::Description(_) => "plugin-description",
        }
    }

    /// What a person can do.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "Build the plugin for release, without debug information.",
            Self::NotWasm(_) => "Give the .wasm file that the plugin's author published.",
            Self::NotComponent => {
                "Build it for the target wasm32-wasip2, or make a component of it with `wasm-tools component new`."
            }
            Self::NotConnector { .. } | Self::Interface(_) => {
                "Build the plugin against this host's `wit/`."
            }
            Self::Version { .. } => {
                "Get a build of the plugin for this host, or a host for this plugin."
            }
            Self::Import { .. } => {
                "A connector may import http, storage and log of the contract and what its language's runtime needs of WASI 0.2. Build it without the rest."
            }
            Self::Invalid(_) => "Get the file again; if it stays so, ask the plugin's author.",
            Self::CompileLimit(_) => {
                "An honest connector compiles in seconds. Do not use this file before its author explains."
            }
            Self::Compiler(_) => "Check free disk space and the permissions of the data folder.",
            Self::Describe(_) | Self::Description(_) => "Ask the plugin's author.",
        }
    }
}

/// Why a session cannot begin: settings, secrets and grant do not fit the plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The grant was given to another file.
    #[error("what was approved is another file ({approved}) than this plugin ({plugin})")]
    OtherPlugin {
        /// What the grant names.
        approved: String,
        /// What is loaded.
        plugin: String,
    },
    /// A required field has no value.
    #[error("{label} ({key}) is not set")]
    Missing {
        /// Its key.
        key: String,
        /// Its label.
        label: String,
    },
    /// A value for no field, or a secret where none belongs and the other way round.
    #[error("the plugin has no {what} called {key:?}")]
    Unknown {
        /// `setting` or `secret`.
        what: &'static str,
        /// Its key.
        key: String,
    },
    /// A value that cannot be used.
    #[error("{label} ({key}) cannot be used: {problem}")]
    Value {
        /// Its key.
        key: String,
        /// Its label.
        label: String,
        /// Why; never the value of a secret.
        problem: String,
    },
    /// A url setting beyond the grant.
    #[error("{label} ({key}) leads to {origin}, which is not granted to this plugin")]
    NotGranted {
        /// Its key.
        key: String,
        /// Its label.
        label: String,
        /// Where it leads.
        origin: String,
    },
    /// A loopback origin without the development switch.
    #[error("{label} ({key}) leads to this computer ({origin})")]
    Loopback {
        /// Its key.
        key: String,
        /// Its label.
        label: String,
        /// Where it leads.
        origin: String,
    },
}

impl SessionError {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherPlugin { .. } => "not-approved",
            Self::Missing { .. } => "setting-missing",
            Self::Unknown { .. } => "setting-unknown",
            Self::Value { .. } => "setting-invalid",
            Self::NotGranted { .. } => "host-not-granted",
            Self::Loopback { .. } => "loopback-not-enabled",
        }
    }

    /// What a person can do.
    pub fn fix(&self) -> String {
        match self {
            Self::OtherPlugin { .. } => {
                "Look at what this file asks for and approve it.".to_owned()
            }
            Self::Missing { label, .. } => format!("Set {label}."),
            Self::Unknown { .. } => "Remove it.".to_owned(),
            Self::Value { label, .. } => format!("Correct {label}."),
            Self::NotGranted { origin, .. } => {
                format!("Approve a host pattern that covers {origin}, if the plugin asks for one.")
            }
            Self::Loopback { .. } => {
                "Use an https address; loopback is for development only, with its own switch."
                    .to_owned()
            }
        }
    }
}

/// What kind of failure a call ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The PSA refused the credentials; nothing more is sent with them in this run.
    Authentication,
    /// Known to the PSA but not allowed.
    Permission,
    /// Too many requests.
    RateLimited {
        /// At least this long, where the PSA said so.
        retry_after: Option<Duration>,
    },
    /// Not there.
    NotFound,
    /// An answer, setting or argument that makes no sense to the connector.
    Invalid,
    /// The PSA understood and said no.
    Rejected,
    /// May pass.
    Transient,
    /// There is no connection, for a reason that does not pass by itself.
    NoConnection(NetworkFault),
    /// The host would not send a request; the session's incidents say more.
    Refused,
    /// The tenant's request budget is used up for now.
    BudgetParked {
        /// When to go on.
        until: Timestamp,
    },
    /// The plugin's code failed; the instance is gone.
    Trapped,
    /// The plugin did not come back in time; the instance is gone.
    TimedOut,
    /// The plugin went over a limit; the instance is gone unless `which` is `pages` or
    /// `list`.
    OutOfLimits {
        /// Which: `memory`, `table`, `stack`, `answer`, `instances`; `pages` for a list
        /// that does not end, `list` for lists that are too large.
        which: &'static str,
    },
    /// The connector's answer breaks the contract.
    BadAnswer,
    /// This instance is gone after an earlier failure: connect again.
    Gone,
}

/// Why a call on a connector failed. Shown as its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// What kind of failure.
    pub kind: CallErrorKind,
    /// One sentence. May hold text of the plugin, bounded and without control characters.
    pub message: String,
    /// What the PSA said, where the connector passed it on: hostile text too.
    pub psa_words: Option<String>,
    /// What a person can do, by the host's own knowledge.
    pub fix: Option<String>,
    /// What the plugin advises: hostile text too, which stands beside the host's advice and
    /// never in its place.
    pub plugin_advice: Option<String>,
}

impl CallError {
    /// What a person can do: by the host, or else by `otherwise`; then, marked as such, what
    /// the plugin advises.
    pub fn advice(&self, otherwise: &str) -> String {
        let own = self.fix.as_deref().unwrap_or(otherwise);
        match &self.plugin_advice {
            None => own.to_owned(),
            Some(advice) => format!("{own} The plugin says: {advice}").trim().to_owned(),
        }
    }

    /// The message, with what the PSA said where it is not in it already.
    pub fn in_full(&self) -> String {
        match &self.psa_words {
            Some(words) if !self.message.contains(words.as_str()) => {
                format!("{} ({words})", self.message)
            }
            _ => self.message.clone(),
        }
    }

    pub(crate) fn new(kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            psa_words: None,
            fix: None,
            plugin_advice: None,
        }
    }

    pub(crate) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Stable.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            CallErrorKind::Authentication => "authentication",
            CallErrorKind::Permission => "permission",
            CallErrorKind::RateLimited { .. } => "rate-limited",
            CallErrorKind::NotFound => "not-found",
            CallErrorKind::Invalid => "invalid",
            CallErrorKind::Rejected => "rejected",
            CallErrorKind::Transient => "transient",
            CallErrorKind::NoConnection(fault) => fault.code(),
            CallErrorKind::Refused => "refused",
            CallErrorKind::BudgetParked { .. } => "budget-parked",
            CallErrorKind::Trapped => "plugin-trapped",
            CallErrorKind::TimedOut => "plugin-timed-out",
            CallErrorKind::OutOfLimits { .. } => "plugin-out-of-limits",
            CallErrorKind::BadAnswer => "plugin-bad-answer",
            CallErrorKind::Gone => "plugin-gone",
        }
    }
}

/// A store did not answer, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreFailure(pub String);
