//! WASI 0.2 as a language's runtime expects it, with nothing in it: no files, no
//! sockets, no environment, no arguments, an empty standard input. Standard output and
//! error become log lines. A guest that describes itself gets a still world besides: a
//! clock that stands and constant randomness, so that it has nothing to tell one time it is
//! asked from another by.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

use crate::Phase;
use crate::bindings::psa_host::guest::log::Level;
use crate::log::Log;

/// Interfaces that a component may import, without their versions. Sockets are there
/// because interpreters have them built in; every use of them is denied.
pub(crate) const ALLOWED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Most random bytes in one call.
const MAX_RANDOM: u64 = 64 << 10;
/// Streams, pollables and the like that a guest may hold: a runtime holds a handful.
const MAX_RESOURCES: usize = 1_000;
/// What is kept of a line of output until it ends.
const MAX_PENDING: usize = 4 << 10;

/// The instant of a still world: 2026-01-01T00:00:00Z. It must never change: what a
/// plugin said of itself was said at this instant.
const STILL_INSTANT: Duration = Duration::from_secs(1_767_225_600);
/// As constant as the instant, for the same reason.
const STILL_RANDOM: &[u8] = b"psa-host asks what you are......";

/// Whether time passes for a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    /// The machine's clock and randomness.
    Moving,
    /// Always the same instant and the same randomness.
    Still,
}

/// A clock that stands.
struct StillClock;

impl HostWallClock for StillClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        STILL_INSTANT
    }
}

impl HostMonotonicClock for StillClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Lines of output kept for when the guest fails: a panic prints where and why.
const LAST_LINES: usize = 4;

/// The last lines that a guest printed.
#[derive(Debug, Default)]
pub(crate) struct LastWords(Mutex<VecDeque<String>>);

impl LastWords {
    fn hear(&self, line: &str) {
        // What a runtime adds to a panic helps its author only.
        if line.is_empty() || line.starts_with("note: run with `RUST_BACKTRACE") {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// A call begins: what was printed before has nothing to do with it.
    pub(crate) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// On one line, cleaned and cut; empty where nothing was printed.
    pub(crate) fn heard(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = lines.iter().map(String::as_str).collect::<Vec<_>>();
        crate::text::clean(&text.join(" "), 500)
    }
}

/// An empty world. `phase` is what the guest is doing, for what it prints.
pub(crate) fn context(
    log: &Arc<Log>,
    phase: &Arc<Mutex<Phase>>,
    last_words: &Arc<LastWords>,
    world: World,
) -> (WasiCtx, ResourceTable) {
    let output = Output {
        log: Arc::clone(log),
        phase: Arc::clone(phase),
        last_words: Arc::clone(last_words),
        pending: Arc::default(),
    };
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(output.clone())
        .stderr(output)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM);
    if world == World::Still {
        builder
            .wall_clock(StillClock)
            .monotonic_clock(StillClock)
            .secure_random(Deterministic::new(STILL_RANDOM.to_vec()))
            .insecure_random(Deterministic::new(STILL_RANDOM.to_vec()))
            .insecure_random_seed(0);
    }
    let context = builder.build();
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_RESOURCES);
    (context, table)
}

/// Standard output or error: lines for the log.
#[derive(Clone)]
struct Output {
    log: Arc<Log>,
    phase: Arc<Mutex<Phase>>,
    last_words: Arc<LastWords>,
    pending: Arc<Mutex<Vec<u8>>>,
}

impl Output {
    fn print(&self, line: &str) {
        let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        self.last_words.hear(line);
        self.log.write(Level::Debug, phase, line);
    }

    fn take(&self, bytes: &[u8]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            let room = MAX_PENDING.saturating_sub(pending.len());
            pending.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&pending);
                self.print(line.trim_end());
                pending.clear();
            }
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_PENDING)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // The last of the streams prints what never saw its line end.
        if Arc::strong_count(&self.pending) == 1 {
            let rest =
                std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
            if !rest.is_empty() {
                let line = String::from_utf8_lossy(&rest);
                self.print(&line);
            }
        }
    }
}
