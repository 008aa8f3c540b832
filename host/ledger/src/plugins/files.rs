//! A plugin's files: kept by their hash, added under the name they claim, removed.

use std::fs;
use std::io::{ErrorKind, Write};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{AddedPlugin, DESCRIPTION_FORM, current, unknown, unknown_file};
use crate::db::{Sql, Tx, params};
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, LedgerError, Result};

impl Ledger {
    /// Keep a component under a name, with what it says of itself (JSON text). Where the
    /// name is in use the file is one more candidate.
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn add_plugin(&self, name: &str, wasm: &[u8], description: &str) -> Result<AddedPlugin> {
        let sha256 = hex::encode(Sha256::digest(wasm));
        self.store_wasm(&sha256, wasm)?;
        self.write(|change, journal| {
            let in_use = current(change, name)?;
            let known: bool = change.query_row(
                "SELECT EXISTS (SELECT 1 FROM plugin_files WHERE plugin = ?1 AND sha256 = ?2)",
                [name, &sha256],
                |row| row.get(0),
            )?;
            if known {
                return Ok(AddedPlugin::Same {
                    sha256: sha256.clone(),
                });
            }
            if in_use.is_none() {
                change.execute(
                    "INSERT INTO plugins (name, sha256, lineage) VALUES (?1, ?2, ?3)",
                    params![name, sha256, next_lineage(change)?],
                )?;
            }
            change.execute(
                "INSERT INTO plugin_files (plugin, sha256, description, form, added_at, added_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    name,
                    sha256,
                    description,
                    DESCRIPTION_FORM,
                    journal.at().as_microsecond(),
                    journal.who()
                ],
            )?;
            let sha256 = sha256.clone();
            let (what, added) = match in_use {
                None => ("plugin.added", AddedPlugin::New { sha256 }),
                Some(in_use) => (
                    "plugin.candidate-added",
                    AddedPlugin::Candidate { sha256, in_use },
                ),
            };
            let in_use = match &added {
                AddedPlugin::Candidate { in_use, .. } => Some(in_use),
                _ => None,
            };
            let detail = json!({ "sha256": added.sha256(), "in_use": in_use });
            journal.write(change, About::Installation, what, name, &detail)?;
            Ok(added)
        })
    }

    /// Remove a file that is not in use and on which no connection is kept.
    ///
    /// # Errors
    /// [`LedgerError::PluginInUse`], [`LedgerError::NotFound`].
    pub fn remove_plugin_file(&self, name: &str, sha256: &str) -> Result<()> {
        self.write(|change, journal| {
            let in_use = current(change, name)?.ok_or_else(|| unknown(name))?;
            let mut users: Vec<String> = change
                .prepare(
                    "SELECT name FROM connections WHERE plugin = ?1 AND kept_on = ?2 ORDER BY name",
                )?
                .query_map([name, sha256], |row| row.get(0))?
                .collect::<Sql<_>>()?;
            if in_use == sha256 {
                users.push("the plugin itself".to_owned());
            }
            if !users.is_empty() {
                return Err(LedgerError::PluginInUse {
                    plugin: name.to_owned(),
                    connections: users,
                }
                .into());
            }
            let removed = change.execute(
                "DELETE FROM plugin_files WHERE plugin = ?1 AND sha256 = ?2",
                [name, sha256],
            )?;
            if removed == 0 {
                return Err(unknown_file(sha256));
            }
            let detail = json!({ "sha256": sha256 });
            journal.write(
                change,
                About::Installation,
                "plugin.file-removed",
                name,
                &detail,
            )
        })?;
        self.drop_wasm(sha256)
    }

    /// The bytes of the file with this hash, checked against it.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] for a file that is not what its name says.
    pub fn plugin_wasm(&self, sha256: &str) -> Result<Vec<u8>> {
        let path = self.dir().plugin(sha256);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => LedgerError::Damaged {
                path: path.clone(),
                why: "the plugin's file is missing; add it again".to_owned(),
            },
            _ => LedgerError::io(&path, &error),
        })?;
        if hex::encode(Sha256::digest(&bytes)) != sha256 {
            return Err(LedgerError::Damaged {
                path,
                why: "the plugin's file was changed; add it again".to_owned(),
            });
        }
        Ok(bytes)
    }

    /// By rename, so that the file is whole or not there.
    fn store_wasm(&self, sha256: &str, wasm: &[u8]) -> Result<()> {
        let dir = self.dir().plugins();
        let path = self.dir().plugin(sha256);
        let at = |error: &std::io::Error| LedgerError::io(&path, error);
        let mut file = tempfile::NamedTempFile::new_in(&dir).map_err(|error| at(&error))?;
        file.write_all(wasm)
            .and_then(|()| file.as_file().sync_all())
            .map_err(|error| at(&error))?;
        file.persist(&path).map_err(|error| at(&error.error))?;
        fs::File::open(&dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| at(&error))
    }

    /// Unless another name stands for the same file.
    pub(super) fn drop_wasm(&self, sha256: &str) -> Result<()> {
        let used: bool = self.read(|view| {
            Ok(view.query_row(
                "SELECT EXISTS (SELECT 1 FROM plugin_files WHERE sha256 = ?1)",
                [sha256],
                |row| row.get(0),
            )?)
        })?;
        if used {
            return Ok(());
        }
        let path = self.dir().plugin(sha256);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(LedgerError::io(&path, &error))
            }
            _ => Ok(()),
        }
    }
}

/// The next number that no lineage had, also none that was removed.
fn next_lineage(change: &Tx<'_>) -> Inside<i64> {
    Ok(change.query_row(
        "INSERT INTO meta (name, value) VALUES ('lineages', '1')
         ON CONFLICT DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
         RETURNING CAST(value AS INTEGER)",
        [],
        |row| row.get(0),
    )?)
}
