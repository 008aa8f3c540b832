//! Plugins: added from a file, looked at, approved, set up, removed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psa_host_ledger::AddedPlugin;
use psa_host_sandbox::{Description, Field, FieldKind, FieldScope, PluginHash};
use serde::Serialize;

use crate::error::rule;
use crate::fields::{self, Reach, Values};
use crate::{Error, Host, Result, Source};

/// A plugin as it is shown: what it is, what it asks for, what was granted.
#[derive(Debug, Clone, Serialize)]
pub struct PluginView {
    /// What it is called here (its own claim).
    pub name: String,
    /// What it is known by.
    pub sha256: String,
    /// Size of its file in bytes, where the file was looked at.
    pub size: Option<u64>,
    /// Whether it is in this data directory.
    pub installed: bool,
    /// When it was added, and by whom.
    pub added: Option<Act>,
    /// What was granted to exactly this file.
    pub approval: Option<ApprovalView>,
    /// Values of the operator's settings.
    pub settings: BTreeMap<String, String>,
    /// The operator's secrets that have a value.
    pub secrets: BTreeSet<String>,
    /// Required fields of the operator that have no value yet.
    pub missing: Vec<String>,
    /// Interfaces it imports, where the file was looked at.
    pub imports: Option<Vec<String>>,
    /// What it says of itself and asks for.
    pub description: Description,
}

/// Who did something, and when.
#[derive(Debug, Clone, Serialize)]
pub struct Act {
    /// By whom.
    pub who: String,
    /// When.
    pub when: Timestamp,
}

/// What an operator granted.
#[derive(Debug, Clone, Serialize)]
pub struct ApprovalView {
    /// Host patterns.
    pub hosts: Vec<String>,
    /// By whom.
    pub who: String,
    /// When.
    pub when: Timestamp,
}

/// What adding a file did.
#[derive(Debug, Clone, Serialize)]
pub struct PluginAdded {
    /// `new`, `same` (this very file was there) or `replaced`.
    pub result: &'static str,
    /// The file it replaced: its approval is void.
    pub former: Option<String>,
    /// The plugin as it is now.
    pub plugin: PluginView,
}

impl Host {
    /// Add a plugin from its file, under the name it claims. Another file of the same
    /// name replaces it, and is not approved.
    ///
    /// # Errors
    /// A file that is not there, too large, or no connector of this contract.
    pub async fn add_plugin(&self, path: &str) -> Result<PluginAdded> {
        let source = Source::read_plugin(path, self.options().limits.file_bytes)?;
        let plugin = self.load_file(&source).await?;
        let description = plugin.description();
        let text = serde_json::to_string(description).map_err(|error| {
            let message = format!("the plugin's description cannot be kept: {error}");
            rule("plugin-description", message, "Ask the plugin's author.")
        })?;
        let name = description.name.clone();
        let added = self.ledger().add_plugin(&name, &source.bytes, &text)?;
        let (result, former) = match added {
            AddedPlugin::New { .. } => ("new", None),
            AddedPlugin::Same { .. } => ("same", None),
            AddedPlugin::Replaced { former, .. } => ("replaced", Some(former)),
        };
        if let Some(former) = former.as_ref().and_then(|sha256| sha256.parse().ok()) {
            self.forget_unless_installed(&former);
        }
        let mut view = view(self.ledger().plugin(&name)?)?;
        view.size = Some(plugin.size());
        view.imports = Some(plugin.imports().to_vec());
        Ok(PluginAdded {
            result,
            former,
            plugin: view,
        })
    }

    /// All plugins, by name.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn plugins(&self) -> Result<Vec<PluginView>> {
        self.ledger().plugins()?.into_iter().map(view).collect()
    }

    /// Everything a plugin is and asks for: one that is installed, by name, or a file
    /// that is not.
    ///
    /// # Errors
    /// Neither is there, or the file is no connector.
    pub async fn inspect_plugin(&self, file_or_name: &str) -> Result<PluginView> {
        let is_path = file_or_name.contains('/') || file_or_name.ends_with(".wasm");
        if !is_path && let Ok(installed) = self.ledger().plugin(file_or_name) {
            let plugin = self.load_installed(&installed.sha256).await?;
            let mut view = view(installed)?;
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
            settings: BTreeMap::new(),
            secrets: BTreeSet::new(),
            missing: missing.iter().map(|field| field.key.clone()).collect(),
            imports: Some(plugin.imports().to_vec()),
            description,
        })
    }

    /// Grant a plugin the hosts it asks for: to exactly the file that is there now.
    ///
    /// # Errors
    /// No such plugin, or its file changed in between.
    pub fn approve_plugin(&self, name: &str) -> Result<PluginView> {
        let plugin = self.installed(name)?;
        let hosts: Vec<String> = plugin
            .description
            .hosts
            .iter()
            .map(ToString::to_string)
            .collect();
        self.ledger().approve_plugin(name, &plugin.sha256, &hosts)?;
        self.installed(name)
    }

    /// Set the operator's fields of a plugin.
    ///
    /// # Errors
    /// An unknown key, a value that does not fit its field, a missing or wrong key file.
    pub fn set_plugin(&self, name: &str, values: &Values) -> Result<PluginView> {
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
        let plugin = self.installed(name)?;
        self.ledger().remove_plugin(name)?;
        if let Ok(hash) = plugin.sha256.parse() {
            self.forget_unless_installed(&hash);
        }
        Ok(())
    }

    /// Secrets of the operator that a plugin requires and that have no value.
    ///
    /// # Errors
    /// No such plugin.
    pub fn missing_plugin_secrets(&self, name: &str) -> Result<Vec<Field>> {
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
        match self.ledger().plugin(name) {
            Ok(plugin) => view(plugin),
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
            "unknown-plugin",
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

/// A plugin from the ledger. What it said of itself was checked when it was added.
fn view(plugin: psa_host_ledger::Plugin) -> Result<PluginView> {
    let description: Description = serde_json::from_str(&plugin.description).map_err(|error| {
        rule(
            "plugin-description",
            format!(
                "what plugin {} said of itself cannot be read: {error}",
                plugin.name
            ),
            "Add its file again with `psa-host plugin add`.",
        )
    })?;
    let has = |key: &str| plugin.settings.contains_key(key) || plugin.secret_fields.contains(key);
    let missing = fields::missing(&description, FieldScope::Plugin, has)
        .iter()
        .map(|field| field.key.clone())
        .collect();
    Ok(PluginView {
        name: plugin.name,
        sha256: plugin.sha256,
        size: None,
        installed: true,
        added: Some(Act {
            who: plugin.added_by,
            when: plugin.added_at,
        }),
        approval: plugin.approval.map(|approval| ApprovalView {
            hosts: approval.hosts,
            who: approval.who,
            when: approval.when,
        }),
        settings: plugin.settings,
        secrets: plugin.secret_fields,
        missing,
        imports: None,
        description,
    })
}
