//! The benchmark: target beside measured, in one run, on this machine.
//!
//! Everything that is measured runs in a process of its own, and so does each
//! simulated tenant, which is made anew for each leg: nothing is counted twice and no
//! leg finds what another left behind. The child processes are this same program in
//! another [role](roles).
//!
//! It measures and never judges by its exit status: a target that was missed is
//! printed as `MISSED`, with the numbers, and the status is 0.

#![forbid(unsafe_code)]

mod bare;
mod comparison;
mod first_request;
mod instantiate;
mod large_sync;
mod leg;
mod machine;
mod native;
mod native_host;
mod numbers;
mod optimum;
mod program;
mod report;
mod roles;
mod sizes;
mod tenant;
mod tenant_role;
mod terms;
mod typical;
mod used;
mod wasm;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::report::Report;
use crate::roles::Role;
use crate::sizes::Sizes;

/// Target beside measured, in one run.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    /// Small sizes: shows that everything runs, says nothing about targets.
    #[arg(long)]
    quick: bool,
    /// Print JSON after the table.
    #[arg(long)]
    json: bool,
    /// Measure only this; repeatable.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// How often the Wasm and the native leg take turns.
    #[arg(long)]
    rounds: Option<usize>,
    /// Billing months still open on each contract of the large sync: unit rows a line.
    #[arg(long)]
    months: Option<i32>,
    /// The connector (default: what plugins/build made).
    #[arg(long)]
    connector: Option<PathBuf>,
    /// The psa-host program (default: beside this one).
    #[arg(long)]
    psa_host: Option<PathBuf>,
    /// What this process is, in a benchmark that is under way.
    #[command(subcommand)]
    role: Option<Role>,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Making an instance of the connector.
    Instantiate,
    /// The Wasm connector against the native one.
    Wasm,
    /// The large sync, with its requests.
    Sync,
    /// A typical MSP, against a bare script.
    Typical,
    /// Contracts of a long term against contracts of a short one.
    Terms,
    /// From the start of the program to its first request.
    Start,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(role) = arguments.role {
        return role.play();
    }
    let mut sizes = if arguments.quick {
        Sizes::quick()
    } else {
        Sizes::full()
    };
    if let Some(rounds) = arguments.rounds {
        sizes.rounds = rounds.max(1);
    }
    if let Some(months) = arguments.months {
        sizes.sync.months = months.max(1);
    }
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let connector = connector(arguments.connector)?;
    let psa_host = program::find(arguments.psa_host)?;

    let mut report = Report::new(arguments.quick);
    if wanted(Part::Instantiate) {
        instantiate::measure(&connector, &sizes, &mut report)?;
    }
    if wanted(Part::Start) {
        first_request::measure(&psa_host, &connector, &sizes, &mut report)?;
    }
    if wanted(Part::Wasm) {
        comparison::measure(&connector, &sizes, &mut report)?;
    }
    if wanted(Part::Sync) {
        large_sync::measure(&psa_host, &connector, &sizes, &mut report)?;
    }
    if wanted(Part::Typical) {
        typical::measure(&psa_host, &connector, &sizes, &mut report)?;
    }
    if wanted(Part::Terms) {
        terms::measure(&psa_host, &connector, &sizes, &mut report)?;
    }
    print!("{}", report.table());
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

fn connector(given: Option<PathBuf>) -> Result<PathBuf> {
    let path = given.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist/autotask.wasm")
    });
    path.canonicalize().with_context(|| {
        format!(
            "there is no connector at {}: run `plugins/build autotask`",
            path.display()
        )
    })
}
