//! One connection's run: what the plugin may reach, with which credentials, out of
//! which budget, and the record of what it did. Shared by the run's instances.

mod builder;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use psa_host_billing::TenantKey;
use tokio_util::sync::CancellationToken;

use crate::bindings::psa_host::guest::http as wit;
use crate::bindings::psa_host::guest::plugin::Setting;
use crate::http::{CallRecord, Egress, RequestCount};
use crate::incident::Incidents;
use crate::log::Log;
use crate::memory::MemoryPool;
use crate::pages::ListMemory;
use crate::waits::UnderWay;
use crate::{ApiUsage, BudgetStore, CallError, Connector, Incident, Plugin, PluginStorage, Window};

pub use builder::SessionBuilder;

/// One connection's run.
pub struct Session {
    plugin: Plugin,
    label: String,
    settings: Vec<Setting>,
    egress: Egress,
    storage: Arc<dyn PluginStorage>,
    storage_lock: Mutex<()>,
    budget_store: Arc<dyn BudgetStore>,
    log: Arc<Log>,
    incidents: Arc<Incidents>,
    /// Set once the PSA refused the credentials: no more calls in this run.
    refused: Mutex<Option<CallError>>,
    usage: Mutex<Option<ApiUsage>>,
    list_memory: ListMemory,
    /// Of its instances.
    memory: MemoryPool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} of {:?})", self.label, self.plugin)
    }
}

impl Session {
    /// Begin to put a session together.
    pub fn builder(plugin: &Plugin) -> SessionBuilder {
        SessionBuilder::new(plugin)
    }

    /// A fresh instance in a fresh store, configured.
    ///
    /// # Errors
    /// [`CallError`] where it cannot start or refuses its settings.
    pub async fn connect(self: &Arc<Self>) -> Result<Connector, CallError> {
        Connector::start(Arc::clone(self)).await
    }

    /// From now on the budget is this tenant's. Called once `check` has told which
    /// tenant it is: what was spent and learnt so far moves with the session.
    pub fn bind_tenant(&self, tenant: &TenantKey) {
        let scope = tenant_scope(tenant);
        let old = self.egress.budget();
        if old.scope == scope {
            return;
        }
        let new = self.plugin.shared().budgets.of(&self.budget_store, &scope);
        self.egress.set_budget(Arc::clone(&new));
        let carried = new.carry(self.requests().total);
        let usage = *self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let told = usage.map_or(Ok(()), |usage| tell(&new, usage));
        if let Err(failure) = carried.and(told) {
            tracing::warn!(%failure, "the tenant's budget could not be written");
        }
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Requests sent so far.
    pub fn requests(&self) -> RequestCount {
        self.egress.counts()
    }

    /// Until when requests wait for the PSA's limit, or for a pause that it asked for.
    pub fn waiting_until(&self) -> Option<jiff::Timestamp> {
        self.egress.budget().waiting_until()
    }

    /// How long this session so far did nothing but wait: for the tenant's budget, for a
    /// place among the requests at once, or for another call to find out about the
    /// credentials. Waits side by side count once.
    pub fn waited(&self) -> std::time::Duration {
        self.egress.waits().total()
    }

    /// Cancelled once by whoever ends the run early: from then on no call of this session
    /// waits for the budget or for a pause that the PSA asked for. One that would have to is
    /// parked at once.
    pub fn hurry(&self) -> &CancellationToken {
        &self.egress.hurry
    }

    /// A call begins; it ends when what is given is dropped.
    pub(crate) fn call_under_way(&self) -> UnderWay {
        UnderWay::begin(Arc::clone(self.egress.waits()))
    }

    /// What the plugin did so far that a person should know of.
    pub fn incidents(&self) -> Vec<Incident> {
        self.incidents.all()
    }

    /// Loopback origins in use: only ever with the development switch.
    pub fn dev_origins(&self) -> Vec<String> {
        self.egress.policy.loopback_origins()
    }

    /// Write what is still counted in memory only. Also done when the session ends.
    pub fn finish(&self) {
        if let Err(failure) = self.egress.budget().flush() {
            tracing::warn!(%failure, "requests could not be counted");
        }
    }

    pub(crate) async fn send(
        &self,
        request: wit::Request,
        call: &mut CallRecord,
    ) -> Result<wit::Response, wit::SendFailure> {
        self.egress
            .send(self.plugin.description(), request, call)
            .await
    }

    pub(crate) fn storage(&self) -> &dyn PluginStorage {
        &*self.storage
    }

    pub(crate) fn storage_lock(&self) -> &Mutex<()> {
        &self.storage_lock
    }

    pub(crate) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(crate) fn incident_log(&self) -> &Arc<Incidents> {
        &self.incidents
    }

    pub(crate) fn memory(&self) -> &MemoryPool {
        &self.memory
    }

    pub(crate) fn list_memory(&self) -> &ListMemory {
        &self.list_memory
    }

    pub(crate) fn pause(&self, time: std::time::Duration) {
        self.egress.pause(time);
    }

    /// The host that refused the credentials for good: not found good elsewhere by the end
    /// of the call, of whatever session.
    pub(crate) fn refused_by(&self) -> Option<String> {
        self.egress.credentials_watch().refused_by()
    }

    /// Whether the PSA has refused the credentials in this run.
    pub fn refused(&self) -> Option<CallError> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn refuse(&self, error: &CallError) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
    }

    pub(crate) fn note_usage(&self, usage: ApiUsage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        if let Err(failure) = tell(&self.egress.budget(), usage) {
            tracing::warn!(%failure, "the PSA's count of requests could not be kept");
        }
    }
}

fn tell(budget: &crate::budget::Budget, usage: ApiUsage) -> Result<(), crate::StoreFailure> {
    let window = Window {
        requests: usage.limit,
        seconds: usage.window_seconds,
    };
    budget.observe(usage.used, usage.limit, window)
}

fn tenant_scope(tenant: &TenantKey) -> String {
    format!("tenant:{tenant}")
}

impl Drop for Session {
    fn drop(&mut self) {
        self.finish();
    }
}
