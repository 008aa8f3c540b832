//! A sync of a large tenant by the psa-host program itself: requests against the
//! optimum, wall clock against the floor, CPU and memory against a bare script; and the
//! day after, on which nothing changed.

// Ratios are for people to compare; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::bare;
use crate::numbers::{bytes, ratio, time};
use crate::optimum::Optimum;
use crate::program::{CONNECTION, Program, Ran};
use crate::report::{Report, Row};
use crate::sizes::{LATENCY, Sizes};
use crate::tenant::{Counts, Tenant, today};

const WALL: f64 = 1.1;
const REQUESTS: f64 = 1.05;
/// Over the script's, in the same run.
const CPU: f64 = 1.0;
/// Over that of the day with changes.
const QUIET_CPU: f64 = 0.3;
const PEAK: u64 = 64_000_000;

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
    let rows = tenant.ready.rows;

    report.progress(&format!("syncing {} changes", shape.changes));
    let (ran, output) = program.measured(&["sync", CONNECTION])?;
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
    let quiet = quiet_day(&program, &mut tenant, report)?;
    drop(tenant);
    report.progress("the same by a bare script in Python");
    let bare = bare::sync(shape)?;
    add_rows(
        report,
        &Optimum::new(rows, shape.changes),
        &ran,
        &counts,
        bare.as_ref(),
    );
    add_quiet_day(report, &Optimum::new(rows, 0), &ran, &quiet);
    Ok(())
}

/// The sync after it, of the same counts: what it asks.
fn quiet_day(program: &Program, tenant: &mut Tenant, report: &Report) -> Result<(Ran, Counts)> {
    report.progress("syncing the same again, with nothing to change");
    let before = tenant.counts()?;
    let (ran, output) = program.measured(&["sync", CONNECTION])?;
    let counts = tenant.counts()?.since(&before);
    let said = std::fs::read_to_string(output).context("what psa-host printed")?;
    ensure!(
        (ran.code, counts.applied) == (Some(0), 0),
        "the second sync ended with {:?} and {} adjustments:\n{said}",
        ran.code,
        counts.applied
    );
    Ok((ran, counts))
}

fn add_quiet_day(
    report: &mut Report,
    optimum: &Optimum,
    day_before: &Ran,
    (ran, counts): &(Ran, Counts),
) {
    let mut row = Row::new("a day without changes: requests over the optimum");
    row.times(over(counts.total(), optimum.requests()), Some(REQUESTS));
    row.note(format!(
        "{} requests; optimum: {}",
        counts.total(),
        optimum.requests_formula()
    ));
    row.note(format!("made: {}", by_endpoint(counts)));
    row.note(format!(
        "{} against {}",
        time(ran.wall),
        optimum.floor_formula(LATENCY)
    ));
    report.add(row);

    let mut row = Row::new("a day without changes: CPU over the day with changes");
    row.times(ratio(ran.cpu, day_before.cpu), Some(QUIET_CPU));
    row.note(format!(
        "{} against {}",
        time(ran.cpu),
        time(day_before.cpu)
    ));
    report.add(row);
}

fn over(made: u64, fewest: u64) -> f64 {
    made as f64 / fewest.max(1) as f64
}

fn by_endpoint(counts: &Counts) -> String {
    let each = counts.requests.iter();
    let each: Vec<String> = each
        .map(|(endpoint, count)| format!("{endpoint} {count}"))
        .collect();
    each.join(", ")
}

fn add_rows(
    report: &mut Report,
    optimum: &Optimum,
    ran: &Ran,
    counts: &Counts,
    bare: Option<&Ran>,
) {
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

    let mut row = Row::new("large sync: CPU over a bare script's");
    match bare {
        Some(bare) => {
            row.times(ratio(ran.cpu, bare.cpu), Some(CPU));
            row.note(format!("{} against {}", time(ran.cpu), time(bare.cpu)));
        }
        None => row.note(format!("{}; no python3 here", time(ran.cpu))),
    }
    report.add(row);

    let mut row = Row::new("large sync: peak memory of psa-host");
    row.bytes_at_most(ran.peak, PEAK);
    if let Some(bare) = bare {
        row.note(format!("the script takes {}", bytes(bare.peak)));
    }
    report.add(row);

    let mut row = Row::new("large sync: requests over the optimum");
    row.times(over(counts.total(), optimum.requests()), Some(REQUESTS));
    row.note(format!(
        "{} requests; optimum: {}",
        counts.total(),
        optimum.requests_formula()
    ));
    row.note(format!("made: {}", by_endpoint(counts)));
    report.add(row);

    let writes = counts.requests.get(WRITES).copied().unwrap_or(0);
    let reading = counts.total() - writes;
    let mut row = Row::new("the same without the adjustments");
    row.times(over(reading, optimum.reading()), Some(REQUESTS));
    row.note(format!("{reading} requests; optimum {}", optimum.reading()));
    report.add(row);
}
