//! Which modules a bundle of Coro holds, as a person declared it.

use psa_host_billing::{ConnectionName, ModuleId};
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Sql, params, parsed};
use crate::history::chain::About;
use crate::{Ledger, LedgerError, Result};

/// A bundle with what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRecord {
    /// The bundle, a module like any other.
    pub bundle: ModuleId,
    /// The modules in it, by id.
    pub parts: Vec<ModuleId>,
}

impl Ledger {
    /// Declare what a bundle holds; what was declared of it before is replaced.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection.
    pub fn declare_bundle(
        &self,
        connection: &ConnectionName,
        bundle: &ModuleId,
        parts: &[ModuleId],
    ) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, connection)?;
            change.execute(
                "DELETE FROM bundles WHERE connection = ?1 AND bundle = ?2",
                params![id, bundle.as_str()],
            )?;
            let mut put = change.prepare(
                "INSERT INTO bundles (connection, bundle, part) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?;
            for part in parts {
                put.execute(params![id, bundle.as_str(), part.as_str()])?;
            }
            let detail = json!({ "bundle": bundle, "parts": parts });
            journal.write(
                change,
                About::Connection(id),
                "mapping.bundle-set",
                connection.as_str(),
                &detail,
            )
        })
    }

    /// Take a declaration back.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection, or for a bundle of which nothing
    /// is declared.
    pub fn forget_bundle(&self, connection: &ConnectionName, bundle: &ModuleId) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, connection)?;
            let removed = change.execute(
                "DELETE FROM bundles WHERE connection = ?1 AND bundle = ?2",
                params![id, bundle.as_str()],
            )?;
            if removed == 0 {
                return Err(LedgerError::NotFound {
                    what: "declaration of bundle",
                    id: bundle.to_string(),
                }
                .into());
            }
            let detail = json!({ "bundle": bundle });
            journal.write(
                change,
                About::Connection(id),
                "mapping.bundle-removed",
                connection.as_str(),
                &detail,
            )
        })
    }

    /// All bundles of a connection, by id.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn bundles(&self, connection: &ConnectionName) -> Result<Vec<BundleRecord>> {
        self.read(|view| {
            let id = must_exist(view, connection)?;
            let mut rows = view.prepare(
                "SELECT bundle, part FROM bundles WHERE connection = ?1 ORDER BY bundle, part",
            )?;
            let rows: Vec<(ModuleId, ModuleId)> = rows
                .query_map([id], |row| {
                    Ok((parsed(row, "bundle")?, parsed(row, "part")?))
                })?
                .collect::<Sql<_>>()?;
            let mut bundles: Vec<BundleRecord> = Vec::new();
            for (bundle, part) in rows {
                match bundles.last_mut() {
                    Some(last) if last.bundle == bundle => last.parts.push(part),
                    _ => bundles.push(BundleRecord {
                        bundle,
                        parts: vec![part],
                    }),
                }
            }
            Ok(bundles)
        })
    }
}
