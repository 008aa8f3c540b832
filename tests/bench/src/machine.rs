//! What the numbers were measured on.

use serde::Serialize;

/// This machine.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// CPUs this process may use.
    pub cores: usize,
    /// As the system names it.
    pub cpu: String,
    /// Work that waited for a CPU in the last minute, on average: above `cores` before
    /// the benchmark began, its times are those of a busy machine.
    pub load: String,
}

impl Machine {
    /// Ask the system.
    pub fn here() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu().unwrap_or_else(|| "unknown CPU".to_owned()),
            load: load().unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}
