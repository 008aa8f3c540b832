//! API users: credentials, tracking identifiers, rights and the lock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::Entity;

/// What a user may do with an entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Everything.
    #[default]
    Allowed,
    /// 403, as documented.
    Forbidden,
    /// 500 with the text of a refusal, as it often is [LIVE DJA].
    #[serde(rename = "forbidden-500")]
    Forbidden500,
    /// Empty results and no error, "even though the data exists" [DOC].
    Silent,
}

/// An API-only user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// `UserName` header; compared without regard to case.
    pub user_name: String,
    /// `Secret` header.
    pub secret: String,
    /// Tracking identifiers (`ApiIntegrationCode`) this user may come with.
    pub integration_codes: Vec<String>,
    /// Rights by entity; what is not named is allowed.
    #[serde(default)]
    pub rights: BTreeMap<Entity, Right>,
    /// Failed logins so far.
    #[serde(default)]
    pub failures: u32,
    /// Locked, by hand or by failed logins.
    #[serde(default)]
    pub locked: bool,
}

impl Default for User {
    fn default() -> Self {
        Self {
            user_name: "api@sim.example".to_owned(),
            secret: "sim-secret".to_owned(),
            integration_codes: vec!["SIM-TRACKING-CODE".to_owned()],
            rights: BTreeMap::new(),
            failures: 0,
            locked: false,
        }
    }
}

impl User {
    /// The right on an entity.
    pub fn right(&self, entity: Entity) -> Right {
        self.rights.get(&entity).copied().unwrap_or_default()
    }
}
