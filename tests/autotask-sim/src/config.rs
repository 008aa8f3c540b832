//! What a simulator is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::switches::Switches;
use crate::world::World;

/// The vendor's limits, and how fast time runs where a limit costs time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests at once for each tracking identifier and entity [DOC ThreadLimiting].
    pub threads: usize,
    /// A slot is freed this long after its answer was sent.
    pub slot_release: Duration,
    /// Requests in a rolling hour, all users and integrations together [DOC].
    pub hourly: u32,
    /// Delay from 50 % of the hourly threshold on; twice this from 75 % on. The real
    /// one is 500 ms; tests make it shorter.
    pub half_delay: Duration,
    /// Failed logins that lock a user; `None` never locks.
    pub lock_after: Option<u32>,
    /// Longest URL of a GET; a longer one answers 404.
    pub url_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: 3,
            slot_release: Duration::from_millis(20),
            hourly: 10_000,
            half_delay: Duration::from_millis(500),
            lock_after: Some(5),
            url_length: 2048,
        }
    }
}

/// What a simulator is started with.
#[derive(Debug)]
pub struct Config {
    /// The tenant.
    pub world: World,
    /// Where the front listens; only loopback makes sense.
    pub listen: SocketAddr,
    /// Where the control API listens; `None` for none.
    pub control: Option<SocketAddr>,
    /// The zone has a port of its own, and the front answers only zone lookups.
    pub split_zone: bool,
    /// Limits.
    pub limits: Limits,
    /// Disputed behaviours.
    pub switches: Switches,
    /// Time each request takes.
    pub latency: Duration,
    /// Entries the journal keeps; older ones are dropped.
    pub journal: usize,
}

impl Config {
    /// The given tenant, real limits, no latency, any free port.
    pub fn new(world: World) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            world,
            listen,
            control: None,
            split_zone: false,
            limits: Limits::default(),
            switches: Switches::default(),
            latency: Duration::ZERO,
            journal: 100_000,
        }
    }
}
