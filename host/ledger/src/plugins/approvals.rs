//! Which file is granted what, which one is in use, and who is kept on another.

use psa_host_billing::ConnectionName;
use serde_json::json;

use super::{current, unknown, unknown_file};
use crate::connections::{self, refuse_open_intents};
use crate::db::{Optional, Sql, Tx, params, to_json};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::{Ledger, LedgerError, Result};

impl Ledger {
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
                .collect::<Sql<_>>()?;
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
            journal.write(
                change,
                About::Installation,
                "plugin.switched",
                name,
                &detail,
            )
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
            journal.write(
                change,
                About::Named(name),
                "connection.kept-on",
                name.as_str(),
                &detail,
            )
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
            journal.write(change, About::Installation, "plugin.refused", name, &detail)
        })
    }

    /// Record how a file was tried for the connections that would move to it.
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn record_plugin_trial(&self, name: &str, detail: &serde_json::Value) -> Result<()> {
        self.write(|change, journal| {
            journal.write(change, About::Installation, "plugin.tried", name, detail)
        })
    }
}

fn approve(
    change: &Tx<'_>,
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
    journal.write(
        change,
        About::Installation,
        "plugin.approved",
        name,
        &detail,
    )
}

fn refuse_unapproved(view: &Tx<'_>, name: &str, sha256: &str) -> Inside<()> {
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
