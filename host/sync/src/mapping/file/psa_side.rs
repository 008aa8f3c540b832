//! The PSA's side of a mapping file.

use std::collections::{HashMap, HashSet};

use psa_host_billing::{AccountId, ContractId, ErrorCode, ServiceId, WorkspaceId};
use psa_host_ledger::{AccountMapping, Mapping, Mappings};

use crate::error::Problem;
use crate::progress::Watch;
use crate::{Reader, Window};

use super::Row;
use crate::mapping::{unknown_account, unknown_contract, unknown_service};

/// What the PSA has of what the rows name. Each list is read once, and only if a row
/// needs it.
pub(in crate::mapping) struct PsaSide {
    accounts: HashSet<AccountId>,
    services: HashSet<ServiceId>,
    /// Of the accounts of the rows that choose a contract.
    contracts: HashMap<AccountId, HashSet<ContractId>>,
    /// The account of each workspace: in the file, or mapped before.
    account_of: HashMap<WorkspaceId, AccountId>,
}

impl PsaSide {
    pub(in crate::mapping) async fn read(
        reader: &Reader,
        rows: &[Row<'_>],
        present: &Mappings,
        today: jiff::civil::Date,
        watch: Watch<'_>,
    ) -> Result<Self, psa_host_sandbox::CallError> {
        let mut side = Self {
            accounts: HashSet::new(),
            services: HashSet::new(),
            contracts: HashMap::new(),
            account_of: HashMap::new(),
        };
        for mapping in &present.accounts {
            let AccountMapping { workspace, account } = mapping.clone();
            side.account_of.insert(workspace, account);
        }
        let (mut any_account, mut any_service) = (false, false);
        for row in rows {
            match &row.mapping {
                Mapping::Account(mapping) => {
                    any_account = true;
                    let AccountMapping { workspace, account } = mapping.clone();
                    side.account_of.entry(workspace).or_insert(account);
                }
                Mapping::Service(_) => any_service = true,
                Mapping::Contract(_) => {}
            }
        }
        if any_account {
            let accounts = reader.accounts(watch).await?;
            side.accounts = accounts.into_iter().map(|account| account.id).collect();
        }
        if any_service {
            let services = reader.services(watch).await?;
            side.services = services.into_iter().map(|service| service.id).collect();
        }
        let choosing: HashSet<AccountId> = rows
            .iter()
            .filter_map(|row| match &row.mapping {
                Mapping::Contract(pin) => side.account_of.get(&pin.workspace).cloned(),
                _ => None,
            })
            .collect();
        let choosing: Vec<AccountId> = choosing.into_iter().collect();
        let contracts = &mut side.contracts;
        reader
            .for_each_chunk(&choosing, Window::of(today), watch, |chunk| {
                for read in chunk {
                    let ids = read.contracts?.into_iter().map(|contract| contract.id);
                    contracts.insert(read.account, ids.collect());
                }
                Ok::<(), psa_host_sandbox::CallError>(())
            })
            .await?;
        Ok(side)
    }

    pub(in crate::mapping) fn check(&self, row: &Row<'_>) -> Result<(), Problem> {
        match &row.mapping {
            Mapping::Account(mapping) if !self.accounts.contains(&mapping.account) => {
                Err(unknown_account(&mapping.account))
            }
            Mapping::Service(mapping) if !self.services.contains(&mapping.service) => {
                Err(unknown_service(&mapping.service))
            }
            Mapping::Contract(pin) => {
                let Some(account) = self.account_of.get(&pin.workspace) else {
                    return Err(Problem::new(
                        ErrorCode::WorkspaceUnmapped,
                        format!("workspace {} is not mapped to an account", pin.workspace),
                        "Map it in the same file.",
                    ));
                };
                let known = self.contracts.get(account);
                match known.is_some_and(|known| known.contains(&pin.contract)) {
                    true => Ok(()),
                    false => Err(unknown_contract(&pin.contract, account)),
                }
            }
            _ => Ok(()),
        }
    }
}
