//! From a file to a plugin: is it WebAssembly, a component, this contract, in a
//! version that fits, with no import beyond what connectors get? Then it is compiled,
//! asked to describe itself, and its description checked.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::{CONTRACT, CONTRACT_VERSION, GUEST, PsaConnector, PsaConnectorIndices};
use crate::budget::Budgets;
use crate::cache::{Cache, private_folder};
use crate::engine::Ticker;
use crate::guest::Guest;
use crate::http::CredentialsWatches;
use crate::incident::Incidents;
use crate::instance::{Instance, StartError};
use crate::log::Log;
use crate::memory::MemoryPool;
use crate::names::Names;
use crate::shared::{Shared, World};
use crate::{
    CallError, Config, Description, LoadError, Phase, PluginHash, SandboxError, artifact, compile,
    engine, wasi,
};

/// The engine with everything that plugins share. Cheap to clone; one a process.
///
/// ```no_run
/// use psa_host_sandbox::{Config, Sandbox};
///
/// # async fn show(bytes: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
/// let sandbox = Sandbox::new(Config::new("cache", "slots"))?;
/// // Nothing of a stranger's file has run yet but `describe`, without the outside.
/// let plugin = sandbox.load(&bytes).await?;
/// println!("{} wants to reach {:?}", plugin.hash(), plugin.description().hosts);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Shared>);

/// A loaded plugin: compiled, and its description checked. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    hash: PluginHash,
    size: u64,
    imports: Vec<String>,
    description: Description,
    world: World,
    shared: Arc<Shared>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({} {})", self.0.description.name, self.0.hash)
    }
}

impl Plugin {
    /// What it is known by.
    pub fn hash(&self) -> &PluginHash {
        &self.0.hash
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// What it imports, by name and version.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// The size of its file in bytes.
    pub fn size(&self) -> u64 {
        self.0.size
    }

    pub(crate) fn world(&self) -> &World {
        &self.0.world
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

impl Sandbox {
    /// Start the engine.
    ///
    /// # Errors
    /// [`SandboxError`] where a folder is unsafe or the engine cannot start.
    pub fn new(config: Config) -> Result<Self, SandboxError> {
        let limits = Arc::new(config.limits.clone());
        let engine = engine::running(&limits)?;
        let cache = Cache::open(&config.cache_dir, &engine)?;
        private_folder(&config.slots_dir)?;
        let linker = linker(&engine).map_err(|e| SandboxError::Engine(format!("{e:#}")))?;
        let instances = usize::try_from(limits.instances).unwrap_or(usize::MAX);
        Ok(Self(Arc::new(Shared {
            ticker: Ticker::start(&engine)?,
            budgets: Budgets::new(config.slots_dir.clone(), config.clock.clone()),
            credentials: CredentialsWatches::default(),
            instances: Arc::new(Semaphore::new(instances)),
            memory: MemoryPool::new(limits.all_memory),
            config,
            limits,
            engine,
            linker,
            cache,
        })))
    }

    /// Forget what was compiled of a plugin that is used no more.
    pub fn evict(&self, plugin: &PluginHash) {
        if let Err(error) = self.0.cache.evict(plugin) {
            // Disk space, and nothing else: it is found by its hash alone.
            tracing::warn!(%plugin, %error, "compiled code could not be removed");
        }
    }

    /// Load a plugin. Compiling is slow the first time and cached afterwards.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with the file.
    pub async fn load(&self, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let shared = &self.0;
        let limits = &*shared.limits;
        let size = bytes.len() as u64;
        if size > limits.file_bytes {
            let most = limits.file_bytes;
            return Err(LoadError::TooLarge { size, most });
        }
        is_component(bytes)?;
        // Before it is compiled, which costs time and is where a compiler could be hurt.
        let names = Names::of(bytes)?;
        let imports = check_world(&names)?;
        let hash = PluginHash::of(bytes);
        let component = self.component(&hash, bytes).await?;
        let interface = |error: wasmtime::Error| {
            LoadError::Interface(crate::text::words(&format!("{error:#}")))
        };
        let pre = shared
            .linker
            .instantiate_pre(&component)
            .map_err(interface)?;
        let indices = PsaConnectorIndices::new(&pre).map_err(interface)?;
        let world = World { pre, indices };
        let said = describe(shared, &world, &hash).await?;
        let description = Description::read(said).map_err(LoadError::Description)?;
        Ok(Plugin(Arc::new(Loaded {
            hash,
            size,
            imports,
            description,
            world,
            shared: Arc::clone(shared),
        })))
    }

    async fn component(&self, hash: &PluginHash, bytes: &[u8]) -> Result<Component, LoadError> {
        let Shared {
            config,
            limits,
            engine,
            cache,
            ..
        } = &*self.0;
        let compiler = &config.compiler;
        let made = compile::compiled(compiler, cache, engine, limits, hash, bytes).await?;
        if let Ok(component) = artifact::load(engine, &made) {
            return Ok(component);
        }
        // From another version or configuration after all: make it anew, once.
        let made = compile::compile(compiler, cache, engine, limits, hash, bytes).await?;
        artifact::load(engine, &made).map_err(|e| LoadError::Invalid(format!("{e:#}")))
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    PsaConnector::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

fn is_component(bytes: &[u8]) -> Result<(), LoadError> {
    if !bytes.starts_with(b"\0asm") {
        let hint = match bytes {
            [] => ": it is empty",
            bytes if bytes.starts_with(b"(") => {
                ": it looks like WebAssembly text, which must be assembled first"
            }
            bytes if bytes.starts_with(b"\x7fELF") => ": it is a program for Linux",
            _ => "",
        };
        return Err(LoadError::NotWasm(hint));
    }
    match bytes.get(4..8) {
        Some([0x0d, 0, 1, 0]) => Ok(()),
        Some([1, 0, 0, 0]) => Err(LoadError::NotComponent),
        Some(_) => Err(LoadError::Invalid(
            "its WebAssembly version is unknown".to_owned(),
        )),
        None => Err(LoadError::NotWasm(": it is cut off")),
    }
}

/// Check names and versions, before types: these are the errors a person can act on.
fn check_world(names: &Names) -> Result<Vec<String>, LoadError> {
    let exports = &names.exports;
    let prefix = format!("{CONTRACT}/connector@");
    let Some(version) = exports.iter().find_map(|name| name.strip_prefix(&prefix)) else {
        let others = exports.join(", ");
        let found = match others.as_str() {
            "" => " (it exports nothing)".to_owned(),
            others => format!(" (it exports {})", crate::text::clean(others, 200)),
        };
        return Err(LoadError::NotConnector { found });
    };
    check_version(version)?;
    let mut imports = Vec::new();
    for name in &names.imports {
        let (interface, version) = name.split_once('@').unwrap_or((name, ""));
        // `psa-host:connector` had them in 0.1: told as an old version, not as a stranger.
        let own = ["types", "plugin", "http", "storage", "log"];
        let of_ours = [GUEST, CONTRACT]
            .iter()
            .find_map(|package| interface.strip_prefix(package)?.strip_prefix('/'));
        if of_ours.is_some_and(|name| own.contains(&name)) {
            check_version(version)?;
        } else if !(wasi::ALLOWED.contains(&interface) && version.starts_with("0.2.")) {
            let import = crate::text::name(name);
            return Err(LoadError::Import { import });
        }
        imports.push(crate::text::name(name));
    }
    imports.sort_unstable();
    Ok(imports)
}

/// Semver: before 1.0 the minor number is the one that breaks.
fn check_version(text: &str) -> Result<(), LoadError> {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = core.split('.').map(str::parse::<u64>);
    let (major, minor) = (numbers.next(), numbers.next());
    let (our_major, our_minor, our_patch) = CONTRACT_VERSION;
    let fits = major == Some(Ok(our_major)) && (our_major > 0 || minor == Some(Ok(our_minor)));
    if fits {
        return Ok(());
    }
    Err(LoadError::Version {
        found: crate::text::clean(text, 40),
        supported: format!("{our_major}.{our_minor}.{our_patch}"),
    })
}

async fn describe(
    shared: &Arc<Shared>,
    world: &World,
    hash: &PluginHash,
) -> Result<crate::bindings::exports::psa_host::connector::connector::Description, LoadError> {
    let incidents = Arc::new(Incidents::default());
    let label = format!("{hash:.12}");
    let log = Arc::new(Log::new(
        label.clone(),
        shared.limits.log_lines,
        Arc::clone(&incidents),
    ));
    let run = async {
        let guest = Guest::new(
            None,
            Arc::clone(&shared.limits),
            Arc::clone(&incidents),
            log,
            vec![shared.memory.clone()],
            Phase::Describe,
        );
        let mut instance = Instance::start(shared, world, guest, &label).await?;
        Ok(instance.describe(&label).await?)
    };
    let outcome: Result<_, StartError> = run.await;
    outcome.map_err(|error| match error {
        StartError::Interface(text) => LoadError::Interface(crate::text::words(&text)),
        StartError::Call(error) => {
            // A plugin that fails because it was refused something shows what it was.
            let hint = incidents
                .all()
                .into_iter()
                .next()
                .map(|first| first.message);
            let fix = hint.or(error.fix.clone());
            LoadError::Describe(Box::new(CallError { fix, ..error }))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told_apart() {
        let text = |bytes: &[u8]| is_component(bytes).unwrap_err().to_string();
        assert_eq!(text(b""), "this is not a WebAssembly file: it is empty");
        assert_eq!(text(b"hello"), "this is not a WebAssembly file");
        assert_eq!(
            text(b"\0asm"),
            "this is not a WebAssembly file: it is cut off"
        );
        assert_eq!(
            text(b"\0asm\x01\0\0\0"),
            "this is a WebAssembly module, not a component"
        );
        assert!(is_component(b"\0asm\x0d\0\x01\0").is_ok());
    }

    #[test]
    fn versions_fit_by_semver() {
        for (version, fits) in [
            ("0.2.0", true),
            ("0.2.7", true),
            ("0.2.0-rc.1", true),
            ("0.1.0", false),
            ("0.3.0", false),
            ("1.0.0", false),
            ("1.1.0", false),
            ("", false),
            ("x", false),
        ] {
            assert_eq!(check_version(version).is_ok(), fits, "{version}");
        }
    }
}
