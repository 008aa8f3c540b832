//! Approving a file: the first of a name at once, another one only with the difference
//! and with what its connections would give it in sight.

use psa_host_billing::ErrorCode;
use psa_host_ledger::PluginFile;
use psa_host_sandbox::HostPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Difference, PluginView, description_of, difference};
use crate::error::rule;
use crate::{Access, Power, Result};

/// The shortest beginning of a SHA-256 by which a file is named.
const SHORTEST_HASH: usize = 8;

/// What approving a file would do.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct PluginProposal {
    /// The plugin.
    pub name: String,
    /// The file in use.
    pub in_use: String,
    /// The file to approve, or to go back to.
    pub sha256: String,
    /// Whether this very file was approved before: nothing new is granted.
    pub approved_before: bool,
    /// Hosts that it may reach after that.
    pub hosts: Vec<String>,
    /// What differs from the file in use; nothing where it is the file in use.
    pub differences: Vec<Difference>,
    /// Secrets of the operator that it would be given the use of.
    pub operator_secrets: Vec<String>,
    /// Connections that would move to it, with the secrets that it would be given the use of.
    pub connections: Vec<MovingConnection>,
    /// Connections that stay on a file of their own.
    pub kept: Vec<String>,
}

/// A connection that would move to another file.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct MovingConnection {
    /// Its name.
    pub name: String,
    /// Its secrets, by field.
    pub secrets: Vec<String>,
}

impl PluginProposal {
    /// Whether connections, with their secrets, would go from one file to another.
    pub fn is_switch(&self) -> bool {
        self.in_use != self.sha256
    }

    /// Whether a person has to say yes first: it is another file, and was never approved.
    pub fn needs_yes(&self) -> bool {
        self.is_switch() && !self.approved_before
    }
}

impl Access {
    /// Say what approving a file of a plugin would do: the file with this SHA-256 (or its
    /// beginning), or the only one that is not approved. `more_hosts` are granted beside
    /// those that the plugin asks for, where it says that its PSA can be self-hosted.
    ///
    /// # Errors
    /// No such plugin or file; a file for an earlier contract; a host that may not be
    /// added.
    pub fn propose_plugin(
        &self,
        name: &str,
        sha256: Option<&str>,
        more_hosts: &[String],
    ) -> Result<PluginProposal> {
        self.may(Power::Operate)?;
        let view = self.installed(name)?;
        let plugin = self.ledger().plugin(name)?;
        let file = chosen(&plugin, sha256)?;
        if file.form < psa_host_ledger::DESCRIPTION_FORM {
            return Err(super::needs_new_file(name, file));
        }
        let description = description_of(name, &file.description)?;
        let mut hosts: Vec<String> = description.hosts.iter().map(ToString::to_string).collect();
        if !more_hosts.is_empty() && !description.self_hosted {
            return Err(rule(
                ErrorCode::NotSelfHosted,
                format!("plugin {name} does not say that its PSA can be self-hosted"),
                "Approve it without --host. It reaches the hosts that it asks for.",
            ));
        }
        for text in more_hosts {
            let pattern: HostPattern = text.parse().map_err(|error| {
                let fix = "Give a host name such as psa.example.net.";
                rule(ErrorCode::HostInvalid, format!("{error}"), fix)
            })?;
            let pattern = pattern.to_string();
            if !hosts.contains(&pattern) {
                hosts.push(pattern);
            }
        }
        let approved_before = file.approval.is_some();
        if let (Some(approval), true) = (&file.approval, more_hosts.is_empty()) {
            hosts.clone_from(&approval.hosts);
        }
        let granted = plugin
            .approval
            .as_ref()
            .map(|approval| approval.hosts.clone());
        let before = granted.unwrap_or_else(|| {
            let hosts = view.description.hosts.iter();
            hosts.map(ToString::to_string).collect()
        });
        let is_switch = plugin.sha256 != file.sha256;
        let differences = match is_switch {
            true => difference::between((&view.description, &before), (&description, &hosts)),
            false => Vec::new(),
        };
        let (kept, moving): (Vec<_>, Vec<_>) = self
            .ledger()
            .connections()?
            .into_iter()
            .filter(|connection| is_switch && connection.plugin == name)
            .partition(|connection| connection.kept_on.is_some());
        Ok(PluginProposal {
            name: name.to_owned(),
            in_use: plugin.sha256.clone(),
            sha256: file.sha256.clone(),
            approved_before,
            hosts,
            differences,
            operator_secrets: plugin.secret_fields.iter().cloned().collect(),
            connections: moving
                .into_iter()
                .map(|connection| MovingConnection {
                    name: connection.name.to_string(),
                    secrets: connection.secret_fields.into_iter().collect(),
                })
                .collect(),
            kept: kept.into_iter().map(|c| c.name.to_string()).collect(),
        })
    }

    /// Grant the file in use the hosts it asks for.
    ///
    /// # Errors
    /// No such plugin, or its file changed in between.
    pub fn approve_plugin(&self, name: &str) -> Result<PluginView> {
        self.may(Power::Operate)?;
        let in_use = self.installed(name)?.sha256;
        let proposal = self.propose_plugin(name, Some(&in_use), &[])?;
        self.switch(&proposal, &[])?;
        self.installed(name)
    }

    /// Remove a file of a plugin that is not in use.
    ///
    /// # Errors
    /// No such file, or it is in use.
    pub fn remove_plugin_file(&self, name: &str, sha256: &str) -> Result<String> {
        self.may(Power::Operate)?;
        self.installed(name)?;
        let plugin = self.ledger().plugin(name)?;
        let sha256 = chosen(&plugin, Some(sha256))?.sha256.clone();
        self.ledger().remove_plugin_file(name, &sha256)?;
        if let Ok(hash) = sha256.parse() {
            self.forget_unless_installed(&hash);
        }
        Ok(sha256)
    }
}

/// The file with this SHA-256 or beginning of one; without, the one that waits for an
/// approval.
pub(super) fn chosen<'a>(
    plugin: &'a psa_host_ledger::Plugin,
    sha256: Option<&str>,
) -> Result<&'a PluginFile> {
    let list = |files: &[&PluginFile]| {
        let hashes: Vec<&str> = files.iter().map(|file| file.sha256.as_str()).collect();
        hashes.join(", ")
    };
    let name = &plugin.name;
    let (found, what): (Vec<&PluginFile>, String) = match sha256 {
        Some(text) => {
            let text = text.to_ascii_lowercase();
            if text.len() < SHORTEST_HASH {
                let fix = format!("Give at least {SHORTEST_HASH} characters of it.");
                return Err(rule(
                    ErrorCode::PluginFile,
                    format!("{text:?} is too short for a SHA-256"),
                    fix,
                ));
            }
            let files = plugin.files.iter();
            let found = files
                .filter(|file| file.sha256.starts_with(&text))
                .collect();
            (found, format!("with SHA-256 {text}"))
        }
        None => {
            let files = plugin.files.iter();
            let found = files.filter(|file| file.approval.is_none()).collect();
            (found, "that waits for an approval".to_owned())
        }
    };
    match found.as_slice() {
        [file] => Ok(file),
        [] => {
            let all: Vec<&PluginFile> = plugin.files.iter().collect();
            Err(rule(
                ErrorCode::PluginFile,
                format!("plugin {name} has no file {what}"),
                format!(
                    "Add one with `psa-host plugin add`, or name one of those there are: {}.",
                    list(&all)
                ),
            ))
        }
        several => Err(rule(
            ErrorCode::PluginFile,
            format!("plugin {name} has {} files {what}", several.len()),
            format!(
                "Name one, as in `psa-host plugin approve {name} SHA256`: {}.",
                list(several)
            ),
        )),
    }
}
