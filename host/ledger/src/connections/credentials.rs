//! A connection's credentials: put in anew, refused by the PSA, tried again.

use std::collections::BTreeMap;

use psa_host_billing::ConnectionName;
use serde_json::json;

use super::CheckOutcome;
use super::lookup::must_exist;
use super::secrets::{self, Owner, Secret};
use crate::db::{Tx, params};
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, Result};

impl Ledger {
    /// Put new secrets in the place of old ones. Those not named stay.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound); a missing or wrong key.
    pub fn rotate_connection(
        &self,
        name: &ConnectionName,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            renew_credentials(change, id)?;
            let owner = Owner::Connection(name.as_str());
            secrets::put(change, journal, &self.inner.keyring, owner, secrets)?;
            let detail = json!({ "secrets": secrets.keys().collect::<Vec<_>>() });
            journal.write(
                change,
                About::Named(name),
                "connection.rotated",
                name.as_str(),
                &detail,
            )
        })
    }

    /// Keep that the PSA refused the credentials of this version: nothing is sent with them
    /// again until somebody says so. Where they were changed meanwhile, nothing is kept.
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn refuse_credentials(
        &self,
        name: &ConnectionName,
        version: i64,
        words: &str,
    ) -> Result<()> {
        self.write(|change, journal| {
            let changed = change.execute(
                "UPDATE connections SET refused_at = ?3, refused_words = ?4
                 WHERE name = ?1 AND credentials_version = ?2 AND refused_at IS NULL",
                params![name.as_str(), version, journal.at().as_microsecond(), words],
            )?;
            if changed == 0 {
                return Ok(());
            }
            let detail = json!({ "words": words });
            journal.write(
                change,
                About::Named(name),
                "connection.credentials-refused",
                name.as_str(),
                &detail,
            )
        })
    }

    /// Let refused credentials be tried once more: somebody says that they are right now.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn retry_credentials(&self, name: &ConnectionName) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            if !renew_credentials(change, id)? {
                return Ok(());
            }
            journal.write(
                change,
                About::Named(name),
                "connection.credentials-retried",
                name.as_str(),
                &json!({}),
            )
        })
    }

    /// Keep what a check said. Not in the history: it changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn record_check(&self, name: &ConnectionName, outcome: &CheckOutcome) -> Result<()> {
        self.write(|change, _| {
            let id = must_exist(change, name)?;
            change.execute(
                "UPDATE connections SET check_status = ?2, check_code = ?3, checked_at = ?4
                 WHERE id = ?1",
                params![
                    id,
                    outcome.status,
                    outcome.code,
                    outcome.at.as_microsecond()
                ],
            )?;
            Ok(())
        })
    }
}

/// The credentials are others now, or to be tried again. Tells whether they were refused.
pub(super) fn renew_credentials(change: &Tx<'_>, id: i64) -> Inside<bool> {
    let refused: bool = change.query_row(
        "SELECT refused_at IS NOT NULL FROM connections WHERE id = ?1",
        [id],
        |row| row.get(0),
    )?;
    change.execute(
        "UPDATE connections SET credentials_version = credentials_version + 1,
             refused_at = NULL, refused_words = NULL WHERE id = ?1",
        [id],
    )?;
    Ok(refused)
}
