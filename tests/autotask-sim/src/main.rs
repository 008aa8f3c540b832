//! The simulator as a program.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use autotask_sim::world::generate::Plan;
use autotask_sim::{Config, Simulator, World};
use clap::Parser;
use jiff::ToSpan;
use serde_json::json;

/// A strict simulator of the Autotask PSA REST API, on loopback.
#[derive(Debug, Parser)]
#[command(name = "autotask-sim", version)]
struct Args {
    /// Where clients find it.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the control API listens; none if absent.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// World file (JSON).
    #[arg(long, conflicts_with = "generate")]
    world: Option<PathBuf>,
    /// Generate a tenant, for example `companies=200,lines=6,months=12,big-ids=true`.
    #[arg(long)]
    generate: Option<String>,
    /// Seed of the generated tenant.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The zone has a port of its own.
    #[arg(long)]
    split_zone: bool,
    /// Time each request takes.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Requests in a rolling hour.
    #[arg(long, default_value_t = 10_000)]
    hourly: u32,
    /// Requests at once for each tracking identifier and entity.
    #[arg(long, default_value_t = 3)]
    threads: usize,
    /// Failed logins that lock a user; 0 never locks.
    #[arg(long, default_value_t = 5)]
    lock_after: u32,
    /// Delay from half of the hourly threshold on; twice this from three quarters on.
    #[arg(long, default_value_t = 500)]
    half_delay_ms: u64,
    /// Set a switch, `name=value`; repeatable.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,
    /// Entries the journal keeps.
    #[arg(long, default_value_t = 100_000)]
    journal: usize,
    /// The tenant's clock runs with the real one; else it stands until it is moved.
    #[arg(long)]
    run_clock: bool,
    /// Written when ready, with what is printed on standard output.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    for address in [Some(args.listen), args.control].into_iter().flatten() {
        anyhow::ensure!(
            address.ip().is_loopback(),
            "{address} is not a loopback address"
        );
    }
    let mut config = Config::new(world(&args)?);
    config.listen = args.listen;
    config.control = args.control;
    config.split_zone = args.split_zone;
    config.latency = Duration::from_millis(args.latency_ms);
    config.limits.hourly = args.hourly;
    config.limits.threads = args.threads;
    config.limits.lock_after = Some(args.lock_after).filter(|n| *n > 0);
    config.limits.half_delay = Duration::from_millis(args.half_delay_ms);
    config.journal = args.journal;
    for switch in &args.switches {
        config.switches.set(switch).map_err(|e| anyhow!(e))?;
    }
    let simulator = Simulator::start(config)
        .await
        .context("the simulator cannot listen")?;
    let ready = json!({
        "baseUrl": simulator.base_url(),
        "zoneUrl": simulator.zone_url(),
        "controlUrl": simulator.control_url(),
    });
    println!("{ready}");
    if let Some(path) = &args.ready_file {
        // Written beside and renamed, so that a waiting reader never sees half of it.
        let part = path.with_extension("part");
        std::fs::write(&part, ready.to_string()).with_context(|| part.display().to_string())?;
        std::fs::rename(&part, path).with_context(|| path.display().to_string())?;
    }
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            ended = tokio::signal::ctrl_c() => {
                ended?;
                break;
            }
            _ = second.tick() => {
                if args.run_clock {
                    simulator.advance(1.second());
                }
            }
        }
    }
    simulator.shutdown();
    Ok(())
}

fn world(args: &Args) -> anyhow::Result<World> {
    if let Some(path) = &args.world {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        return World::from_json(&text).map_err(|e| anyhow!("{}: {e}", path.display()));
    }
    let mut plan = Plan {
        seed: args.seed,
        ..Plan::default()
    };
    plan.set(args.generate.as_deref().unwrap_or_default())
        .map_err(|e| anyhow!(e))?;
    World::generate(&plan).map_err(|e| anyhow!(e))
}
