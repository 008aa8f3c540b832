//! The tenant's own process.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context, Result};
use autotask_sim::schema::Entity;
use autotask_sim::world::row::Record as _;
use autotask_sim::{Config, LineKind, Simulator, World};
use jiff::tz::TimeZone;
use made_msp::Msp;
use serde::Serialize;

use crate::tenant::{Counts, Ready, Rows, Task};

/// Serve until standard input ends, and answer each line on it with the counts.
pub fn play(task: &Task) -> Result<()> {
    let shape = made_msp::Shape {
        customers: task.shape.companies,
        modules_each: Some(task.shape.lines_each),
        changes: task.shape.changes,
        troubles: false,
        months: task.shape.months,
    };
    let mut msp = Msp::new(&shape, task.today);
    if let Some(folder) = &task.files {
        write_files(&msp, folder)?;
    }
    let rows = rows(&msp.world, task);
    let mut config = Config::new(std::mem::replace(&mut msp.world, World::new(task.today)));
    config.latency = task.latency;
    // Bodies of requests would only cost memory: the counts are kept apart.
    config.journal = 1;
    drop(msp);

    let runtime = tokio::runtime::Runtime::new()?;
    let simulator = runtime.block_on(Simulator::start(config))?;
    say(&Ready {
        base_url: simulator.base_url(),
        rows,
    })?;
    for line in std::io::stdin().lock().lines() {
        line?;
        say(&Counts {
            requests: simulator.request_counts(),
            applied: simulator.applied().len(),
            at_once: simulator.max_in_flight().into_values().max().unwrap_or(0),
        })?;
    }
    Ok(())
}

fn say<T: Serialize>(what: &T) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(what)?)?;
    Ok(out.flush()?)
}

fn rows(world: &World, task: &Task) -> Rows {
    let of = |entity| {
        world
            .rows(entity)
            .iter()
            .filter(|row| row.id() != 0)
            .count()
    };
    // Each line's rows from today on, in the order of time: the present period, the next.
    let mut open: BTreeMap<i64, usize> = BTreeMap::new();
    for row in world.units(LineKind::Service).iter() {
        if row.end >= task.today {
            *open.entry(row.line).or_default() += 1;
        }
    }
    let lines = of(Entity::ContractServices);
    let each = open.values().copied().max().unwrap_or(0);
    Rows {
        companies: of(Entity::Companies),
        services: of(Entity::Services),
        contracts: of(Entity::Contracts),
        lines,
        window: open.values().map(|rows| (*rows).min(2)).sum(),
        whole: each * task.shape.changes,
    }
}

/// What an administrator would import on Coro's side.
fn write_files(msp: &Msp, folder: &Path) -> Result<()> {
    let taken_at = msp
        .today
        .to_zoned_datetime(TimeZone::UTC)
        .context("a day in range")?
        .timestamp();
    for (name, content) in [
        ("workspaces.json", msp.workspaces()),
        ("usage.json", msp.usage(taken_at)),
        ("mapping.json", msp.mapping()),
    ] {
        std::fs::write(folder.join(name), content.to_string())
            .with_context(|| format!("{name} could not be written"))?;
    }
    Ok(())
}
