//! Durable state: what is configured, what was counted, what is to be sent, and what
//! came of it. One data directory, SQLite inside; a narrow set of verbs and plain
//! records outside, so that another database can stand beside it.
//!
//! All verbs are synchronous, and may be called from asynchronous code: the other tasks of
//! that thread go on elsewhere meanwhile. A [`Ledger`] is cheap to clone and may be used from
//! any thread; many processes may have it open at once. Readers are never blocked, writers
//! take turns. What money depends on is on the disk when a verb returns.
//!
//! Every change is written to the [history](HistoryEvent) in the same transaction, under the
//! name given by [`Ledger::with_actor`].

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod adjustments;
mod budget;
mod connections;
mod db;
mod decisions;
mod error;
mod files;
mod fix;
mod history;
mod ids;
mod mapping;
mod mutex;
mod open;
mod people;
mod plugins;
mod runs;
mod schedules;
mod steps;
mod usage;

pub use adjustments::answer::{Answer, Refusal, Resolution};
pub use adjustments::hand_out::{DecisionsAt, HandedOut};
pub use adjustments::intent::{Intent, IntentRecord};
pub use adjustments::intents_read::AdjustedDates;
pub use adjustments::lines::LineRecord;
pub use adjustments::lines_seen::{RightRow, SeenRight};
pub use adjustments::rejections::Rejections;
pub use adjustments::transition::{IntentState, MAX_SENDS};
pub use budget::Observed;
pub use connections::rebind::Rebound;
pub use connections::secrets::Secret;
pub use connections::tenant_claims::{TenantBinding, TenantDecision};
pub use connections::workspaces::Upserted;
pub use connections::{
    CheckOutcome, Connection, ConnectionChange, CredentialsRefusal, NewConnection,
};
pub use db::UnknownWord;
pub use decisions::questions::{Answering, NewQuestion, QuestionRecord, QuestionState};
pub use decisions::set_asides::NewSetAside;
pub use decisions::stances::StanceRecord;
pub use error::LedgerError;
pub use files::data_dir::DataDir;
pub use files::key::KeySource;
pub use files::lock::{DaemonLock, TenantLock};
pub use history::{
    Break, BreakCause, Chain, HistoryEvent, HistoryFilter, HistoryHead, NoHead, Verification,
};
pub use ids::{ExclusionId, IntentId, QuestionId, RunId, SnapshotId};
pub use mapping::bundles::BundleRecord;
pub use mapping::mapped_names::NameOf;
pub use mapping::pairs::{AccountMapping, ContractPin, Mapped, Mapping, MappingKey};
pub use mapping::{MapReport, Mappings};
pub use open::{Clock, Ledger, system_clock};
pub use people::tokens::{NewToken, TokenRecord};
pub use plugins::storage::{StorageQuota, StorageScope, StorageUse};
pub use plugins::{AddedPlugin, Approval, DESCRIPTION_FORM, Plugin, PluginFile};
pub use psa_host_billing::{ServiceMapping, UsageItem};
pub use runs::cancel::CancelRequest;
pub use runs::lease::RunLease;
pub use runs::outcome::{LineUpdate, Outcome};
pub use runs::run_lines::RunLine;
pub use runs::{NewRun, Run, RunEnd, RunEnding, RunStatus};
pub use schedules::ScheduleRecord;
pub use schedules::dates::{DateRecord, DateState, DueDate, NotClosed};
pub use schedules::stop::PostingStop;
pub use steps::{Observer, Step};
pub use usage::count_exclusions::ExclusionRecord;
pub use usage::unread::UnreadWorkspaces;
pub use usage::usage_names::{ItemNames, Names};
pub use usage::usage_series::{SeriesCount, UsageSeries};
pub use usage::{Counted, DifferingCount, Disagreement, NewSnapshot, Snapshot, Withdrawal};

/// What every verb returns.
pub type Result<T, E = LedgerError> = std::result::Result<T, E>;
