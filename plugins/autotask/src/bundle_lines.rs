//! Contract service bundles, of which most tenants have few.
//!
//! Asking 500 contracts at a time would be one request for each 500 contracts that
//! mostly finds nothing. So where many contracts are read, all bundle lines of the
//! tenant are read once instead, unless there turn out to be many of them.

use std::collections::HashMap;

use psa_connector_sdk::{Error, Host};

use crate::api::Api;
use crate::contract_lines::lines_of_contracts;
use crate::describe::{MOST_KEYS, PAGE};
use crate::lines::{ContractLine, Kind, LineRow};

/// What is known of the tenant's bundle lines; as old as the instance, which is one run.
/// Each line is read again before anything is sent.
#[derive(Debug, Default)]
pub(crate) enum BundleLines {
    #[default]
    Unknown,
    /// By contract.
    All(HashMap<i64, Vec<ContractLine>>),
    /// Too many to be kept, or one of them is broken: they are asked for by contract.
    Many,
}

/// Beyond this many pages the lists are no dearer.
const MOST_PAGES: usize = 4;

impl BundleLines {
    pub(crate) fn of_contracts(
        &mut self,
        api: &mut Api,
        host: &dyn Host,
        contracts: &[i64],
    ) -> Result<Vec<ContractLine>, Error> {
        if matches!(self, Self::Unknown) && contracts.len() >= MOST_KEYS {
            *self = Self::read(api, host)?;
        }
        let mut lines = Vec::new();
        match self {
            Self::All(all) => {
                lines.extend(
                    contracts
                        .iter()
                        .filter_map(|contract| all.get(contract))
                        .flatten()
                        .cloned(),
                );
            }
            Self::Unknown | Self::Many => {
                for keys in contracts.chunks(MOST_KEYS) {
                    lines_of_contracts(api, host, Kind::Bundle, keys, &mut lines)?;
                }
            }
        }
        Ok(lines)
    }

    fn read(api: &mut Api, host: &dyn Host) -> Result<Self, Error> {
        let entity = Kind::Bundle.lines();
        let mut all: HashMap<i64, Vec<ContractLine>> = HashMap::new();
        let mut after = 0;
        for _ in 0..MOST_PAGES {
            let page = api.query_page::<LineRow>(host, entity, &[], after, PAGE)?;
            for row in page.rows {
                // A broken row is one contract's, and is met again there.
                let Ok(line) = row.into_line(Kind::Bundle) else {
                    return Ok(Self::Many);
                };
                all.entry(line.key.contract).or_default().push(line);
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(Self::All(all)),
            }
        }
        Ok(Self::Many)
    }
}
