//! What is in use and nobody bills, newest first: the radar of a connection.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::radar::{RadarInputs, Stake};
use psa_host_billing::suggest::{Confidence, NamedModule, suggest_services};
use psa_host_billing::{
    ConnectionName, ErrorCode, Mapping, ModuleId, Service, ServiceId, UsageCounts, UsageItem,
    UsageSnapshot, WorkspaceId,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::rule;
use crate::progress::Watch;
use crate::{Access, Power, Purpose, Result, SnapshotView, modules};

/// The radar of one connection.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Radar {
    /// Of which connection.
    pub connection: ConnectionName,
    /// The civil date looked at, in the connection's zone.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: Date,
    /// The counts that it goes by.
    pub snapshot: SnapshotView,
    /// In use and without an account, newest first.
    pub workspaces: Vec<WorkspaceOnRadar>,
    /// In use and without a service, newest first.
    pub modules: Vec<ModuleOnRadar>,
}

/// A workspace without an account.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct WorkspaceOnRadar {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// When the first snapshot that has it in use was taken.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub first_used: Option<Timestamp>,
    /// Its modules in use.
    pub modules: Vec<ModuleId>,
    /// What nobody bills.
    #[serde(flatten)]
    pub stake: Stake,
}

/// A module without a service.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct ModuleOnRadar {
    /// The module.
    pub module: ModuleId,
    /// What Coro's console calls it.
    pub name: String,
    /// When the first snapshot that has it in use was taken.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub first_used: Option<Timestamp>,
    /// In how many workspaces it is in use.
    pub workspaces: usize,
    /// What nobody bills.
    #[serde(flatten)]
    pub stake: Stake,
}

impl Access {
    /// What paid subscriptions use and nothing is mapped to, less what is set aside.
    /// Prices are the PSA's list prices; for a module without a service an estimate, by the
    /// service that would be suggested.
    ///
    /// # Errors
    /// No usage snapshot yet, a connection that is not ready, a PSA that does not
    /// answer.
    pub async fn radar(&self, name: &ConnectionName, watch: Watch<'_>) -> Result<Radar> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let channel = &connection.channel;
        let Some(snapshot) = self.snapshot_to_use(channel)? else {
            return Err(rule(
                ErrorCode::NoSnapshot,
                format!("there is no usage snapshot of channel {channel}"),
                "Import one with `psa-host usage import`.",
            ));
        };
        let as_of = self.today(&connection)?;
        let mapping = self.mapping_of_name(name)?;
        let services = match self.services_for_prices(name, watch).await {
            Ok(services) => services,
            // Then there is nothing but an estimate to lose.
            Err(_) if mapping.services().len() == 0 => Vec::new(),
            Err(error) => return Err(error),
        };
        // What is missing from it is on nobody's radar.
        let counts = UsageCounts::new(UsageSnapshot {
            channel: channel.clone(),
            taken_at: snapshot.taken_at,
            complete: snapshot.complete,
            items: self.ledger().usage_items(snapshot.id)?,
            unread: self.ledger().unread_usage(snapshot.id)?,
        });
        let mut workspaces = self.ledger().workspaces_below(channel)?;
        workspaces.extend(self.ledger().workspace(channel)?);
        let workspaces: HashMap<_, _> = workspaces
            .into_iter()
            .map(|one| (one.id.clone(), one))
            .collect();
        let proposed = proposed(&mapping, counts.items(), &services);
        let seen = RadarInputs {
            proposed: &proposed,
            as_of,
            snapshot: &counts,
            mapping: &mapping,
            elsewhere: &self.elsewhere(&connection)?,
            workspaces: &workspaces,
            services: &services
                .into_iter()
                .map(|one| (one.id.clone(), one))
                .collect(),
            set_asides: &self.set_asides_of(name)?,
        };
        let (of_workspaces, of_modules) = (seen.unmapped_workspaces(), seen.unmapped_modules());
        let ids: Vec<WorkspaceId> = of_workspaces
            .iter()
            .map(|one| one.workspace.clone())
            .collect();
        let since = self.ledger().workspaces_first_used(channel, &ids)?;
        let row = |one: psa_host_billing::radar::UnmappedWorkspace| WorkspaceOnRadar {
            name: workspaces
                .get(&one.workspace)
                .map_or_else(String::new, |w| w.name.clone()),
            first_used: since.get(&one.workspace).copied(),
            workspace: one.workspace,
            modules: one.modules,
            stake: one.stake,
        };
        let mut on_radar: Vec<WorkspaceOnRadar> = of_workspaces.into_iter().map(row).collect();
        on_radar.sort_by_key(|one| Reverse(one.first_used));
        let ids: Vec<ModuleId> = of_modules.iter().map(|one| one.module.clone()).collect();
        let since = self.ledger().modules_first_used(channel, &ids)?;
        let row = |one: psa_host_billing::radar::UnmappedModule| ModuleOnRadar {
            name: modules::name(&one.module).to_owned(),
            first_used: since.get(&one.module).copied(),
            module: one.module,
            workspaces: one.workspaces,
            stake: one.stake,
        };
        let mut modules: Vec<ModuleOnRadar> = of_modules.into_iter().map(row).collect();
        modules.sort_by_key(|one| Reverse(one.first_used));
        Ok(Radar {
            connection: connection.name.clone(),
            as_of,
            snapshot: snapshot.into(),
            workspaces: on_radar,
            modules,
        })
    }

    async fn services_for_prices(
        &self,
        name: &ConnectionName,
        watch: Watch<'_>,
    ) -> Result<Vec<Service>> {
        let open = self.open_connection(name, Purpose::Look).await?;
        let services = open.reader.services(watch).await;
        services.map_err(|error| crate::mapping::call(name, error))
    }
}

/// The services that `map suggest` would propose for modules without one, where one is
/// better than the others.
fn proposed<'a>(
    mapping: &Mapping,
    counts: impl Iterator<Item = &'a UsageItem>,
    services: &[Service],
) -> HashMap<ModuleId, ServiceId> {
    let unmapped = counts.map(|item| &item.module);
    let unmapped: BTreeSet<&ModuleId> = unmapped
        .filter(|module| mapping.service(module).is_none())
        .collect();
    let named = |module: &ModuleId| NamedModule {
        id: module.clone(),
        name: modules::name(module).to_owned(),
    };
    let unmapped: Vec<NamedModule> = unmapped.into_iter().map(named).collect();
    let taken = mapping.services().map(|pair| pair.service.clone());
    suggest_services(&unmapped, services, &taken.collect())
        .into_iter()
        .filter(|found| matches!(found.verdict, Confidence::Safe | Confidence::Likely))
        .map(|found| (found.coro, found.psa))
        .collect()
}

#[cfg(test)]
mod tests;
