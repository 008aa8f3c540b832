//! Which workspace is which account, which module is which service. One to one, and
//! the database itself refuses a second.

pub(crate) mod bundles;
mod conflicts;
pub(crate) mod mapped_names;
mod own_mappings;
pub(crate) mod pairs;
mod replace;

use psa_host_billing::{ConnectionName, Metric, ServiceMapping};

use crate::connections::must_exist;
use crate::db::{Sql, UnknownWord, parsed};
use crate::error::Fault;
use crate::usage::count_policies;
use crate::{Ledger, Result};
pub(crate) use conflicts::bind_accounts;
use own_mappings::OwnMappings;
use pairs::{AccountMapping, ContractPin, Mapped, Mapping, MappingKey};

/// All mappings of a connection, each list by Coro's side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings {
    /// Workspaces and accounts.
    pub accounts: Vec<AccountMapping>,
    /// Modules and services.
    pub services: Vec<ServiceMapping>,
    /// Pinned contracts.
    pub contracts: Vec<ContractPin>,
}

/// What a batch did.
#[derive(Debug)]
pub struct MapReport {
    /// One result for each row, in the order given.
    pub rows: Vec<Result<Mapped>>,
    /// Whether the good rows were kept.
    pub applied: bool,
}

impl Ledger {
    /// Make one mapping. The same pair again changes nothing.
    ///
    /// # Errors
    /// One of the four `…-already-mapped`, naming the other party.
    pub fn map(&self, connection: &ConnectionName, mapping: &Mapping) -> Result<Mapped> {
        self.write(|change, journal| {
            let own = OwnMappings::of(change, connection)?;
            own.map(change, journal, mapping)
        })
    }

    /// Make a batch of mappings in one transaction. With `partial` the good rows are
    /// kept even if others are refused; without, all or none.
    ///
    /// # Errors
    /// Only what stops the batch as a whole; a refused row is in the report.
    pub fn map_all(
        &self,
        connection: &ConnectionName,
        mappings: &[Mapping],
        partial: bool,
    ) -> Result<MapReport> {
        self.write(|change, journal| {
            let own = OwnMappings::of(change, connection)?;
            change.mark()?;
            let mut rows = Vec::with_capacity(mappings.len());
            for mapping in mappings {
                match own.map(change, journal, mapping) {
                    Ok(mapped) => rows.push(Ok(mapped)),
                    // The row was refused before it touched anything.
                    Err(Fault::Ledger(refusal)) => rows.push(Err(refusal)),
                    Err(failure) => return Err(failure),
                }
            }
            let applied = partial || rows.iter().all(Result::is_ok);
            if !applied {
                change.back_to_mark()?;
                journal.start_over();
            }
            Ok(MapReport { rows, applied })
        })
    }

    /// Remove a mapping.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn unmap(&self, connection: &ConnectionName, key: &MappingKey) -> Result<()> {
        self.write(|change, journal| {
            let own = OwnMappings::of(change, connection)?;
            let policies = count_policies::all(change, own.connection)?;
            own.unmap(change, journal, key)?;
            count_policies::keep_mapped(change, journal, own.connection, connection, policies)
        })
    }

    /// All mappings of a connection.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn mappings(&self, connection: &ConnectionName) -> Result<Mappings> {
        self.read(|view| {
            let id = must_exist(view, connection)?;
            let accounts = view
                .prepare(
                    "SELECT workspace, account FROM account_map WHERE connection = ?1
                     ORDER BY workspace",
                )?
                .query_map([id], |row| {
                    Ok(AccountMapping {
                        workspace: parsed(row, "workspace")?,
                        account: parsed(row, "account")?,
                    })
                })?
                .collect::<Sql<_>>()?;
            let services = view
                .prepare(
                    "SELECT module, service, metric FROM service_map WHERE connection = ?1
                     ORDER BY module",
                )?
                .query_map([id], |row| {
                    Ok(ServiceMapping {
                        module: parsed(row, "module")?,
                        service: parsed(row, "service")?,
                        metric: parsed::<MetricWord>(row, "metric")?.0,
                    })
                })?
                .collect::<Sql<_>>()?;
            let contracts = view
                .prepare(
                    "SELECT workspace, contract FROM contract_pins WHERE connection = ?1
                     ORDER BY workspace",
                )?
                .query_map([id], |row| {
                    Ok(ContractPin {
                        workspace: parsed(row, "workspace")?,
                        contract: parsed(row, "contract")?,
                    })
                })?
                .collect::<Sql<_>>()?;
            Ok(Mappings {
                accounts,
                services,
                contracts,
            })
        })
    }
}

pub(crate) struct MetricWord(pub(crate) Metric);

impl std::str::FromStr for MetricWord {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "users" => Ok(Self(Metric::Users)),
            "devices" => Ok(Self(Metric::Devices)),
            _ => Err(UnknownWord(word.to_owned())),
        }
    }
}
