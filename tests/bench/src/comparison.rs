//! The connector in its sandbox against the same code compiled natively, turn by turn,
//! each on a tenant of its own.

// Ratios are for people to compare; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::leg::{Done, Task};
use crate::numbers::{median, ratio, time};
use crate::report::{Report, Row};
use crate::roles;
use crate::sizes::{LATENCY, Sizes};
use crate::tenant::{Counts, Tenant, today};

/// How much longer the sandbox may take where the PSA sets the pace.
const TARGET_WITH_LATENCY: f64 = 1.03;
/// And where it answers at once.
const TARGET_WITHOUT: f64 = 1.5;
/// The same of CPU time, whatever the latency.
const TARGET_CPU: f64 = 1.5;

/// Measure both latencies.
pub fn measure(connector: &Path, sizes: &Sizes, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (latency, target) in [
        (LATENCY, TARGET_WITH_LATENCY),
        (Duration::ZERO, TARGET_WITHOUT),
    ] {
        let mut legs = Legs {
            connector,
            folder: folder.path(),
            sizes,
            latency,
        };
        let (mut wasm, mut native) = (Vec::new(), Vec::new());
        for round in 1..=sizes.rounds {
            report.progress(&format!(
                "Wasm and native in turn at {latency:?}, round {round} of {}",
                sizes.rounds
            ));
            // Who goes first changes too.
            if round % 2 == 0 {
                native.push(legs.run("native-leg")?);
                wasm.push(legs.run("wasm-leg")?);
            } else {
                wasm.push(legs.run("wasm-leg")?);
                native.push(legs.run("native-leg")?);
            }
        }
        add_rows(report, sizes, latency, target, &wasm, &native);
    }
    Ok(())
}

struct Legs<'a> {
    connector: &'a Path,
    folder: &'a Path,
    sizes: &'a Sizes,
    latency: Duration,
}

impl Legs<'_> {
    fn run(&mut self, role: &str) -> Result<(Done, Counts)> {
        let today = today();
        let mut tenant = Tenant::start(self.sizes.comparison, self.latency, today, None)?;
        let task = Task {
            base_url: tenant.ready.base_url.clone(),
            connector: self.connector.to_owned(),
            folder: self.folder.to_owned(),
            today,
            adjustments: self.sizes.adjustments,
        };
        let done: Done = roles::result_of(role, &task)?;
        let counts = tenant.counts()?;
        let rows = tenant.ready.rows;
        ensure!(
            (done.accounts, done.services, done.lines)
                == (rows.companies, rows.services, rows.lines),
            "{role} read {done:?} of {rows:?}"
        );
        let all = self.sizes.adjustments;
        ensure!(
            (done.adjusted, done.confirmed, counts.applied) == (all, all, all),
            "{role} made {done:?}, the tenant took {} adjustments of {all}",
            counts.applied
        );
        Ok((done, counts))
    }
}

fn add_rows(
    report: &mut Report,
    sizes: &Sizes,
    latency: Duration,
    target: f64,
    wasm: &[(Done, Counts)],
    native: &[(Done, Counts)],
) {
    let walls =
        |legs: &[(Done, Counts)]| median(legs.iter().map(|(done, _)| done.used.wall).collect());
    let cpus =
        |legs: &[(Done, Counts)]| median(legs.iter().map(|(done, _)| done.used.cpu).collect());
    let pairs = wasm.iter().zip(native);
    let ratios: Vec<String> = pairs
        .map(|((wasm, _), (native, _))| format!("{:.3}", ratio(wasm.used.wall, native.used.wall)))
        .collect();

    let mut row = Row::new(format!("Wasm over native, wall at {latency:?}"));
    row.times(ratio(walls(wasm), walls(native)), Some(target));
    row.note(format!(
        "{} companies × {} lines, {} adjustments: {} against {} (medians of {}); round by round {}",
        sizes.comparison.companies,
        sizes.comparison.lines_each,
        sizes.adjustments,
        time(walls(wasm)),
        time(walls(native)),
        sizes.rounds,
        ratios.join(" "),
    ));
    let requests = |legs: &[(Done, Counts)]| legs.first().map_or(0, |(_, counts)| counts.total());
    row.note(format!(
        "requests: {} against {}",
        requests(wasm),
        requests(native)
    ));
    report.add(row);

    let mut row = Row::new(format!("Wasm over native, CPU at {latency:?}"));
    row.times(ratio(cpus(wasm), cpus(native)), Some(TARGET_CPU));
    row.note(format!(
        "{} against {}",
        time(cpus(wasm)),
        time(cpus(native))
    ));
    report.add(row);
}
