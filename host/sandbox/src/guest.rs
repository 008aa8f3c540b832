//! What stands behind one instance: the host's side of its imports, its limits, and
//! the record of the call it is in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use crate::bindings::psa_host::guest::{http, log, plugin, storage, types};
use crate::engine::TICK;
use crate::http::{CallRecord, Write};
use crate::incident::Incidents;
use crate::log::Log;
use crate::memory::{MemoryPool, Taken};
use crate::storage::Storage;
use crate::{CallError, CallErrorKind, IncidentCode, Limits, Phase, Session, wasi};

/// The data of an instance's store.
pub(crate) struct Guest {
    /// None while the plugin describes itself.
    session: Option<Arc<Session>>,
    pub call: CallRecord,
    limits: Arc<Limits>,
    incidents: Arc<Incidents>,
    log: Arc<Log>,
    /// The phase once more, for what the runtime prints.
    doing: Arc<Mutex<Phase>>,
    /// What the guest printed last, for when it fails.
    last_words: Arc<wasi::LastWords>,
    wasi: WasiCtx,
    table: ResourceTable,
    memory: Taken,
    /// Computing that is left in this call, and since when the guest has computed.
    compute_left: Duration,
    computing_since: Instant,
    storage_operations: u32,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// The most that is counted as computing between two looks: a guest that waited in
/// between, in one of its runtime's own ways, was not computing.
const LONGEST_TICK: Duration = TICK.saturating_mul(10);

/// Why a guest was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitHit {
    #[error("more memory than a plugin gets")]
    Memory(usize),
    #[error("more memory than plugins get together")]
    SharedMemory(usize),
    #[error("a larger table than a plugin gets")]
    Table,
    #[error("too much computing in one call")]
    Compute,
}

impl Guest {
    pub(crate) fn new(
        session: Option<Arc<Session>>,
        limits: Arc<Limits>,
        incidents: Arc<Incidents>,
        log: Arc<Log>,
        pools: Vec<MemoryPool>,
        phase: Phase,
    ) -> Self {
        let doing = Arc::new(Mutex::new(phase));
        // Without a session it only describes itself.
        let world = match session {
            Some(_) => wasi::World::Moving,
            None => wasi::World::Still,
        };
        let last_words = Arc::default();
        let (wasi, table) = wasi::context(&log, &doing, &last_words, world);
        Self {
            session,
            call: CallRecord::new(phase),
            limits,
            incidents,
            log,
            doing,
            last_words,
            wasi,
            table,
            memory: Taken::of(pools),
            compute_left: Duration::ZERO,
            computing_since: Instant::now(),
            storage_operations: 0,
        }
    }

    /// A store around this guest, with every limit set.
    pub(crate) fn into_store(self, engine: &wasmtime::Engine) -> Store<Self> {
        let answer = self.limits.answer_bytes;
        let mut store = Store::new(engine, self);
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(answer);
        store.set_epoch_deadline(1);
        // Called at each tick in which the guest computes; a guest that waits in a
        // host call is not looked at, and the wall clock stands over that.
        store.epoch_deadline_callback(|mut context| {
            let guest = context.data_mut();
            let spent = guest.computing_since.elapsed().min(LONGEST_TICK);
            guest.computing_since = Instant::now();
            guest.compute_left = guest.compute_left.saturating_sub(spent);
            if guest.compute_left.is_zero() {
                return Err(LimitHit::Compute.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// What the guest printed last in this call: why it failed, in its own words.
    pub(crate) fn last_words(&self) -> String {
        self.last_words.heard()
    }

    pub(crate) fn incidents(&self) -> &Arc<Incidents> {
        &self.incidents
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, phase: Phase, compute: Duration) {
        self.call = CallRecord::new(phase);
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.last_words.forget();
        self.compute_left = compute;
        self.computing_since = Instant::now();
        self.storage_operations = 0;
    }

    /// The session's store, if this is a time to use it.
    fn with_storage<T>(
        &mut self,
        f: impl FnOnce(Storage<'_>) -> Result<T, storage::StorageError>,
    ) -> Result<T, storage::StorageError> {
        let unavailable = |text: &str| Err(storage::StorageError::Unavailable(text.to_owned()));
        let phase = self.call.phase;
        let Some(session) = &self.session else {
            return unavailable("nothing can be stored in `describe`");
        };
        self.storage_operations = self.storage_operations.saturating_add(1);
        let most = self.limits.storage_operations;
        if self.storage_operations > most {
            let text = format!("more than {most} storage operations in one call");
            self.incidents
                .record(IncidentCode::StorageFlood, phase, &text, None);
            return unavailable(&text);
        }
        let outcome = f(Storage {
            store: session.storage(),
            limits: &self.limits,
            lock: session.storage_lock(),
        });
        if let Err(storage::StorageError::Quota(text) | storage::StorageError::TooLarge(text)) =
            &outcome
        {
            self.incidents
                .record(IncidentCode::StorageQuota, phase, text, None);
        }
        outcome
    }
}

impl types::Host for Guest {}

impl plugin::Host for Guest {}

impl http::Host for Guest {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::SendFailure> {
        let Some(session) = self.session.clone() else {
            let text = "no request may be made in `describe`";
            self.incidents.record(
                IncidentCode::RequestAtWrongTime,
                self.call.phase,
                text,
                None,
            );
            return Err(http::SendFailure {
                kind: http::SendFailureKind::Denied,
                message: text.to_owned(),
                may_have_been_sent: false,
                retry_after_seconds: None,
            });
        };
        let (before, started) = (self.call.requests, Instant::now());
        let outcome = session.send(request, &mut self.call).await;
        if self.call.requests > before {
            // Waiting for an answer is not computing. Being refused is: else a loop of
            // refused requests would run until the wall clock stops it.
            self.computing_since += started.elapsed();
        }
        outcome
    }
}

impl storage::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, storage::StorageError> {
        self.with_storage(|storage| storage.get(&key))
    }

    fn put(&mut self, key: String, value: Vec<u8>) -> Result<(), storage::StorageError> {
        self.with_storage(|storage| storage.put(&key, &value))
    }

    fn delete(&mut self, key: String) -> Result<(), storage::StorageError> {
        self.with_storage(|storage| storage.delete(&key))
    }

    fn list(&mut self, prefix: String) -> Result<Vec<String>, storage::StorageError> {
        self.with_storage(|storage| storage.list(&prefix))
    }

    fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Result<bool, storage::StorageError> {
        self.with_storage(|storage| {
            storage.compare_and_swap(&key, expected.as_deref(), new.as_deref())
        })
    }
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) {
        self.log.write(level, self.call.phase, &message);
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.memory.bytes().saturating_add(more) > self.limits.memory {
            return Err(LimitHit::Memory(self.limits.memory).into());
        }
        self.memory.grow(more).map_err(LimitHit::SharedMemory)?;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.limits.table_elements {
            return Err(LimitHit::Table.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.core_instances
    }

    fn tables(&self) -> usize {
        self.limits.core_instances
    }

    fn memories(&self) -> usize {
        self.limits.memories as usize
    }
}

/// What stopped a guest, for the incidents and for the caller.
pub(crate) struct Stop {
    pub code: IncidentCode,
    pub error: CallError,
}

/// Tell what a failed call means. `plugin` is the plugin's name, for the message, and
/// `guest` who failed.
pub(crate) fn stop(error: &wasmtime::Error, plugin: &str, phase: Phase, guest: &Guest) -> Stop {
    let limits = &*guest.limits;
    let said = match guest.last_words().as_str() {
        "" => String::new(),
        words => format!(". It said: {words}"),
    };
    let out = |code, which, what: String| {
        let text = format!("the plugin {plugin} was stopped in `{phase}`: {what}");
        let kind = CallErrorKind::OutOfLimits { which };
        Stop {
            code,
            error: CallError::new(kind, text),
        }
    };
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        return match hit {
            LimitHit::Memory(most) => out(
                IncidentCode::MemoryLimit,
                "memory",
                format!("it asked for more than {} MiB of memory", most >> 20),
            ),
            LimitHit::SharedMemory(most) => out(
                IncidentCode::MemoryLimit,
                "memory",
                format!(
                    "its instances and those beside it asked for more than {} MiB of memory together",
                    most >> 20
                ),
            ),
            LimitHit::Table => out(
                IncidentCode::TableLimit,
                "table",
                format!(
                    "it asked for a table of more than {} elements",
                    limits.table_elements
                ),
            ),
            LimitHit::Compute => {
                let text = format!(
                    "the plugin {plugin} was stopped in `{phase}`: it did not finish computing in time"
                );
                let error = CallError::new(CallErrorKind::TimedOut, text);
                Stop {
                    code: IncidentCode::ComputeLimit,
                    error,
                }
            }
        };
    }
    let trap = error.downcast_ref::<wasmtime::Trap>();
    if trap == Some(&wasmtime::Trap::StackOverflow) {
        return out(
            IncidentCode::StackLimit,
            "stack",
            "its recursion is too deep for the stack".to_owned(),
        );
    }
    let cause = error.root_cause().to_string();
    // Wasmtime keeps the type of this error to itself.
    if cause.contains("fuel allocated for hostcalls") {
        let what = format!(
            "it gave the host more than {} MiB at once",
            limits.answer_bytes >> 20
        );
        return out(IncidentCode::AnswerTooLarge, "answer", what);
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        let text =
            format!("the plugin {plugin} ended itself in `{phase}` with status {status}{said}");
        let error = CallError::new(CallErrorKind::Trapped, text);
        return Stop {
            code: IncidentCode::Exit,
            error,
        };
    }
    let cause = crate::text::clean(&cause, 200);
    let text = format!("the plugin {plugin} failed in `{phase}`: {cause}{said}");
    let error = CallError::new(CallErrorKind::Trapped, text)
        .with_fix("This is a defect of the plugin; ask its author.");
    Stop {
        code: IncidentCode::Trap,
        error,
    }
}

/// The write of the call that just ended.
pub(crate) fn write_of(store: &Store<Guest>) -> Write {
    store.data().call.write
}
