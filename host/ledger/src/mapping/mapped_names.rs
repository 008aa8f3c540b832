//! What mapped accounts and services were called when a person last looked at them, and
//! contracts when a report last spoke of them.

use std::collections::HashMap;

use psa_host_billing::ConnectionName;

use crate::connections::must_exist;
use crate::db::{Sql, params};
use crate::{Ledger, Result};

/// Which side of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameOf {
    /// An account.
    Account,
    /// A service.
    Service,
    /// A contract.
    Contract,
}

impl NameOf {
    fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Service => "service",
            Self::Contract => "contract",
        }
    }
}

impl Ledger {
    /// The names of a connection's accounts, services or contracts, by the PSA's id.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn mapped_names(
        &self,
        name: &ConnectionName,
        of: NameOf,
    ) -> Result<HashMap<String, String>> {
        self.read(|view| {
            let connection = must_exist(view, name)?;
            let mut rows = view
                .prepare("SELECT id, name FROM mapped_names WHERE connection = ?1 AND kind = ?2")?;
            Ok(rows
                .query_map(params![connection, of.as_str()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Sql<_>>()?)
        })
    }

    /// Remember names. `anew`: a person has looked at them, so they take the place of
    /// those known before; else only what is not known yet is remembered.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn remember_names(
        &self,
        name: &ConnectionName,
        of: NameOf,
        names: &[(&str, &str)],
        anew: bool,
    ) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.write(|change, _| {
            let connection = must_exist(change, name)?;
            let known = match anew {
                true => "UPDATE SET name = excluded.name",
                false => "NOTHING",
            };
            let rows = names.iter().map(|(id, called)| {
                Ok([
                    connection.into(),
                    of.as_str().into(),
                    (*id).into(),
                    (*called).into(),
                ])
            });
            change.insert_rows(
                &format!(
                    "INSERT INTO mapped_names (connection, kind, id, name) VALUES :rows
                     ON CONFLICT DO {known}"
                ),
                rows,
            )?;
            Ok(())
        })
    }
}
