//! The rows of a mapping file, held against what is mapped and against each other.

use std::collections::HashMap;

use psa_host_billing::{ContractId, Metric, ModuleId, NotOneToOne, WorkspaceId};
use psa_host_ledger::{Mapping, Mappings};

use crate::error::Problem;

use super::Row;

/// What is mapped already, and then the rows of the file one by one.
pub(in crate::mapping) struct OneToOne {
    mapping: psa_host_billing::Mapping,
    chosen: HashMap<WorkspaceId, ContractId>,
    metrics: HashMap<ModuleId, Metric>,
}

pub(in crate::mapping) fn one_to_one(present: &Mappings) -> OneToOne {
    let mut mapping = psa_host_billing::Mapping::default();
    for pair in &present.accounts {
        // The ledger holds no second partner.
        let _ = mapping.map_account(pair.workspace.clone(), pair.account.clone());
    }
    for pair in &present.services {
        let _ = mapping.map_service(psa_host_billing::ServiceMapping {
            module: pair.module.clone(),
            service: pair.service.clone(),
            metric: pair.metric,
        });
    }
    OneToOne {
        mapping,
        chosen: HashMap::new(),
        metrics: HashMap::new(),
    }
}

impl OneToOne {
    pub(in crate::mapping) fn take(&mut self, row: &Row<'_>) -> Result<(), Problem> {
        const FIX: &str = "Remove the other mapping first, or correct this row.";
        let refused = |code, error: NotOneToOne| Problem::new(code, error.to_string(), FIX);
        let twice = |what: String| {
            let fix = "List each once.";
            Err(Problem::new("duplicate-row", what, fix))
        };
        match &row.mapping {
            Mapping::Account(pair) => {
                let taken = self.mapping.account(&pair.workspace).is_some();
                let code = match taken {
                    true => "workspace-already-mapped",
                    false => "account-already-mapped",
                };
                self.mapping
                    .map_account(pair.workspace.clone(), pair.account.clone())
                    .map_err(|error| refused(code, error))
            }
            Mapping::Service(pair) => {
                if let Some(metric) = self.metrics.insert(pair.module.clone(), pair.metric)
                    && metric != pair.metric
                {
                    return twice(format!(
                        "module {} has two metrics in this file",
                        pair.module
                    ));
                }
                let taken = self.mapping.service(&pair.module).is_some();
                let code = match taken {
                    true => "module-already-mapped",
                    false => "service-already-mapped",
                };
                self.mapping
                    .map_service(psa_host_billing::ServiceMapping {
                        module: pair.module.clone(),
                        service: pair.service.clone(),
                        metric: pair.metric,
                    })
                    .map_err(|error| refused(code, error))
            }
            Mapping::Contract(pin) => {
                let before = self
                    .chosen
                    .insert(pin.workspace.clone(), pin.contract.clone());
                match before {
                    Some(other) if other != pin.contract => {
                        let workspace = &pin.workspace;
                        twice(format!(
                            "workspace {workspace} has two contracts in this file"
                        ))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}
