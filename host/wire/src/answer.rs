//! What a change says when it is done.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::CountPolicy;
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::rules::Rules;
use psa_host_billing::{ConnectionName, LineId, ModuleId, WorkspaceId};
use psa_host_sync::{Note, PluginTrial, RebindProposal, ReboundView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty $(as $with:literal)?,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, JsonSchema, Serialize, Deserialize)]
        pub struct $name<'a> {
            $(
                $(#[$field_doc])*
                $(#[schemars(with = $with)])?
                pub $field: $type,
            )*
        }
    )*};
}

answers! {
    /// A connection was paused, resumed, changed or removed.
    ConnectionChanged {
        /// Which.
        connection: Cow<'a, ConnectionName> as "String",
        /// What was done.
        result: Cow<'a, str>,
    }
    /// A run was asked to end; with how it ended, where that was waited for.
    RunCancelled {
        /// `r-000123`.
        run: Cow<'a, str>,
        /// Of which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// By whom it was asked.
        asked_by: Cow<'a, str>,
        /// When.
        asked_at: Timestamp as "Instant",
        /// How it ended; null: that was not waited for.
        status: Option<Cow<'a, str>>,
        /// When it ended.
        ended_at: Option<Timestamp> as "Option<Instant>",
    }
    /// A pause that a PSA asked for was lifted.
    BudgetLifted {
        /// A connection of the tenant.
        connection: Cow<'a, ConnectionName> as "String",
        /// Until when it was to last.
        lifted: Timestamp as "Instant",
    }
    /// What a bundle holds was declared.
    BundleSet {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// The bundle.
        bundle: Cow<'a, ModuleId> as "String",
        /// What it holds.
        parts: Cow<'a, [ModuleId]> as "Vec<String>",
        /// What a person should know.
        notes: Cow<'a, [Note]>,
    }
    /// What a bundle holds is not declared any more.
    BundleForgotten {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// The bundle.
        removed: Cow<'a, ModuleId> as "String",
    }
    /// A decision about a line was kept.
    LineDecided {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// Coro's customer.
        workspace: Cow<'a, WorkspaceId> as "String",
        /// Coro's module.
        module: Cow<'a, ModuleId> as "String",
        /// What was done.
        result: Cow<'a, str>,
        /// In words.
        message: Cow<'a, str>,
    }
    /// What the PSA refused may be sent again.
    LinesRetried {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// The PSA's lines.
        lines: Cow<'a, [LineId]> as "Vec<String>",
        /// `retried`.
        result: Cow<'a, str>,
    }
    /// A mapping was removed.
    MapRemoved {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// `account`, `service` or `contract`.
        removed: Cow<'a, str>,
        /// Coro's id.
        id: Cow<'a, str>,
    }
    /// A plugin, or one of its files, was removed.
    PluginRemoved {
        /// The plugin.
        removed: Cow<'a, str>,
        /// The file; none: all.
        file: Option<Cow<'a, str>>,
    }
    /// How counts become units was set.
    PolicySet {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// Coro's module.
        module: Cow<'a, ModuleId> as "String",
        /// `new`, `same` or `changed`.
        result: Cow<'a, str>,
        /// As it is now.
        policy: Cow<'a, CountPolicy>,
    }
    /// Questions were answered.
    QuestionsAnswered {
        /// Which.
        questions: Vec<String>,
        /// What was said.
        result: Cow<'a, str>,
    }
    /// A tenant moved with its PSA.
    Rebound {
        /// What was shown.
        proposal: Cow<'a, RebindProposal>,
        /// What was done.
        rebound: Cow<'a, ReboundView>,
    }
    /// The rules of a connection.
    RulesOfConnection {
        /// Which.
        connection: Cow<'a, ConnectionName> as "String",
        /// All of them.
        rules: Cow<'a, Rules>,
    }
    /// A person said what became of adjustments.
    RunResolved {
        /// The run.
        run: Cow<'a, str>,
        /// The PSA's lines.
        lines: Cow<'a, [String]>,
        /// What became of them.
        resolved: Cow<'a, str>,
    }
    /// A workspace may be mapped in a second tenant.
    SecondTenant {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// The workspace.
        allowed: Cow<'a, WorkspaceId> as "String",
    }
    /// Pairs were set aside.
    SetAsideDone {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// How many entries.
        entries: usize,
        /// `exclude` or `hold`.
        kind: Cow<'a, str>,
        /// The last day.
        until: Option<Date> as "Option<Day>",
        /// What a person should know.
        notes: Cow<'a, [Note]>,
    }
    /// Pairs were taken up again.
    SetAsideLifted {
        /// Through which connection.
        connection: Cow<'a, ConnectionName> as "String",
        /// How many entries.
        restored: usize,
    }
    /// A table was written to a file.
    SheetWritten {
        /// Of which connection; none: of all.
        connection: Option<Cow<'a, ConnectionName>> as "Option<String>",
        /// The file.
        file: Cow<'a, str>,
        /// Its form.
        form: Cow<'a, str>,
    }
    /// A connection is kept on a file of its plugin, or follows it again.
    TrialOfConnection {
        /// Which.
        connection: Cow<'a, ConnectionName> as "String",
        /// `done`, `differs` or `refused`.
        result: Cow<'a, str>,
        /// The file that it has now.
        file: Cow<'a, str>,
        /// Whether it is kept on it.
        kept: bool,
        /// How the file was tried; none where it was the connection's already.
        trial: Option<Cow<'a, PluginTrial>>,
    }
}
