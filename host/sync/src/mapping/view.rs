//! The mapping pages: every workspace and module of a channel with its partner, and how
//! many have one.

use std::collections::BTreeSet;

use psa_host_billing::{
    AccountId, ConnectionName, ContractId, Metric, ModuleId, ServiceId, WorkspaceId, default_metric,
};
use psa_host_ledger::{Connection, Mappings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connections::Coverage;
use crate::{Access, Power, Result, modules};

/// All mappings of a connection, with the names that are known here.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct MappingView {
    /// Workspaces of the channel, mapped or not.
    pub accounts: Vec<AccountRow>,
    /// Modules of the channel, mapped or not.
    pub services: Vec<ServiceRow>,
    /// Contracts chosen.
    pub contracts: Vec<ContractRow>,
}

/// One workspace of the mapping page.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct AccountRow {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its name, where it is still known.
    pub name: Option<String>,
    /// Its account; none: not mapped.
    pub account: Option<AccountId>,
}

/// One module of the mapping page.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ServiceRow {
    /// The module.
    pub module: ModuleId,
    /// What Coro's console calls it.
    pub name: String,
    /// Its service; none: not mapped.
    pub service: Option<ServiceId>,
    /// What is billed; where it is not mapped, what would be.
    pub metric: Metric,
}

/// A contract chosen for a workspace.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ContractRow {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The contract.
    pub contract: ContractId,
}

impl Access {
    /// The mapping pages: every workspace and every module of the channel, mapped or not.
    ///
    /// # Errors
    /// No such connection.
    pub fn mapping(&self, name: &ConnectionName) -> Result<MappingView> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let mappings = self.ledger().mappings(name)?;
        let below = self.ledger().workspaces_below(&connection.channel)?;
        let mut accounts: Vec<AccountRow> = below
            .iter()
            .map(|workspace| AccountRow {
                workspace: workspace.id.clone(),
                name: Some(workspace.name.clone()),
                account: None,
            })
            .collect();
        for mapping in &mappings.accounts {
            match accounts
                .iter_mut()
                .find(|row| row.workspace == mapping.workspace)
            {
                Some(row) => row.account = Some(mapping.account.clone()),
                None => accounts.push(AccountRow {
                    workspace: mapping.workspace.clone(),
                    name: self.ledger().workspace(&mapping.workspace)?.map(|w| w.name),
                    account: Some(mapping.account.clone()),
                }),
            }
        }
        let services = self
            .modules_of(&connection, &mappings)?
            .into_iter()
            .map(|module| {
                let mapped = mappings.services.iter().find(|m| m.module == module);
                ServiceRow {
                    name: modules::name(&module).to_owned(),
                    service: mapped.map(|mapping| mapping.service.clone()),
                    metric: mapped.map_or_else(|| default_metric(&module), |m| m.metric),
                    module,
                }
            })
            .collect();
        let contracts = mappings
            .contracts
            .into_iter()
            .map(|pin| ContractRow {
                workspace: pin.workspace,
                contract: pin.contract,
            })
            .collect();
        Ok(MappingView {
            accounts,
            services,
            contracts,
        })
    }

    /// How many workspaces and modules of a connection's channel are mapped.
    pub(crate) fn coverage(&self, connection: &Connection) -> Result<(Coverage, Coverage)> {
        let mappings = self.ledger().mappings(&connection.name)?;
        let below = self.ledger().workspaces_below(&connection.channel)?;
        let mut workspaces: BTreeSet<&WorkspaceId> = below.iter().map(|w| &w.id).collect();
        workspaces.extend(mappings.accounts.iter().map(|mapping| &mapping.workspace));
        let modules = self.modules_of(connection, &mappings)?;
        Ok((
            Coverage::new(mappings.accounts.len(), workspaces.len()),
            Coverage::new(mappings.services.len(), modules.len()),
        ))
    }

    /// The modules of a channel: those in its newest snapshot (before there is one, the
    /// catalogue) and those mapped.
    pub(super) fn modules_of(
        &self,
        connection: &Connection,
        mappings: &Mappings,
    ) -> Result<BTreeSet<ModuleId>> {
        let mut all: BTreeSet<ModuleId> =
            match self.ledger().latest_snapshot(&connection.channel)? {
                Some(snapshot) => {
                    let items = self.ledger().usage_items(snapshot.id)?;
                    items.into_iter().map(|item| item.module).collect()
                }
                None => modules::KNOWN
                    .iter()
                    .filter_map(|known| known.id.parse().ok())
                    .collect(),
            };
        all.extend(
            mappings
                .services
                .iter()
                .map(|mapping| mapping.module.clone()),
        );
        Ok(all)
    }
}
