//! Accounts of a tenant that are not new: the PSA took a change of one of their lines, or a
//! run found all their lines right. The first of the two is written by the database itself,
//! together with the answer (`migrations/12-known-accounts.sql`).

use std::collections::HashSet;

use psa_host_billing::{AccountId, TenantKey};
use serde_json::json;

use crate::db::{Sql, parsed};
use crate::history::chain::About;
use crate::{Ledger, Result, RunLease};

impl Ledger {
    /// The accounts of a tenant that are not new.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn known_accounts(&self, tenant: &TenantKey) -> Result<HashSet<AccountId>> {
        self.read(|view| {
            let mut rows = view.prepare("SELECT account FROM known_accounts WHERE tenant = ?1")?;
            Ok(rows
                .query_map([tenant.as_str()], |row| parsed(row, 0))?
                .collect::<Sql<_>>()?)
        })
    }

    /// Note accounts all of whose lines a run found right; the history has one entry for
    /// those that were new.
    ///
    /// # Errors
    /// [`crate::LedgerError::RunState`]; a failing or damaged database.
    pub fn know_accounts(
        &self,
        lease: RunLease,
        tenant: &TenantKey,
        accounts: &[AccountId],
    ) -> Result<()> {
        if accounts.is_empty() {
            return Ok(());
        }
        self.write(|change, journal| {
            let held = lease.posting(change)?;
            held.of(tenant.as_str())?;
            let run = held.run;
            let rows = accounts.iter().map(|account| {
                Ok([
                    tenant.as_str().into(),
                    account.as_str().into(),
                    "found-right".into(),
                ])
            });
            let new = change.insert_rows(
                "INSERT OR IGNORE INTO known_accounts (tenant, account, because) VALUES :rows",
                rows,
            )?;
            if new == 0 {
                return Ok(());
            }
            let detail = json!({ "tenant": tenant, "accounts": new });
            journal.write(
                change,
                About::Connection(held.connection),
                "accounts.found-right",
                &run.to_string(),
                &detail,
            )
        })
    }
}
