//! Time, CPU and memory used.

use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// What a piece of work used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// From its begin to its end.
    pub wall: Duration,
    /// User and system time of all threads.
    pub cpu: Duration,
}

/// A clock for this process's own work.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    cpu: Duration,
}

impl Meter {
    /// From now on.
    pub fn start() -> Result<Self> {
        Ok(Self {
            begun: Instant::now(),
            cpu: cpu(&getrusage(UsageWho::RUSAGE_SELF)?),
        })
    }

    /// Up to now.
    pub fn stop(self) -> Result<Used> {
        let wall = self.begun.elapsed();
        let cpu = cpu(&getrusage(UsageWho::RUSAGE_SELF)?).saturating_sub(self.cpu);
        Ok(Used { wall, cpu })
    }
}

/// CPU time and peak memory in bytes of the children that this process waited for. The
/// peak is that of the largest: it means something in a process with one child only.
pub fn by_children() -> Result<(Duration, u64)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let kib = u64::try_from(usage.max_rss()).unwrap_or(0);
    Ok((cpu(&usage), kib * 1024))
}

fn cpu(usage: &Usage) -> Duration {
    duration(usage.user_time()) + duration(usage.system_time())
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
