//! What plugins share: one engine, one budget, one memory for all of them.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{InstancePre, Linker};

use crate::bindings::PsaConnectorIndices;
use crate::budget::Budgets;
use crate::cache::Cache;
use crate::engine::Ticker;
use crate::guest::Guest;
use crate::http::CredentialsWatches;
use crate::memory::MemoryPool;
use crate::{Config, Limits};

pub(crate) struct Shared {
    pub config: Config,
    pub limits: Arc<Limits>,
    pub engine: Engine,
    pub ticker: Arc<Ticker>,
    pub budgets: Budgets,
    pub credentials: CredentialsWatches,
    /// Instances that may still be made.
    pub instances: Arc<Semaphore>,
    /// What they have together.
    pub memory: MemoryPool,
    pub linker: Linker<Guest>,
    pub cache: Cache,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A component with its imports found and its exports looked up.
pub(crate) struct World {
    pub pre: InstancePre<Guest>,
    pub indices: PsaConnectorIndices,
}
