//! What a change says when it is done.

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::CountPolicy;
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::rules::Rules;
use psa_host_billing::{ConnectionName, LineId, ModuleId, WorkspaceId};
use psa_host_sync::{Note, PluginTrial, RebindProposal, ReboundView};
use schemars::JsonSchema;
use serde::Serialize;

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty $(as $with:literal)?,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, JsonSchema, Serialize)]
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
        connection: &'a ConnectionName as "String",
        /// What was done.
        result: &'a str,
    }
    /// A run was asked to end; with how it ended, where that was waited for.
    RunCancelled {
        /// `r-000123`.
        run: &'a str,
        /// Of which connection.
        connection: &'a ConnectionName as "String",
        /// By whom it was asked.
        asked_by: &'a str,
        /// When.
        asked_at: Timestamp as "Instant",
        /// How it ended; null: that was not waited for.
        status: Option<&'a str>,
        /// When it ended.
        ended_at: Option<Timestamp> as "Option<Instant>",
    }
    /// A pause that a PSA asked for was lifted.
    BudgetLifted {
        /// A connection of the tenant.
        connection: &'a ConnectionName as "String",
        /// Until when it was to last.
        lifted: Timestamp as "Instant",
    }
    /// What a bundle holds was declared.
    BundleSet {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// The bundle.
        bundle: &'a ModuleId as "String",
        /// What it holds.
        parts: &'a [ModuleId] as "Vec<String>",
        /// What a person should know.
        notes: &'a [Note],
    }
    /// What a bundle holds is not declared any more.
    BundleForgotten {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// The bundle.
        removed: &'a ModuleId as "String",
    }
    /// A decision about a line was kept.
    LineDecided {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// Coro's customer.
        workspace: &'a WorkspaceId as "String",
        /// Coro's module.
        module: &'a ModuleId as "String",
        /// What was done.
        result: &'a str,
        /// In words.
        message: &'a str,
    }
    /// What the PSA refused may be sent again.
    LinesRetried {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// The PSA's lines.
        lines: &'a [LineId] as "Vec<String>",
        /// `retried`.
        result: &'a str,
    }
    /// A mapping was removed.
    MapRemoved {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// `account`, `service` or `contract`.
        removed: &'a str,
        /// Coro's id.
        id: &'a str,
    }
    /// A plugin, or one of its files, was removed.
    PluginRemoved {
        /// The plugin.
        removed: &'a str,
        /// The file; none: all.
        file: Option<&'a str>,
    }
    /// How counts become units was set.
    PolicySet {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// Coro's module.
        module: &'a ModuleId as "String",
        /// `new`, `same` or `changed`.
        result: &'a str,
        /// As it is now.
        policy: &'a CountPolicy,
    }
    /// Questions were answered.
    QuestionsAnswered {
        /// Which.
        questions: Vec<String>,
        /// What was said.
        result: &'a str,
    }
    /// A tenant moved with its PSA.
    Rebound {
        /// What was shown.
        proposal: &'a RebindProposal,
        /// What was done.
        rebound: &'a ReboundView,
    }
    /// The rules of a connection.
    RulesOfConnection {
        /// Which.
        connection: &'a ConnectionName as "String",
        /// All of them.
        rules: &'a Rules,
    }
    /// A person said what became of adjustments.
    RunResolved {
        /// The run.
        run: &'a str,
        /// The PSA's lines.
        lines: &'a [String],
        /// What became of them.
        resolved: &'a str,
    }
    /// A workspace may be mapped in a second tenant.
    SecondTenant {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// The workspace.
        allowed: &'a WorkspaceId as "String",
    }
    /// Pairs were set aside.
    SetAsideDone {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// How many entries.
        entries: usize,
        /// `exclude` or `hold`.
        kind: &'a str,
        /// The last day.
        until: Option<Date> as "Option<Day>",
        /// What a person should know.
        notes: &'a [Note],
    }
    /// Pairs were taken up again.
    SetAsideLifted {
        /// Through which connection.
        connection: &'a ConnectionName as "String",
        /// How many entries.
        restored: usize,
    }
    /// A table was written to a file.
    SheetWritten {
        /// Of which connection; none: of all.
        connection: Option<&'a ConnectionName> as "Option<String>",
        /// The file.
        file: &'a str,
        /// Its form.
        form: &'a str,
    }
    /// A connection is kept on a file of its plugin, or follows it again.
    TrialOfConnection {
        /// Which.
        connection: &'a ConnectionName as "String",
        /// `done`, `differs` or `refused`.
        result: &'a str,
        /// The file that it has now.
        file: &'a str,
        /// Whether it is kept on it.
        kept: bool,
        /// How the file was tried; none where it was the connection's already.
        trial: Option<&'a PluginTrial>,
    }
}
