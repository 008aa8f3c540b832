//! From the newest snapshot and the PSA to a plan. The PSA is read chunk by chunk and
//! each chunk is planned and dropped at once.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use psa_host_billing::brake::{self, Brake};
use psa_host_billing::plan::{Context, LinePast, Plan, PlanLine};
use psa_host_billing::{
    AccountId, CompleteSnapshot, ConnectionName, Hold, HoldCode, LineId, Mapping, ModuleId,
    QuantityModel, SnapshotError, TenantKey, UsageSnapshot, Workspace, WorkspaceId,
};
use psa_host_ledger::{Snapshot, SnapshotId};

use crate::progress::Watch;
use crate::{AccountContracts, Host, OpenConnection, Result};

/// The snapshot a run goes by, or what stands against it.
pub(super) struct Counts {
    pub id: SnapshotId,
    pub complete: CompleteSnapshot,
}

/// What a run is to do.
pub(super) struct Planned {
    pub plan: Plan,
    pub unmapped_workspaces: usize,
    pub unmapped_modules: usize,
}

/// What is planned for whom.
pub(super) struct Planning<'a> {
    pub open: &'a OpenConnection,
    pub tenant: &'a TenantKey,
    pub as_of: Date,
    pub counts: &'a Counts,
    pub released: &'a BTreeSet<String>,
}

impl Host {
    /// The newest snapshot of a connection's channel.
    pub(super) fn newest_snapshot(&self, open: &OpenConnection) -> Result<Option<Snapshot>> {
        Ok(self.ledger().latest_snapshot(&open.connection.channel)?)
    }

    /// Take a snapshot's counts, unless it must not be planned from.
    pub(super) fn counts(
        &self,
        open: &OpenConnection,
        snapshot: &Snapshot,
        as_of: Date,
        zone: &TimeZone,
    ) -> Result<std::result::Result<Counts, Brake>> {
        if let Some(last) = open.connection.last_snapshot {
            let last = self.ledger().snapshot(last)?;
            if snapshot.taken_at < last.taken_at {
                return Ok(Err(Brake::SnapshotOlderThanLast));
            }
        }
        let taken_on = snapshot.taken_at.to_zoned_datetime(zone.clone()).date();
        if let Some(brake) = brake::stale(taken_on, as_of) {
            return Ok(Err(brake));
        }
        let items = if snapshot.complete {
            self.ledger().usage_items(snapshot.id)?
        } else {
            vec![]
        };
        let counts = CompleteSnapshot::new(UsageSnapshot {
            channel: snapshot.channel.clone(),
            taken_at: snapshot.taken_at,
            complete: snapshot.complete,
            items,
        });
        Ok(match counts {
            Ok(complete) => Ok(Counts {
                id: snapshot.id,
                complete,
            }),
            Err(SnapshotError::Incomplete { .. }) => Err(Brake::SnapshotIncomplete),
        })
    }

    /// Read the PSA and decide on every mapped pair.
    pub(super) async fn plan(&self, planning: &Planning<'_>, watch: Watch<'_>) -> Result<Planned> {
        let Planning {
            open,
            tenant,
            as_of,
            counts,
            released,
        } = *planning;
        let mapping = self.mapping_of(open)?;
        let workspaces = self.workspaces_of(open)?;
        let reader = &open.reader;
        let mapped: Vec<AccountId> = mapping
            .accounts()
            .filter(|(workspace, _)| workspaces.contains_key(*workspace))
            .map(|(_, account)| account.clone())
            .collect();
        // Begun before the lists that it does not need.
        let mut chunks = reader.chunks(&mapped, as_of);
        let accounts = reader.accounts(watch).await.map_err(|e| open.failed(e))?;
        let services = reader.services(watch).await.map_err(|e| open.failed(e))?;
        let past = self.past_of_lines(open, tenant, as_of)?;
        let set_asides = self.set_asides_of(&open.connection.name)?;
        let context = Context {
            as_of,
            snapshot: &counts.complete,
            mapping: &mapping,
            accounts: &accounts
                .into_iter()
                .map(|account| (account.id.clone(), account))
                .collect(),
            services: &services
                .into_iter()
                .map(|service| (service.id.clone(), service))
                .collect(),
            model: &model(open),
            past: &past,
            set_asides: &set_asides,
        };
        let mut lines = Vec::new();
        while let Some(chunk) = chunks.next(watch).await {
            for read in chunk.map_err(|error| open.failed(error))? {
                lines.extend(plan_account(&context, &workspaces, read));
            }
        }
        let first_run = !past.values().any(|past| past.confirmed.is_some());
        let (unmapped_workspaces, unmapped_modules) = unmapped(&mapping, &context);
        Ok(Planned {
            plan: Plan::new(&context, lines, first_run, released),
            unmapped_workspaces,
            unmapped_modules,
        })
    }

    /// A connection's mappings, as the rules take them.
    pub(crate) fn mapping_of(&self, open: &OpenConnection) -> Result<Mapping> {
        self.mapping_of_name(&open.connection.name)
    }

    /// The same, by the connection's name.
    pub(crate) fn mapping_of_name(&self, name: &ConnectionName) -> Result<Mapping> {
        let stored = self.ledger().mappings(name)?;
        let mut mapping = Mapping::default();
        let broken = |error: psa_host_billing::NotOneToOne| {
            crate::error::rule(
                "mapping-damaged",
                format!("the stored mapping is not one to one: {error}"),
                "Remove one of the two with `psa-host map remove`.",
            )
        };
        for pair in stored.accounts {
            mapping
                .map_account(pair.workspace, pair.account)
                .map_err(broken)?;
        }
        for pair in stored.services {
            mapping.map_service(pair).map_err(broken)?;
        }
        for pin in stored.contracts {
            mapping.pin_contract(pin.workspace, pin.contract);
        }
        Ok(mapping)
    }

    /// The channel of a connection and everything below it.
    pub(crate) fn workspaces_of(
        &self,
        open: &OpenConnection,
    ) -> Result<HashMap<WorkspaceId, Workspace>> {
        let channel = &open.connection.channel;
        let mut all = self.ledger().workspaces_below(channel)?;
        all.extend(self.ledger().workspace(channel)?);
        Ok(all
            .into_iter()
            .map(|workspace| (workspace.id.clone(), workspace))
            .collect())
    }

    /// What is remembered of a tenant's lines.
    pub(crate) fn past_of_lines(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        as_of: Date,
    ) -> Result<HashMap<LineId, LinePast>> {
        let own = &open.connection.name;
        let mut past: HashMap<LineId, LinePast> = HashMap::new();
        for line in self.ledger().lines(tenant)? {
            let entry = past.entry(line.key.line).or_default();
            entry.taken_by = line.connection.filter(|owner| owner != own);
            entry.confirmed = line.units.zip(line.effective);
        }
        for line in self.ledger().all_adjusted_on(tenant, as_of)?.into_keys() {
            past.entry(line).or_default().adjusted_on = Some(as_of);
        }
        for intent in self.ledger().open_intents(tenant)? {
            past.entry(intent.intent.key.line).or_default().open = true;
        }
        Ok(past)
    }
}

fn plan_account(
    context: &Context<'_>,
    workspaces: &HashMap<WorkspaceId, Workspace>,
    read: AccountContracts,
) -> Vec<PlanLine> {
    let AccountContracts { account, contracts } = read;
    let workspace = context
        .mapping
        .workspace(&account)
        .and_then(|id| workspaces.get(id));
    let Some(workspace) = workspace else {
        return Vec::new();
    };
    match contracts {
        Ok(contracts) => context.plan_workspace(workspace, &account, &contracts),
        Err(error) => {
            let hold = Hold::new(HoldCode::AccountUnreadable, error.message);
            context.hold_workspace(workspace, &account, &hold)
        }
    }
}

/// How the plugin's PSA counts.
pub(crate) fn model(open: &OpenConnection) -> QuantityModel {
    open.plugin.description().quantity.clone()
}

/// Workspaces and modules with counts above zero that nobody mapped.
fn unmapped(mapping: &Mapping, context: &Context<'_>) -> (usize, usize) {
    let mut workspaces: BTreeSet<&WorkspaceId> = BTreeSet::new();
    let mut modules: BTreeSet<&ModuleId> = BTreeSet::new();
    for item in context.snapshot.items() {
        let unused = item.users.unwrap_or(0) == 0 && item.devices.unwrap_or(0) == 0;
        let asides = context.set_asides;
        if unused || asides.excludes(&item.workspace, &item.module, context.as_of) {
            continue;
        }
        if mapping.account(&item.workspace).is_none() {
            workspaces.insert(&item.workspace);
        }
        if mapping.service(&item.module).is_none() {
            modules.insert(&item.module);
        }
    }
    (workspaces.len(), modules.len())
}
