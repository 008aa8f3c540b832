//! The rows of a mapping file, held against what is mapped. That they do not contradict
//! one another is seen to before ([`contradictions`](super::contradictions)).

use psa_host_billing::{ErrorCode, NotOneToOne};
use psa_host_ledger::{Mapping, Mappings};

use crate::error::Problem;

use super::Row;

/// What is mapped already, and then the rows of the file one by one.
pub(in crate::mapping) struct OneToOne {
    mapping: psa_host_billing::Mapping,
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
    OneToOne { mapping }
}

impl OneToOne {
    pub(in crate::mapping) fn take(&mut self, row: &Row<'_>) -> Result<(), Problem> {
        const FIX: &str = "Remove the other mapping first, or correct this row.";
        let refused = |code, error: NotOneToOne| Problem::new(code, error.to_string(), FIX);
        match &row.mapping {
            Mapping::Account(pair) => {
                let taken = self.mapping.account(&pair.workspace).is_some();
                let code = match taken {
                    true => ErrorCode::WorkspaceAlreadyMapped,
                    false => ErrorCode::AccountAlreadyMapped,
                };
                self.mapping
                    .map_account(pair.workspace.clone(), pair.account.clone())
                    .map_err(|error| refused(code, error))
            }
            Mapping::Service(pair) => {
                let taken = self.mapping.service(&pair.module).is_some();
                let code = match taken {
                    true => ErrorCode::ModuleAlreadyMapped,
                    false => ErrorCode::ServiceAlreadyMapped,
                };
                self.mapping
                    .map_service(psa_host_billing::ServiceMapping {
                        module: pair.module.clone(),
                        service: pair.service.clone(),
                        metric: pair.metric,
                    })
                    .map_err(|error| refused(code, error))
            }
            // Pinned to another contract, it is changed.
            Mapping::Contract(_) => Ok(()),
        }
    }
}
