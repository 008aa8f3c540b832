//! One sandbox and one compiled plugin for all tests, and a session for each.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hostile_guest::{Act, Answer, Export, Script};
use jiff::civil::date;
use psa_host_billing::{
    AccountId, Adjustment, ContractId, LineId, LineKey, ModuleId, ServiceId, TenantKey, WorkspaceId,
};
use psa_host_sandbox::{
    BudgetStore, CallError, Compiler, Config, Connector, Depth, Grant, InMemoryBudget,
    InMemoryStorage, Incident, IncidentCode, Limits, LineBatches, LineReading, List, Network,
    Pages, Plugin, PluginStorage, Posting, Sandbox, Secret, Session, SessionError, WriteGate,
};
use tokio::runtime::Runtime;

use crate::names::Names;
use crate::server::Server;

/// The secret of each connection: with what URLs, JSON and base64 write differently.
pub const SECRET: &str = "s3cret/\"hunter+2\"&more";

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().unwrap()
    })
}

/// Run a test on the one runtime that servers and sandbox share.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

/// The default limits with shorter times, so that what never ends ends soon.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        compute_time: Duration::from_secs(1),
        short_time: Duration::from_secs(1),
        call_time: Duration::from_secs(3),
        exchange_time: Duration::from_millis(1_500),
        connect_time: Duration::from_secs(2),
        pages: 50,
        list_bytes: 16 << 20,
        requests_a_call: 20,
        ..Limits::default()
    }
}

/// A sandbox of its own, for what the shared one cannot show.
///
/// # Panics
/// Where it does not start.
pub fn sandbox_with(limits: Limits, compiler: Compiler) -> Sandbox {
    sandbox_of(limits, compiler, Network::default())
}

/// A sandbox of its own, in this network.
///
/// # Panics
/// Where it does not start.
#[must_use]
pub fn sandbox_in(network: Network) -> Sandbox {
    sandbox_of(limits(), Compiler::InProcess, network)
}

fn sandbox_of(limits: Limits, compiler: Compiler, network: Network) -> Sandbox {
    // The folders live as long as the tests; the system clears its temporary folder.
    let folder = tempfile::tempdir().unwrap().keep();
    let mut config = Config::new(folder.join("cache"), folder.join("slots"));
    config.limits = limits;
    config.compiler = compiler;
    config.network = network;
    config.dev_loopback = true;
    config.resolver = Some(Arc::new(Names::default()));
    let _inside = runtime().enter();
    Sandbox::new(config).unwrap()
}

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| sandbox_with(limits(), Compiler::InProcess))
}

/// Load a plugin file into the shared sandbox.
///
/// # Errors
/// As [`Sandbox::load`].
pub async fn load(file: &[u8]) -> Result<Plugin, psa_host_sandbox::LoadError> {
    sandbox().load(file).await
}

/// The hostile plugin as it was built, compiled once.
async fn plugin() -> Plugin {
    static PLUGIN: tokio::sync::OnceCell<Plugin> = tokio::sync::OnceCell::const_new();
    PLUGIN
        .get_or_init(|| async { load(&crate::hostile()).await.unwrap() })
        .await
        .clone()
}

/// A hostile plugin's connection, before its run begins.
#[derive(Debug)]
pub struct Hostile {
    script: Script,
    base_url: Option<String>,
    secret: &'static str,
    granted: Vec<&'static str>,
    storage: Arc<dyn PluginStorage>,
    tenant: Option<Tenant>,
    plugin: Option<Plugin>,
}

/// A tenant of one installation: its connections share its budget and its turns.
#[derive(Debug, Clone)]
pub struct Tenant {
    key: TenantKey,
    store: Arc<dyn BudgetStore>,
}

impl Tenant {
    /// Of an installation of its own.
    ///
    /// # Panics
    /// Never: the key is good.
    #[must_use]
    pub fn alone() -> Self {
        Self {
            key: TenantKey::new("one").unwrap(),
            store: Arc::new(InMemoryBudget::default()),
        }
    }
}

impl Hostile {
    /// A plugin that does this when it is called for that.
    #[must_use]
    pub fn new(during: Export, acts: Vec<Act>, answer: Answer) -> Self {
        Self {
            script: Script {
                during,
                acts,
                answer,
            },
            base_url: None,
            secret: SECRET,
            granted: vec!["psa.hostile.example", "*.zone.hostile.example"],
            storage: Arc::new(InMemoryStorage::default()),
            tenant: None,
            plugin: None,
        }
    }

    /// In `check`.
    #[must_use]
    pub fn checking(acts: Vec<Act>) -> Self {
        Self::new(Export::Check, acts, Answer::Fair)
    }

    /// With this server as its base address.
    #[must_use]
    pub fn at(self, server: &Server) -> Self {
        self.at_url(server.origin())
    }

    /// With this base address.
    #[must_use]
    pub fn at_url(mut self, url: &str) -> Self {
        self.base_url = Some(url.to_owned());
        self
    }

    /// With this storage.
    #[must_use]
    pub fn keeping(mut self, storage: &Arc<InMemoryStorage>) -> Self {
        self.storage = Arc::clone(storage) as Arc<dyn PluginStorage>;
        self
    }

    /// With another secret.
    #[must_use]
    pub fn with_secret(mut self, secret: &'static str) -> Self {
        self.secret = secret;
        self
    }

    /// One of the connections of this tenant.
    #[must_use]
    pub fn of(mut self, tenant: &Tenant) -> Self {
        self.tenant = Some(tenant.clone());
        self
    }

    /// Another file.
    #[must_use]
    pub fn from(mut self, plugin: Plugin) -> Self {
        self.plugin = Some(plugin);
        self
    }

    /// Begin a session.
    ///
    /// # Panics
    /// Where settings, secrets and grant do not fit.
    pub async fn session(&self) -> Arc<Session> {
        self.try_session().await.unwrap()
    }

    /// Begin a session.
    ///
    /// # Errors
    /// Where settings, secrets and grant do not fit.
    ///
    /// # Panics
    /// Where the hostile plugin itself cannot be loaded.
    pub async fn try_session(&self) -> Result<Arc<Session>, SessionError> {
        let plugin = match &self.plugin {
            Some(plugin) => plugin.clone(),
            None => plugin().await,
        };
        let script = plain(&serde_json::to_string(&self.script).unwrap());
        let mut settings = BTreeMap::from([("script".to_owned(), script)]);
        if let Some(url) = &self.base_url {
            settings.insert("base-url".to_owned(), url.clone());
        }
        let hosts = self
            .granted
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        // Each its own, or tests would wait for each other's requests at once.
        static CONNECTIONS: AtomicU32 = AtomicU32::new(0);
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed).to_string();
        let mut builder = Session::builder(&plugin);
        let mut store: Arc<dyn BudgetStore> = Arc::new(InMemoryBudget::default());
        if let Some(tenant) = &self.tenant {
            builder = builder.tenant(&tenant.key);
            store = Arc::clone(&tenant.store);
        }
        builder
            .label("The hostile one")
            .settings(settings)
            .secrets(BTreeMap::from([(
                "secret".to_owned(),
                Secret::new(self.secret),
            )]))
            .grant(Grant {
                plugin: *plugin.hash(),
                hosts,
            })
            .storage(Arc::clone(&self.storage))
            .budget(store, &connection)
            .build()
    }

    /// Begin a session and make an instance.
    ///
    /// # Panics
    /// Where `configure` fails.
    pub async fn unleash(&self) -> Unleashed {
        let session = self.session().await;
        let connector = session.connect().await.unwrap();
        Unleashed { session, connector }
    }

    /// Unleash it, and have it check the connection.
    ///
    /// # Errors
    /// As [`Connector::check`].
    pub async fn check(&self) -> (Unleashed, Result<Vec<String>, CallError>) {
        let mut unleashed = self.unleash().await;
        let findings = unleashed.check().await;
        (unleashed, findings)
    }

    /// Unleash it, and have it adjust a line.
    pub async fn adjust(&self) -> (Unleashed, Posting) {
        let mut unleashed = self.unleash().await;
        let posting = posted(&mut unleashed.connector).await;
        (unleashed, posting)
    }
}

/// JSON without control characters, which JSON leaves in part and no setting may have.
pub(crate) fn plain(json: &str) -> String {
    let escaped = |c: char| match c {
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    json.chars().map(escaped).collect()
}

/// An instance at work, and its session.
#[derive(Debug)]
pub struct Unleashed {
    /// The run.
    pub session: Arc<Session>,
    /// The instance.
    pub connector: Connector,
}

impl Unleashed {
    /// What came of each act, as the plugin tells it.
    ///
    /// # Errors
    /// As [`Connector::check`].
    pub async fn check(&mut self) -> Result<Vec<String>, CallError> {
        let report = self.connector.check(Depth::Full).await?;
        Ok(report
            .findings
            .into_iter()
            .map(|finding| finding.detail)
            .collect())
    }

    /// The incident of this kind.
    ///
    /// # Panics
    /// Where there is none.
    #[track_caller]
    pub fn incident(&self, code: IncidentCode) -> Incident {
        let incidents = self.session.incidents();
        let found = incidents.iter().find(|incident| incident.code == code);
        found
            .cloned()
            .unwrap_or_else(|| panic!("no incident {code} among {incidents:#?}"))
    }
}

/// The kinds of incidents of a run, each once.
#[must_use]
pub fn incident_codes(session: &Session) -> Vec<&'static str> {
    let mut codes: Vec<_> = session
        .incidents()
        .iter()
        .map(|incident| incident.code.as_str())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Read a list to its end, page by page.
///
/// # Errors
/// As [`Pages::read_next`].
pub async fn whole<L: List>(
    connector: &mut Connector,
    list: L,
) -> Result<Vec<L::Entry>, CallError> {
    let session = Arc::clone(connector.session());
    let mut pages = Pages::new(&session, list);
    while pages.read_next(connector).await? {}
    Ok(pages.finish().0)
}

/// Read some lines again.
///
/// # Errors
/// As [`LineBatches::read`].
pub async fn lines(connector: &mut Connector, keys: &[LineKey]) -> Result<LineReading, CallError> {
    let mut batches = LineBatches::new(connector.session());
    batches.read(connector, keys, date(2026, 11, 1)).await?;
    Ok(batches.finish())
}

/// The line that the hostile plugin's contract has.
///
/// # Panics
/// Never: the ids are good.
#[must_use]
pub fn line_key() -> LineKey {
    LineKey {
        line: LineId::new("l1").unwrap(),
        contract: ContractId::new("c1").unwrap(),
        service: ServiceId::new("1").unwrap(),
        account: AccountId::new("a1").unwrap(),
    }
}

/// Have a connector adjust that line from 5 units to 7.
pub async fn posted(connector: &mut Connector) -> Posting {
    let adjustment = Adjustment {
        workspace: WorkspaceId::new("w1").unwrap(),
        module: ModuleId::new("edr").unwrap(),
        key: line_key(),
        baseline: 5.into(),
        target: 7.into(),
        effective: date(2026, 12, 1),
    };
    let today = date(2026, 11, 23);
    connector.adjust(&adjustment, today, Arc::new(Open)).await
}

/// Lets every write leave.
struct Open;

impl WriteGate for Open {
    fn may_leave(&self) -> Result<(), CallError> {
        Ok(())
    }
}
