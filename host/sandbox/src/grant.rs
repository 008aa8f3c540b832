//! What an operator approved, for exactly one file.

use serde::{Deserialize, Serialize};

use crate::{HostPattern, PluginHash};

/// The operator's approval: these hosts, for the plugin with this SHA-256. A rebuilt
/// plugin is another plugin and starts with nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The file that was approved.
    pub plugin: PluginHash,
    /// Hosts it may reach, if it also asks for them.
    pub hosts: Vec<HostPattern>,
}

impl Grant {
    /// Nothing granted yet.
    pub fn nothing(plugin: PluginHash) -> Self {
        Self {
            plugin,
            hosts: Vec::new(),
        }
    }
}
