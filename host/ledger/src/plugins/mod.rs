//! Plugins: a name, the files that claim it, which of them is in use, and what an operator
//! granted to exactly which file.

mod approvals;
mod files;
pub(crate) mod storage;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use crate::connections::secrets::{self, Owner};
use crate::db::{Optional, Row, Sql, Tx, instant, json as json_column};
use crate::error::{Fault, Inside};
use crate::history::chain::About;
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
            journal.write(change, About::Installation, "plugin.set", name, &detail)
        })
    }

    /// All plugins, by name.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn plugins(&self) -> Result<Vec<Plugin>> {
        self.read(|view| {
            let mut rows = view.prepare(&format!("{SELECT} ORDER BY name"))?;
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
                .collect::<Sql<_>>()?;
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
                .collect::<Sql<_>>()?;
            change.execute("DELETE FROM plugins WHERE name = ?1", [name])?;
            let detail = json!({ "sha256": sha256, "files": files });
            journal.write(change, About::Installation, "plugin.removed", name, &detail)?;
            Ok(files)
        })?;
        files.iter().try_for_each(|sha256| self.drop_wasm(sha256))
    }
}

const SELECT: &str = "SELECT name, p.sha256, lineage, description, added_at, added_by,
        hosts, approved_at, approved_by
    FROM plugins AS p JOIN plugin_files AS f ON f.plugin = p.name AND f.sha256 = p.sha256";

fn plugin(row: &Row<'_>) -> Sql<Plugin> {
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

fn approval(row: &Row<'_>) -> Sql<Option<Approval>> {
    let who: Option<String> = row.get("approved_by")?;
    let Some(who) = who else { return Ok(None) };
    Ok(Some(Approval {
        hosts: json_column(row, "hosts")?,
        who,
        when: instant(row, "approved_at")?,
    }))
}

fn file(row: &Row<'_>) -> Sql<PluginFile> {
    Ok(PluginFile {
        sha256: row.get("sha256")?,
        description: row.get("description")?,
        form: row.get("form")?,
        added_at: instant(row, "added_at")?,
        added_by: row.get("added_by")?,
        approval: approval(row)?,
    })
}

fn complete(view: &Tx<'_>, mut plugin: Plugin) -> Inside<Plugin> {
    let owner = Owner::Plugin(&plugin.name);
    let (settings, fields) = (
        secrets::settings(view, owner)?,
        secrets::fields(view, owner)?,
    );
    plugin.settings = settings;
    plugin.secret_fields = fields;
    plugin.files = view
        .prepare("SELECT * FROM plugin_files WHERE plugin = ?1 ORDER BY added_at, sha256")?
        .query_map([&plugin.name], file)?
        .collect::<Sql<_>>()?;
    Ok(plugin)
}

fn current(view: &Tx<'_>, name: &str) -> Sql<Option<String>> {
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
