//! Coro's side: workspaces in their tree, and modules with the metric each counts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ModuleId, WorkspaceId};

/// What a workspace is in Coro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceKind {
    /// An MSP: parent of children and of other channels. PSA connectors live here.
    Channel,
    /// A customer of the MSP.
    Child,
    /// A customer on its own.
    Regular,
}

/// Where a workspace is in its life. A text that Coro may add later is kept as
/// [`WorkspaceStatus::Other`] and is not billed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum WorkspaceStatus {
    /// Made, nothing chosen yet.
    New,
    /// Trying.
    Trial,
    /// Paying: the only one that is billed.
    Subscription,
    /// Trial or subscription ended; it keeps its users and devices, so its raw counts
    /// are not zero.
    Inactive,
    /// Put away.
    Archived,
    /// A word this version does not know.
    Other(Box<str>),
}

impl WorkspaceStatus {
    /// As it stands in files.
    pub fn as_str(&self) -> &str {
        match self {
            Self::New => "new",
            Self::Trial => "trial",
            Self::Subscription => "subscription",
            Self::Inactive => "inactive",
            Self::Archived => "archived",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for WorkspaceStatus {
    fn from(text: String) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "new" => Self::New,
            "trial" => Self::Trial,
            // Coro's console says "Active" of a running subscription in places.
            "subscription" | "active" => Self::Subscription,
            "inactive" => Self::Inactive,
            "archived" => Self::Archived,
            _ => Self::Other(text.into()),
        }
    }
}

impl From<WorkspaceStatus> for String {
    fn from(status: WorkspaceStatus) -> String {
        status.as_str().to_owned()
    }
}

impl fmt::Display for WorkspaceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A Coro tenant.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Workspace {
    /// Coro's id.
    pub id: WorkspaceId,
    /// Display name (Coro allows 30 characters; more is kept).
    pub name: String,
    /// Company name: what an account is matched on, with the domain.
    #[serde(default)]
    pub company: Option<String>,
    /// Internet domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// Channel, child or regular.
    pub kind: WorkspaceKind,
    /// The channel above it.
    #[serde(default)]
    pub parent: Option<WorkspaceId>,
    /// Where it is in its life.
    pub status: WorkspaceStatus,
    /// Runs in demo mode.
    #[serde(default)]
    pub demo: bool,
    /// Not for resale: the MSP's own use.
    #[serde(default)]
    pub nfr: bool,
}

impl Workspace {
    /// Whether its use is billed: a paid subscription that is neither a demo nor
    /// not-for-resale. Never decided by a count.
    pub fn is_paid(&self) -> bool {
        self.status == WorkspaceStatus::Subscription && !self.demo && !self.nfr
    }
}

/// What is counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Protected users.
    Users,
    /// Protected devices.
    Devices,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Users => "users",
            Self::Devices => "devices",
        })
    }
}

/// The metric a module counts by nature, where a mapping does not say. Coro does not
/// publish it; devices for what sits on a device, users for the rest. The billed
/// metric is always the mapping's own.
pub fn default_metric(module: &ModuleId) -> Metric {
    const BY_DEVICE: [&str; 5] = [
        "endpoint-security",
        "edr",
        "endpoint-data-governance",
        "wifi-phishing",
        "mdm",
    ];
    if BY_DEVICE.contains(&module.as_str()) {
        Metric::Devices
    } else {
        Metric::Users
    }
}
