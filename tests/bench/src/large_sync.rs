//! A sync of a large tenant by the psa-host program itself: requests against the
//! optimum, wall clock against the floor, CPU and memory.

// Ratios are for people to compare; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::numbers::{ratio, time};
use crate::optimum::Optimum;
use crate::program::{CONNECTION, Program, Ran};
use crate::report::{Report, Row};
use crate::sizes::{LATENCY, Sizes};
use crate::tenant::{Counts, Tenant, today};

const WALL: f64 = 1.15;
const REQUESTS: f64 = 1.1;
const CPU: Duration = Duration::from_secs(2);
const PEAK: u64 = 100_000_000;

/// The endpoints that take adjustments.
const WRITES: &str = "ContractServiceAdjustments";

/// Measure it.
pub fn measure(
    psa_host: &Path,
    connector: &Path,
    sizes: &Sizes,
    report: &mut Report,
) -> Result<()> {
    let shape = sizes.sync;
    report.progress(&format!(
        "setting up {} companies with {} lines",
        shape.companies,
        shape.companies * shape.lines_each
    ));
    let folder = tempfile::tempdir()?;
    let today = today();
    let mut tenant = Tenant::start(shape, LATENCY, today, Some(folder.path()))?;
    let program = Program::new(psa_host, folder.path());
    program.connect(connector, &tenant.ready.base_url)?;
    program.import()?;
    let before = tenant.counts()?;

    report.progress(&format!("syncing {} changes", shape.changes));
    let (ran, output) = program.measured(&["sync", CONNECTION, "--as-of", &today.to_string()])?;
    let counts = tenant.counts()?.since(&before);
    let said = std::fs::read_to_string(output).context("what psa-host printed")?;
    let tail: Vec<&str> = said.lines().rev().take(10).collect();
    ensure!(
        ran.code == Some(0),
        "the sync ended with {:?}:\n{}",
        ran.code,
        tail.join("\n")
    );
    ensure!(
        counts.applied == shape.changes,
        "{} adjustments took effect, {} were to be made",
        counts.applied,
        shape.changes
    );
    add_rows(
        report,
        &Optimum::new(tenant.ready.rows, shape.changes),
        &ran,
        &counts,
    );
    Ok(())
}

fn add_rows(report: &mut Report, optimum: &Optimum, ran: &Ran, counts: &Counts) {
    let floor = optimum.floor(LATENCY);
    let mut row = Row::new("large sync: wall over the floor");
    row.times(ratio(ran.wall, floor), Some(WALL));
    row.note(format!(
        "{} against {}",
        time(ran.wall),
        optimum.floor_formula(LATENCY)
    ));
    row.note(format!(
        "at most {} requests at once on one endpoint",
        counts.at_once
    ));
    report.add(row);

    let mut row = Row::new("large sync: CPU of psa-host");
    row.at_most(ran.cpu, CPU);
    row.note("a bare batching script in Python: 7.3 s");
    report.add(row);

    let mut row = Row::new("large sync: peak memory of psa-host");
    row.bytes_at_most(ran.peak, PEAK);
    row.note("a bare batching script in Python: 128 MB");
    report.add(row);

    let of = |made: u64, fewest: u64| made as f64 / fewest.max(1) as f64;
    let mut row = Row::new("large sync: requests over the optimum");
    row.times(of(counts.total(), optimum.requests()), Some(REQUESTS));
    row.note(format!(
        "{} requests; optimum: {}",
        counts.total(),
        optimum.requests_formula()
    ));
    let by_endpoint: Vec<String> = counts
        .requests
        .iter()
        .map(|(endpoint, count)| format!("{endpoint} {count}"))
        .collect();
    row.note(format!("made: {}", by_endpoint.join(", ")));
    report.add(row);

    let writes = counts.requests.get(WRITES).copied().unwrap_or(0);
    let reading = counts.total() - writes;
    let mut row = Row::new("the same without the adjustments");
    row.times(of(reading, optimum.reading()), Some(REQUESTS));
    row.note(format!("{reading} requests; optimum {}", optimum.reading()));
    report.add(row);
}
