//! A simulated tenant in a process of its own, so that neither its CPU nor its memory
//! is counted. It ends when its standard input does: nothing is left behind, however
//! the benchmark ends.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::roles;

/// The API user that each tenant knows, as the simulator has it without being told.
pub const USER: &str = "api@sim.example";
/// Its secret.
pub const SECRET: &str = "sim-secret";
/// The vendor's tracking identifier.
pub const INTEGRATION_CODE: &str = "SIM-TRACKING-CODE";

/// What a tenant holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Shape {
    /// Companies, each with one contract.
    pub companies: usize,
    /// Lines on each contract.
    pub lines_each: usize,
    /// Lines that are behind the counts.
    pub changes: usize,
    /// Billing months still open, so many unit rows a line from today on.
    pub months: i32,
}

/// The day all legs are made for: in UTC, as the connection's zone and the simulator's.
pub fn today() -> Date {
    Timestamp::now().to_zoned_datetime(TimeZone::UTC).date()
}

/// What the tenant's process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub shape: Shape,
    pub latency: Duration,
    pub today: Date,
    /// Where to write the import files of Coro's side; none: nowhere.
    pub files: Option<PathBuf>,
}

/// Rows by entity, as a run has to read them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Rows {
    pub companies: usize,
    pub services: usize,
    pub contracts: usize,
    pub lines: usize,
    /// Unit rows of the period that holds today and of the one after it, of all lines.
    pub window: usize,
    /// Unit rows that end today or later, of the lines that are to change.
    pub whole: usize,
}

/// What the tenant's process says once it can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    pub base_url: String,
    pub rows: Rows,
}

/// What a tenant counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Requests by endpoint.
    pub requests: BTreeMap<String, u64>,
    /// Adjustments that took effect.
    pub applied: usize,
    /// The most requests at once on any endpoint.
    pub at_once: usize,
}

impl Counts {
    /// What came after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let requests = self.requests.iter().map(|(endpoint, count)| {
            (
                endpoint.clone(),
                count - earlier.requests.get(endpoint).unwrap_or(&0),
            )
        });
        Self {
            requests: requests.filter(|(_, count)| *count > 0).collect(),
            applied: self.applied - earlier.applied,
            at_once: self.at_once,
        }
    }

    /// All requests together.
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }
}

/// A tenant at work.
#[derive(Debug)]
pub struct Tenant {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where it is and what it holds.
    pub ready: Ready,
}

impl Tenant {
    /// Make one, and wait until it can be asked.
    pub fn start(
        shape: Shape,
        latency: Duration,
        today: Date,
        files: Option<&Path>,
    ) -> Result<Self> {
        let task = Task {
            shape,
            latency,
            today,
            files: files.map(Path::to_owned),
        };
        let mut child = roles::command("tenant", &task)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulated tenant could not be started")?;
        let questions = child.stdin.take();
        let answers = child
            .stdout
            .take()
            .context("a child without standard output")?;
        let mut answers = BufReader::new(answers);
        let ready = line(&mut answers).context("the simulated tenant did not get ready")?;
        Ok(Self {
            child,
            questions,
            answers,
            ready,
        })
    }

    /// What it counted so far.
    pub fn counts(&mut self) -> Result<Counts> {
        let questions = self.questions.as_mut().context("the tenant has ended")?;
        questions.write_all(b"counts\n")?;
        questions.flush()?;
        line(&mut self.answers)
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        drop(self.questions.take());
        if let Err(error) = self.child.wait() {
            eprintln!("bench: the simulated tenant: {error}");
        }
    }
}

fn line<T: serde::de::DeserializeOwned>(answers: &mut impl BufRead) -> Result<T> {
    let mut text = String::new();
    let read = answers.read_line(&mut text)?;
    ensure!(read > 0, "the simulated tenant ended");
    Ok(serde_json::from_str(&text)?)
}
