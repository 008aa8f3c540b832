//! Which workspace is which account, which module is which service. One to one, and
//! the database itself refuses a second.

pub(crate) mod bundles;
pub(crate) mod mapped_names;
mod replace;

use psa_host_billing::{
    AccountId, ConnectionName, ContractId, Metric, ModuleId, ServiceMapping, TenantKey, WorkspaceId,
};
use serde_json::json;

use crate::connections::{must_exist, tenant_of};
use crate::db::{Optional, Sql, Tx, UnknownWord, params, parsed};
use crate::error::{Fault, Inside};
use crate::history::{About, Journal};
use crate::usage::count_policies;
use crate::{Ledger, LedgerError, Result};

/// A mapping to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// A workspace is this account.
    Account(AccountMapping),
    /// A module is this service.
    Service(ServiceMapping),
    /// A workspace is billed on this contract.
    Contract(ContractPin),
}

/// A workspace and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMapping {
    /// Coro's side.
    pub workspace: WorkspaceId,
    /// The PSA's side.
    pub account: AccountId,
}

/// The contract a person chose for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractPin {
    /// Coro's side.
    pub workspace: WorkspaceId,
    /// The PSA's side.
    pub contract: ContractId,
}

/// A mapping to remove, by Coro's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingKey {
    /// The workspace's account; its contract pin goes too, since it would name another
    /// company's contract.
    Account(WorkspaceId),
    /// The module's service.
    Service(ModuleId),
    /// The workspace's contract pin.
    Contract(WorkspaceId),
}

/// What a mapping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapped {
    /// It is new.
    New,
    /// It was there.
    Same,
    /// The metric or the pinned contract is another now.
    Changed,
}

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
            let place = Place::of(change, connection)?;
            place.map(change, journal, mapping)
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
            let place = Place::of(change, connection)?;
            change.mark()?;
            let mut rows = Vec::with_capacity(mappings.len());
            for mapping in mappings {
                match place.map(change, journal, mapping) {
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
            let place = Place::of(change, connection)?;
            let policies = count_policies::all(change, place.connection)?;
            place.unmap(change, journal, key)?;
            count_policies::keep_mapped(change, journal, &place, policies)
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

/// A connection inside a transaction.
pub(crate) struct Place<'a> {
    pub(crate) connection: i64,
    pub(crate) name: &'a ConnectionName,
    tenant: Option<TenantKey>,
}

impl<'a> Place<'a> {
    fn of(view: &Tx<'_>, name: &'a ConnectionName) -> Inside<Self> {
        let connection = must_exist(view, name)?;
        Ok(Self {
            connection,
            name,
            tenant: tenant_of(view, connection)?,
        })
    }

    fn map(&self, change: &Tx<'_>, journal: &mut Journal<'_>, mapping: &Mapping) -> Inside<Mapped> {
        let (mapped, event, detail) = match mapping {
            Mapping::Account(pair) => (
                self.map_account(change, pair)?,
                "mapping.account-set",
                json!({ "workspace": pair.workspace, "account": pair.account }),
            ),
            Mapping::Service(pair) => (
                self.map_service(change, pair)?,
                "mapping.service-set",
                json!({ "module": pair.module, "service": pair.service, "metric": pair.metric }),
            ),
            Mapping::Contract(pin) => (
                self.pin_contract(change, pin)?,
                "mapping.contract-set",
                json!({ "workspace": pin.workspace, "contract": pin.contract }),
            ),
        };
        if mapped != Mapped::Same {
            journal.write(
                change,
                About::Connection(self.connection),
                event,
                self.name.as_str(),
                &detail,
            )?;
        }
        Ok(mapped)
    }

    fn unmap(&self, change: &Tx<'_>, journal: &mut Journal<'_>, key: &MappingKey) -> Inside<()> {
        let (table, column, id, what, event) = match key {
            MappingKey::Account(workspace) => (
                "account_map",
                "workspace",
                workspace.as_str(),
                "account mapping of workspace",
                "mapping.account-removed",
            ),
            MappingKey::Service(module) => (
                "service_map",
                "module",
                module.as_str(),
                "service mapping of module",
                "mapping.service-removed",
            ),
            MappingKey::Contract(workspace) => (
                "contract_pins",
                "workspace",
                workspace.as_str(),
                "contract pin of workspace",
                "mapping.contract-removed",
            ),
        };
        let removed = change.execute(
            &format!("DELETE FROM {table} WHERE connection = ?1 AND {column} = ?2"),
            params![self.connection, id],
        )?;
        if removed == 0 {
            let id = id.to_owned();
            return Err(LedgerError::NotFound { what, id }.into());
        }
        if matches!(key, MappingKey::Account(_)) {
            change.execute(
                "DELETE FROM contract_pins WHERE connection = ?1 AND workspace = ?2",
                params![self.connection, id],
            )?;
        }
        journal.write(
            change,
            About::Connection(self.connection),
            event,
            self.name.as_str(),
            &json!({ column: id }),
        )
    }

    fn map_account(&self, change: &Tx<'_>, pair: &AccountMapping) -> Inside<Mapped> {
        let tenant = self.tenant.as_ref().map(TenantKey::as_str);
        let present: Option<String> = change
            .prepare("SELECT account FROM account_map WHERE connection = ?1 AND workspace = ?2")?
            .query_row(params![self.connection, pair.workspace.as_str()], |row| {
                row.get(0)
            })
            .optional()?;
        if present.as_deref() == Some(pair.account.as_str()) {
            return Ok(Mapped::Same);
        }
        if let Some(refusal) = account_conflict(change, self.connection, tenant, pair)? {
            return Err(refusal.into());
        }
        change
            .prepare(
                "INSERT INTO account_map (connection, tenant, workspace, account)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                self.connection,
                tenant,
                pair.workspace.as_str(),
                pair.account.as_str()
            ])?;
        Ok(Mapped::New)
    }

    fn map_service(&self, change: &Tx<'_>, pair: &ServiceMapping) -> Inside<Mapped> {
        let (module, service) = (pair.module.as_str(), pair.service.as_str());
        let present = change
            .prepare(
                "SELECT service, metric FROM service_map WHERE connection = ?1 AND module = ?2",
            )?
            .query_row(params![self.connection, module], |row| {
                Ok((row.get::<String>(0)?, row.get::<String>(1)?))
            })
            .optional()?;
        let metric = pair.metric.to_string();
        match present {
            Some((present, _)) if present != service => {
                return Err(LedgerError::ModuleAlreadyMapped {
                    module: module.to_owned(),
                    service: present,
                }
                .into());
            }
            Some((_, present)) if present == metric => return Ok(Mapped::Same),
            Some(_) => {
                change.execute(
                    "UPDATE service_map SET metric = ?3 WHERE connection = ?1 AND module = ?2",
                    params![self.connection, module, metric],
                )?;
                return Ok(Mapped::Changed);
            }
            None => {}
        }
        let other: Option<String> = change
            .prepare("SELECT module FROM service_map WHERE connection = ?1 AND service = ?2")?
            .query_row(params![self.connection, service], |row| row.get(0))
            .optional()?;
        if let Some(other) = other {
            return Err(LedgerError::ServiceAlreadyMapped {
                service: service.to_owned(),
                module: other,
            }
            .into());
        }
        change.execute(
            "INSERT INTO service_map (connection, module, service, metric)
             VALUES (?1, ?2, ?3, ?4)",
            params![self.connection, module, service, metric],
        )?;
        Ok(Mapped::New)
    }

    fn pin_contract(&self, change: &Tx<'_>, pin: &ContractPin) -> Inside<Mapped> {
        let present: Option<String> = change
            .prepare("SELECT contract FROM contract_pins WHERE connection = ?1 AND workspace = ?2")?
            .query_row(params![self.connection, pin.workspace.as_str()], |row| {
                row.get(0)
            })
            .optional()?;
        if present.as_deref() == Some(pin.contract.as_str()) {
            return Ok(Mapped::Same);
        }
        change.execute(
            "INSERT INTO contract_pins (connection, workspace, contract) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET contract = excluded.contract",
            params![
                self.connection,
                pin.workspace.as_str(),
                pin.contract.as_str()
            ],
        )?;
        Ok(if present.is_some() {
            Mapped::Changed
        } else {
            Mapped::New
        })
    }
}

/// Who stands in the way of this pair, within the connection or its tenant.
fn account_conflict(
    view: &Tx<'_>,
    connection: i64,
    tenant: Option<&str>,
    pair: &AccountMapping,
) -> Inside<Option<LedgerError>> {
    for (column, id) in [
        ("workspace", pair.workspace.as_str()),
        ("account", pair.account.as_str()),
    ] {
        let other = view
            .prepare(&format!(
                "SELECT m.workspace, m.account, c.name
                 FROM account_map AS m JOIN connections AS c ON c.id = m.connection
                 WHERE m.{column} = ?3 AND (m.connection = ?1 OR m.tenant = ?2)
                     AND NOT (m.connection = ?1 AND m.workspace = ?4 AND m.account = ?5)
                 ORDER BY m.connection = ?1 DESC LIMIT 1"
            ))?
            .query_row(
                params![
                    connection,
                    tenant,
                    id,
                    pair.workspace.as_str(),
                    pair.account.as_str()
                ],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        if let Some((workspace, account, connection)) = other {
            return Ok(Some(if column == "workspace" {
                LedgerError::WorkspaceAlreadyMapped {
                    workspace,
                    account,
                    connection,
                }
            } else {
                LedgerError::AccountAlreadyMapped {
                    account,
                    workspace,
                    connection,
                }
            }));
        }
    }
    second_tenant(view, connection, tenant, pair)
}

/// A workspace is billed in one tenant of its channel: in two it would be billed twice,
/// unless somebody said why it is to be.
fn second_tenant(
    view: &Tx<'_>,
    connection: i64,
    tenant: Option<&str>,
    pair: &AccountMapping,
) -> Inside<Option<LedgerError>> {
    let other: Option<(String, String)> = view
        .prepare(
            "SELECT o.name, m.tenant FROM account_map AS m
             JOIN connections AS o ON o.id = m.connection
             JOIN connections AS c ON c.id = ?1 AND c.channel = o.channel
             WHERE m.workspace = ?3 AND m.connection <> ?1 AND m.tenant <> ?2
                 AND NOT EXISTS (SELECT 1 FROM second_tenants AS s
                                 WHERE s.connection = ?1 AND s.workspace = ?3)
             ORDER BY o.name LIMIT 1",
        )?
        .query_row(
            params![connection, tenant, pair.workspace.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(
        other.map(|(connection, tenant)| LedgerError::WorkspaceInTwoTenants {
            workspace: pair.workspace.to_string(),
            connection,
            tenant,
        }),
    )
}

/// Make a connection's account mappings count for its whole tenant, now that it is
/// known.
pub(crate) fn bind_accounts(change: &Tx<'_>, id: i64, tenant: &TenantKey) -> Inside<()> {
    let pairs = change
        .prepare("SELECT workspace, account FROM account_map WHERE connection = ?1")?
        .query_map([id], |row| {
            Ok(AccountMapping {
                workspace: parsed(row, "workspace")?,
                account: parsed(row, "account")?,
            })
        })?
        .collect::<Sql<Vec<_>>>()?;
    for pair in &pairs {
        if let Some(refusal) = account_conflict(change, id, Some(tenant.as_str()), pair)? {
            return Err(refusal.into());
        }
    }
    change.execute(
        "UPDATE account_map SET tenant = ?2 WHERE connection = ?1",
        params![id, tenant.as_str()],
    )?;
    Ok(())
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
