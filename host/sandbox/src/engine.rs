//! The WebAssembly engine: few features, bounded pools, and a clock that interrupts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{Limits, SandboxError};

/// How often a guest that computes is looked at. Short enough that others get their
/// turn, long enough that it costs nothing.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Memory kept ready in a pool slot: what a small connector touches in a run, so that
/// the next instance does not fault it in anew.
const KEEP_RESIDENT: usize = 512 << 10;

/// What decides over the compiled code: the same for the host and for the process
/// that compiles.
fn common(limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Synchronous exports and asynchronous imports need none of these, and a
        // call is four times dearer with them.
        .concurrency_support(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        // Components composed of several (jco, componentize-py, wac) have a memory for each.
        .wasm_multi_memory(true)
        .wasm_stack_switching(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .shared_memory(false)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack + (512 << 10))
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8))
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

/// The engine that only compiles.
pub(crate) fn compiling(limits: &Limits) -> wasmtime::Result<Engine> {
    Engine::new(&common(limits))
}

/// The engine that runs plugins.
pub(crate) fn running(limits: &Limits) -> Result<Engine, SandboxError> {
    let cores = u32::try_from(limits.core_instances).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances)
        .total_stacks(limits.instances)
        .total_memories(limits.instances.saturating_mul(limits.memories))
        .total_tables(limits.instances.saturating_mul(8))
        .total_core_instances(limits.instances.saturating_mul(cores))
        .max_core_instances_per_component(cores)
        .max_memories_per_component(limits.memories)
        .max_memories_per_module(limits.memories)
        .max_tables_per_component(cores)
        .max_memory_size(limits.memory)
        .table_elements(limits.table_elements)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(8);
    let mut config = common(limits);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(|error| SandboxError::Engine(format!("{error:#}")))
}

/// Advances the engine's epoch while any guest is in a call, and sleeps otherwise.
#[derive(Debug)]
pub(crate) struct Ticker {
    running: AtomicUsize,
    thread: std::thread::Thread,
}

/// A guest is in a call as long as this lives.
#[derive(Debug)]
pub(crate) struct InCall(Arc<Ticker>);

impl Ticker {
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(engine: &Engine) -> Result<Arc<Self>, SandboxError> {
        let engine = engine.weak();
        let (give, take) = std::sync::mpsc::channel::<Weak<Ticker>>();
        let body = move || {
            let Ok(ticker) = take.recv() else { return };
            // The upgrade fails once the sandbox is gone.
            while let (Some(ticker), Some(engine)) = (ticker.upgrade(), engine.upgrade()) {
                let busy = ticker.running.load(Ordering::Acquire) > 0;
                if busy {
                    engine.increment_epoch();
                }
                drop((ticker, engine));
                if busy {
                    std::thread::sleep(TICK);
                } else {
                    std::thread::park();
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("wasm-ticker".to_owned())
            .spawn(body);
        let thread = thread.map_err(|error| SandboxError::Engine(error.to_string()))?;
        let ticker = Arc::new(Self {
            running: AtomicUsize::new(0),
            thread: thread.thread().clone(),
        });
        let _ = give.send(Arc::downgrade(&ticker));
        Ok(ticker)
    }

    /// A call begins.
    pub(crate) fn call(self: &Arc<Self>) -> InCall {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        InCall(Arc::clone(self))
    }
}

impl Drop for InCall {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}
