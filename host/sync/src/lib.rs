//! Everything a command or the REST API does, as typed calls: plugins, imports,
//! connections, mappings, validation, and the run itself. Reads go through the
//! sandbox, decisions through billing, state through the ledger; here they meet.
//!
//! A [`Host`] is one open data directory, shared by all who act; an [`Access`] is what one
//! of them may do with it. Its calls return values or an [`Error`] with a stable code and a
//! fix; nothing here prints.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod access;
mod actor;
mod budgets;
mod bundles;
mod check;
mod connections;
mod count;
mod decisions;
mod error;
mod explain;
mod fields;
mod history;
mod host;
mod imports;
mod loaded;
mod mapping;
pub mod modules;
mod names;
mod note;
mod orphans;
mod plan_inputs;
mod plugins;
mod posting_stop;
mod progress;
mod psa_lists;
mod radar;
mod reading;
mod rebind;
mod retry;
mod rollback;
pub mod run;
mod run_list;
mod schedule;
mod sentence;
mod set_aside;
mod sheet_file;
mod signals;
mod snapshot;
mod source;
mod spreadsheet;
mod stores;
#[cfg(test)]
mod testing;
mod time_zone;
mod tokens;
mod usage_view;
mod usage_withdrawal;
mod validate;
mod whole_file;
mod whole_lines;
mod wiring;

pub use access::Access;
pub use actor::{Actor, Power, Role, Scope};
pub use budgets::{BudgetView, UsedView};
pub use bundles::BundleView;
pub use check::{CheckView, FindingView, IncidentView, UsageView};
pub use connections::{AddConnection, ConnectionView, Coverage};
pub use count::{
    ExclusionView, NewExclusion, PolicyView, SimulatedPair, SimulatedTotal, Simulation,
    SimulationScope,
};
pub use decisions::{LineDecision, NewAccountsView};
pub use error::{Error, Problem, Result};
pub use explain::{Earlier, Explanation, StepView};
pub use fields::Values;
pub use history::{Breach, Entry, EntryFilter, ExportForm, Exported, HistoryVerified};
pub use host::{Host, HostOptions};
pub use imports::{Doubt, Refusals, Tree, UsageForm, UsageImported, WorkspacesImported};
pub use mapping::{
    AccountEntry, AccountRow, AccountSuggestion, Change, Choice, ContractEntry, ContractRow, Done,
    Form, MapChange, MapDifference, MapImported, MappingFile, MappingKind, MappingView, ServiceRow,
    ServiceSuggestion, SuggestOptions, Suggestions,
};
pub use names::Names;
pub use note::Note;
pub use plugins::{
    Act, ApprovalView, ConnectionTrial, Difference, FileView, KeptOn, MovingConnection,
    PluginAccepted, PluginAdded, PluginProposal, PluginTrial, PluginView, TrialOutcome,
    TrialRecord,
};
pub use posting_stop::PostingStopView;
pub use progress::{Activity, Progress, Watch, unwatched};
pub use psa_host_billing::trial::TrialDifference;
pub use psa_host_ledger::{
    Answering, Chain, DaemonLock, DateRecord, DateState, DueDate, ExclusionId, HistoryHead,
    KeySource, Mapped, NoHead, NotClosed, Observer, QuestionId, QuestionRecord, QuestionState,
    RunId, Secret, SnapshotId, StanceRecord, Step, TenantDecision, Withdrawal,
};
pub use radar::{ModuleOnRadar, Radar, WorkspaceOnRadar};
pub use reading::{AccountContracts, Reader, Window};
pub use rebind::{RebindProposal, ReboundView};
pub use rollback::{LeftOut, RollbackView};
pub use run_list::RunView;
pub use schedule::{
    DateView, Schedule, ScheduleError, ScheduleView, Scheduled, Standing, Step as ScheduleStep,
    WINDOW,
};
pub use set_aside::{SetAsideOrder, SetAsideView};
pub use signals::cancelled_by_signals;
pub use source::Source;
pub use tokens::{TokenMade, TokenView};
pub use tokio_util::sync::CancellationToken;
pub use usage_view::{CountView, DisagreementView, SnapshotView};
pub use usage_withdrawal::Withdrawn;
pub use validate::{Finding, Validation};
pub use whole_file::{refuse_existing, write_whole};
pub use wiring::{OpenConnection, Purpose};
