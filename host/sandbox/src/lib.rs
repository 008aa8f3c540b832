//! Everything a plugin can touch. A `.wasm` file goes in, a typed [`Connector`] comes
//! out; between the two stand the limits that make it safe to run a stranger's code
//! with a customer's billing credentials.
//!
//! ```text
//! Sandbox::load(bytes) ─► Plugin ─► Session (one per connection and run) ─► Connector (one per instance)
//!                           │          │ grant, settings, secrets,             │ check, list_…, read_lines,
//!                     Description      │ storage, budget, incidents            │ adjust
//! ```
//!
//! - A [`Plugin`] is compiled once and known by the SHA-256 of its file.
//! - A [`Session`] is one connection's run: what the operator granted, the secrets
//!   (which never enter the guest), the tenant's request budget, and the record of
//!   everything the plugin tried that it may not ([`Session::incidents`]).
//! - A [`Connector`] is one instance in one store. After a trap or a timeout its store
//!   is gone; other connectors of the session notice nothing.
//!
//! What has to outlive a run is declared here as traits ([`PluginStorage`],
//! [`BudgetStore`]) and kept by somebody else. Nothing here names a PSA.

#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod artifact;
mod bindings;
mod budget;
mod cache;
mod clock;
mod compile;
mod config;
mod connector;
mod describe;
mod engine;
mod error;
mod gate;
mod grant;
mod guest;
mod hash;
mod http;
mod incident;
mod instance;
mod limits;
mod load;
mod log;
mod memory;
mod names;
mod pages;
mod pattern;
mod posting;
mod reading;
mod refusal;
mod secret;
mod session;
mod shared;
mod storage;
mod template;
mod text;
mod waits;
mod wasi;
mod weight;

pub use budget::{BudgetStore, InMemoryBudget, Observation, SPEND_BATCH};
pub use clock::Clock;
pub use compile::{Compiler, WorkerError, compile_worker};
pub use config::Config;
pub use connector::{
    ApiUsage, CheckReport, Connector, Depth, Finding, FindingVerdict, LineReading, Page,
};
pub use describe::{
    Authentication, Description, Field, FieldKind, FieldScope, HeaderTemplate, RefusalEvidence,
    RefusalForm, RequestLimits, Scheme, Terms, TokenRequest, Window,
};
pub use error::{CallError, CallErrorKind, LoadError, SandboxError, SessionError, StoreFailure};
pub use gate::WriteGate;
pub use grant::Grant;
pub use hash::{HashError, PluginHash};
pub use http::RequestCount;
pub use http::{
    Lookup, Network, NetworkError, NetworkFault, PathPattern, Resolver, Route, RouteError,
    RouteKind,
};
pub use incident::{Incident, IncidentCode, Phase};
pub use limits::Limits;
pub use load::{Plugin, Sandbox};
pub use pages::{Accounts, Contracts, Held, LineBatches, List, Pages, Services};
pub use pattern::{HostPattern, PatternError};
pub use posting::Posting;
pub use secret::Secret;
pub use session::{Session, SessionBuilder};
pub use storage::{InMemoryStorage, PluginStorage, StorageUsage};
pub use template::{Template, TemplateError};
pub use text::is_mischief;
pub use weight::Weight;
