//! How the counts of mapped modules become units: one policy for each, at most.

use std::collections::BTreeMap;

use psa_host_billing::count::CountPolicy;
use psa_host_billing::{ConnectionName, ModuleId};
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Optional, Sql, Tx, json as json_column, params, parsed, to_json};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::mapping::pairs::Mapped;
use crate::{Ledger, LedgerError, Result};

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
            if !is_mapped(change, id, module)? {
                return Err(LedgerError::NotFound {
                    what: "service mapping of module",
                    id: module.to_string(),
                }
                .into());
            }
            let before = policy_of(change, id, module)?.unwrap_or_default();
            if before == *policy {
                return Ok(Mapped::Same);
            }
            if *policy == CountPolicy::default() {
                remove(change, id, module)?;
            } else {
                put(change, id, module, policy)?;
            }
            let detail = json!({ "module": module, "from": before, "to": policy });
            journal.write(
                change,
                About::Connection(id),
                "count.policy-set",
                connection.as_str(),
                &detail,
            )?;
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
            all(view, id)
        })
    }
}

/// The policies of a connection.
pub(crate) fn all(view: &Tx<'_>, connection: i64) -> Inside<BTreeMap<ModuleId, CountPolicy>> {
    let policies = view
        .prepare("SELECT module, policy FROM count_policies WHERE connection = ?1")?
        .query_map([connection], |row| {
            Ok((parsed(row, "module")?, json_column(row, "policy")?))
        })?
        .collect::<Sql<_>>()?;
    Ok(policies)
}

/// After mappings were removed: put the policies back whose modules were mapped again,
/// and write down that the others went.
pub(crate) fn keep_mapped(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    connection: i64,
    name: &ConnectionName,
    before: BTreeMap<ModuleId, CountPolicy>,
) -> Inside<()> {
    for (module, policy) in before {
        if is_mapped(change, connection, &module)? {
            put(change, connection, &module, &policy)?;
        } else {
            let detail = json!({ "module": module, "from": policy, "to": CountPolicy::default() });
            journal.write(
                change,
                About::Connection(connection),
                "count.policy-set",
                name.as_str(),
                &detail,
            )?;
        }
    }
    Ok(())
}

fn put(change: &Tx<'_>, connection: i64, module: &ModuleId, to: &CountPolicy) -> Inside<()> {
    change.execute(
        "INSERT INTO count_policies (connection, module, policy) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET policy = excluded.policy",
        params![connection, module.as_str(), to_json(to)?],
    )?;
    Ok(())
}

fn remove(change: &Tx<'_>, connection: i64, module: &ModuleId) -> Inside<()> {
    change.execute(
        "DELETE FROM count_policies WHERE connection = ?1 AND module = ?2",
        params![connection, module.as_str()],
    )?;
    Ok(())
}

fn policy_of(view: &Tx<'_>, connection: i64, module: &ModuleId) -> Inside<Option<CountPolicy>> {
    Ok(view
        .prepare("SELECT policy FROM count_policies WHERE connection = ?1 AND module = ?2")?
        .query_row(params![connection, module.as_str()], |row| {
            json_column(row, "policy")
        })
        .optional()?)
}

fn is_mapped(view: &Tx<'_>, connection: i64, module: &ModuleId) -> Inside<bool> {
    Ok(view.query_row(
        "SELECT EXISTS (SELECT 1 FROM service_map WHERE connection = ?1 AND module = ?2)",
        params![connection, module.as_str()],
        |row| row.get(0),
    )?)
}
