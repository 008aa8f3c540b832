//! Which workspace is which account, which module is which service: one to one, by
//! ids on both sides. The database refuses a second; this type cannot hold one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, ContractId, Metric, ModuleId, ServiceId, WorkspaceId};

/// One module as one service, counted by one metric.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct ServiceMapping {
    /// The Coro module.
    pub module: ModuleId,
    /// The PSA's service.
    pub service: ServiceId,
    /// What is billed.
    pub metric: Metric,
}

/// A second partner for something that has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{thing} is already mapped to {partner}")]
pub struct NotOneToOne {
    /// What has a partner ("account 17").
    pub thing: String,
    /// The partner it has.
    pub partner: String,
}

/// All mappings of one connection.
///
/// ```
/// use psa_host_billing::{AccountId, Mapping, WorkspaceId};
///
/// let mut mapping = Mapping::default();
/// let (bakery, butcher) = (WorkspaceId::new("w1")?, WorkspaceId::new("w2")?);
/// mapping.map_account(bakery, AccountId::new("17")?)?;
/// let refused = mapping.map_account(butcher, AccountId::new("17")?);
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "account 17 is already mapped to workspace w1"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    accounts: BTreeMap<WorkspaceId, AccountId>,
    workspaces: HashMap<AccountId, WorkspaceId>,
    services: BTreeMap<ModuleId, ServiceMapping>,
    modules: HashMap<ServiceId, ModuleId>,
    contracts: BTreeMap<WorkspaceId, ContractId>,
    bundles: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
}

impl Mapping {
    /// Add one pair of workspace and account; the same pair again changes nothing.
    ///
    /// # Errors
    /// [`NotOneToOne`] when either has another partner.
    pub fn map_account(
        &mut self,
        workspace: WorkspaceId,
        account: AccountId,
    ) -> Result<(), NotOneToOne> {
        if let Some(partner) = self.accounts.get(&workspace)
            && *partner != account
        {
            let (thing, partner) = (
                format!("workspace {workspace}"),
                format!("account {partner}"),
            );
            return Err(NotOneToOne { thing, partner });
        }
        if let Some(partner) = self.workspaces.get(&account)
            && *partner != workspace
        {
            let (thing, partner) = (format!("account {account}"), format!("workspace {partner}"));
            return Err(NotOneToOne { thing, partner });
        }
        self.workspaces.insert(account.clone(), workspace.clone());
        self.accounts.insert(workspace, account);
        Ok(())
    }

    /// Add one pair of module and service; the same pair again changes nothing.
    ///
    /// # Errors
    /// [`NotOneToOne`] when either has another partner.
    pub fn map_service(&mut self, mapping: ServiceMapping) -> Result<(), NotOneToOne> {
        let ServiceMapping {
            module, service, ..
        } = &mapping;
        if let Some(partner) = self.services.get(module)
            && partner.service != *service
        {
            let partner = format!("service {}", partner.service);
            return Err(NotOneToOne {
                thing: format!("module {module}"),
                partner,
            });
        }
        if let Some(partner) = self.modules.get(service)
            && partner != module
        {
            let partner = format!("module {partner}");
            return Err(NotOneToOne {
                thing: format!("service {service}"),
                partner,
            });
        }
        self.modules.insert(service.clone(), module.clone());
        self.services.insert(module.clone(), mapping);
        Ok(())
    }

    /// Choose a workspace's contract.
    pub fn pin_contract(&mut self, workspace: WorkspaceId, contract: ContractId) {
        self.contracts.insert(workspace, contract);
    }

    /// Declare that a bundle holds a module.
    pub fn declare_part(&mut self, bundle: ModuleId, part: ModuleId) {
        self.bundles.entry(bundle).or_default().insert(part);
    }

    /// Declared bundles, each with each module in it, by bundle.
    pub fn declared_parts(&self) -> impl Iterator<Item = (&ModuleId, &ModuleId)> {
        let bundles = self.bundles.iter();
        bundles.flat_map(|(bundle, parts)| parts.iter().map(move |part| (bundle, part)))
    }

    /// Whether it is declared what a bundle holds.
    pub fn is_declared_bundle(&self, module: &ModuleId) -> bool {
        self.bundles.contains_key(module)
    }

    /// The account of a workspace.
    pub fn account(&self, workspace: &WorkspaceId) -> Option<&AccountId> {
        self.accounts.get(workspace)
    }

    /// The workspace of an account.
    pub fn workspace(&self, account: &AccountId) -> Option<&WorkspaceId> {
        self.workspaces.get(account)
    }

    /// How a module is billed.
    pub fn service(&self, module: &ModuleId) -> Option<&ServiceMapping> {
        self.services.get(module)
    }

    /// The module that a service stands for.
    pub fn module(&self, service: &ServiceId) -> Option<&ModuleId> {
        self.modules.get(service)
    }

    /// The contract chosen for a workspace.
    pub fn contract(&self, workspace: &WorkspaceId) -> Option<&ContractId> {
        self.contracts.get(workspace)
    }

    /// Workspaces with their accounts, by workspace id.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = (&WorkspaceId, &AccountId)> {
        self.accounts.iter()
    }

    /// Modules with their services, by module id.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &ServiceMapping> {
        self.services.values()
    }

    /// Workspaces with a chosen contract, by workspace id.
    pub fn contracts(&self) -> impl ExactSizeIterator<Item = (&WorkspaceId, &ContractId)> {
        self.contracts.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn workspace(id: &str) -> WorkspaceId {
        WorkspaceId::new(id).unwrap()
    }

    fn account(id: &str) -> AccountId {
        AccountId::new(id).unwrap()
    }

    #[test]
    fn a_second_partner_is_refused_on_either_side() {
        let mut mapping = Mapping::default();
        mapping.map_account(workspace("w1"), account("1")).unwrap();
        mapping.map_account(workspace("w1"), account("1")).unwrap();
        let second_account = mapping
            .map_account(workspace("w1"), account("2"))
            .unwrap_err();
        assert_eq!(
            second_account.to_string(),
            "workspace w1 is already mapped to account 1"
        );
        let second_workspace = mapping
            .map_account(workspace("w2"), account("1"))
            .unwrap_err();
        assert_eq!(
            second_workspace.to_string(),
            "account 1 is already mapped to workspace w1"
        );
        assert_eq!(mapping.accounts().len(), 1);
    }

    #[test]
    fn a_service_stands_for_one_module() {
        let pair = |module: &str, service: &str| ServiceMapping {
            module: ModuleId::new(module).unwrap(),
            service: ServiceId::new(service).unwrap(),
            metric: Metric::Users,
        };
        let mut mapping = Mapping::default();
        mapping.map_service(pair("edr", "7")).unwrap();
        assert!(mapping.map_service(pair("edr", "8")).is_err());
        assert!(mapping.map_service(pair("mdm", "7")).is_err());
        mapping.map_service(pair("mdm", "8")).unwrap();
    }

    proptest! {
        /// Whatever is mapped in whatever order: no account has two workspaces and no
        /// workspace two accounts, both ways agree, and what is refused changes nothing.
        #[test]
        fn accounts_and_workspaces_are_always_one_to_one(
            pairs in prop::collection::vec((0_u8..4, 0_u8..4), 0..12),
        ) {
            let mut mapping = Mapping::default();
            for (w, a) in pairs {
                let before = mapping.clone();
                let pair = (workspace(&format!("w{w}")), account(&a.to_string()));
                let free = before.account(&pair.0).is_none_or(|partner| *partner == pair.1)
                    && before.workspace(&pair.1).is_none_or(|partner| *partner == pair.0);
                match mapping.map_account(pair.0, pair.1) {
                    Ok(()) => prop_assert!(free),
                    Err(_) => prop_assert!(!free && mapping == before),
                }
                for (workspace, account) in mapping.accounts() {
                    prop_assert_eq!(mapping.workspace(account), Some(workspace));
                }
                prop_assert_eq!(mapping.accounts().len(), mapping.workspaces.len());
            }
        }

        /// The same of modules and services.
        #[test]
        fn modules_and_services_are_always_one_to_one(
            pairs in prop::collection::vec((0_u8..4, 0_u8..4), 0..12),
        ) {
            let mut mapping = Mapping::default();
            for (m, s) in pairs {
                let before = mapping.clone();
                let pair = ServiceMapping {
                    module: ModuleId::new(format!("m{m}")).unwrap(),
                    service: ServiceId::new(s.to_string()).unwrap(),
                    metric: Metric::Users,
                };
                if mapping.map_service(pair).is_err() {
                    prop_assert_eq!(&mapping, &before);
                }
                for pair in mapping.services() {
                    prop_assert_eq!(mapping.module(&pair.service), Some(&pair.module));
                }
                prop_assert_eq!(mapping.services().len(), mapping.modules.len());
            }
        }
    }
}
