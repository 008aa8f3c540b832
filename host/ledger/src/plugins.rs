//! Plugins: a name, the file it stands for at present, and what an operator granted to
//! exactly that file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::error::{Fault, Inside};
use crate::row::{instant, json as json_column, to_json};
use crate::secrets::{self, Owner};
use crate::{Ledger, LedgerError, Result, Secret};

/// An installed plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// What the operator calls it.
    pub name: String,
    /// Its file, in hex.
    pub sha256: String,
    /// What it said of itself when it was added, as JSON text.
    pub description: String,
    /// When this file was added.
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// What was granted to this file; none: it may not run.
    pub approval: Option<Approval>,
    /// Settings asked once per plugin.
    pub settings: BTreeMap<String, String>,
    /// Which secrets it has; the values are had from [`Ledger::plugin_secrets`].
    pub secret_fields: BTreeSet<String>,
}

/// What an operator granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Host patterns.
    pub hosts: Vec<String>,
    /// By whom.
    pub who: String,
    /// When.
    pub when: Timestamp,
}

/// What adding a file did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedPlugin {
    /// The name was free.
    New {
        /// The file, in hex.
        sha256: String,
    },
    /// The same file is already there; its approval stands.
    Same {
        /// The file, in hex.
        sha256: String,
    },
    /// Another file had the name: its approval is void.
    Replaced {
        /// The file, in hex.
        sha256: String,
        /// The former file.
        former: String,
    },
}

impl AddedPlugin {
    /// The file that now has the name.
    pub fn sha256(&self) -> &str {
        match self {
            Self::New { sha256 } | Self::Same { sha256 } | Self::Replaced { sha256, .. } => sha256,
        }
    }
}

impl Ledger {
    /// Keep a component under a name, with what it says of itself (JSON text).
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn add_plugin(&self, name: &str, wasm: &[u8], description: &str) -> Result<AddedPlugin> {
        let sha256 = hex::encode(Sha256::digest(wasm));
        self.store_wasm(&sha256, wasm)?;
        let added = self.write(|change, journal| {
            let former = current(change, name)?;
            let added = match former {
                None => AddedPlugin::New { sha256 },
                Some(former) if former == sha256 => AddedPlugin::Same { sha256 },
                Some(former) => AddedPlugin::Replaced { sha256, former },
            };
            let sha256 = added.sha256();
            change.execute(
                "INSERT INTO plugins (name, sha256, description, added_at, added_by)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET sha256 = excluded.sha256,
                     description = excluded.description,
                     added_at = excluded.added_at, added_by = excluded.added_by",
                params![
                    name,
                    sha256,
                    description,
                    journal.at().as_microsecond(),
                    journal.who()
                ],
            )?;
            let (what, former) = match &added {
                AddedPlugin::Same { .. } => return Ok(added),
                AddedPlugin::New { .. } => ("plugin.added", None),
                AddedPlugin::Replaced { former, .. } => {
                    change.execute("DELETE FROM approvals WHERE plugin = ?1", [name])?;
                    ("plugin.replaced", Some(former))
                }
            };
            let detail = json!({ "sha256": sha256, "former": former });
            journal.write(change, what, name, &detail)?;
            Ok(added)
        })?;
        if let AddedPlugin::Replaced { former, .. } = &added {
            self.drop_wasm(former)?;
        }
        Ok(added)
    }

    /// Grant hosts to exactly this file.
    ///
    /// # Errors
    /// [`LedgerError::PluginChanged`] if the name now stands for another file.
    pub fn approve_plugin(&self, name: &str, sha256: &str, hosts: &[String]) -> Result<()> {
        self.write(|change, journal| {
            let current = current(change, name)?.ok_or_else(|| unknown(name))?;
            if current != sha256 {
                return Err(LedgerError::PluginChanged {
                    plugin: name.to_owned(),
                    asked: sha256.to_owned(),
                    current,
                }
                .into());
            }
            change.execute(
                "INSERT INTO approvals (plugin, sha256, hosts, approved_at, approved_by)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET sha256 = excluded.sha256, hosts = excluded.hosts,
                     approved_at = excluded.approved_at, approved_by = excluded.approved_by",
                params![
                    name,
                    sha256,
                    to_json(&hosts)?,
                    journal.at().as_microsecond(),
                    journal.who()
                ],
            )?;
            let detail = json!({ "sha256": sha256, "hosts": hosts });
            journal.write(change, "plugin.approved", name, &detail)
        })
    }

    /// Set settings (with none, remove them) and secrets that are asked once per plugin.
    ///
    /// # Errors
    /// No such plugin; a missing or wrong key.
    pub fn set_plugin(
        &self,
        name: &str,
        settings: &BTreeMap<String, Option<String>>,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<()> {
        self.write(|change, journal| {
            current(change, name)?.ok_or_else(|| unknown(name))?;
            let owner = Owner::Plugin(name);
            secrets::set(change, owner, settings)?;
            secrets::put(change, journal, &self.inner.keyring, owner, secrets)?;
            let fields: Vec<_> = secrets.keys().collect();
            let detail = json!({ "settings": settings, "secrets": fields });
            journal.write(change, "plugin.set", name, &detail)
        })
    }

    /// All plugins, by name.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn plugins(&self) -> Result<Vec<Plugin>> {
        self.read(|view| {
            let mut rows = view.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
            let found = rows.query_map([], plugin)?;
            found.map(|plugin| complete(view, plugin?)).collect()
        })
    }

    /// One plugin.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn plugin(&self, name: &str) -> Result<Plugin> {
        self.read(|view| {
            let found = view
                .query_row(&format!("{SELECT} WHERE name = ?1"), [name], plugin)
                .optional()?;
            complete(view, found.ok_or_else(|| unknown(name))?)
        })
    }

    /// A plugin's secrets.
    ///
    /// # Errors
    /// A missing or wrong key, or [`LedgerError::Damaged`].
    pub fn plugin_secrets(&self, name: &str) -> Result<BTreeMap<String, Secret>> {
        self.read(|view| secrets::all(view, &self.inner.keyring, Owner::Plugin(name)))
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

    /// Remove a plugin with its settings, secrets, approval and storage.
    ///
    /// # Errors
    /// [`LedgerError::PluginInUse`] while connections use it.
    pub fn remove_plugin(&self, name: &str) -> Result<()> {
        let sha256 = self.write(|change, journal| {
            let sha256 = current(change, name)?.ok_or_else(|| unknown(name))?;
            let connections: Vec<String> = change
                .prepare("SELECT name FROM connections WHERE plugin = ?1 ORDER BY name")?
                .query_map([name], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            if !connections.is_empty() {
                return Err(LedgerError::PluginInUse {
                    plugin: name.to_owned(),
                    connections,
                }
                .into());
            }
            secrets::forget(change, Owner::Plugin(name))?;
            change.execute("DELETE FROM plugin_storage WHERE plugin = ?1", [name])?;
            change.execute("DELETE FROM plugins WHERE name = ?1", [name])?;
            journal.write(change, "plugin.removed", name, &json!({ "sha256": sha256 }))?;
            Ok(sha256)
        })?;
        self.drop_wasm(&sha256)
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
    fn drop_wasm(&self, sha256: &str) -> Result<()> {
        let used: bool = self.read(|view| {
            Ok(view.query_row(
                "SELECT EXISTS (SELECT 1 FROM plugins WHERE sha256 = ?1)",
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

const SELECT: &str = "SELECT name, p.sha256, description, added_at, added_by,
        hosts, approved_at, approved_by
    FROM plugins AS p LEFT JOIN approvals AS a ON a.plugin = p.name AND a.sha256 = p.sha256";

fn plugin(row: &Row<'_>) -> rusqlite::Result<Plugin> {
    let who: Option<String> = row.get("approved_by")?;
    let approval = match who {
        None => None,
        Some(who) => Some(Approval {
            hosts: json_column(row, "hosts")?,
            who,
            when: instant(row, "approved_at")?,
        }),
    };
    Ok(Plugin {
        name: row.get("name")?,
        sha256: row.get("sha256")?,
        description: row.get("description")?,
        added_at: instant(row, "added_at")?,
        added_by: row.get("added_by")?,
        approval,
        settings: BTreeMap::new(),
        secret_fields: BTreeSet::new(),
    })
}

fn complete(view: &Connection, mut plugin: Plugin) -> Inside<Plugin> {
    let owner = Owner::Plugin(&plugin.name);
    let (settings, fields) = (
        secrets::settings(view, owner)?,
        secrets::fields(view, owner)?,
    );
    plugin.settings = settings;
    plugin.secret_fields = fields;
    Ok(plugin)
}

fn current(view: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    view.query_row(
        "SELECT sha256 FROM plugins WHERE name = ?1",
        [name],
        |row| row.get(0),
    )
    .optional()
}

fn unknown(name: &str) -> Fault {
    LedgerError::NotFound {
        what: "plugin",
        id: name.to_owned(),
    }
    .into()
}
