//! What a contract's term costs: the same day without changes where contracts run for
//! 25 more months and where they run for three, turn by turn.

// Ratios are for people to compare; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::numbers::{median, ratio, time};
use crate::program::{CONNECTION, Program};
use crate::report::{Report, Row};
use crate::sizes::{LATENCY, Sizes};
use crate::tenant::{Shape, Tenant, today};

const QUERIES: f64 = 1.15;
const WALL: f64 = 1.1;

/// Billing months still to come, of the long term.
const LONG: i32 = 25;

/// The endpoint that is asked for units.
const UNITS: &str = "ContractServiceUnits";

/// Measure both terms.
pub fn measure(
    psa_host: &Path,
    connector: &Path,
    sizes: &Sizes,
    report: &mut Report,
) -> Result<()> {
    let short = sizes.terms;
    let long = Shape {
        months: LONG,
        ..short
    };
    let (mut of_short, mut of_long) = (Vec::new(), Vec::new());
    for round in 1..=sizes.rounds {
        report.progress(&format!(
            "contracts of {} and of {LONG} months in turn, round {round} of {}",
            short.months, sizes.rounds
        ));
        of_short.push(day(psa_host, connector, short)?);
        of_long.push(day(psa_host, connector, long)?);
    }
    let queries = |days: &[Day]| days.first().map_or(0, |day| day.queries);
    let walls = |days: &[Day]| median(days.iter().map(|day| day.wall).collect());

    let mut row = Row::new(format!("unit queries, {LONG} months over {}", short.months));
    let (many, few) = (queries(&of_long), queries(&of_short));
    row.times(many as f64 / few.max(1) as f64, Some(QUERIES));
    row.note(format!(
        "{} companies × {} lines, a day without changes: {many} queries against {few}",
        short.companies, short.lines_each
    ));
    report.add(row);

    let mut row = Row::new(format!("wall, {LONG} months over {}", short.months));
    row.times(ratio(walls(&of_long), walls(&of_short)), Some(WALL));
    row.note(format!(
        "{} against {} at {LATENCY:?} (medians of {})",
        time(walls(&of_long)),
        time(walls(&of_short)),
        sizes.rounds
    ));
    report.add(row);
    Ok(())
}

struct Day {
    wall: Duration,
    queries: u64,
}

/// One day without changes, on a tenant of its own.
fn day(psa_host: &Path, connector: &Path, shape: Shape) -> Result<Day> {
    let folder = tempfile::tempdir()?;
    let mut tenant = Tenant::start(shape, LATENCY, today(), Some(folder.path()))?;
    let program = Program::new(psa_host, folder.path());
    program.connect(connector, &tenant.ready.base_url)?;
    program.import()?;
    let before = tenant.counts()?;
    let (ran, _) = program.measured(&["sync", CONNECTION])?;
    let counts = tenant.counts()?.since(&before);
    ensure!(
        (ran.code, counts.applied) == (Some(0), 0),
        "the sync ended with {:?} and {} adjustments",
        ran.code,
        counts.applied
    );
    Ok(Day {
        wall: ran.wall,
        queries: counts.requests.get(UNITS).copied().unwrap_or(0),
    })
}
