//! Compiling a plugin: in a process of its own that can be killed, because a hostile
//! component can make a compiler run for minutes or take all memory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncReadExt as _;
use wasmtime::Engine;

use crate::artifact::Trusted;
use crate::cache::Cache;
use crate::{Limits, LoadError, PluginHash, engine};

/// Where plugins are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, without limits of time and memory: for tests and for
    /// components of one's own.
    InProcess,
    /// In a child process, killed when it takes too long. It must call
    /// [`compile_worker`] with the arguments that follow these.
    Child {
        /// Usually the host's own program.
        program: PathBuf,
        /// Arguments before the worker's own.
        args: Vec<OsString>,
    },
}

/// Why the compiling process failed; its text goes to standard error.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Called by something else than the sandbox.
    #[error("usage: INPUT OUTPUT MEMORY STACK SECONDS")]
    Usage,
    /// A file cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The component is at fault.
    #[error("{0}")]
    Invalid(String),
}

/// Exit status of a worker whose component is at fault.
const INVALID: i32 = 65;
/// How many times the cap on computing a compilation may take on the wall.
const HANGS: u32 = 20;
/// What is read of a worker's standard error.
const WORDS: u64 = 4_096;

impl WorkerError {
    /// The exit status that tells the parent what happened.
    pub fn exit_status(&self) -> i32 {
        match self {
            Self::Invalid(_) => INVALID,
            Self::Usage | Self::File(_) => 1,
        }
    }
}

/// What the compiling process does: read a component, compile it, write the artifact.
/// `args` are those that the sandbox appended. The caller prints the error on standard
/// error and exits with [`WorkerError::exit_status`].
///
/// # Errors
/// [`WorkerError`].
pub fn compile_worker(args: impl IntoIterator<Item = OsString>) -> Result<(), WorkerError> {
    let mut args = args.into_iter();
    let mut next = || args.next().ok_or(WorkerError::Usage);
    let (input, output, memory, stack) = (next()?, next()?, next()?, next()?);
    let seconds = next()?;
    let number = |text: OsString| text.to_str().and_then(|text| text.parse().ok());
    let memory: u64 = number(memory).ok_or(WorkerError::Usage)?;
    let stack: u64 = number(stack).ok_or(WorkerError::Usage)?;
    let seconds: u64 = number(seconds).ok_or(WorkerError::Usage)?;
    let limits = Limits {
        stack: usize::try_from(stack).map_err(|_| WorkerError::Usage)?,
        ..Limits::default()
    };
    limit(memory, seconds)?;
    let bytes = std::fs::read(input)?;
    let engine = engine::compiling(&limits).map_err(|e| WorkerError::Invalid(format!("{e:#}")))?;
    let artifact = precompile(&engine, &bytes).map_err(WorkerError::Invalid)?;
    std::fs::write(output, artifact)?;
    Ok(())
}

#[cfg(unix)]
fn limit(bytes: u64, seconds: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(Resource::As, limit(bytes))?;
    setrlimit(Resource::Core, limit(0))?;
    // At the first the system asks, with a signal of its own; at the second it kills.
    let computing = Rlimit {
        current: Some(seconds),
        maximum: Some(seconds.saturating_add(5)),
    };
    setrlimit(Resource::Cpu, computing)?;
    Ok(())
}

#[cfg(not(unix))]
fn limit(_bytes: u64, _seconds: u64) -> std::io::Result<()> {
    Ok(())
}

fn precompile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, String> {
    engine
        .precompile_component(bytes)
        .map_err(|error| crate::text::words(&format!("{error:#}")))
}

/// A plugin's compiled code, from the cache or made now.
pub(crate) async fn compiled(
    compiler: &Compiler,
    cache: &Cache,
    engine: &Engine,
    limits: &Limits,
    plugin: &PluginHash,
    bytes: &[u8],
) -> Result<Trusted, LoadError> {
    if let Some(artifact) = cache.get(plugin) {
        return Ok(artifact);
    }
    compile(compiler, cache, engine, limits, plugin, bytes).await
}

/// A plugin's compiled code, made now whatever the cache holds.
pub(crate) async fn compile(
    compiler: &Compiler,
    cache: &Cache,
    engine: &Engine,
    limits: &Limits,
    plugin: &PluginHash,
    bytes: &[u8],
) -> Result<Trusted, LoadError> {
    let artifact = match compiler {
        Compiler::InProcess => {
            let (engine, bytes) = (engine.clone(), bytes.to_vec());
            let work = tokio::task::spawn_blocking(move || precompile(&engine, &bytes));
            let outcome = work.await.map_err(|e| LoadError::Compiler(e.to_string()))?;
            outcome.map_err(LoadError::Invalid)?
        }
        Compiler::Child { program, args } => in_child(program, args, cache, limits, bytes).await?,
    };
    let failed = |error: std::io::Error| LoadError::Compiler(error.to_string());
    cache.put(plugin, artifact).map_err(failed)
}

async fn in_child(
    program: &Path,
    args: &[OsString],
    cache: &Cache,
    limits: &Limits,
    bytes: &[u8],
) -> Result<Vec<u8>, LoadError> {
    let failed = |error: std::io::Error| LoadError::Compiler(error.to_string());
    let (input, output) = (
        cache.scratch().map_err(failed)?,
        cache.scratch().map_err(failed)?,
    );
    std::fs::write(input.path(), bytes).map_err(failed)?;
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .arg(input.path())
        .arg(output.path())
        .arg(limits.compile_memory.to_string())
        .arg(limits.stack.to_string())
        .arg(limits.compile_time.as_secs().max(1).to_string())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut words = Vec::new();
    let stderr = child.stderr.take();
    let work = async {
        if let Some(stderr) = stderr {
            let _ = stderr.take(WORDS).read_to_end(&mut words).await;
        }
        child.wait().await
    };
    // A compiler that computes is ended by the system; this is for one that hangs.
    let time = limits.compile_time.saturating_mul(HANGS);
    let Ok(status) = tokio::time::timeout(time, work).await else {
        // Dropping the child kills it; waiting for it leaves no zombie behind.
        let _ = child.kill().await;
        return Err(LoadError::CompileLimit(format!(
            "it did not end within {time:?}"
        )));
    };
    let status = status.map_err(failed)?;
    let words = crate::text::words(String::from_utf8_lossy(&words).trim());
    if status.success() {
        let size = output.as_file().metadata().map_err(failed)?.len();
        if size > limits.artifact_bytes {
            let most = limits.artifact_bytes;
            let text = format!("its machine code has {size} bytes; at most {most} are kept");
            return Err(LoadError::CompileLimit(text));
        }
        return std::fs::read(output.path()).map_err(failed);
    }
    if computed_too_long(status) {
        let time = limits.compile_time;
        let text = format!("it took more than {time:?} of computing");
        return Err(LoadError::CompileLimit(text));
    }
    Err(match status.code() {
        Some(INVALID) => LoadError::Invalid(words),
        // The compiler panics at some allocations that fail, and aborts at others.
        Some(_) if words.contains("out of memory") => {
            LoadError::CompileLimit(format!("it took too much memory: {words}"))
        }
        Some(code) => {
            LoadError::Compiler(format!("the compiler ended with status {code}: {words}"))
        }
        // Out of memory ends in an abort: a signal, and no exit status.
        None => LoadError::CompileLimit(format!("it was ended by a signal ({status}): {words}")),
    })
}

#[cfg(unix)]
fn computed_too_long(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

#[cfg(not(unix))]
fn computed_too_long(_status: std::process::ExitStatus) -> bool {
    false
}
