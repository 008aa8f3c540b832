//! The one form of everything that is said in JSON: reports, lists, answers and errors.
//!
//! The command line's `--format json` prints these, and nothing else: what is printed is a
//! [`Document`], and each document has a JSON schema that is checked in under `schema/` and
//! compared by a test. An item has the same fields in a list and where it is shown alone.
//! Ids come with the names that are known of them, and a finding or an error with what can
//! be done about it, as data ([`Action`]).
//!
//! Results come from `psa-host-sync`; here they only get their form.

#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    reason = "the schema needs a sentence only where a field is not what its name says"
)]

mod action;
mod answer;
mod contract;
mod count;
mod daemon;
mod document;
mod lists;
mod named;
mod number;
mod problem;
mod question;
mod rollback;
mod run;

pub use action::{Action, Fix};
pub use answer::{
    BudgetLifted, BundleForgotten, BundleSet, ConnectionChanged, LineDecided, LinesRetried,
    MapRemoved, PluginRemoved, PolicySet, QuestionsAnswered, Rebound, RulesOfConnection,
    RunCancelled, RunResolved, SecondTenant, SetAsideDone, SetAsideLifted, SheetWritten,
    TrialOfConnection,
};
pub use contract::{Contract, ContractLine, Contracts, Period};
pub use count::{Pair, Simulation, Step, Total};
pub use daemon::{
    Check, Dates, PostingStop, ProblemDetails, Readiness, RunStarted, Schedule, Schedules,
    TokenAdded, TokenRemoved, Tokens,
};
pub use document::{Document, SCHEMA_VERSION, reread, schema_of_document, schemas};
pub use lists::{
    Accounts, Budgets, Bundles, Connections, CountPolicies, Counts, Entries, Exclusions, Found,
    LineDecision, LineDecisions, MapDryRun, Mapping, Plugins, Radar, RunList, Services, SetAsides,
    Snapshots, Validation, Workspaces,
};
pub use named::{Ids, Named, NamesBeside};
pub use number::{Number, number};
pub use problem::{Error, Problem};
pub use question::{Question, Questions};
pub use rollback::{OfModule, Rollback};
pub use run::{Explained, FailedRun, Line, Lines, Run, Runs, Told};
