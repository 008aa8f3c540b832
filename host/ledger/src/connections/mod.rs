//! Connections: a plugin configured with credentials in one channel workspace.

mod credentials;
mod lookup;
pub(crate) mod rebind;
mod rows;
pub(crate) mod secrets;
pub(crate) mod tenant_claims;
pub(crate) mod workspaces;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psa_host_billing::{ConnectionName, TenantKey, WorkspaceId};
use serde_json::json;

use crate::adjustments::transition::OPEN_STATES;
use crate::connections::credentials::renew_credentials;
use crate::connections::rows::{complete, connection};
use crate::connections::secrets::Owner;
use crate::db::{Optional, Tx, params, parsed};
use crate::error::Inside;
use crate::history::chain::About;
use crate::ids::SnapshotId;
use crate::runs::lease::RunLease;
use crate::{Ledger, LedgerError, Result, Secret, usage};

pub(crate) use lookup::{id_of, must_exist, tenant_of};

/// A connection to add.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Its name, unique in the data directory.
    pub name: ConnectionName,
    /// Which plugin.
    pub plugin: String,
    /// In which channel workspace.
    pub channel: WorkspaceId,
    /// IANA name (`Europe/Berlin`); the caller has checked it.
    pub time_zone: String,
    /// Settings asked once per connection.
    pub settings: BTreeMap<String, String>,
    /// Secrets asked once per connection.
    pub secrets: BTreeMap<String, Secret>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its name.
    pub name: ConnectionName,
    /// Which plugin.
    pub plugin: String,
    /// The file of the plugin that it is kept on, in hex; none: the one in use.
    pub kept_on: Option<String>,
    /// In which channel workspace.
    pub channel: WorkspaceId,
    /// IANA name.
    pub time_zone: String,
    /// Its settings.
    pub settings: BTreeMap<String, String>,
    /// Which secrets it has; the values are had from [`Ledger::connection_secrets`].
    pub secret_fields: BTreeSet<String>,
    /// The PSA instance it belongs to; none before the first check.
    pub tenant: Option<TenantKey>,
    /// Whether scheduled work leaves it alone.
    pub paused: bool,
    /// Which credentials it has: goes up whenever they change or are to be tried again.
    pub credentials_version: i64,
    /// That the PSA refused them; none: not these.
    pub refusal: Option<CredentialsRefusal>,
    /// When it was added.
    pub created_at: Timestamp,
    /// What the last check said.
    pub last_check: Option<CheckOutcome>,
    /// The snapshot of its last run that posted.
    pub last_snapshot: Option<SnapshotId>,
}

/// The PSA refused the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsRefusal {
    /// When.
    pub at: Timestamp,
    /// In whose words: the PSA's or the plugin's.
    pub words: String,
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// In words (`Connected`).
    pub status: String,
    /// What is wrong, as a code; none: nothing.
    pub code: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What to change of a connection.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    /// Set, or with none remove.
    pub settings: BTreeMap<String, Option<String>>,
    /// A new time zone.
    pub time_zone: Option<String>,
}

impl Ledger {
    /// Add a connection.
    ///
    /// # Errors
    /// A name that is taken, an unknown plugin or workspace,
    /// [`LedgerError::NotAChannel`], a missing or wrong key.
    pub fn add_connection(&self, new: &NewConnection) -> Result<()> {
        let name = new.name.as_str();
        self.write(|change, journal| {
            if id_of(change, &new.name)?.is_some() {
                return Err(LedgerError::AlreadyExists {
                    what: "connection",
                    id: name.to_owned(),
                }
                .into());
            }
            refuse_unknown_plugin(change, &new.plugin)?;
            refuse_other_than_channel(change, &new.channel)?;
            change.execute(
                "INSERT INTO connections (name, plugin, channel, time_zone, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    name,
                    new.plugin,
                    new.channel.as_str(),
                    new.time_zone,
                    journal.at().as_microsecond()
                ],
            )?;
            let owner = Owner::Connection(name);
            let settings = new
                .settings
                .iter()
                .map(|(field, value)| (field.clone(), Some(value.clone())))
                .collect();
            secrets::set(change, owner, &settings)?;
            secrets::put(change, journal, &self.inner.keyring, owner, &new.secrets)?;
            let detail = json!({
                "plugin": new.plugin, "channel": new.channel, "time_zone": new.time_zone,
                "settings": new.settings, "secrets": new.secrets.keys().collect::<Vec<_>>(),
            });
            journal.write(
                change,
                About::Channel(&new.channel),
                "connection.added",
                name,
                &detail,
            )
        })
    }

    /// All connections, by name.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn connections(&self) -> Result<Vec<Connection>> {
        self.read(|view| {
            let mut rows = view.prepare("SELECT * FROM connections ORDER BY name")?;
            let found = rows.query_map([], connection)?;
            found.map(|found| complete(view, found?)).collect()
        })
    }

    /// One connection.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn connection(&self, name: &ConnectionName) -> Result<Connection> {
        self.read(|view| {
            let found = view
                .prepare("SELECT * FROM connections WHERE name = ?1")?
                .query_row([name.as_str()], connection)
                .optional()?;
            complete(view, found.ok_or_else(|| lookup::unknown(name))?)
        })
    }

    /// A connection's secrets.
    ///
    /// # Errors
    /// A missing or wrong key, or [`LedgerError::Damaged`].
    pub fn connection_secrets(&self, name: &ConnectionName) -> Result<BTreeMap<String, Secret>> {
        self.read(|view| {
            let owner = Owner::Connection(name.as_str());
            secrets::all(view, &self.inner.keyring, owner)
        })
    }

    /// Change settings or the time zone.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn set_connection(&self, name: &ConnectionName, to: &ConnectionChange) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            secrets::set(change, Owner::Connection(name.as_str()), &to.settings)?;
            if !to.settings.is_empty() {
                // A user name or an address goes with the secrets.
                renew_credentials(change, id)?;
            }
            if let Some(zone) = &to.time_zone {
                change.execute(
                    "UPDATE connections SET time_zone = ?2 WHERE id = ?1",
                    params![id, zone],
                )?;
            }
            let detail = json!({ "settings": to.settings, "time_zone": to.time_zone });
            journal.write(
                change,
                About::Named(name),
                "connection.set",
                name.as_str(),
                &detail,
            )
        })
    }

    /// Keep scheduled work away from a connection, or let it at it again.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn pause_connection(&self, name: &ConnectionName, paused: bool) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            let changed = change.execute(
                "UPDATE connections SET paused = ?2 WHERE id = ?1 AND paused <> ?2",
                params![id, paused],
            )?;
            if changed == 0 {
                return Ok(());
            }
            let what = if paused {
                "connection.paused"
            } else {
                "connection.resumed"
            };
            journal.write(change, About::Named(name), what, name.as_str(), &json!({}))
        })
    }

    /// Keep which snapshot a run has billed its connection by.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`], [`LedgerError::RunState`].
    pub fn use_snapshot(&self, lease: RunLease, snapshot: SnapshotId) -> Result<()> {
        self.write(|change, _| {
            let id = lease.posting(change)?.connection;
            usage::must_exist(change, snapshot)?;
            change.execute(
                "UPDATE connections SET last_snapshot = ?2 WHERE id = ?1",
                params![id, snapshot.0],
            )?;
            Ok(())
        })
    }

    /// Remove a connection with its mappings, settings, secrets and what its plugin
    /// stored for it. Its runs and its history stay; its lines are left without owner.
    ///
    /// # Errors
    /// [`LedgerError::OpenIntents`] while something sent is not settled.
    pub fn remove_connection(&self, name: &ConnectionName) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            refuse_open_intents(change, id, name.as_str())?;
            secrets::forget(change, Owner::Connection(name.as_str()))?;
            change.execute(
                "DELETE FROM plugin_storage WHERE connection = ?1",
                [name.as_str()],
            )?;
            let channel: WorkspaceId = change
                .prepare("SELECT channel FROM connections WHERE id = ?1")?
                .query_row([id], |row| parsed(row, 0))?;
            change.execute("DELETE FROM connections WHERE id = ?1", [id])?;
            journal.write(
                change,
                About::Channel(&channel),
                "connection.removed",
                name.as_str(),
                &json!({}),
            )
        })
    }
}

/// While something sent is not settled, who sent it stays as it is.
pub(crate) fn refuse_open_intents(view: &Tx<'_>, id: i64, name: &str) -> Inside<()> {
    let open: i64 = view.query_row(
        &format!(
            "SELECT count(*) FROM intents
             WHERE connection_id = ?1 AND state IN ({OPEN_STATES})"
        ),
        [id],
        |row| row.get(0),
    )?;
    if open > 0 {
        return Err(LedgerError::OpenIntents {
            connection: name.to_owned(),
            open: open.unsigned_abs(),
        }
        .into());
    }
    Ok(())
}

fn refuse_unknown_plugin(view: &Tx<'_>, plugin: &str) -> Inside<()> {
    let known: bool = view.query_row(
        "SELECT EXISTS (SELECT 1 FROM plugins WHERE name = ?1)",
        [plugin],
        |row| row.get(0),
    )?;
    if known {
        return Ok(());
    }
    Err(LedgerError::NotFound {
        what: "plugin",
        id: plugin.to_owned(),
    }
    .into())
}

fn refuse_other_than_channel(view: &Tx<'_>, workspace: &WorkspaceId) -> Inside<()> {
    let kind: Option<String> = view
        .query_row(
            "SELECT kind FROM workspaces WHERE id = ?1",
            [workspace.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    let workspace = workspace.to_string();
    match kind {
        Some(kind) if kind == "channel" => Ok(()),
        Some(kind) => Err(LedgerError::NotAChannel { workspace, kind }.into()),
        None => Err(LedgerError::NotFound {
            what: "workspace",
            id: workspace,
        }
        .into()),
    }
}
