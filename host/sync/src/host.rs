//! One open data directory with everything that works on it: the ledger, the sandbox
//! (started when a plugin is first needed), the clock, and the operator's switches. It is
//! shared by everybody who acts; what one of them may do with it is an [`Access`](crate::Access).

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use psa_host_billing::ErrorCode;
use psa_host_ledger::{DaemonLock, DataDir, KeySource, Ledger, Observer, system_clock};
use psa_host_sandbox::{
    BudgetStore, Clock, Compiler, Config, Limits, Network, NetworkError, Plugin, PluginHash,
    Resolver, Sandbox,
};

use crate::error::rule;
use crate::stores::SharedBudget;
use crate::{Result, Source};

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
            .finish_non_exhaustive()
    }
}

/// An open data directory. Clones are the same one.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
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
            .field("options", &self.0.options)
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
        Ok(Self(Arc::new(Shared {
            budget: Arc::new(SharedBudget(ledger.clone())),
            ledger,
            options,
            sandbox: OnceLock::new(),
            loaded: Mutex::default(),
        })))
    }

    /// Open a data directory that is there: a mistyped name must not pass for an empty one.
    ///
    /// # Errors
    /// There is none; and as [`Host::open`].
    pub fn open_existing(options: HostOptions) -> Result<Self> {
        let data = whole(options.data.clone());
        if !DataDir::new(&data).is_begun()? {
            return Err(rule(
                ErrorCode::NoData,
                format!("{} has no data of psa-host", data.display()),
                "Check --data and PSA_HOST_DATA. `plugin add`, `workspace import` and `usage \
                 import` begin a new data directory.",
            ));
        }
        Self::open(options)
    }

    /// Open a data directory of this version; none where it would be made or upgraded.
    ///
    /// # Errors
    /// As [`Host::open`].
    pub fn open_current(options: HostOptions) -> Result<Option<Self>> {
        let is_current = DataDir::new(whole(options.data.clone())).is_current();
        is_current.then(|| Self::open(options)).transpose()
    }

    /// Be the daemon of the data directory, until the lock is dropped.
    ///
    /// # Errors
    /// Another process is.
    pub fn daemon_lock(&self) -> Result<DaemonLock> {
        Ok(self.ledger().daemon_lock()?)
    }

    /// The state, with nobody's name to what is done.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(crate) fn budget_store(&self) -> &Arc<dyn BudgetStore> {
        &self.0.budget
    }

    /// How it was opened.
    pub fn options(&self) -> &HostOptions {
        &self.0.options
    }

    /// The time now, by this host's clock.
    pub fn now(&self) -> Timestamp {
        self.0.ledger.now()
    }

    /// The sandbox: started at the first call, because most commands need none.
    ///
    /// # Errors
    /// A folder that cannot be used, or an engine that does not start.
    pub fn sandbox(&self) -> Result<&Sandbox> {
        if let Some(sandbox) = self.0.sandbox.get() {
            return Ok(sandbox);
        }
        let dir = self.0.ledger.dir();
        let clock = Arc::clone(&self.0.options.clock);
        let sandbox = Sandbox::new(Config {
            compiler: self.0.options.compiler.clone(),
            limits: self.0.options.limits.clone(),
            dev_loopback: self.0.options.dev_loopback,
            resolver: self.0.options.resolver.clone(),
            network: self.network()?,
            clock: Clock::new(move || clock()),
            ..Config::new(dir.cache(), dir.slots())
        })?;
        Ok(self.0.sandbox.get_or_init(|| sandbox))
    }

    /// The operator's proxy and certificate authorities.
    fn network(&self) -> Result<Network> {
        let refused = |error: &NetworkError, message| rule(error.code(), message, error.fix());
        let mut network = Network::of_environment(|name| std::env::var_os(name));
        if let Some(proxy) = &self.0.options.proxy {
            network = network
                .through(proxy)
                .map_err(|error| refused(&error, error.to_string()))?;
        }
        if let Some(path) = &self.0.options.ca_file {
            let file = Source::read_up_to(&path.to_string_lossy(), MOST_CA_BYTES)?;
            network = network
                .trusting(&file.bytes)
                .map_err(|error| refused(&error, format!("{}: {error}", file.name)))?;
        }
        Ok(network)
    }

    /// The plugins compiled so far.
    pub(crate) fn loaded(&self) -> MutexGuard<'_, HashMap<PluginHash, Plugin>> {
        self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As it is, where the working directory has gone.
fn whole(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
