//! A sync of a large tenant by the psa-host program itself: requests against the
//! optimum, wall clock against the floor, CPU and memory.

// Ratios are for people to compare; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::numbers::{bytes, ratio, time};
use crate::optimum::Optimum;
use crate::program::{CONNECTION, Program, Ran};
use crate::report::{Report, Row};
use crate::sizes::{LATENCY, Sizes};
use crate::tenant::{Counts, Tenant, today};

const WALL: f64 = 1.15;
const REQUESTS: f64 = 1.05;
const CPU: Duration = Duration::from_secs(2);
const PEAK: u64 = 100_000_000;

/// The script that is compared with.
const BARE: &str = include_str!("bare_batching.py");

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
    let bare = bare(sizes, report)?;
    add_rows(
        report,
        &Optimum::new(rows, shape.changes),
        &ran,
        &counts,
        bare.as_ref(),
    );
    add_quiet_day(report, &Optimum::new(rows, 0), &quiet);
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

fn add_quiet_day(report: &mut Report, optimum: &Optimum, (ran, counts): &(Ran, Counts)) {
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

/// The same work by a bare script, in a tenant of its own: what the machine's own speed is
/// told by. None where there is no Python.
fn bare(sizes: &Sizes, report: &Report) -> Result<Option<Ran>> {
    let python = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let Some(python) = python.iter().map(Path::new).find(|path| path.exists()) else {
        report.progress("no python3 here: the bare script is skipped");
        return Ok(None);
    };
    report.progress("the same by a bare script in Python");
    let folder = tempfile::tempdir()?;
    let today = today();
    let mut tenant = Tenant::start(sizes.sync, LATENCY, today, Some(folder.path()))?;
    std::fs::write(folder.path().join("bare.py"), BARE).context("a temporary file")?;
    let (url, today) = (tenant.ready.base_url.clone(), today.to_string());
    let script = Program::new(python, folder.path());
    let arguments = ["bare.py", &url, "usage.json", "mapping.json", &today];
    let (ran, output) = script.measured(&arguments)?;
    ensure!(
        ran.code == Some(0),
        "the bare script ended with {:?}",
        ran.code
    );
    let said = std::fs::read_to_string(output).context("what the script printed")?;
    ensure!(
        tenant.counts()?.applied == sizes.sync.changes,
        "the bare script made other changes: {said}"
    );
    Ok(Some(ran))
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

    let mut row = Row::new("large sync: CPU of psa-host");
    row.at_most(ran.cpu, CPU);
    row.note("where the target was set, a bare batching script in Python took 7.3 s: 0.27 of it");
    if let Some(bare) = bare {
        row.note(format!(
            "here and now it takes {}: psa-host {:.2} of it",
            time(bare.cpu),
            ratio(ran.cpu, bare.cpu)
        ));
    }
    report.add(row);

    let mut row = Row::new("large sync: peak memory of psa-host");
    row.bytes_at_most(ran.peak, PEAK);
    row.note("where the target was set, the script took 128 MB");
    if let Some(bare) = bare {
        row.note(format!("here it takes {}", bytes(bare.peak)));
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
