//! The same work by a bare script in Python: what the machine's own speed is told by.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::program::{Program, Ran};
use crate::sizes::LATENCY;
use crate::tenant::{Shape, Tenant, today};

const SCRIPT: &str = include_str!("bare_batching.py");

/// A sync of a tenant of its own; none where there is no Python.
pub fn sync(shape: Shape) -> Result<Option<Ran>> {
    let python = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let Some(python) = python.iter().map(Path::new).find(|path| path.exists()) else {
        return Ok(None);
    };
    let folder = tempfile::tempdir()?;
    let today = today();
    let mut tenant = Tenant::start(shape, LATENCY, today, Some(folder.path()))?;
    std::fs::write(folder.path().join("bare.py"), SCRIPT).context("a temporary file")?;
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
        tenant.counts()?.applied == shape.changes,
        "the bare script made other changes: {said}"
    );
    Ok(Some(ran))
}
