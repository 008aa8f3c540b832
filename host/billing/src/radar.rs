//! What is in use and mapped to nothing: workspaces without an account, modules
//! without a service, with the units and the money that nobody bills.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::elsewhere::Elsewhere;
use crate::{
    Mapping, Metric, ModuleId, Money, Service, ServiceId, SetAsides, UsageCounts, UsageItem,
    Workspace, WorkspaceId, default_metric,
};

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct RadarInputs<'a> {
    /// The day, in the connection's zone.
    pub as_of: Date,
    /// The counts.
    pub snapshot: &'a UsageCounts,
    /// The mappings.
    pub mapping: &'a Mapping,
    /// What other connections of the channel bill.
    pub elsewhere: &'a Elsewhere,
    /// Workspaces of the channel.
    pub workspaces: &'a HashMap<WorkspaceId, Workspace>,
    /// The PSA's services, for their list prices.
    pub services: &'a HashMap<ServiceId, Service>,
    /// Services that are proposed for modules without one: their list prices are an
    /// estimate.
    pub proposed: &'a HashMap<ModuleId, ServiceId>,
    /// What people set aside; none of it is shown.
    pub set_asides: &'a SetAsides,
}

/// Units and money that nobody bills.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Stake {
    /// Units of modules that are counted by users.
    pub users: u64,
    /// Units of modules that are counted by devices.
    pub devices: u64,
    /// For one period at list price, one amount for each currency, as far as the services
    /// are mapped or proposed, and priced.
    pub money: Vec<Money>,
    /// Modules in it whose price is that of a service that is only proposed: an estimate.
    pub estimated: Vec<ModuleId>,
    /// Modules in it whose price is not known.
    pub unpriced: Vec<ModuleId>,
}

/// A workspace in use without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedWorkspace {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its modules in use.
    pub modules: Vec<ModuleId>,
    /// What nobody bills.
    pub stake: Stake,
}

/// A module in use without a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedModule {
    /// The module.
    pub module: ModuleId,
    /// In how many workspaces it is in use.
    pub workspaces: usize,
    /// What nobody bills; its money is an estimate, because its service is only proposed.
    pub stake: Stake,
}

impl RadarInputs<'_> {
    /// Workspaces of paid subscriptions that are in use and not mapped, by id.
    pub fn unmapped_workspaces(&self) -> Vec<UnmappedWorkspace> {
        let mut found: BTreeMap<&WorkspaceId, Vec<&UsageItem>> = BTreeMap::new();
        for item in self.in_use() {
            if self.elsewhere.lacks_account(self.mapping, &item.workspace) {
                found.entry(&item.workspace).or_default().push(item);
            }
        }
        let row = |(workspace, items): (&WorkspaceId, Vec<&UsageItem>)| {
            let modules: BTreeSet<&ModuleId> = items.iter().map(|item| &item.module).collect();
            UnmappedWorkspace {
                workspace: workspace.clone(),
                modules: modules.into_iter().cloned().collect(),
                stake: self.stake(&items),
            }
        };
        found.into_iter().map(row).collect()
    }

    /// Modules that paid subscriptions use and that are not mapped, by id.
    pub fn unmapped_modules(&self) -> Vec<UnmappedModule> {
        let mut found: BTreeMap<&ModuleId, Vec<&UsageItem>> = BTreeMap::new();
        for item in self.in_use() {
            let (workspace, module) = (&item.workspace, &item.module);
            if self
                .elsewhere
                .lacks_service(self.mapping, workspace, module)
            {
                found.entry(&item.module).or_default().push(item);
            }
        }
        let row = |(module, items): (&ModuleId, Vec<&UsageItem>)| UnmappedModule {
            module: module.clone(),
            workspaces: items.len(),
            stake: self.stake(&items),
        };
        found.into_iter().map(row).collect()
    }

    /// Counts above zero of paid subscriptions, less what is set aside.
    fn in_use(&self) -> impl Iterator<Item = &UsageItem> {
        self.snapshot.items().filter(|item| {
            let used = item.users.unwrap_or(0) > 0 || item.devices.unwrap_or(0) > 0;
            let workspace = self.workspaces.get(&item.workspace);
            let aside = self
                .set_asides
                .of_pair(&item.workspace, &item.module, self.as_of);
            used && workspace.is_some_and(Workspace::is_paid) && aside.is_none()
        })
    }

    fn stake(&self, items: &[&UsageItem]) -> Stake {
        let mut stake = Stake::default();
        let mut money: BTreeMap<Option<Box<str>>, Decimal> = BTreeMap::new();
        let (mut unpriced, mut estimated) = (BTreeSet::new(), BTreeSet::new());
        for item in items {
            let mapped = self.mapping.service(&item.module);
            let metric = mapped.map_or_else(|| default_metric(&item.module), |m| m.metric);
            let units = item.count(metric).unwrap_or(0);
            match metric {
                Metric::Users => stake.users += u64::from(units),
                Metric::Devices => stake.devices += u64::from(units),
            }
            let service = mapped.map(|mapped| &mapped.service);
            let price = service
                .or_else(|| self.proposed.get(&item.module))
                .and_then(|service| self.services.get(service)?.unit_price.as_ref())
                .and_then(|price| {
                    let amount = price.amount.checked_mul(Decimal::from(units))?;
                    let sum = money.get(&price.currency).copied().unwrap_or_default();
                    Some((price.currency.clone(), sum.checked_add(amount)?))
                });
            match price {
                Some((currency, sum)) => {
                    money.insert(currency, sum);
                    if mapped.is_none() {
                        estimated.insert(item.module.clone());
                    }
                }
                None => {
                    unpriced.insert(item.module.clone());
                }
            }
        }
        let amount = |(currency, amount): (Option<Box<str>>, Decimal)| Money { amount, currency };
        stake.money = money
            .into_iter()
            .filter(|(_, amount)| !amount.is_zero())
            .map(amount)
            .collect();
        stake.estimated = estimated.into_iter().collect();
        stake.unpriced = unpriced.into_iter().collect();
        stake
    }
}

#[cfg(test)]
mod tests;
