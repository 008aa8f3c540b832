//! How long it takes to make an instance: a fresh store, the connector in it, and its
//! settings told.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::numbers::{median, time};
use crate::report::{Report, Row};
use crate::roles;
use crate::sizes::Sizes;
use crate::wasm;

const TARGET: Duration = Duration::from_micros(50);

/// What the child process is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    connector: PathBuf,
    folder: PathBuf,
    instances: usize,
}

/// Instances made one after the other, each dropped before the next.
#[derive(Debug, Serialize, Deserialize)]
pub struct Made {
    /// To have one.
    connect: Duration,
    /// To be rid of it.
    drop: Duration,
}

/// Measure it in a process of its own.
pub fn measure(connector: &Path, sizes: &Sizes, report: &mut Report) -> Result<()> {
    report.progress("making instances");
    let folder = tempfile::tempdir()?;
    let task = Task {
        connector: connector.to_owned(),
        folder: folder.path().to_owned(),
        instances: sizes.instances,
    };
    let made: Made = roles::result_of("instantiate", &task)?;
    let mut row = Row::new("instance: make and configure (median)");
    row.at_most(made.connect, TARGET);
    row.note(format!(
        "{} made; dropping one: {}",
        sizes.instances,
        time(made.drop)
    ));
    report.add(row);
    Ok(())
}

/// The child process.
pub fn play(task: &Task) -> Result<Made> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let plugin = wasm::load(&task.connector, &task.folder).await?;
        // Nothing is ever sent there: configuring makes no request.
        let session = wasm::session(&plugin, "http://127.0.0.1:9/ATServicesRest/")?;
        // The first ones touch memory that the later ones find ready.
        for _ in 0..task.instances / 10 + 1 {
            session.connect().await?;
        }
        let (mut connect, mut dropped) = (Vec::new(), Vec::new());
        for _ in 0..task.instances {
            let begun = Instant::now();
            let made = session.connect().await?;
            connect.push(begun.elapsed());
            let begun = Instant::now();
            drop(made);
            dropped.push(begun.elapsed());
        }
        Ok(Made {
            connect: median(connect),
            drop: median(dropped),
        })
    })
}
