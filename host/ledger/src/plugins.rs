//! Plugins: a name, the files that claim it, which of them is in use, and what an operator
//! granted to exactly which file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::connections::{self, refuse_open_intents};
use crate::error::{Fault, Inside};
use crate::history::Journal;
use crate::row::{instant, json as json_column, to_json};
use crate::secrets::{self, Owner};
use crate::{Ledger, LedgerError, Result, Secret};

/// The contract whose form of a description is kept now, by its minor number. A file kept
/// under an earlier one does not load any more; what was granted to it is remembered.
pub const DESCRIPTION_FORM: u32 = 2;

/// An installed plugin: a name, and the file that is in use under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// What the operator calls it.
    pub name: String,
    /// The file in use, in hex.
    pub sha256: String,
    /// What that file said of itself when it was added, as JSON text.
    pub description: String,
    /// When this file was added.
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// What was granted to this file; none: it may not run.
    pub approval: Option<Approval>,
    /// Every file that claims the name, the one in use among them, oldest first.
    pub files: Vec<PluginFile>,
    /// Which lineage it is: its files are successors of one another.
    pub lineage: i64,
    /// Settings asked once per plugin.
    pub settings: BTreeMap<String, String>,
    /// Which secrets it has; the values are had from [`Ledger::plugin_secrets`].
    pub secret_fields: BTreeSet<String>,
}

impl Plugin {
    /// The file with this hash.
    pub fn file(&self, sha256: &str) -> Option<&PluginFile> {
        self.files.iter().find(|file| file.sha256 == sha256)
    }
}

/// A file that claims a plugin's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFile {
    /// Its hash, in hex.
    pub sha256: String,
    /// What it said of itself when it was added, as JSON text.
    pub description: String,
    /// The contract of that description, by its minor number ([`DESCRIPTION_FORM`]).
    pub form: u32,
    /// When it was added.
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// What was granted to it.
    pub approval: Option<Approval>,
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
    /// Another file is in use under the name. Nothing that runs has changed.
    Candidate {
        /// The file, in hex.
        sha256: String,
        /// The file in use.
        in_use: String,
    },
}

impl AddedPlugin {
    /// The file that was added.
    pub fn sha256(&self) -> &str {
        match self {
            Self::New { sha256 } | Self::Same { sha256 } | Self::Candidate { sha256, .. } => sha256,
        }
    }
}

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
                return Ok(AddedPlugin::Same { sha256 });
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
            journal.write(change, what, name, &detail)?;
            Ok(added)
        })
    }

    /// Grant hosts to exactly this file. Does not put it into use.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn approve_plugin(&self, name: &str, sha256: &str, hosts: &[String]) -> Result<()> {
        self.write(|change, journal| approve(change, journal, name, sha256, hosts))
    }

    /// Put an approved file into use, granting it hosts first where `hosts` says so:
    /// these connections move to it, and every other one that followed the file before is
    /// kept on that.
    ///
    /// # Errors
    /// [`LedgerError::PluginNotApproved`]; [`LedgerError::OpenIntents`] while an
    /// adjustment of a connection that would move is not settled;
    /// [`LedgerError::PluginChanged`] if another file than `from` is in use by now.
    pub fn switch_plugin(
        &self,
        name: &str,
        from: &str,
        to: &str,
        hosts: Option<&[String]>,
        moving: &[ConnectionName],
    ) -> Result<()> {
        self.write(|change, journal| {
            let in_use = current(change, name)?.ok_or_else(|| unknown(name))?;
            if in_use != from {
                return Err(LedgerError::PluginChanged {
                    plugin: name.to_owned(),
                    asked: from.to_owned(),
                    current: in_use,
                }
                .into());
            }
            if let Some(hosts) = hosts {
                approve(change, journal, name, to, hosts)?;
            }
            refuse_unapproved(change, name, to)?;
            if in_use == to {
                return Ok(());
            }
            let following: Vec<(i64, String)> = change
                .prepare(
                    "SELECT id, name FROM connections
                     WHERE plugin = ?1 AND kept_on IS NULL ORDER BY name",
                )?
                .query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let moves = |name: &str| moving.iter().any(|moving| moving.as_str() == name);
            let (moved, stayed): (Vec<_>, Vec<_>) =
                following.into_iter().partition(|(_, name)| moves(name));
            for (id, connection) in &moved {
                refuse_open_intents(change, *id, connection)?;
            }
            for (id, _) in &stayed {
                change.execute(
                    "UPDATE connections SET kept_on = ?2 WHERE id = ?1",
                    params![id, from],
                )?;
            }
            change.execute("UPDATE plugins SET sha256 = ?2 WHERE name = ?1", [name, to])?;
            let names = |of: &[(i64, String)]| -> Vec<String> {
                of.iter().map(|(_, name)| name.clone()).collect()
            };
            let detail = json!({
                "from": from, "to": to, "connections": names(&moved), "stayed": names(&stayed),
            });
            journal.write(change, "plugin.switched", name, &detail)
        })
    }

    /// Keep a connection on one approved file of its plugin, or (with none) let it follow
    /// the file in use again.
    ///
    /// # Errors
    /// [`LedgerError::PluginNotApproved`]; [`LedgerError::OpenIntents`] where it would
    /// move with an adjustment that is not settled.
    pub fn keep_connection_on(&self, name: &ConnectionName, sha256: Option<&str>) -> Result<()> {
        self.write(|change, journal| {
            let id = connections::must_exist(change, name)?;
            let (plugin, in_use, before): (String, String, Option<String>) = change.query_row(
                "SELECT p.name, p.sha256, c.kept_on FROM connections AS c
                 JOIN plugins AS p ON p.name = c.plugin WHERE c.id = ?1",
                [id],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            if before.as_deref() == sha256 {
                return Ok(());
            }
            if let Some(sha256) = sha256 {
                refuse_unapproved(change, &plugin, sha256)?;
            }
            let (from, to) = (
                before.as_ref().unwrap_or(&in_use),
                sha256.unwrap_or(&in_use),
            );
            if from != to {
                refuse_open_intents(change, id, name.as_str())?;
            }
            change.execute(
                "UPDATE connections SET kept_on = ?2 WHERE id = ?1",
                params![id, sha256],
            )?;
            let detail = json!({ "from": from, "to": to, "kept": sha256.is_some() });
            journal.write(change, "connection.kept-on", name.as_str(), &detail)
        })
    }

    /// Record that a plugin's file was refused for what it said of itself when it was
    /// loaded.
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn record_plugin_incident(&self, name: &str, sha256: &str, message: &str) -> Result<()> {
        self.write(|change, journal| {
            let detail = json!({ "sha256": sha256, "incident": message });
            journal.write(change, "plugin.refused", name, &detail)
        })
    }

    /// Record how a file was tried for the connections that would move to it.
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn record_plugin_trial(&self, name: &str, detail: &serde_json::Value) -> Result<()> {
        self.write(|change, journal| journal.write(change, "plugin.tried", name, detail))
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
                .collect::<rusqlite::Result<_>>()?;
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
            journal.write(change, "plugin.file-removed", name, &detail)
        })?;
        self.drop_wasm(sha256)
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
            // They go with the credentials of each of its connections.
            change.execute(
                "UPDATE connections SET credentials_version = credentials_version + 1,
                     refused_at = NULL, refused_words = NULL WHERE plugin = ?1",
                [name],
            )?;
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

    /// Remove a plugin with its files, settings, secrets, approvals and storage.
    ///
    /// # Errors
    /// [`LedgerError::PluginInUse`] while connections use it.
    pub fn remove_plugin(&self, name: &str) -> Result<()> {
        let files = self.write(|change, journal| {
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
            let files: Vec<String> = change
                .prepare("SELECT sha256 FROM plugin_files WHERE plugin = ?1")?
                .query_map([name], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            change.execute("DELETE FROM plugins WHERE name = ?1", [name])?;
            let detail = json!({ "sha256": sha256, "files": files });
            journal.write(change, "plugin.removed", name, &detail)?;
            Ok(files)
        })?;
        files.iter().try_for_each(|sha256| self.drop_wasm(sha256))
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

const SELECT: &str = "SELECT name, p.sha256, lineage, description, added_at, added_by,
        hosts, approved_at, approved_by
    FROM plugins AS p JOIN plugin_files AS f ON f.plugin = p.name AND f.sha256 = p.sha256";

fn plugin(row: &Row<'_>) -> rusqlite::Result<Plugin> {
    Ok(Plugin {
        name: row.get("name")?,
        sha256: row.get("sha256")?,
        description: row.get("description")?,
        added_at: instant(row, "added_at")?,
        added_by: row.get("added_by")?,
        approval: approval(row)?,
        files: Vec::new(),
        lineage: row.get("lineage")?,
        settings: BTreeMap::new(),
        secret_fields: BTreeSet::new(),
    })
}

fn approval(row: &Row<'_>) -> rusqlite::Result<Option<Approval>> {
    let who: Option<String> = row.get("approved_by")?;
    let Some(who) = who else { return Ok(None) };
    Ok(Some(Approval {
        hosts: json_column(row, "hosts")?,
        who,
        when: instant(row, "approved_at")?,
    }))
}

fn file(row: &Row<'_>) -> rusqlite::Result<PluginFile> {
    Ok(PluginFile {
        sha256: row.get("sha256")?,
        description: row.get("description")?,
        form: row.get("form")?,
        added_at: instant(row, "added_at")?,
        added_by: row.get("added_by")?,
        approval: approval(row)?,
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
    plugin.files = view
        .prepare_cached("SELECT * FROM plugin_files WHERE plugin = ?1 ORDER BY added_at, sha256")?
        .query_map([&plugin.name], file)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(plugin)
}

fn approve(
    change: &Connection,
    journal: &mut Journal<'_>,
    name: &str,
    sha256: &str,
    hosts: &[String],
) -> Inside<()> {
    current(change, name)?.ok_or_else(|| unknown(name))?;
    let changed = change.execute(
        "UPDATE plugin_files SET hosts = ?3, approved_at = ?4, approved_by = ?5
         WHERE plugin = ?1 AND sha256 = ?2",
        params![
            name,
            sha256,
            to_json(&hosts)?,
            journal.at().as_microsecond(),
            journal.who()
        ],
    )?;
    if changed == 0 {
        return Err(unknown_file(sha256));
    }
    let detail = json!({ "sha256": sha256, "hosts": hosts });
    journal.write(change, "plugin.approved", name, &detail)
}

fn refuse_unapproved(view: &Connection, name: &str, sha256: &str) -> Inside<()> {
    let approved: Option<bool> = view
        .query_row(
            "SELECT hosts IS NOT NULL FROM plugin_files WHERE plugin = ?1 AND sha256 = ?2",
            [name, sha256],
            |row| row.get(0),
        )
        .optional()?;
    match approved {
        Some(true) => Ok(()),
        Some(false) => Err(LedgerError::PluginNotApproved {
            plugin: name.to_owned(),
            sha256: sha256.to_owned(),
        }
        .into()),
        None => Err(unknown_file(sha256)),
    }
}

/// The next number that no lineage had, also none that was removed.
fn next_lineage(change: &Connection) -> Inside<i64> {
    Ok(change.query_row(
        "INSERT INTO meta (name, value) VALUES ('lineages', '1')
         ON CONFLICT DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
         RETURNING CAST(value AS INTEGER)",
        [],
        |row| row.get(0),
    )?)
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

fn unknown_file(sha256: &str) -> Fault {
    LedgerError::NotFound {
        what: "plugin file",
        id: sha256.to_owned(),
    }
    .into()
}
