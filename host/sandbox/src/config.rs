//! What the host tells the sandbox at the start.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Clock, Compiler, Limits, Network, Resolver};

/// Everything a [`crate::Sandbox`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Compiled plugins. Made with mode 0700; refused if others could write to it,
    /// because what lies there is run as machine code.
    pub cache_dir: PathBuf,
    /// Lock files for "so many at once": shared by all processes of one data folder.
    pub slots_dir: PathBuf,
    /// Where plugins are compiled.
    pub compiler: Compiler,
    /// What plugins may use.
    pub limits: Limits,
    /// Development only: plain http to loopback origins that a url setting names.
    pub dev_loopback: bool,
    /// How names become addresses; none: the system's way. The addresses are checked
    /// in either case.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// The operator's proxy and certificate authorities.
    pub network: Network,
    /// The time of day, for budgets.
    pub clock: Clock,
}

impl Config {
    /// Defaults: compile in this process, default limits, no loopback.
    pub fn new(cache_dir: impl Into<PathBuf>, slots_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            slots_dir: slots_dir.into(),
            compiler: Compiler::InProcess,
            limits: Limits::default(),
            dev_loopback: false,
            resolver: None,
            network: Network::default(),
            clock: Clock::system(),
        }
    }
}
