//! The other things this program can be: a child process of a benchmark.
//!
//! A role takes its task as JSON in one argument and prints its result as one line of
//! JSON; what it has to say to a person goes to standard error.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{instantiate, leg, native, program, tenant_role, wasm};

/// What a child process is.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub enum Role {
    /// A simulated tenant.
    #[command(hide = true)]
    Tenant { task: String },
    /// The connector in its sandbox, at work.
    #[command(hide = true)]
    WasmLeg { task: String },
    /// The same connector without sandbox and WebAssembly.
    #[command(hide = true)]
    NativeLeg { task: String },
    /// Making instances.
    #[command(hide = true)]
    Instantiate { task: String },
    /// Runs one program and says what it used.
    #[command(hide = true)]
    Run { task: String },
}

impl Role {
    /// Do it.
    pub fn play(self) -> Result<()> {
        match self {
            Self::Tenant { task } => tenant_role::play(&parse(&task)?),
            Self::WasmLeg { task } => {
                let task: leg::Task = parse(&task)?;
                print(&wasm::play(&task)?)
            }
            Self::NativeLeg { task } => {
                let task: leg::Task = parse(&task)?;
                print(&native::play(&task)?)
            }
            Self::Instantiate { task } => print(&instantiate::play(&parse(&task)?)?),
            Self::Run { task } => print(&program::play(&parse(&task)?)?),
        }
    }
}

fn parse<T: DeserializeOwned>(task: &str) -> Result<T> {
    serde_json::from_str(task).context("a role's task is not what this program gives")
}

fn print<T: Serialize>(result: &T) -> Result<()> {
    println!("{}", serde_json::to_string(result)?);
    Ok(())
}

/// This program in another role, not started yet.
pub fn command<T: Serialize>(role: &str, task: &T) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role).arg(serde_json::to_string(task)?);
    Ok(command)
}

/// Run a role to its end and take its result.
pub fn result_of<T: Serialize, R: DeserializeOwned>(role: &str, task: &T) -> Result<R> {
    let output = command(role, task)?
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{role} could not be started"))?;
    ensure!(
        output.status.success(),
        "{role} ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("{role} gave no result"))
}
