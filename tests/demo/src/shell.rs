//! Runs `psa-host` as a person would, and shows what was typed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Where the commands run, and against what.
#[derive(Debug)]
pub struct Shell {
    program: PathBuf,
    folder: PathBuf,
}

impl Shell {
    /// Commands run in `folder`; data and key lie in it too.
    ///
    /// # Errors
    /// The program was not built beside this one.
    pub fn new(folder: &Path) -> Result<Self> {
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
    pub fn step(&self, what: &str) {
        println!("\n── {what}");
    }

    /// Run one command and show it with what it prints.
    ///
    /// # Errors
    /// An exit status that is none of `expected`.
    pub fn run(&self, arguments: &[&str], expected: &[i32]) -> Result<()> {
        println!("\n$ psa-host {}", arguments.join(" "));
        std::io::stdout().flush()?;
        let status = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("PSA_HOST_DATA", "data")
            .env("PSA_HOST_KEY_FILE", "key")
            .env("PSA_HOST_DEV_LOOPBACK", "1")
            .status()
            .context("psa-host could not be started")?;
        match status.code() {
            Some(code) if expected.contains(&code) => Ok(()),
            _ => bail!("psa-host {} ended with {status}", arguments.join(" ")),
        }
    }
}
