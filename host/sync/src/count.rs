//! How counts become units: the policy of each mapped module, what is excluded for a
//! customer, and what policies would have made of the stored snapshots.

mod exclusions;
mod look_back;
mod simulate;

use psa_host_billing::count::CountPolicy;
use psa_host_billing::{ConnectionName, ErrorCode, Metric, ModuleId, ServiceId, ServiceMapping};
use psa_host_ledger::Mapped;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use exclusions::{ExclusionView, NewExclusion};
pub(crate) use look_back::LookBack;
pub use simulate::{SimulatedPair, SimulatedTotal, Simulation, SimulationScope};

use crate::error::rule;
use crate::{Access, Done, Power, Result, modules};

/// The policy of a mapped module.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct PolicyView {
    /// The module.
    pub module: ModuleId,
    /// What Coro's console calls it.
    pub name: String,
    /// Its service.
    pub service: ServiceId,
    /// What is counted.
    pub metric: Metric,
    /// Whether nobody set another.
    pub default: bool,
    /// How its counts become units.
    pub policy: CountPolicy,
}

impl Access {
    /// The policies of all mapped modules, or of one.
    ///
    /// # Errors
    /// No such connection; a module that is not mapped.
    pub fn count_policies(
        &self,
        name: &ConnectionName,
        module: Option<&ModuleId>,
    ) -> Result<Vec<PolicyView>> {
        self.may_on(name, Power::Read)?;
        let services = self.services_to_count(name, module)?;
        let policies = self.ledger().count_policies(name)?;
        let view = |mapping: ServiceMapping| {
            let policy = policies.get(&mapping.module).copied();
            PolicyView {
                name: modules::name(&mapping.module).to_owned(),
                service: mapping.service,
                metric: mapping.metric,
                default: policy.is_none(),
                policy: policy.unwrap_or_default(),
                module: mapping.module,
            }
        };
        Ok(services.into_iter().map(view).collect())
    }

    /// Set the policy of a mapped module; the default one takes it away.
    ///
    /// # Errors
    /// No such connection; a module that is not mapped.
    pub fn set_count_policy(
        &self,
        name: &ConnectionName,
        module: &ModuleId,
        policy: &CountPolicy,
    ) -> Result<Mapped> {
        self.may_on(name, Power::Map)?;
        self.service_to_count(name, module)?;
        Ok(self.ledger().set_count_policy(name, module, policy)?)
    }

    /// The mapped modules, or one that must be mapped.
    fn services_to_count(
        &self,
        name: &ConnectionName,
        module: Option<&ModuleId>,
    ) -> Result<Vec<ServiceMapping>> {
        match module {
            Some(module) => Ok(vec![self.service_to_count(name, module)?]),
            None => {
                self.connection(name)?;
                Ok(self.ledger().mappings(name)?.services)
            }
        }
    }

    fn service_to_count(&self, name: &ConnectionName, module: &ModuleId) -> Result<ServiceMapping> {
        self.connection(name)?;
        let services = self.ledger().mappings(name)?.services;
        let found = services
            .into_iter()
            .find(|mapping| mapping.module == *module);
        found.ok_or_else(|| {
            rule(
                ErrorCode::ModuleUnmapped,
                format!("module {module} is not mapped to a service in connection {name}"),
                format!("Map it with `psa-host map service {name} {module} SERVICE`."),
            )
        })
    }
}

/// Something was done, and there is nothing to add.
fn done(result: &'static str, message: String) -> Done {
    Done {
        result: result.into(),
        message,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
