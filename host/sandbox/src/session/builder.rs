//! Putting a session together: every value of the connection checked against what the
//! plugin says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use psa_host_billing::TenantKey;
use url::Url;
use zeroize::Zeroizing;

use super::{Session, tenant_scope};
use crate::bindings::psa_host::guest::plugin::Setting;
use crate::http::{self, Egress, Setup};
use crate::incident::Incidents;
use crate::log::Log;
use crate::memory::MemoryPool;
use crate::pages::ListMemory;
use crate::{BudgetStore, FieldKind, Grant, Plugin, PluginStorage, Secret, SessionError};

/// The longest value of a setting or secret, in bytes.
const MAX_VALUE: usize = 4 << 10;

/// Puts a [`Session`] together.
#[derive(Debug)]
#[must_use]
pub struct SessionBuilder {
    plugin: Plugin,
    label: String,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    grant: Grant,
    storage: Arc<dyn PluginStorage>,
    budget: Arc<dyn BudgetStore>,
    connection: Option<String>,
    scope: Option<String>,
    learnt_origins: Vec<String>,
}

impl SessionBuilder {
    pub(super) fn new(plugin: &Plugin) -> Self {
        Self {
            plugin: plugin.clone(),
            label: plugin.description().name.clone(),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            grant: Grant::nothing(*plugin.hash()),
            storage: Arc::new(crate::InMemoryStorage::default()),
            budget: Arc::new(crate::InMemoryBudget::default()),
            connection: None,
            scope: None,
            learnt_origins: Vec::new(),
        }
    }

    /// Loopback origins that an earlier session learnt ([`Session::dev_origins`]): a
    /// plugin that keeps its zone asks for it once only. Without the development switch
    /// they mean nothing.
    pub fn learnt_origins(mut self, origins: Vec<String>) -> Self {
        self.learnt_origins = origins;
        self
    }

    /// The connection's name, for messages and logs.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Values of text and url fields, of operator and MSP admin together.
    pub fn settings(mut self, settings: BTreeMap<String, String>) -> Self {
        self.settings = settings;
        self
    }

    /// Values of secret fields.
    pub fn secrets(mut self, secrets: BTreeMap<String, Secret>) -> Self {
        self.secrets = secrets;
        self
    }

    /// What the operator approved. Nothing, if not called.
    pub fn grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// What keeps the plugin's values, scoped to this plugin and connection.
    pub fn storage(mut self, storage: Arc<dyn PluginStorage>) -> Self {
        self.storage = storage;
        self
    }

    /// What keeps the budget, and the connection that requests are counted under until
    /// the tenant is known. Sessions that are given the same store (not one made anew)
    /// share the budget, the turns for requests at once, and what is known of the
    /// credentials; connections take turns.
    pub fn budget(mut self, store: Arc<dyn BudgetStore>, connection: &str) -> Self {
        self.budget = store;
        self.connection = Some(connection.to_owned());
        self.scope
            .get_or_insert_with(|| format!("connection:{connection}"));
        self
    }

    /// The tenant, where an earlier run has told: its budget counts from the start.
    pub fn tenant(mut self, tenant: &TenantKey) -> Self {
        self.scope = Some(tenant_scope(tenant));
        self
    }

    /// Check everything against the plugin's description.
    ///
    /// # Errors
    /// [`SessionError`] names the field and what to do.
    pub fn build(self) -> Result<Arc<Session>, SessionError> {
        if self.grant.plugin != *self.plugin.hash() {
            return Err(SessionError::OtherPlugin {
                approved: self.grant.plugin.to_string(),
                plugin: self.plugin.hash().to_string(),
            });
        }
        self.check_values()?;
        let description = self.plugin.description();
        let mut wanted = description.hosts.clone();
        if description.self_hosted {
            // Each MSP has its own address: what the operator added is wanted too.
            wanted.extend(self.grant.hosts.iter().cloned());
        }
        let mut policy = http::Policy {
            wanted,
            granted: self.grant.hosts.clone(),
            ports: BTreeSet::new(),
            loopback: None,
        };
        let dev = self.plugin.shared().config.dev_loopback;
        if dev {
            policy.loopback = Some(RwLock::default());
        }
        self.let_in_url_settings(&mut policy)?;
        for origin in &self.learnt_origins {
            policy.learn(origin.as_bytes());
        }

        let value = |key: &str| match self.settings.get(key) {
            Some(text) => Some(text.as_str()),
            None => self.secrets.get(key).map(Secret::expose),
        };
        let made = http::Credentials::new(&description.authentication, value);
        let (credentials, derived) = made.map_err(|unusable| SessionError::Value {
            key: "authentication".to_owned(),
            label: unusable.part,
            problem: unusable.problem,
        })?;
        for (key, _) in self
            .secrets
            .iter()
            .filter(|(_, secret)| !http::can_be_told(secret.expose()))
        {
            // Not an incident: it is nothing that the plugin did.
            tracing::warn!(
                connection = self.label,
                key,
                "the value of this secret looks like any other data and is not masked in answers"
            );
        }
        let secrets = self.secrets.values();
        let secrets = secrets.map(|secret| Zeroizing::new(secret.expose().to_owned()));
        let shared = self.plugin.shared();
        let incidents = Arc::new(Incidents::default());
        let scope = self.scope.clone();
        let scope = scope.unwrap_or_else(|| format!("connection:{}", self.label));
        let store = Arc::as_ptr(&self.budget).cast::<()>().addr();
        let watch = match credentials.digest() {
            Some(digest) => shared.credentials.of((store, digest)),
            None => Arc::default(),
        };
        let egress = Egress::new(
            description,
            Setup {
                policy,
                credentials,
                watch,
                connection: Arc::from(self.connection.as_deref().unwrap_or(&self.label)),
                secrets: secrets.chain(derived).collect(),
                resolver: shared.config.resolver.clone(),
                network: shared.config.network.clone(),
                budget: shared.budgets.of(&self.budget, &scope),
                limits: Arc::clone(&shared.limits),
                clock: shared.config.clock.clone(),
                incidents: Arc::clone(&incidents),
            },
        );
        let lines = shared.limits.log_lines;
        let memory = MemoryPool::new(shared.limits.session_memory);
        let settings = self.settings.into_iter();
        Ok(Arc::new(Session {
            log: Arc::new(Log::new(self.label.clone(), lines, Arc::clone(&incidents))),
            settings: settings
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| Setting { key, value })
                .collect(),
            plugin: self.plugin,
            label: self.label,
            egress,
            storage: self.storage,
            storage_lock: Mutex::default(),
            budget_store: self.budget,
            incidents,
            refused: Mutex::default(),
            usage: Mutex::default(),
            list_memory: ListMemory::default(),
            memory,
        }))
    }

    fn check_values(&self) -> Result<(), SessionError> {
        let description = self.plugin.description();
        for (what, keys) in [
            ("setting", self.settings.keys().collect::<Vec<_>>()),
            ("secret", self.secrets.keys().collect()),
        ] {
            for key in keys {
                let kind = description.field(key).map(|field| field.kind);
                let fits = match kind {
                    Some(FieldKind::Secret) => what == "secret",
                    Some(FieldKind::Text | FieldKind::Url) => what == "setting",
                    None => false,
                };
                if !fits {
                    let key = crate::text::clean(key, 64);
                    return Err(SessionError::Unknown { what, key });
                }
            }
        }
        for field in &description.fields {
            let value = match field.kind {
                FieldKind::Secret => self.secrets.get(&field.key).map(Secret::expose),
                FieldKind::Text | FieldKind::Url => {
                    self.settings.get(&field.key).map(String::as_str)
                }
            };
            let value = value.filter(|value| !value.is_empty());
            let problem = match value {
                None if field.required => {
                    return Err(SessionError::Missing {
                        key: field.key.clone(),
                        label: field.label.clone(),
                    });
                }
                None => continue,
                Some(value) if value.len() > MAX_VALUE => "it is longer than 4 KiB",
                Some(value) if value.chars().any(char::is_control) => {
                    "it has a line break or another control character"
                }
                Some(_) => continue,
            };
            return Err(SessionError::Value {
                key: field.key.clone(),
                label: field.label.clone(),
                problem: problem.to_owned(),
            });
        }
        Ok(())
    }

    /// Settings that are addresses: within the grant, or loopback in development.
    fn let_in_url_settings(&self, policy: &mut http::Policy) -> Result<(), SessionError> {
        let fields = &self.plugin.description().fields;
        for field in fields.iter().filter(|field| field.kind == FieldKind::Url) {
            let Some(text) = self
                .settings
                .get(&field.key)
                .filter(|text| !text.is_empty())
            else {
                continue;
            };
            let (key, label) = (field.key.clone(), field.label.clone());
            let url = match Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => url,
                Ok(_) => {
                    let problem = "it must begin with https://".to_owned();
                    return Err(SessionError::Value {
                        key,
                        label,
                        problem,
                    });
                }
                Err(error) => {
                    let problem = format!("it is no address: {error}");
                    return Err(SessionError::Value {
                        key,
                        label,
                        problem,
                    });
                }
            };
            if !url.username().is_empty() || url.password().is_some() {
                let problem = "it has a user name or password in it".to_owned();
                return Err(SessionError::Value {
                    key,
                    label,
                    problem,
                });
            }
            let origin = url.origin().ascii_serialization();
            if http::is_loopback(&url) && url.scheme() == "http" {
                match &policy.loopback {
                    Some(origins) => {
                        origins
                            .write()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(origin);
                        continue;
                    }
                    None => return Err(SessionError::Loopback { key, label, origin }),
                }
            }
            if url.scheme() != "https" {
                let problem = "it must begin with https://".to_owned();
                return Err(SessionError::Value {
                    key,
                    label,
                    problem,
                });
            }
            if let (Some(host), Some(port)) = (url.host_str(), url.port()) {
                policy.ports.insert((host.to_owned(), port));
            }
            if policy.reach(&url).is_err() {
                return Err(SessionError::NotGranted { key, label, origin });
            }
        }
        Ok(())
    }
}
