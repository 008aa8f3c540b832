//! One open data directory with everything that works on it: the ledger, the sandbox
//! (started when a plugin is first needed), the clock, and the operator's switches.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use psa_host_ledger::{DataDir, KeySource, Ledger, Observer, system_clock};
use psa_host_sandbox::{
    BudgetStore, Clock, Compiler, Config, Limits, Network, NetworkError, Plugin, PluginHash,
    Resolver, Sandbox,
};

use crate::error::rule;
use crate::plugins::{description_of, difference, needs_new_file};
use crate::wiring::SharedBudget;
use crate::{Error, Result, Source};

/// The certificate authorities of the whole internet have a quarter of a megabyte.
const MOST_CA_BYTES: u64 = 4 << 20;

/// How a data directory is opened. [`HostOptions::new`] has the defaults.
#[derive(Clone)]
pub struct HostOptions {
    /// The data directory; made when it is not there.
    pub data: PathBuf,
    /// Where the key of the secrets lies.
    pub key: KeySource,
    /// Development only: plain http to loopback origins that a setting names.
    pub dev_loopback: bool,
    /// Who does it, for the history (`cli:ann`).
    pub actor: String,
    /// Where plugins are compiled.
    pub compiler: Compiler,
    /// What plugins may use.
    pub limits: Limits,
    /// How names become addresses; none: the system's way.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// The operator's proxy, through which plugins reach the internet; none: directly.
    pub proxy: Option<String>,
    /// A file with certificate authorities, in PEM, that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The time of day.
    pub clock: psa_host_ledger::Clock,
    /// Who is told of each step of a run; none outside of tests.
    pub observer: Option<Observer>,
}

impl HostOptions {
    /// Defaults: key in the user's configuration directory, no loopback, the
    /// machine's clock, plugins compiled in this process.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            key: KeySource::Default,
            dev_loopback: false,
            actor: "psa-host".to_owned(),
            compiler: Compiler::InProcess,
            limits: Limits::default(),
            resolver: None,
            proxy: None,
            ca_file: None,
            clock: system_clock(),
            observer: None,
        }
    }
}

impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOptions")
            .field("data", &self.data)
            .field("key", &self.key)
            .field("dev_loopback", &self.dev_loopback)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

/// An open data directory.
pub struct Host {
    ledger: Ledger,
    options: HostOptions,
    sandbox: OnceLock<Sandbox>,
    /// One for all connections: sandbox sessions share by it what they share.
    budget: Arc<dyn BudgetStore>,
    loaded: Mutex<HashMap<PluginHash, Plugin>>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Host {
    /// Open (or make) a data directory.
    ///
    /// # Errors
    /// What is wrong with the directory, its database or the place of the key.
    pub fn open(mut options: HostOptions) -> Result<Self> {
        // Messages name whole paths, and nothing depends on the working directory later.
        options.data = whole(options.data);
        if let KeySource::File(path) = options.key {
            options.key = KeySource::File(whole(path));
        }
        let clock = Arc::clone(&options.clock);
        let ledger = Ledger::open(&options.data, options.key.clone(), clock)?;
        let ledger = match &options.observer {
            Some(observer) => ledger.with_observer(Arc::clone(observer)),
            None => ledger,
        };
        let ledger = ledger.with_actor(&options.actor);
        Ok(Self {
            budget: Arc::new(SharedBudget(ledger.clone())),
            ledger,
            options,
            sandbox: OnceLock::new(),
            loaded: Mutex::default(),
        })
    }

    /// Open a data directory that is there: a mistyped name must not pass for an empty one.
    ///
    /// # Errors
    /// There is none; and as [`Host::open`].
    pub fn open_existing(options: HostOptions) -> Result<Self> {
        let data = whole(options.data.clone());
        if !DataDir::new(&data).is_begun()? {
            return Err(rule(
                "no-data",
                format!("{} has no data of psa-host", data.display()),
                "Check --data and PSA_HOST_DATA. `plugin add`, `workspace import` and `usage \
                 import` begin a new data directory.",
            ));
        }
        Self::open(options)
    }

    /// The state.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn budget_store(&self) -> &Arc<dyn BudgetStore> {
        &self.budget
    }

    /// How it was opened.
    pub fn options(&self) -> &HostOptions {
        &self.options
    }

    /// The time now, by this host's clock.
    pub fn now(&self) -> Timestamp {
        self.ledger.now()
    }

    /// The sandbox: started at the first call, because most commands need none.
    ///
    /// # Errors
    /// A folder that cannot be used, or an engine that does not start.
    pub fn sandbox(&self) -> Result<&Sandbox> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        let dir = self.ledger.dir();
        let clock = Arc::clone(&self.options.clock);
        let sandbox = Sandbox::new(Config {
            compiler: self.options.compiler.clone(),
            limits: self.options.limits.clone(),
            dev_loopback: self.options.dev_loopback,
            resolver: self.options.resolver.clone(),
            network: self.network()?,
            clock: Clock::new(move || clock()),
            ..Config::new(dir.cache(), dir.slots())
        })?;
        Ok(self.sandbox.get_or_init(|| sandbox))
    }

    /// The operator's proxy and certificate authorities.
    fn network(&self) -> Result<Network> {
        let refused = |error: &NetworkError, message| rule(error.code(), message, error.fix());
        let mut network = Network::of_environment(|name| std::env::var_os(name));
        if let Some(proxy) = &self.options.proxy {
            network = network
                .through(proxy)
                .map_err(|error| refused(&error, error.to_string()))?;
        }
        if let Some(path) = &self.options.ca_file {
            let file = Source::read_up_to(&path.to_string_lossy(), MOST_CA_BYTES)?;
            network = network
                .trusting(&file.bytes)
                .map_err(|error| refused(&error, format!("{}: {error}", file.name)))?;
        }
        Ok(network)
    }

    /// Forget a file's compiled code, unless it is the file of an installed plugin.
    pub(crate) fn forget_unless_installed(&self, hash: &PluginHash) {
        if self.ledger.dir().plugin(&hash.to_string()).exists() {
            return;
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
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
                "plugin-file",
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
        let parts: Vec<&str> = difference::between(
            (&approved, &before.collect::<Vec<_>>()),
            (plugin.description(), &after.collect::<Vec<_>>()),
        )
        .iter()
        .map(|difference| difference.part)
        .collect();
        let message = format!(
            "plugin {name} ({sha256:.12}) does not describe itself as it did when it was added; \
             these parts differ: {}",
            parts.join(", ")
        );
        self.ledger.record_plugin_incident(name, sha256, &message)?;
        Err(rule(
            "plugin-description-changed",
            message,
            "A plugin has no honest reason for that. Do not use this file before its author \
             explains; remove it, or go back to the file before with `psa-host plugin approve`.",
        ))
    }

    async fn compiled(&self, name: &str, sha256: &str) -> Result<Plugin> {
        let known = sha256.parse::<PluginHash>().ok();
        if let Some(hash) = known {
            let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(plugin) = loaded.get(&hash) {
                return Ok(plugin.clone());
            }
        }
        let bytes = self.ledger.plugin_wasm(sha256)?;
        let loaded = self.sandbox()?.load(&bytes).await;
        let plugin = loaded.map_err(|error| Error::Load {
            file: format!(
                "the file {} of plugin {name}",
                sha256.get(..12).unwrap_or(sha256)
            ),
            error,
        })?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.insert(*plugin.hash(), plugin.clone());
        Ok(plugin)
    }
}

/// As it is, where the working directory has gone.
fn whole(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
