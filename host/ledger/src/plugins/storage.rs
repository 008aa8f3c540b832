//! What plugins keep between runs, each for itself and for one connection.

use crate::db::{Optional, Tx, params};
use crate::error::Inside;
use crate::{Ledger, LedgerError, Result};

/// Whose storage: a plugin sees its own for one connection, and no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageScope {
    /// The plugin's name.
    pub plugin: String,
    /// The connection's name.
    pub connection: String,
}

/// How much a scope may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageQuota {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values together.
    pub bytes: u64,
}

/// How much a scope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUse {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values together.
    pub bytes: u64,
}

impl Ledger {
    /// A value, if there is one.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn storage_get(&self, scope: &StorageScope, key: &str) -> Result<Option<Vec<u8>>> {
        self.read(|view| get(view, scope, key))
    }

    /// Set a value.
    ///
    /// # Errors
    /// [`LedgerError::StorageQuota`].
    pub fn storage_put(
        &self,
        scope: &StorageScope,
        key: &str,
        value: &[u8],
        quota: StorageQuota,
    ) -> Result<()> {
        self.write(|change, _| put(change, scope, key, value, quota))
    }

    /// Remove a value; one that is not there is no error.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn storage_delete(&self, scope: &StorageScope, key: &str) -> Result<()> {
        self.write(|change, _| delete(change, scope, key))
    }

    /// Keys that begin with `prefix`, in order, at most `limit`.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn storage_list(
        &self,
        scope: &StorageScope,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<String>> {
        self.read(|view| {
            // Compared as bytes: SQL's own functions stop at a zero byte.
            let mut select = view.prepare(
                "SELECT key FROM plugin_storage
                 WHERE plugin = ?1 AND connection = ?2 AND key >= ?3 ORDER BY key LIMIT ?4",
            )?;
            let mut rows = select.query(params![scope.plugin, scope.connection, prefix, limit])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                let key: String = row.get(0)?;
                if !key.starts_with(prefix) {
                    break;
                }
                keys.push(key);
            }
            Ok(keys)
        })
    }

    /// Set (or with none, delete) only if the present value is `expected` (none: not
    /// there). False: it was something else and nothing changed.
    ///
    /// # Errors
    /// [`LedgerError::StorageQuota`].
    pub fn storage_compare_and_swap(
        &self,
        scope: &StorageScope,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        quota: StorageQuota,
    ) -> Result<bool> {
        self.write(|change, _| {
            if get(change, scope, key)?.as_deref() != expected {
                return Ok(false);
            }
            match new {
                Some(value) => put(change, scope, key, value, quota)?,
                None => delete(change, scope, key)?,
            }
            Ok(true)
        })
    }

    /// How much a scope holds.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn storage_use(&self, scope: &StorageScope) -> Result<StorageUse> {
        self.read(|view| used(view, scope))
    }
}

fn get(view: &Tx<'_>, scope: &StorageScope, key: &str) -> Inside<Option<Vec<u8>>> {
    Ok(view
        .prepare(
            "SELECT value FROM plugin_storage
             WHERE plugin = ?1 AND connection = ?2 AND key = ?3",
        )?
        .query_row([&scope.plugin, &scope.connection, key], |row| row.get(0))
        .optional()?)
}

fn put(
    change: &Tx<'_>,
    scope: &StorageScope,
    key: &str,
    value: &[u8],
    quota: StorageQuota,
) -> Inside<()> {
    change
        .prepare(
            "INSERT INTO plugin_storage (plugin, connection, key, value)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute(params![scope.plugin, scope.connection, key, value])?;
    let used = used(change, scope)?;
    let over = if used.keys > quota.keys {
        Some(format!("at most {} keys", quota.keys))
    } else if used.bytes > quota.bytes {
        Some(format!("at most {} bytes", quota.bytes))
    } else {
        None
    };
    match over {
        None => Ok(()),
        Some(why) => Err(LedgerError::StorageQuota {
            plugin: scope.plugin.clone(),
            connection: scope.connection.clone(),
            why,
        }
        .into()),
    }
}

fn delete(change: &Tx<'_>, scope: &StorageScope, key: &str) -> Inside<()> {
    change
        .prepare("DELETE FROM plugin_storage WHERE plugin = ?1 AND connection = ?2 AND key = ?3")?
        .execute([&scope.plugin, &scope.connection, key])?;
    Ok(())
}

fn used(view: &Tx<'_>, scope: &StorageScope) -> Inside<StorageUse> {
    Ok(view
        .prepare(
            "SELECT count(*), coalesce(sum(octet_length(key) + octet_length(value)), 0)
             FROM plugin_storage WHERE plugin = ?1 AND connection = ?2",
        )?
        .query_row([&scope.plugin, &scope.connection], |row| {
            Ok(StorageUse {
                keys: row.get::<i64>(0)?.unsigned_abs(),
                bytes: row.get::<i64>(1)?.unsigned_abs(),
            })
        })?)
}
