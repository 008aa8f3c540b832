//! Connections: added to a channel workspace, set up, paused, listed, removed. What
//! the PSA says of them is in `check.rs`.

use jiff::Timestamp;
use psa_host_billing::{ConnectionName, ErrorCode, TenantKey, WorkspaceId};
use psa_host_ledger::{Connection, ConnectionChange, NewConnection};
use psa_host_sandbox::{Field, FieldKind, FieldScope, HostPattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{self, CheckView};
use crate::error::rule;
use crate::fields::{self, Reach, Values};
use crate::plugins::PluginView;
use crate::time_zone::zone_name;
use crate::{Access, Power, Result};

/// A connection to add.
#[derive(Debug, Clone)]
pub struct AddConnection {
    /// Its name.
    pub name: ConnectionName,
    /// Which plugin.
    pub plugin: String,
    /// In which channel workspace.
    pub channel: WorkspaceId,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// The plugin's connection fields.
    pub values: Values,
}

/// A connection as it stands in the list of PSA connectors.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Its name.
    pub name: ConnectionName,
    /// Which plugin.
    pub plugin: String,
    /// The file of the plugin that it is kept on; none: the one in use.
    pub kept_on: Option<String>,
    /// In which channel workspace.
    pub channel: WorkspaceId,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// The PSA instance behind it; none before the first check.
    pub tenant: Option<TenantKey>,
    /// `Connected`, or what is wrong.
    pub status: String,
    /// What is wrong, as a code; none: nothing.
    pub code: Option<String>,
    /// Whether nothing is posted through it.
    pub paused: bool,
    /// When it was last checked.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub checked_at: Option<Timestamp>,
    /// Workspaces of the channel.
    pub workspace_mapping: Coverage,
    /// Modules of the channel.
    pub service_mapping: Coverage,
}

/// How many are mapped, of how many.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Coverage {
    /// Mapped.
    pub mapped: usize,
    /// Of these.
    pub of: usize,
    /// `Setup required`, or `3 of 12 mapped`.
    pub text: String,
}

impl Coverage {
    pub(crate) fn new(mapped: usize, of: usize) -> Self {
        let text = match mapped {
            0 => "Setup required".to_owned(),
            mapped => format!("{mapped} of {of} mapped"),
        };
        Self { mapped, of, text }
    }
}

impl Access {
    /// Add a connection, and check it at once. What the check finds is kept as its
    /// status: a connection whose credentials are wrong is there and can be set right.
    ///
    /// # Errors
    /// Unknown plugin, a workspace that is no channel, an unknown time zone, a field
    /// that is unknown, missing or wrong, a name that is taken, a missing or wrong key.
    pub async fn add_connection(&self, new: AddConnection) -> Result<CheckView> {
        self.may(Power::Manage)?;
        let plugin = self.installed(&new.plugin)?;
        self.channel_workspace(&new.channel)?;
        let time_zone = zone_name(&new.time_zone)?;
        self.check_fields(&plugin, &new.values)?;
        let given = |key: &str| {
            let setting = new.values.settings.get(key);
            setting.is_some_and(|value| !value.is_empty()) || new.values.secrets.contains_key(key)
        };
        fields::refuse_missing(&plugin.description, FieldScope::Connection, given)?;
        let mut settings = new.values.settings;
        settings.retain(|_, value| !value.is_empty());
        self.ledger().add_connection(&NewConnection {
            name: new.name.clone(),
            plugin: new.plugin,
            channel: new.channel,
            time_zone,
            settings,
            secrets: new.values.secrets,
        })?;
        self.check_connection(&new.name).await
    }

    /// Change settings or the time zone of a connection.
    ///
    /// # Errors
    /// An unknown key or zone, a value that does not fit, a required value taken away.
    pub fn set_connection(
        &self,
        name: &ConnectionName,
        values: &Values,
        time_zone: Option<&str>,
    ) -> Result<()> {
        self.may_on(name, Power::Manage)?;
        let connection = self.connection(name)?;
        let plugin = self.installed_for(&connection)?;
        self.check_fields(&plugin, values)?;
        for (key, value) in &values.settings {
            let field = plugin.description.field(key);
            if value.is_empty() && field.is_some_and(|field| field.required) {
                return Err(rule(
                    ErrorCode::SettingMissing,
                    format!("{key} is required and cannot be taken away"),
                    "Give it another value.",
                ));
            }
        }
        let change = ConnectionChange {
            settings: values.changes(),
            time_zone: time_zone.map(zone_name).transpose()?,
        };
        self.ledger().set_connection(name, &change)?;
        if !values.secrets.is_empty() {
            self.ledger().rotate_connection(name, &values.secrets)?;
        }
        Ok(())
    }

    /// Put new secrets in the place of old ones once a check has shown that the PSA takes
    /// them. Where it does not, nothing is changed, and what works goes on working.
    ///
    /// # Errors
    /// An unknown key, nothing to rotate, a missing or wrong key file.
    pub async fn rotate_connection(
        &self,
        name: &ConnectionName,
        values: &Values,
    ) -> Result<CheckView> {
        self.may_on(name, Power::Manage)?;
        let connection = self.connection(name)?;
        let plugin = self.installed_for(&connection)?;
        self.check_fields(&plugin, values)?;
        let view = self.check_new_credentials(name, values).await?;
        if !view.is_connected() {
            return Ok(view);
        }
        if !values.settings.is_empty() {
            // A new API user often comes with its new secret.
            self.set_connection(name, values, None)?;
        } else {
            self.ledger().rotate_connection(name, &values.secrets)?;
        }
        let code = view.has_refusals().then_some(ErrorCode::Permission);
        self.keep_status(name, code)?;
        Ok(view)
    }

    /// Keep runs away from a connection, or let them at it again.
    ///
    /// # Errors
    /// No such connection.
    pub fn pause_connection(&self, name: &ConnectionName, paused: bool) -> Result<()> {
        self.may_on(name, Power::Manage)?;
        self.connection(name)?;
        Ok(self.ledger().pause_connection(name, paused)?)
    }

    /// Remove a connection with its mappings, settings and secrets. Its runs stay.
    ///
    /// # Errors
    /// No such connection, a run that posts to its tenant, or an adjustment that is not
    /// settled.
    pub fn remove_connection(&self, name: &ConnectionName) -> Result<()> {
        self.may_on(name, Power::Manage)?;
        let connection = self.connection(name)?;
        let tenant = connection.tenant.as_ref();
        let who = format!("connection remove {name}");
        let _lock = tenant
            .map(|tenant| self.ledger().tenant_lock(tenant, &who))
            .transpose()?;
        Ok(self.ledger().remove_connection(name)?)
    }

    /// The list of PSA connectors.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn connections(&self) -> Result<Vec<ConnectionView>> {
        self.may(Power::Read)?;
        let connections = self.connections_seen()?.into_iter();
        connections
            .map(|connection| self.view(connection))
            .collect()
    }

    /// The connection fields that are secrets: those a plugin requires, for asking.
    ///
    /// # Errors
    /// No such plugin.
    pub fn connection_secrets(&self, plugin: &str) -> Result<Vec<Field>> {
        self.may(Power::Read)?;
        let plugin = self.installed(plugin)?;
        let secrets = plugin
            .description
            .fields_of(FieldScope::Connection)
            .filter(|field| field.kind == FieldKind::Secret && field.required);
        Ok(secrets.cloned().collect())
    }

    /// A connection, or an error that names those there are.
    ///
    /// # Errors
    /// No such connection.
    pub fn connection(&self, name: &ConnectionName) -> Result<Connection> {
        self.may(Power::Read)?;
        let found = match self.ledger().connection(name) {
            Ok(connection) if !self.sees(&connection.channel)? => None,
            Err(psa_host_ledger::LedgerError::NotFound { .. }) => None,
            other => Some(other?),
        };
        match found {
            Some(connection) => Ok(connection),
            None => {
                let known = self.connections_seen()?;
                let known: Vec<&str> = known.iter().map(|c| c.name.as_str()).collect();
                let fix = if known.is_empty() {
                    "Add one with `psa-host connection add`.".to_owned()
                } else {
                    format!("Name one of: {}.", known.join(", "))
                };
                let message = format!("there is no connection {:?}", name.as_str());
                Err(rule(ErrorCode::UnknownConnection, message, fix))
            }
        }
    }

    /// Those in the actor's channels.
    pub(crate) fn connections_seen(&self) -> Result<Vec<Connection>> {
        let mut seen = Vec::new();
        for connection in self.ledger().connections()? {
            if self.sees(&connection.channel)? {
                seen.push(connection);
            }
        }
        Ok(seen)
    }

    fn view(&self, connection: Connection) -> Result<ConnectionView> {
        let plugin = self.ledger().plugin(&connection.plugin)?;
        let (status, code) = check::status_now(&connection, &plugin);
        let mapping = self.coverage(&connection)?;
        Ok(ConnectionView {
            name: connection.name,
            plugin: connection.plugin,
            kept_on: connection.kept_on,
            channel: connection.channel,
            time_zone: connection.time_zone,
            tenant: connection.tenant,
            status,
            code,
            paused: connection.paused,
            checked_at: connection.last_check.map(|check| check.at),
            workspace_mapping: mapping.0,
            service_mapping: mapping.1,
        })
    }

    fn check_fields(&self, plugin: &PluginView, values: &Values) -> Result<()> {
        // What is granted, or before that, what would be.
        let granted: Option<Vec<HostPattern>> = plugin.approval.as_ref().map(|approval| {
            approval
                .hosts
                .iter()
                .filter_map(|h| h.parse().ok())
                .collect()
        });
        let reach = Reach {
            hosts: granted.as_deref().unwrap_or(&plugin.description.hosts),
            dev_loopback: self.options().dev_loopback,
        };
        fields::check(&plugin.description, FieldScope::Connection, values, reach)
    }
}

#[cfg(test)]
mod tests;
