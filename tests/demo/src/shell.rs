//! Runs `psa-host` as a person would, and shows what was typed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Where the commands run, and against what.
#[derive(Debug)]
pub(crate) struct Shell {
    program: PathBuf,
    folder: PathBuf,
}

impl Shell {
    /// Commands run in `folder`; data and key lie in it too.
    ///
    /// # Errors
    /// The program was not built beside this one.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let mut program = std::env::current_exe()?;
        program.set_file_name("psa-host");
        if !program.exists() {
            bail!("{} is not there: run tests/demo/run", program.display());
        }
        Ok(Self {
            program,
            folder: folder.to_owned(),
        })
    }

    /// Announce what comes.
    pub(crate) fn step(&self, what: &str) {
        println!("\n── {what}");
    }

    /// The JSON of a command that is not shown.
    ///
    /// # Errors
    /// No JSON.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.command(arguments).args(["--format", "json"]).output();
        let output = output.context("psa-host could not be started")?;
        serde_json::from_slice(&output.stdout).context("psa-host printed no JSON")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("PSA_HOST_DATA", "data")
            .env("PSA_HOST_KEY_FILE", "key")
            .env("PSA_HOST_DEV_LOOPBACK", "1");
        command
    }

    /// How to go on by hand.
    pub(crate) fn by_hand(&self) -> String {
        let folder = self.folder.display();
        format!(
            "  export PSA_HOST_DATA={folder}/data PSA_HOST_KEY_FILE={folder}/key\n  \
             export PSA_HOST_DEV_LOOPBACK=1\n  \
             alias psa-host={}\n  \
             psa-host approval list northwind --lines",
            self.program.display()
        )
    }

    /// Run one command and show it with what it prints.
    ///
    /// # Errors
    /// An exit status that is none of `expected`.
    pub(crate) fn run(&self, arguments: &[&str], expected: &[i32]) -> Result<()> {
        println!("\n$ psa-host {}", typed(arguments));
        std::io::stdout().flush()?;
        let status = self
            .command(arguments)
            .status()
            .context("psa-host could not be started")?;
        match status.code() {
            Some(code) if expected.contains(&code) => Ok(()),
            _ => bail!("psa-host {} ended with {status}", arguments.join(" ")),
        }
    }
}

/// As a person types it.
fn typed(arguments: &[&str]) -> String {
    let word = |word: &&str| match word.contains(' ') {
        true => format!("'{word}'"),
        false => (*word).to_owned(),
    };
    arguments.iter().map(word).collect::<Vec<_>>().join(" ")
}
