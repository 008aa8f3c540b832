//! A sync of an MSP as most are, with as many changes as customers, and the same by a bare
//! script, turn by turn.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::bare;
use crate::numbers::{median, ratio, time};
use crate::program::{CONNECTION, Program, Ran};
use crate::report::{Report, Row};
use crate::sizes::{LATENCY, Sizes};
use crate::tenant::{Shape, Tenant, today};

const WALL: f64 = 1.05;

/// Measure both.
pub fn measure(
    psa_host: &Path,
    connector: &Path,
    sizes: &Sizes,
    report: &mut Report,
) -> Result<()> {
    let shape = sizes.typical;
    let (mut ours, mut bare_ones) = (Vec::new(), Vec::new());
    for round in 1..=sizes.rounds {
        report.progress(&format!(
            "{} companies with {} changes, and a bare script, round {round} of {}",
            shape.companies, shape.changes, sizes.rounds
        ));
        ours.push(sync(psa_host, connector, shape)?);
        bare_ones.extend(bare::sync(shape)?);
    }
    let mut row = Row::new("typical MSP: wall over a bare script's");
    let wall = |runs: &[Ran]| median(runs.iter().map(|ran| ran.wall).collect());
    if bare_ones.is_empty() {
        row.note(format!("{}; no python3 here", time(wall(&ours))));
    } else {
        row.times(ratio(wall(&ours), wall(&bare_ones)), Some(WALL));
        row.note(format!(
            "{} companies × {} lines, {} changes: {} against {} at {LATENCY:?} (medians of {})",
            shape.companies,
            shape.lines_each,
            shape.changes,
            time(wall(&ours)),
            time(wall(&bare_ones)),
            sizes.rounds
        ));
    }
    report.add(row);
    Ok(())
}

fn sync(psa_host: &Path, connector: &Path, shape: Shape) -> Result<Ran> {
    let folder = tempfile::tempdir()?;
    let mut tenant = Tenant::start(shape, LATENCY, today(), Some(folder.path()))?;
    let program = Program::new(psa_host, folder.path());
    program.connect(connector, &tenant.ready.base_url)?;
    program.import()?;
    let before = tenant.counts()?;
    let (ran, _) = program.measured(&["sync", CONNECTION])?;
    let applied = tenant.counts()?.since(&before).applied;
    ensure!(
        (ran.code, applied) == (Some(0), shape.changes),
        "the sync ended with {:?} and {applied} adjustments",
        ran.code
    );
    Ok(ran)
}
