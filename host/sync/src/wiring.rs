//! A connection made ready to work: its plugin loaded, its settings and secrets put
//! together, its grant checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_ledger::{Connection, DESCRIPTION_FORM, Ledger, StorageScope};
use psa_host_sandbox::{
    FieldKind, FieldScope, Grant, HostPattern, Plugin, PluginStorage, Secret, Session,
};

use crate::error::rule;
use crate::fields::Values;
use crate::plugins::needs_new_file;
use crate::stores::{ConnectionStorage, quota};
use crate::{Access, Error, Power, Reader, Result, fields};

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Testing, listing, validating, a dry run: also while it is paused.
    Look,
    /// A run that posts: refused while it is paused.
    Post,
}

/// A connection that is ready to work.
#[derive(Debug)]
pub struct OpenConnection {
    /// As configured.
    pub connection: Connection,
    /// Its plugin.
    pub plugin: Plugin,
    /// Its session with the sandbox.
    pub session: Arc<Session>,
    /// Reads its PSA through the session.
    pub reader: Reader,
    _refusal: Option<KeptRefusal>,
    _learnt: Option<LearntOrigins>,
}

/// A file that is run for a connection before it is in use there: nothing that it learns or
/// stores stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnTrial<'a> {
    /// The file.
    pub sha256: &'a str,
    /// What it may reach.
    pub hosts: &'a [String],
    /// Whether a refusal of the credentials is the PSA's word on them: not where another
    /// file was just let in with them.
    pub keep_refusal: bool,
}

/// What a connection is opened with beside what is kept of it.
#[derive(Debug, Clone, Copy, Default)]
struct With<'a> {
    trial: Option<OnTrial<'a>>,
    /// In the place of what it has.
    values: Option<&'a Values>,
}

/// Keeps that the PSA refused the credentials, whatever they were used for: users are
/// locked after a few failures, so nothing is sent with them again by any process.
#[derive(Debug)]
struct KeptRefusal {
    session: Arc<Session>,
    ledger: Ledger,
    connection: ConnectionName,
    version: i64,
}

impl Drop for KeptRefusal {
    fn drop(&mut self) {
        let Some(error) = self.session.refused() else {
            return;
        };
        let words = error.in_full();
        let kept = self
            .ledger
            .refuse_credentials(&self.connection, self.version, &words);
        if let Err(error) = kept {
            tracing::error!(%error, "refused credentials could not be kept as refused");
        }
    }
}

/// Keeps the loopback origins that a session learnt for the next one: a connector that
/// stored its zone does not ask for it again. Only ever with the development switch.
#[derive(Debug)]
struct LearntOrigins {
    session: Arc<Session>,
    ledger: Ledger,
    scope: StorageScope,
    known: Vec<String>,
}

const LEARNT_ORIGINS: &str = "learnt-origins";

/// The host's own part of a connection's storage: no plugin can have this name.
fn host_scope(name: &ConnectionName) -> StorageScope {
    StorageScope {
        plugin: "@host".to_owned(),
        connection: name.to_string(),
    }
}

impl LearntOrigins {
    fn read(ledger: &Ledger, scope: &StorageScope) -> Result<Vec<String>> {
        let kept = ledger
            .storage_get(scope, LEARNT_ORIGINS)?
            .unwrap_or_default();
        let lines = String::from_utf8_lossy(&kept).into_owned();
        Ok(lines.lines().map(str::to_owned).collect())
    }
}

impl Drop for LearntOrigins {
    /// Best effort: where it fails, the next development session learns them again.
    fn drop(&mut self) {
        let now = self.session.dev_origins();
        if now != self.known {
            let text = now.join("\n");
            let kept =
                self.ledger
                    .storage_put(&self.scope, LEARNT_ORIGINS, text.as_bytes(), quota());
            if let Err(error) = kept {
                tracing::debug!(%error, "learnt loopback origins could not be kept");
            }
        }
    }
}

impl Access {
    /// Make a connection ready to work. Nothing is sent yet.
    ///
    /// # Errors
    /// No such connection; paused; plugin not approved; a setting or secret missing or
    /// wrong; a missing or wrong key.
    pub async fn open_connection(
        &self,
        name: &ConnectionName,
        purpose: Purpose,
    ) -> Result<OpenConnection> {
        self.may_on(name, Power::Read)?;
        self.open_file(name, purpose, With::default()).await
    }

    /// The same with other settings and secrets, before they are the connection's: what the
    /// PSA says of them is not kept, and nothing that is stored stays.
    pub(crate) async fn open_with(
        &self,
        name: &ConnectionName,
        values: &Values,
    ) -> Result<OpenConnection> {
        let with = With {
            values: Some(values),
            ..With::default()
        };
        self.open_file(name, Purpose::Look, with).await
    }

    /// The same with a file on trial, on a copy of the connection's storage.
    pub(crate) async fn open_on_trial(
        &self,
        name: &ConnectionName,
        trial: OnTrial<'_>,
    ) -> Result<OpenConnection> {
        let with = With {
            trial: Some(trial),
            ..With::default()
        };
        self.open_file(name, Purpose::Look, with).await
    }

    async fn open_file(
        &self,
        name: &ConnectionName,
        purpose: Purpose,
        With { trial, values }: With<'_>,
    ) -> Result<OpenConnection> {
        let connection = self.ledger().connection(name)?;
        if purpose == Purpose::Post && connection.paused {
            return Err(rule(
                ErrorCode::ConnectionPaused,
                format!("connection {name} is paused"),
                format!("Resume it with `psa-host connection resume {name}`."),
            ));
        }
        let installed = self.ledger().plugin(&connection.plugin)?;
        let own = connection.kept_on.as_ref().unwrap_or(&installed.sha256);
        let sha256 = trial.map_or(own.as_str(), |trial| trial.sha256);
        let approval = installed
            .file(sha256)
            .and_then(|file| file.approval.as_ref());
        let hosts = match (trial, approval) {
            (Some(trial), _) => trial.hosts,
            (None, Some(approval)) => &approval.hosts,
            (None, None) => return Err(not_approved(&installed.name)),
        };
        if let Some(file) = installed.file(sha256)
            && file.form < DESCRIPTION_FORM
        {
            return Err(needs_new_file(&installed.name, file));
        }
        let mut settings = installed.settings.clone();
        settings.extend(connection.settings.clone());
        let mut secrets = self.ledger().plugin_secrets(&installed.name)?;
        secrets.extend(self.ledger().connection_secrets(name)?);
        match values {
            None => {
                self.refuse_unset(&installed, &connection, sha256)?;
                self.refuse_refused_anywhere(&connection)?;
            }
            Some(values) => {
                settings.extend(values.settings.clone());
                settings.retain(|_, value| !value.is_empty());
                secrets.extend(values.secrets.clone());
            }
        }
        // Last, because a cold cache means compiling.
        let plugin = self.load_installed(&installed, sha256).await?;
        keep_declared(&plugin, &mut settings, &mut secrets);

        let scope = StorageScope {
            plugin: installed.name.clone(),
            connection: name.to_string(),
        };
        let storage = ConnectionStorage::new(self.ledger(), scope);
        let storage: Arc<dyn PluginStorage> = match trial {
            None if values.is_none() => Arc::new(storage),
            _ => Arc::new(storage.copied()?),
        };
        let mut builder = Session::builder(&plugin)
            .label(name.to_string())
            .settings(settings)
            .secrets(into_sandbox(secrets))
            .grant(grant(&plugin, hosts)?)
            .storage(storage)
            .budget(Arc::clone(self.budget_store()), name.as_str());
        if let Some(tenant) = &connection.tenant {
            builder = builder.tenant(tenant);
        }
        let scope = host_scope(name);
        let known = match self.options().dev_loopback {
            true => LearntOrigins::read(self.ledger(), &scope)?,
            false => Vec::new(),
        };
        builder = builder.learnt_origins(known.clone());
        let session = builder.build().map_err(|error| Error::Session {
            connection: name.to_string(),
            error,
        })?;
        let reader = Reader::new(Arc::clone(&session));
        let keep_refusal = values.is_none() && trial.is_none_or(|trial| trial.keep_refusal);
        let refusal = keep_refusal.then(|| KeptRefusal {
            session: Arc::clone(&session),
            ledger: self.ledger().clone(),
            connection: name.clone(),
            version: connection.credentials_version,
        });
        let learnt = (trial.is_none() && values.is_none()).then(|| LearntOrigins {
            session: Arc::clone(&session),
            ledger: self.ledger().clone(),
            scope,
            known,
        });
        Ok(OpenConnection {
            connection,
            plugin,
            session,
            reader,
            _refusal: refusal,
            _learnt: learnt,
        })
    }
}

impl Access {
    /// Everything that is required has a value, of the operator and of the connection.
    fn refuse_unset(
        &self,
        plugin: &psa_host_ledger::Plugin,
        connection: &Connection,
        sha256: &str,
    ) -> Result<()> {
        let description = self.installed_file(&plugin.name, Some(sha256))?.description;
        let of_plugin =
            |key: &str| plugin.settings.contains_key(key) || plugin.secret_fields.contains(key);
        let of_connection = |key: &str| {
            connection.settings.contains_key(key) || connection.secret_fields.contains(key)
        };
        let by_operator = fields::missing(&description, FieldScope::Plugin, of_plugin);
        if let Some(field) = by_operator.first() {
            let option = match field.kind {
                FieldKind::Secret => format!("--secret {}=@FILE", field.key),
                _ => format!("--set {}=VALUE", field.key),
            };
            return Err(rule(
                ErrorCode::SettingMissing,
                format!(
                    "plugin {}: {} ({}) is not set",
                    plugin.name, field.label, field.key
                ),
                format!(
                    "Set it with `psa-host plugin set {} {option}`.",
                    plugin.name
                ),
            ));
        }
        fields::refuse_missing(&description, FieldScope::Connection, of_connection)
    }
}

/// The plugin is there, but nobody agreed to what it asks for.
pub(crate) fn not_approved(plugin: &str) -> Error {
    rule(
        ErrorCode::NotApproved,
        format!("plugin {plugin} is not approved"),
        format!(
            "See what it asks for with `psa-host plugin inspect {plugin}`, then agree with \
             `psa-host plugin approve {plugin}`."
        ),
    )
}

/// What was approved, for exactly this file.
pub(crate) fn grant(plugin: &Plugin, hosts: &[String]) -> Result<Grant> {
    let hosts = hosts
        .iter()
        .map(|host| host.parse::<HostPattern>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            rule(
                ErrorCode::ApprovalDamaged,
                format!("the approval of the plugin cannot be read: {error}"),
                "Approve the plugin again with `psa-host plugin approve`.",
            )
        })?;
    Ok(Grant {
        plugin: *plugin.hash(),
        hosts,
    })
}

/// Values that a former file of the plugin declared and this one does not are left
/// out: they would be refused, and nothing asks for them any more.
fn keep_declared(
    plugin: &Plugin,
    settings: &mut BTreeMap<String, String>,
    secrets: &mut BTreeMap<String, psa_host_ledger::Secret>,
) {
    let kind = |key: &String| plugin.description().field(key).map(|field| field.kind);
    settings.retain(|key, _| kind(key).is_some_and(|kind| kind != FieldKind::Secret));
    secrets.retain(|key, _| kind(key) == Some(FieldKind::Secret));
}

fn into_sandbox(secrets: BTreeMap<String, psa_host_ledger::Secret>) -> BTreeMap<String, Secret> {
    secrets
        .into_iter()
        .map(|(key, secret)| (key, Secret::new(secret.expose())))
        .collect()
}
