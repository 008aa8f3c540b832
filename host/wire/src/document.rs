//! What can be printed, and its schemas.

use psa_host_sync::{
    CheckView, CountView, Done, Exported, HistoryVerified, MapImported, MappingFile,
    PluginAccepted, PluginAdded, PluginView, RebindProposal, Suggestions, UsageImported, Withdrawn,
    WorkspacesImported,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::*;

/// The version of all documents together. It grows when a field is taken away or changes its
/// meaning; new fields do not count.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole of an answer. Each has a schema under its name, and is read as it is written:
/// `from_str::<Accounts>` on the other side of a connection makes what was printed here.
pub trait Document: Serialize + JsonSchema {
    /// The schema's file name, without its ending.
    const NAME: &'static str;
}

macro_rules! documents {
    ($($name:literal: $type:ty;)*) => {
        $(
            impl Document for $type {
                const NAME: &'static str = $name;
            }
        )*

        /// Read an answer as the document with this name, and write it again: what a client
        /// has of it. None: there is no such document.
        ///
        /// # Errors
        /// It is no such document.
        pub fn reread(name: &str, answer: &Value) -> Option<serde_json::Result<Value>> {
            match name {
                $($name => Some(<$type>::deserialize(answer).and_then(serde_json::to_value)),)*
                _ => None,
            }
        }

        /// The schema of every document, by name.
        pub fn schemas() -> Vec<(&'static str, Schema)> {
            vec![$(($name, schema_of::<$type>()),)*]
        }
    };
}

documents! {
    "accounts": Accounts<'_>;
    "budget-lifted": BudgetLifted<'_>;
    "budgets": Budgets<'_>;
    "bundle-forgotten": BundleForgotten<'_>;
    "bundle-set": BundleSet<'_>;
    "bundles": Bundles<'_>;
    "connection-changed": ConnectionChanged<'_>;
    "connection-check": CheckView;
    "connection-kept": TrialOfConnection<'_>;
    "connection-rebound": Rebound<'_>;
    "connections": Connections<'_>;
    "contracts": Contracts<'_>;
    "count": Named<'_, CountView>;
    "count-policies": CountPolicies<'_>;
    "count-policy-set": PolicySet<'_>;
    "counts": Counts<'_>;
    "dates": Dates;
    "done": Done;
    "error": Error<'_>;
    "exclusions": Exclusions<'_>;
    "explanation": Explained<'_>;
    "history": Entries<'_>;
    "history-exported": Exported;
    "history-verified": HistoryVerified;
    "line-decided": LineDecided<'_>;
    "line-decisions": LineDecisions<'_>;
    "lines-retried": LinesRetried<'_>;
    "mapping": Mapping<'_>;
    "mapping-dry-run": MapDryRun<'_>;
    "mapping-file": MappingFile;
    "mapping-imported": MapImported;
    "mapping-removed": MapRemoved<'_>;
    "plugin": PluginView;
    "plugin-accepted": PluginAccepted;
    "plugin-added": PluginAdded;
    "plugin-removed": PluginRemoved<'_>;
    "plugins": Plugins<'_>;
    "posting-stop": PostingStop;
    "problem": ProblemDetails;
    "questions": Questions<'_>;
    "questions-answered": QuestionsAnswered<'_>;
    "radar": Radar;
    "readiness": Readiness;
    "rebind-proposal": RebindProposal;
    "rollback": Rollback<'_>;
    "rules": RulesOfConnection<'_>;
    "run": Run<'_>;
    "run-cancelled": RunCancelled<'_>;
    "run-list": RunList<'_>;
    "run-resolved": RunResolved<'_>;
    "run-started": RunStarted;
    "runs": Runs<'_>;
    "schedule": Schedule;
    "schedules": Schedules;
    "second-tenant": SecondTenant<'_>;
    "services": Services<'_>;
    "set-aside-done": SetAsideDone<'_>;
    "set-aside-lifted": SetAsideLifted<'_>;
    "set-asides": SetAsides<'_>;
    "sheet-written": SheetWritten<'_>;
    "simulation": Simulation<'_>;
    "snapshots": Snapshots<'_>;
    "suggestions": Suggestions;
    "token-added": TokenAdded;
    "token-removed": TokenRemoved;
    "tokens": Tokens;
    "usage-imported": UsageImported;
    "usage-withdrawn": Withdrawn;
    "validation": Validation<'_>;
    "workspaces": Workspaces<'_>;
    "workspaces-imported": WorkspacesImported;
}

/// The schema of one document without the version, as the API has it.
pub fn schema_of_document<T: Document>() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
}

/// The document's fields, after the version that all answers begin with.
fn schema_of<T: JsonSchema>() -> Schema {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is wanted")]
    struct Envelope<T> {
        /// The version of all documents together.
        schema_version: u32,
        #[serde(flatten)]
        body: T,
    }

    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<Envelope<T>>()
}
