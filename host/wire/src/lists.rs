//! Lists.

use std::borrow::Cow;

use psa_host_billing::{Account, ConnectionName, Service, UsageItem, Workspace};
use psa_host_sync::{
    AccountRow, BudgetView, BundleView, ConnectionView, ContractRow, Entry, ExclusionView, Finding,
    MapChange, MapDifference, MappingView, Names, Note, PluginView, PolicyView, RunView,
    ServiceRow, SetAsideView, SnapshotView, StanceRecord,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{About, Action, Fix};
use crate::named::{Ids, Named, NamesBeside};

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty })*) => {$(
        $(#[$doc])*
        #[derive(Debug, JsonSchema, Serialize, Deserialize)]
        pub struct $name<'a> {
            /// The items.
            pub $field: $type,
        }
    )*};
}

lists! {
    /// Plugins.
    Plugins { plugins: Cow<'a, [PluginView]> }
    /// Runs, without their lines.
    RunList { runs: Cow<'a, [RunView]> }
    /// The request budget of each tenant.
    Budgets { budgets: Cow<'a, [BudgetView]> }
    /// Entries of the history.
    Entries { entries: Cow<'a, [Entry]> }
    /// Coro's customers.
    Workspaces { workspaces: Cow<'a, [Workspace]> }
    /// The PSA connectors, with the names of their channels.
    Connections { connections: Vec<Named<'a, ConnectionView>> }
    /// Usage snapshots, with the names of their channels.
    Snapshots { snapshots: Vec<Named<'a, SnapshotView>> }
}

macro_rules! of_connection {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty })*) => {$(
        $(#[$doc])*
        #[derive(Debug, JsonSchema, Serialize, Deserialize)]
        pub struct $name<'a> {
            /// Of which connection.
            #[schemars(with = "String")]
            pub connection: Cow<'a, ConnectionName>,
            /// The items.
            pub $field: $type,
        }
    )*};
}

of_connection! {
    /// The PSA's customers.
    Accounts { accounts: Cow<'a, [Account]> }
    /// What the PSA sells.
    Services { services: Cow<'a, [Service]> }
    /// What bundles hold.
    Bundles { bundles: Vec<Named<'a, BundleView>> }
    /// How counts become units.
    CountPolicies { policies: Vec<Named<'a, PolicyView>> }
    /// What is left out of the bill.
    Exclusions { exclusions: Vec<Named<'a, ExclusionView>> }
    /// What is set aside.
    SetAsides { set_asides: Vec<Named<'a, SetAsideView>> }
    /// What was decided about lines.
    LineDecisions { lines: Vec<LineDecision<'a>> }
}

/// What was decided about a line.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct LineDecision<'a> {
    #[schemars(with = "String")]
    pub line: Cow<'a, psa_host_billing::LineId>,
    #[schemars(with = "String")]
    pub workspace: Cow<'a, psa_host_billing::WorkspaceId>,
    #[schemars(with = "String")]
    pub module: Cow<'a, psa_host_billing::ModuleId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    pub decision: Cow<'a, str>,
    pub why: Cow<'a, str>,
    pub who: Cow<'a, str>,
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub at: jiff::Timestamp,
}

impl<'a> MapDryRun<'a> {
    /// Nothing was written.
    pub fn new(difference: &'a MapDifference<'_>) -> Self {
        Self {
            changes: Cow::Borrowed(&difference.changes),
            unchanged: difference.unchanged,
            refused: Cow::Borrowed(&difference.refused),
            notes: Cow::Borrowed(&difference.notes),
            dry_run: true,
        }
    }
}

impl<'a> LineDecisions<'a> {
    /// With names.
    pub fn new(
        connection: &'a ConnectionName,
        decisions: &'a [StanceRecord],
        names: &'a Names,
    ) -> Self {
        let row = |one: &'a StanceRecord| LineDecision {
            line: Cow::Borrowed(&one.line),
            workspace: Cow::Borrowed(&one.workspace),
            module: Cow::Borrowed(&one.module),
            names: Ids::of(one).named(Some(connection), names),
            decision: Cow::Borrowed(one.stance.as_str()),
            why: Cow::Borrowed(&one.why),
            who: Cow::Borrowed(&one.who),
            at: one.at,
        };
        Self {
            connection: Cow::Borrowed(connection),
            lines: decisions.iter().map(row).collect(),
        }
    }
}

impl<'a> Connections<'a> {
    /// With names.
    pub fn new(connections: &'a [ConnectionView], names: &'a Names) -> Self {
        let named = |one| Named::new(one, None, names);
        Self {
            connections: connections.iter().map(named).collect(),
        }
    }
}

impl<'a> Snapshots<'a> {
    /// With names.
    pub fn new(snapshots: &'a [SnapshotView], names: &'a Names) -> Self {
        let named = |one| Named::new(one, None, names);
        Self {
            snapshots: snapshots.iter().map(named).collect(),
        }
    }
}

/// The counts of a snapshot.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Counts<'a> {
    pub snapshot: Named<'a, SnapshotView>,
    pub items: Vec<Named<'a, UsageItem>>,
}

impl<'a> Counts<'a> {
    /// With names.
    pub fn new(snapshot: &'a SnapshotView, items: &'a [UsageItem], names: &'a Names) -> Self {
        let named = |item| Named::new(item, None, names);
        Self {
            snapshot: Named::new(snapshot, None, names),
            items: items.iter().map(named).collect(),
        }
    }
}

/// Every workspace and module of a channel with its partner.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Mapping<'a> {
    pub accounts: Vec<Named<'a, AccountRow>>,
    pub services: Vec<Named<'a, ServiceRow>>,
    pub contracts: Vec<Named<'a, ContractRow>>,
}

impl<'a> Mapping<'a> {
    /// With names.
    pub fn new(view: &'a MappingView, connection: &ConnectionName, names: &'a Names) -> Self {
        Self {
            accounts: Named::all(&view.accounts, connection, names),
            services: Named::all(&view.services, connection, names),
            contracts: Named::all(&view.contracts, connection, names),
        }
    }
}

/// What an import of mappings would do.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct MapDryRun<'a> {
    /// What would not stay as it is.
    pub changes: Cow<'a, [MapChange]>,
    /// Rows that are there like this.
    pub unchanged: usize,
    /// Rows refused, each with its place, in the order of the file.
    pub refused: Cow<'a, [psa_host_sync::Problem]>,
    /// What a person should know.
    pub notes: Cow<'a, [Note]>,
    /// Always: nothing was written.
    pub dry_run: bool,
}

/// What is in use and billed by nobody.
pub type Radar = psa_host_sync::Radar;

/// What stands against posting, and what a person should know.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Validation<'a> {
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    #[schemars(with = "String")]
    pub tenant: Cow<'a, psa_host_billing::TenantKey>,
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: jiff::civil::Date,
    pub pairs: usize,
    pub good: usize,
    pub requests: u64,
    pub findings: Vec<Found<'a>>,
}

/// One thing that was found.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Found<'a> {
    #[serde(flatten)]
    pub found: Named<'a, Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Fix>,
}

impl<'a> Validation<'a> {
    /// With names and actions.
    pub fn new(validation: &'a psa_host_sync::Validation, names: &'a Names) -> Self {
        let connection = &validation.connection;
        let found = |found: &'a Finding| Found {
            found: Named::new(found, Some(connection), names),
            action: Self::action(found, connection).map(Fix::from),
        };
        Self {
            connection: Cow::Borrowed(connection),
            tenant: Cow::Borrowed(&validation.tenant),
            as_of: validation.as_of,
            pairs: validation.pairs,
            good: validation.good,
            requests: validation.requests,
            findings: validation.findings.iter().map(found).collect(),
        }
    }

    /// What a person can do about a finding.
    pub fn action(found: &Finding, connection: &ConnectionName) -> Option<Action> {
        let about = About {
            connection: Some(connection),
            workspace: found.workspace.as_ref(),
            module: found.module.as_ref(),
            line: found.line.as_ref().map(psa_host_billing::LineId::as_str),
            ..About::default()
        };
        Action::about(&found.code, about)
    }
}
