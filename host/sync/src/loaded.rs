//! Plugins compiled and kept for as long as the host is open.

use psa_host_billing::ErrorCode;
use psa_host_sandbox::{Plugin, PluginHash};

use crate::error::rule;
use crate::plugins::{description_of, difference, needs_new_file};
use crate::{Access, Error, Result};

impl Access {
    /// Forget a file's compiled code, unless it is the file of an installed plugin.
    pub(crate) fn forget_unless_installed(&self, hash: &PluginHash) {
        if self.ledger().dir().plugin(&hash.to_string()).exists() {
            return;
        }
        let mut loaded = self.host().loaded();
        loaded.remove(hash);
        if let Ok(sandbox) = self.sandbox() {
            sandbox.evict(hash);
        }
    }

    /// A file of an installed plugin, compiled; kept for as long as the host is open. What
    /// it says of itself now must be what it said when it was added: that is what an
    /// operator agreed to.
    ///
    /// # Errors
    /// A file that is missing, changed, no longer a plugin, or of an earlier contract; one
    /// that describes itself otherwise than before, which is recorded too.
    pub(crate) async fn load_installed(
        &self,
        installed: &psa_host_ledger::Plugin,
        sha256: &str,
    ) -> Result<Plugin> {
        let name = &installed.name;
        let file = installed.file(sha256).ok_or_else(|| {
            let fix = "Add it again with `psa-host plugin add`.";
            rule(
                ErrorCode::PluginFile,
                format!("plugin {name} has no file {sha256}"),
                fix,
            )
        })?;
        if file.form < psa_host_ledger::DESCRIPTION_FORM {
            return Err(needs_new_file(name, file));
        }
        let plugin = self.compiled(name, sha256).await?;
        let approved = description_of(name, &file.description)?;
        if approved == *plugin.description() {
            return Ok(plugin);
        }
        let before = approved.hosts.iter().map(ToString::to_string);
        let after = plugin.description().hosts.iter().map(ToString::to_string);
        let parts: Vec<String> = difference::between(
            (&approved, &before.collect::<Vec<_>>()),
            (plugin.description(), &after.collect::<Vec<_>>()),
        )
        .iter()
        .map(|difference| difference.part.to_string())
        .collect();
        let message = format!(
            "plugin {name} ({sha256:.12}) does not describe itself as it did when it was added; \
             these parts differ: {}",
            parts.join(", ")
        );
        self.ledger()
            .record_plugin_incident(name, sha256, &message)?;
        Err(rule(
            ErrorCode::PluginDescriptionChanged,
            message,
            "A plugin has no honest reason for that. Do not use this file before its author \
             explains; remove it, or go back to the file before with `psa-host plugin approve`.",
        ))
    }

    async fn compiled(&self, name: &str, sha256: &str) -> Result<Plugin> {
        let known = sha256.parse::<PluginHash>().ok();
        if let Some(hash) = known {
            let loaded = self.host().loaded();
            if let Some(plugin) = loaded.get(&hash) {
                return Ok(plugin.clone());
            }
        }
        let bytes = self.ledger().plugin_wasm(sha256)?;
        let loaded = self.sandbox()?.load(&bytes).await;
        let plugin = loaded.map_err(|error| Error::Load {
            file: format!(
                "the file {} of plugin {name}",
                sha256.get(..12).unwrap_or(sha256)
            ),
            error,
        })?;
        let mut loaded = self.host().loaded();
        loaded.insert(*plugin.hash(), plugin.clone());
        Ok(plugin)
    }
}
