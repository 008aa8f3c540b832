//! The psa-host program: found, set up as an administrator would, and measured.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use made_msp::CHANNEL;
use serde::{Deserialize, Serialize};

use crate::roles;
use crate::tenant::{INTEGRATION_CODE, SECRET, USER};
use crate::used::by_children;

/// The connection's name in each set-up.
pub const CONNECTION: &str = "bench";

/// The program that was built beside this one, unless another is given.
pub fn find(given: Option<PathBuf>) -> Result<PathBuf> {
    let path = match given {
        Some(path) => path,
        None => std::env::current_exe()?.with_file_name("psa-host"),
    };
    path.canonicalize().with_context(|| {
        format!(
            "there is no psa-host at {}: run tests/bench/run",
            path.display()
        )
    })
}

/// psa-host with a data directory of its own.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
}

/// What a measured run used.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Ran {
    /// Exit status; none: ended by a signal.
    pub code: Option<i32>,
    pub wall: Duration,
    pub cpu: Duration,
    /// Largest resident set, in bytes.
    pub peak: u64,
}

/// What the child process that measures is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    path: PathBuf,
    folder: PathBuf,
    arguments: Vec<String>,
    output: PathBuf,
}

impl Program {
    /// Data and key lie in `folder`.
    pub fn new(path: &Path, folder: &Path) -> Self {
        Self {
            path: path.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// The connector installed and approved, the connection made.
    pub fn connect(&self, connector: &Path, base_url: &str) -> Result<()> {
        let file = |name: &str, content: &str| {
            std::fs::write(self.folder.join(name), content).context("a temporary file")
        };
        file("integration-code", INTEGRATION_CODE)?;
        file("secret", SECRET)?;
        std::fs::copy(connector, self.folder.join("autotask.wasm"))?;
        self.run(&["plugin", "add", "autotask.wasm"])?;
        self.run(&["plugin", "approve", "autotask"])?;
        let code = "integration-code=@integration-code";
        self.run(&["plugin", "set", "autotask", "--secret", code])?;
        self.run(&["workspace", "import", "workspaces.json"])?;
        let (user, base_url) = (format!("username={USER}"), format!("base-url={base_url}"));
        let mut add = vec!["connection", "add", "autotask", "--name", CONNECTION];
        add.extend([
            "--channel",
            CHANNEL,
            "--time-zone",
            "UTC",
            "--secret",
            "secret=@secret",
        ]);
        add.extend(["--set", &user, "--set", &base_url]);
        self.run(&add)
    }

    /// Counts and mappings imported.
    pub fn import(&self) -> Result<()> {
        self.run(&["usage", "import", "usage.json"])?;
        self.run(&["map", "import", CONNECTION, "mapping.json"])?;
        // What is measured is a run that posts, not the person who agrees to the first one.
        let ask_nobody = [
            "--ask-new-accounts",
            "no",
            "--ask-rise",
            "none",
            "--ask-fall",
            "none",
        ];
        let rules: Vec<&str> = ["rules", "set", CONNECTION]
            .into_iter()
            .chain(ask_nobody)
            .collect();
        self.run(&rules)
    }

    /// Run a command to its end; it has to succeed.
    pub fn run(&self, arguments: &[&str]) -> Result<()> {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .context("psa-host could not be started")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "psa-host {} ended with {}: {said}",
                arguments.join(" "),
                output.status
            );
        }
        Ok(())
    }

    /// A command, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("PSA_HOST_DATA", "data")
            .env("PSA_HOST_KEY_FILE", self.folder.join("key"))
            .env("PSA_HOST_DEV_LOOPBACK", "1");
        command
    }

    /// Run a command and measure it; what it prints goes to a file.
    pub fn measured(&self, arguments: &[&str]) -> Result<(Ran, PathBuf)> {
        let output = self.folder.join("output");
        let task = Task {
            path: self.path.clone(),
            folder: self.folder.clone(),
            arguments: arguments.iter().map(|part| (*part).to_owned()).collect(),
            output: output.clone(),
        };
        Ok((roles::result_of("run", &task)?, output))
    }
}

/// The child process that measures: it has that one child only, so that the system's
/// figures for its children are that child's.
pub fn play(task: &Task) -> Result<Ran> {
    let arguments: Vec<&str> = task.arguments.iter().map(String::as_str).collect();
    let mut command = Program::new(&task.path, &task.folder).command(&arguments);
    let (cpu_before, _) = by_children()?;
    let begun = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(File::create(&task.output)?)
        .status()
        .context("psa-host could not be started")?;
    let wall = begun.elapsed();
    let (cpu, peak) = by_children()?;
    ensure!(cpu_before.is_zero(), "another child came before");
    Ok(Ran {
        code: status.code(),
        wall,
        cpu,
        peak,
    })
}
