//! Making and removing one mapping, inside a transaction.

use psa_host_billing::{ConnectionName, ServiceMapping, TenantKey};
use serde_json::json;

use super::conflicts::account_conflict;
use super::pairs::{AccountMapping, ContractPin, Mapped, Mapping, MappingKey};
use crate::LedgerError;
use crate::connections::{must_exist, tenant_of};
use crate::db::{Optional, Tx, params};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;

/// The mappings of one connection, inside a transaction.
pub(super) struct OwnMappings<'a> {
    pub(super) connection: i64,
    name: &'a ConnectionName,
    tenant: Option<TenantKey>,
}

impl<'a> OwnMappings<'a> {
    pub(super) fn of(view: &Tx<'_>, name: &'a ConnectionName) -> Inside<Self> {
        let connection = must_exist(view, name)?;
        Ok(Self {
            connection,
            name,
            tenant: tenant_of(view, connection)?,
        })
    }

    pub(super) fn map(
        &self,
        change: &Tx<'_>,
        journal: &mut Journal<'_>,
        mapping: &Mapping,
    ) -> Inside<Mapped> {
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

    pub(super) fn unmap(
        &self,
        change: &Tx<'_>,
        journal: &mut Journal<'_>,
        key: &MappingKey,
    ) -> Inside<()> {
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
