//! Plugins: added from a file, looked at, approved, set up, removed.

pub(crate) mod difference;
mod proposal;
pub(crate) mod trial;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psa_host_billing::ErrorCode;
use psa_host_ledger::{AddedPlugin, DESCRIPTION_FORM, PluginFile};
use psa_host_sandbox::{Description, Field, FieldKind, FieldScope, PluginHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use difference::Difference;
pub use proposal::{MovingConnection, PluginProposal};
pub use trial::{ConnectionTrial, KeptOn, PluginAccepted, PluginTrial, TrialOutcome, TrialRecord};

use crate::error::rule;
use crate::fields::{self, Reach, Values};
use crate::{Access, Error, Power, Result, Source};

/// A plugin as it is shown: what it is, what it asks for, what was granted.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct PluginView {
    /// What it is called here (its own claim).
    pub name: String,
    /// What it is known by.
    pub sha256: String,
    /// Size of its file in bytes, where the file was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Whether it is in this data directory.
    pub installed: bool,
    /// When it was added, and by whom.
    pub added: Option<Act>,
    /// What was granted to exactly this file.
    pub approval: Option<ApprovalView>,
    /// It was made for an earlier contract and does not load: a new file is needed.
    pub needs_new_file: bool,
    /// Every file that claims the name, this one among them, oldest first.
    pub files: Vec<FileView>,
    /// Values of the operator's settings.
    pub settings: BTreeMap<String, String>,
    /// The operator's secrets that have a value.
    pub secrets: BTreeSet<String>,
    /// Required fields of the operator that have no value yet.
    pub missing: Vec<String>,
    /// How its last trial went, where it was tried for a connection.
    pub last_trial: Option<TrialRecord>,
    /// Interfaces it imports, where the file was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imports: Option<Vec<String>>,
    /// What it says of itself and asks for.
    #[schemars(with = "serde_json::Value")]
    pub description: Description,
}

/// A file that claims a plugin's name.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct FileView {
    /// What it is known by.
    pub sha256: String,
    /// The version that it says it is, where that can be read.
    pub version: Option<String>,
    /// Whether it is the one in use.
    pub in_use: bool,
    /// What was granted to it.
    pub approval: Option<ApprovalView>,
    /// It was made for an earlier contract and does not load.
    pub needs_new_file: bool,
    /// When it was added, and by whom.
    pub added: Act,
}

/// Who did something, and when.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Act {
    /// By whom.
    pub who: String,
    /// When.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub when: Timestamp,
}

/// What an operator granted.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Host patterns.
    pub hosts: Vec<String>,
    /// By whom.
    pub who: String,
    /// When.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub when: Timestamp,
}

/// What adding a file did.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct PluginAdded {
    /// `new`, `same` (this very file was there) or `candidate`: another file is in use
    /// under the name, and nothing that runs has changed.
    pub result: Cow<'static, str>,
    /// The file that was added.
    pub sha256: String,
    /// What that file says of itself.
    #[schemars(with = "serde_json::Value")]
    pub description: Description,
    /// The plugin as it is now.
    pub plugin: PluginView,
}

impl Access {
    /// Add a plugin from its file, under the name it claims. Where another file is in use
    /// under the name, this one is a candidate.
    ///
    /// # Errors
    /// A file that is not there, too large, or no connector of this contract.
    pub async fn add_plugin(&self, path: &str) -> Result<PluginAdded> {
        self.may(Power::Operate)?;
        let source = Source::read_plugin(path, self.options().limits.file_bytes)?;
        let plugin = self.load_file(&source).await?;
        let description = plugin.description();
        let text = serde_json::to_string(description).map_err(|error| {
            let message = format!("the plugin's description cannot be kept: {error}");
            rule(
                ErrorCode::PluginDescription,
                message,
                "Ask the plugin's author.",
            )
        })?;
        let name = description.name.clone();
        let added = self.ledger().add_plugin(&name, &source.bytes, &text)?;
        let result = match added {
            AddedPlugin::New { .. } => "new",
            AddedPlugin::Same { .. } => "same",
            AddedPlugin::Candidate { .. } => "candidate",
        };
        let mut view = view(self.ledger().plugin(&name)?, None)?;
        if result != "candidate" {
            view.size = Some(plugin.size());
            view.imports = Some(plugin.imports().to_vec());
        }
        Ok(PluginAdded {
            result: result.into(),
            sha256: added.sha256().to_owned(),
            description: description.clone(),
            plugin: view,
        })
    }

    /// All plugins, by name.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn plugins(&self) -> Result<Vec<PluginView>> {
        self.may(Power::Read)?;
        let plugins = self.ledger().plugins()?.into_iter();
        plugins.map(|plugin| view(plugin, None)).collect()
    }

    /// Everything a plugin is and asks for: one that is installed, by name (`autotask`)
    /// or, for another of its files, with its SHA-256 (`autotask@5d41402a`), or a file that
    /// is not.
    ///
    /// # Errors
    /// Neither is there, or the file is no connector.
    pub async fn inspect_plugin(&self, file_or_name: &str) -> Result<PluginView> {
        self.may(Power::Read)?;
        let is_path = file_or_name.contains('/') || file_or_name.ends_with(".wasm");
        let (name, hash) = match file_or_name.split_once('@') {
            Some((name, hash)) => (name, Some(hash)),
            None => (file_or_name, None),
        };
        if !is_path && let Ok(installed) = self.ledger().plugin(name) {
            let sha256 = match hash {
                Some(hash) => proposal::chosen(&installed, Some(hash))?.sha256.clone(),
                None => installed.sha256.clone(),
            };
            let mut view = view(installed.clone(), Some(&sha256))?;
            view.last_trial = self.last_trial(name, &sha256)?;
            if view.needs_new_file {
                return Ok(view);
            }
            let plugin = self.load_installed(&installed, &sha256).await?;
            view.size = Some(plugin.size());
            view.imports = Some(plugin.imports().to_vec());
            return Ok(view);
        }
        if !is_path && !std::path::Path::new(file_or_name).exists() {
            return Err(self.unknown_plugin(file_or_name));
        }
        let source = Source::read_plugin(file_or_name, self.options().limits.file_bytes)?;
        let plugin = self.load_file(&source).await?;
        self.forget_unless_installed(plugin.hash());
        let description = plugin.description().clone();
        let missing = fields::missing(&description, FieldScope::Plugin, |_| false);
        Ok(PluginView {
            name: description.name.clone(),
            sha256: plugin.hash().to_string(),
            size: Some(plugin.size()),
            installed: false,
            added: None,
            approval: None,
            needs_new_file: false,
            files: Vec::new(),
            settings: BTreeMap::new(),
            secrets: BTreeSet::new(),
            missing: missing.iter().map(|field| field.key.clone()).collect(),
            imports: Some(plugin.imports().to_vec()),
            last_trial: None,
            description,
        })
    }

    /// Set the operator's fields of a plugin.
    ///
    /// # Errors
    /// An unknown key, a value that does not fit its field, a missing or wrong key file.
    pub fn set_plugin(&self, name: &str, values: &Values) -> Result<PluginView> {
        self.may(Power::Operate)?;
        let plugin = self.installed(name)?;
        let reach = Reach {
            hosts: &plugin.description.hosts,
            dev_loopback: self.options().dev_loopback,
        };
        fields::check(&plugin.description, FieldScope::Plugin, values, reach)?;
        self.ledger()
            .set_plugin(name, &values.changes(), &values.secrets)?;
        self.installed(name)
    }

    /// Remove a plugin with its settings, secrets and approval.
    ///
    /// # Errors
    /// No such plugin, or connections still use it.
    pub fn remove_plugin(&self, name: &str) -> Result<()> {
        self.may(Power::Operate)?;
        let plugin = self.installed(name)?;
        self.ledger().remove_plugin(name)?;
        for file in &plugin.files {
            if let Ok(hash) = file.sha256.parse() {
                self.forget_unless_installed(&hash);
            }
        }
        Ok(())
    }

    /// Secrets of the operator that a plugin requires and that have no value.
    ///
    /// # Errors
    /// No such plugin.
    pub fn missing_plugin_secrets(&self, name: &str) -> Result<Vec<Field>> {
        self.may(Power::Read)?;
        let plugin = self.installed(name)?;
        let missing = plugin
            .description
            .fields_of(FieldScope::Plugin)
            .filter(|field| field.kind == FieldKind::Secret && field.required)
            .filter(|field| !plugin.secrets.contains(&field.key));
        Ok(missing.cloned().collect())
    }

    /// An installed plugin, or an error that names those there are.
    pub(crate) fn installed(&self, name: &str) -> Result<PluginView> {
        self.installed_file(name, None)
    }

    /// A connection's plugin, by the file that the connection is kept on.
    pub(crate) fn installed_for(
        &self,
        connection: &psa_host_ledger::Connection,
    ) -> Result<PluginView> {
        self.installed_file(&connection.plugin, connection.kept_on.as_deref())
    }

    /// A plugin, by one of its files; with none, the one in use.
    pub(crate) fn installed_file(&self, name: &str, sha256: Option<&str>) -> Result<PluginView> {
        match self.ledger().plugin(name) {
            Ok(plugin) => view(plugin, sha256),
            Err(psa_host_ledger::LedgerError::NotFound { .. }) => Err(self.unknown_plugin(name)),
            Err(error) => Err(error.into()),
        }
    }

    fn unknown_plugin(&self, name: &str) -> Error {
        let known = self.ledger().plugins().unwrap_or_default();
        let known: Vec<&str> = known.iter().map(|plugin| plugin.name.as_str()).collect();
        let fix = if known.is_empty() {
            "Add one with `psa-host plugin add FILE`.".to_owned()
        } else {
            format!("Name one of: {}.", known.join(", "))
        };
        rule(
            ErrorCode::UnknownPlugin,
            format!("there is no plugin {name:?}"),
            fix,
        )
    }

    async fn load_file(&self, source: &Source) -> Result<psa_host_sandbox::Plugin> {
        let loaded = self.sandbox()?.load(&source.bytes).await;
        loaded.map_err(|error| {
            // It may have been compiled before it was found to be no good.
            self.forget_unless_installed(&PluginHash::of(&source.bytes));
            Error::Load {
                file: source.name.clone(),
                error,
            }
        })
    }
}

/// The description that is kept of a file.
///
/// What was kept under an earlier contract is read into the present form: a part that it
/// did not have gets the value that every plugin of that time had.
pub(crate) fn description_of(plugin: &str, text: &str) -> Result<Description> {
    serde_json::from_str(text).map_err(|error| {
        rule(
            ErrorCode::PluginDescription,
            format!("what plugin {plugin} said of itself cannot be read: {error}"),
            "Remove this file of the plugin, and add it again with `psa-host plugin add`.",
        )
    })
}

/// The file is of an earlier contract: remembered, but it does not load.
pub(crate) fn needs_new_file(plugin: &str, file: &PluginFile) -> Error {
    rule(
        ErrorCode::PluginVersion,
        format!(
            "the file {:.12} of plugin {plugin} was made for version 0.{} of the contract, and this \
             host speaks 0.{DESCRIPTION_FORM}",
            file.sha256, file.form
        ),
        format!(
            "Get a build of the plugin for this host, add it with `psa-host plugin add`, and \
             approve it with `psa-host plugin approve {plugin}`: its connections move to it \
             with their secrets."
        ),
    )
}

fn approval_view(approval: &psa_host_ledger::Approval) -> ApprovalView {
    ApprovalView {
        hosts: approval.hosts.clone(),
        who: approval.who.clone(),
        when: approval.when,
    }
}

/// A plugin from the ledger, by its file in use or another. What that said of itself was
/// checked when it was added.
fn view(plugin: psa_host_ledger::Plugin, sha256: Option<&str>) -> Result<PluginView> {
    let sha256 = sha256.unwrap_or(&plugin.sha256);
    let Some(file) = plugin.file(sha256) else {
        return Err(rule(
            ErrorCode::PluginFile,
            format!("plugin {} has no file {sha256}", plugin.name),
            "Add it with `psa-host plugin add`.",
        ));
    };
    let description = description_of(&plugin.name, &file.description)?;
    let files = plugin
        .files
        .iter()
        .map(|file| FileView {
            sha256: file.sha256.clone(),
            version: description_of(&plugin.name, &file.description)
                .ok()
                .map(|description| description.version),
            in_use: file.sha256 == plugin.sha256,
            approval: file.approval.as_ref().map(approval_view),
            needs_new_file: file.form < DESCRIPTION_FORM,
            added: Act {
                who: file.added_by.clone(),
                when: file.added_at,
            },
        })
        .collect();
    let has = |key: &str| plugin.settings.contains_key(key) || plugin.secret_fields.contains(key);
    let missing = fields::missing(&description, FieldScope::Plugin, has)
        .iter()
        .map(|field| field.key.clone())
        .collect();
    Ok(PluginView {
        sha256: file.sha256.clone(),
        size: None,
        installed: true,
        added: Some(Act {
            who: file.added_by.clone(),
            when: file.added_at,
        }),
        approval: file.approval.as_ref().map(approval_view),
        needs_new_file: file.form < DESCRIPTION_FORM,
        files,
        missing,
        imports: None,
        last_trial: None,
        description,
        name: plugin.name,
        settings: plugin.settings,
        secrets: plugin.secret_fields,
    })
}
