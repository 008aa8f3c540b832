//! How the counts of mapped modules become units: one policy for each, at most.

use std::collections::BTreeMap;

use psa_host_billing::count::CountPolicy;
use psa_host_billing::{ConnectionName, ModuleId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use crate::connections::must_exist;
use crate::error::Inside;
use crate::history::Journal;
use crate::row::{json as json_column, parsed, to_json};
use crate::{Ledger, LedgerError, Mapped, Result};

impl Ledger {
    /// Set the policy of a mapped module. The default policy is none: it is not kept.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for a connection that is not there or a module that is
    /// not mapped.
    pub fn set_count_policy(
        &self,
        connection: &ConnectionName,
        module: &ModuleId,
        policy: &CountPolicy,
    ) -> Result<Mapped> {
        self.write(|change, journal| {
            let id = must_exist(change, connection)?;
            must_be_mapped(change, id, module)?;
            let before = policy_of(change, id, module)?.unwrap_or_default();
            if before == *policy {
                return Ok(Mapped::Same);
            }
            if *policy == CountPolicy::default() {
                remove(change, id, module)?;
            } else {
                change.execute(
                    "INSERT INTO count_policies (connection, module, policy) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET policy = excluded.policy",
                    params![id, module.as_str(), to_json(policy)?],
                )?;
            }
            let detail = json!({ "module": module, "from": before, "to": policy });
            journal.write(change, "count.policy-set", connection.as_str(), &detail)?;
            Ok(match before == CountPolicy::default() {
                true => Mapped::New,
                false => Mapped::Changed,
            })
        })
    }

    /// The policies of a connection that are not the default, by module.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn count_policies(
        &self,
        connection: &ConnectionName,
    ) -> Result<BTreeMap<ModuleId, CountPolicy>> {
        self.read(|view| {
            let id = must_exist(view, connection)?;
            let policies = view
                .prepare_cached("SELECT module, policy FROM count_policies WHERE connection = ?1")?
                .query_map([id], |row| {
                    Ok((parsed(row, "module")?, json_column(row, "policy")?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(policies)
        })
    }
}

/// Take the policy of a module away with its mapping.
pub(crate) fn forget(
    change: &Connection,
    journal: &mut Journal<'_>,
    (connection, name): (i64, &ConnectionName),
    module: &ModuleId,
) -> Inside<()> {
    let Some(policy) = policy_of(change, connection, module)? else {
        return Ok(());
    };
    remove(change, connection, module)?;
    let detail = json!({ "module": module, "from": policy, "to": CountPolicy::default() });
    journal.write(change, "count.policy-set", name.as_str(), &detail)
}

fn remove(change: &Connection, connection: i64, module: &ModuleId) -> Inside<()> {
    change.execute(
        "DELETE FROM count_policies WHERE connection = ?1 AND module = ?2",
        params![connection, module.as_str()],
    )?;
    Ok(())
}

fn policy_of(view: &Connection, connection: i64, module: &ModuleId) -> Inside<Option<CountPolicy>> {
    Ok(view
        .prepare_cached("SELECT policy FROM count_policies WHERE connection = ?1 AND module = ?2")?
        .query_row(params![connection, module.as_str()], |row| {
            json_column(row, "policy")
        })
        .optional()?)
}

fn must_be_mapped(view: &Connection, connection: i64, module: &ModuleId) -> Inside<()> {
    let mapped: bool = view.query_row(
        "SELECT EXISTS (SELECT 1 FROM service_map WHERE connection = ?1 AND module = ?2)",
        params![connection, module.as_str()],
        |row| row.get(0),
    )?;
    match mapped {
        true => Ok(()),
        false => Err(LedgerError::NotFound {
            what: "service mapping of module",
            id: module.to_string(),
        }
        .into()),
    }
}
