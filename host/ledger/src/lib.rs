//! Durable state: what is configured, what was counted, what is to be sent, and what
//! came of it. One data directory, SQLite inside; a narrow set of verbs and plain
//! records outside, so that another database can stand beside it.
//!
//! All verbs are synchronous. A [`Ledger`] is cheap to clone and may be used from any
//! thread; many processes may have it open at once. Readers are never blocked, writers
//! take turns. What money depends on is on the disk when a verb returns.
//!
//! Every change is written to the [history](HistoryEvent) in the same transaction, under the
//! name given by [`Ledger::with_actor`].

#![forbid(unsafe_code)]

mod answer;
mod backup;
mod boot;
mod budget;
mod bundles;
mod connections;
mod count_exclusions;
mod count_policies;
mod data_dir;
mod due_days;
mod error;
mod fix;
mod hand_out;
mod history;
mod intents;
mod intents_read;
mod key;
mod known_accounts;
mod lease;
mod limits_added;
mod lines;
mod lines_seen;
mod lock;
mod mapped_names;
mod mapping;
mod migrations;
mod names;
mod open;
mod passed;
mod plugins;
mod questions;
mod rebind;
mod rejections;
mod row;
mod rules;
mod run_cancel;
mod run_lines;
mod runs;
mod secrets;
mod set_asides;
mod stances;
mod step;
mod storage;
mod tenant_claims;
mod transition;
mod usage;
mod usage_names;
mod usage_series;
mod workspaces;

pub use answer::{Answer, Refusal, Resolution};
pub use budget::Observed;
pub use bundles::BundleRecord;
pub use connections::{
    CheckOutcome, Connection, ConnectionChange, CredentialsRefusal, NewConnection,
};
pub use count_exclusions::{ExclusionId, ExclusionRecord};
pub use data_dir::DataDir;
pub use error::LedgerError;
pub use hand_out::{DecisionsAt, HandedOut};
pub use history::{
    Break, BreakCause, Chain, HistoryEvent, HistoryFilter, HistoryHead, NoHead, Verification,
};
pub use intents::{Intent, IntentId, IntentRecord};
pub use intents_read::AdjustedDates;
pub use key::KeySource;
pub use lease::RunLease;
pub use lines::LineRecord;
pub use lines_seen::SeenRight;
pub use lock::TenantLock;
pub use mapped_names::NameOf;
pub use mapping::{AccountMapping, ContractPin, MapReport, Mapped, Mapping, MappingKey, Mappings};
pub use open::{Clock, Ledger, system_clock};
pub use plugins::{AddedPlugin, Approval, DESCRIPTION_FORM, Plugin, PluginFile};
pub use psa_host_billing::{ServiceMapping, UsageItem};
pub use questions::{Answering, NewQuestion, QuestionId, QuestionRecord, QuestionState};
pub use rebind::Rebound;
pub use rejections::Rejections;
pub use row::UnknownWord;
pub use run_cancel::CancelRequest;
pub use run_lines::{LineUpdate, Outcome, RunLine};
pub use runs::{NewRun, Run, RunEnd, RunEnding, RunId, RunStatus};
pub use secrets::Secret;
pub use set_asides::NewSetAside;
pub use stances::StanceRecord;
pub use step::{Observer, Step};
pub use storage::{StorageQuota, StorageScope, StorageUse};
pub use tenant_claims::{TenantBinding, TenantDecision};
pub use transition::{IntentState, MAX_SENDS};
pub use usage::{
    Counted, DifferingCount, Disagreement, NewSnapshot, Snapshot, SnapshotId, Withdrawal,
};
pub use usage_names::{ItemNames, Names};
pub use usage_series::{SeriesCount, UsageSeries};
pub use workspaces::Upserted;

/// What every verb returns.
pub type Result<T, E = LedgerError> = std::result::Result<T, E>;
