//! What the rules plan from, put together in one place for all who plan: a run, a
//! validation, and an explanation of one pair.
//!
//! ```text
//! ledger ─► Remembered ─┐
//! PSA ────► Listed ─────┼─► PlanInputs ─► Context (with the days of a chunk)
//! snapshot ► counts ────┘
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;
use psa_host_billing::bundle::mapped_bundles;
use psa_host_billing::count::{Counting, Days};
use psa_host_billing::plan::{Context, LinePast};
use psa_host_billing::rules::Rules;
use psa_host_billing::{
    Account, AccountId, LineId, Mapping, ModuleId, Service, ServiceId, SetAsides, TenantKey,
    UsageCounts, Workspace, WorkspaceId,
};

use crate::count::LookBack;
use crate::{Access, OpenConnection, Result};

/// What people decided and what is known from before.
pub(crate) struct Remembered {
    pub mapping: Mapping,
    /// The channel and everything below it.
    pub workspaces: HashMap<WorkspaceId, Workspace>,
    /// Of the tenant's lines.
    pub past: HashMap<LineId, LinePast>,
    /// Of these, what this connection has posted to.
    pub posted: HashSet<LineId>,
    pub counting: Counting,
    pub set_asides: SetAsides,
    /// Accounts that are not new.
    pub accounts: HashSet<AccountId>,
}

impl Access {
    /// Read it. `quarantine`: how long a doubtful adjustment is left alone.
    pub(crate) fn remembered(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        as_of: Date,
        quarantine: Duration,
    ) -> Result<Remembered> {
        let name = &open.connection.name;
        let (past, posted) = self.past_of_lines(open, tenant, as_of, quarantine)?;
        Ok(Remembered {
            mapping: self.mapping_of(open)?,
            workspaces: self.workspaces_of(open)?,
            past,
            posted,
            counting: self.counting_of(name)?,
            set_asides: self.set_asides_of(name)?,
            accounts: self.ledger().known_accounts(tenant)?,
        })
    }
}

/// The PSA's lists.
pub(crate) struct Listed {
    pub accounts: HashMap<AccountId, Account>,
    pub services: HashMap<ServiceId, Service>,
}

impl Listed {
    pub(crate) fn new(
        accounts: impl IntoIterator<Item = Account>,
        services: impl IntoIterator<Item = Service>,
    ) -> Self {
        let accounts = accounts.into_iter().map(|one| (one.id.clone(), one));
        let services = services.into_iter().map(|one| (one.id.clone(), one));
        Self {
            accounts: accounts.collect(),
            services: services.collect(),
        }
    }
}

/// Everything that a plan is made from, but the contracts.
pub(crate) struct PlanInputs<'a> {
    open: &'a OpenConnection,
    as_of: Date,
    rules: &'a Rules,
    counts: &'a UsageCounts,
    remembered: &'a Remembered,
    listed: &'a Listed,
    bundles: BTreeSet<(&'a ModuleId, &'a ModuleId)>,
}

impl<'a> PlanInputs<'a> {
    pub(crate) fn new(
        open: &'a OpenConnection,
        as_of: Date,
        rules: &'a Rules,
        counts: &'a UsageCounts,
        remembered: &'a Remembered,
        listed: &'a Listed,
    ) -> Self {
        Self {
            open,
            as_of,
            rules,
            counts,
            remembered,
            listed,
            bundles: mapped_bundles(&remembered.mapping, &listed.services),
        }
    }

    /// How it looks back on earlier counts.
    pub(crate) fn look_back(&self) -> LookBack<'_> {
        LookBack {
            connection: &self.open.connection,
            mapping: &self.remembered.mapping,
            counting: &self.remembered.counting,
            as_of: self.as_of,
            until: self.counts.taken_at(),
        }
    }

    /// As the rules take it, for pairs that look back on these days.
    pub(crate) fn context<'c>(&'c self, days: &'c Days) -> Context<'c> {
        let Remembered {
            mapping,
            past,
            counting,
            set_asides,
            accounts,
            ..
        } = self.remembered;
        Context {
            as_of: self.as_of,
            rules: self.rules,
            snapshot: self.counts,
            mapping,
            accounts: &self.listed.accounts,
            services: &self.listed.services,
            bundles: &self.bundles,
            model: &self.open.plugin.description().quantity,
            past,
            counting,
            days,
            set_asides,
            known: accounts,
        }
    }
}
