//! From the start of the program to its first request to the PSA, with a compiled
//! plugin in the cache.
//!
//! A listener that never answers stands in for the PSA: it notes when the first byte
//! of a request has come, and the program is ended.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::numbers::{median, time};
use crate::program::{CONNECTION, Program};
use crate::report::{Report, Row};
use crate::sizes::Sizes;
use crate::tenant::{Tenant, today};

const TARGET: Duration = Duration::from_millis(100);

/// A program that has not asked by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measure it.
pub fn measure(
    psa_host: &Path,
    connector: &Path,
    sizes: &Sizes,
    report: &mut Report,
) -> Result<()> {
    report.progress("starting psa-host again and again");
    let folder = tempfile::tempdir()?;
    let today = today();
    let program = Program::new(psa_host, folder.path());
    {
        let shape = sizes.comparison;
        let tenant = Tenant::start(shape, Duration::ZERO, today, Some(folder.path()))?;
        program.connect(connector, &tenant.ready.base_url)?;
        program.import()?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let setting = format!("base-url=http://{}/ATServicesRest/", listener.local_addr()?);
    program.run(&["connection", "set", CONNECTION, "--set", &setting])?;
    let mut times = Vec::new();
    // The first one fills the system's file cache.
    for _ in 0..=sizes.starts {
        times.push(once(&program, &listener)?);
    }
    times.remove(0);
    let slowest = times.iter().copied().max().unwrap_or_default();
    let mut row = Row::new("process start to first request (median)");
    row.at_most(median(times), TARGET);
    row.note(format!(
        "{} starts, slowest {}",
        sizes.starts,
        time(slowest)
    ));
    report.add(row);
    Ok(())
}

fn once(program: &Program, listener: &TcpListener) -> Result<Duration> {
    let mut command = program.command(&["sync", CONNECTION, "--dry-run"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().context("psa-host could not be started")?;
    let asked = asked(&mut child, listener, begun);
    let _ = child.kill();
    child.wait()?;
    asked
}

fn asked(child: &mut Child, listener: &TcpListener, begun: Instant) -> Result<Duration> {
    while begun.elapsed() < PATIENCE {
        if let Ok((mut connection, _)) = listener.accept() {
            connection.set_nonblocking(false)?;
            connection.set_read_timeout(Some(PATIENCE))?;
            connection.read_exact(&mut [0])?;
            return Ok(begun.elapsed());
        }
        if let Some(status) = child.try_wait()? {
            bail!("psa-host ended with {status} before it asked anything");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    bail!("psa-host asked nothing within {PATIENCE:?}")
}
