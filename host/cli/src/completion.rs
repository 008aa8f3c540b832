//! Completion in the shell. The shell asks this program what could come next, so that own
//! names complete as well as commands: connections, workspaces, modules, runs, questions,
//! plugins of the data directory. A question that cannot be answered (no data directory, no
//! access) completes nothing and says nothing.

use std::ffi::OsStr;
use std::io::Write;

use anyhow::Result;
use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use psa_host_sync::{Actor, Host, HostOptions};

use crate::args::Cli;
use crate::output::WrongUse;

/// The variable by which a shell asks.
const ASKED: &str = "COMPLETE";

/// So many runs are offered, latest first.
const RUNS: u32 = 50;

/// Answer a shell that asks, and end; else come back.
pub fn answer() {
    CompleteEnv::with_factory(command).var(ASKED).complete();
}

/// The script that makes a shell ask.
pub fn script(shell: Shell) -> Result<()> {
    let shells = Shells::builtins();
    let name = shell.to_string();
    let known = shells.completer(&name).ok_or_else(|| {
        let message = format!("there is no completion for {name}");
        WrongUse::new(message, "Name bash, elvish, fish, powershell or zsh.")
    })?;
    // Into memory first: a reader that goes away is no failure.
    let mut script = Vec::new();
    known.write_registration(ASKED, "psa-host", "psa-host", "psa-host", &mut script)?;
    Ok(std::io::stdout().write_all(&script)?)
}

/// The command line with what completes its values.
fn command() -> Command {
    with_names(Cli::command())
}

fn with_names(command: Command) -> Command {
    let family = command.get_name().to_owned();
    let subcommands: Vec<String> = command
        .get_subcommands()
        .map(|one| one.get_name().to_owned())
        .collect();
    let mut command = command.mut_args(|arg| match names_for(&family, &arg) {
        Some(names) => arg.add(ArgValueCompleter::new(move |begun: &OsStr| {
            candidates(names, begun)
        })),
        None => arg,
    });
    for name in subcommands {
        command = command.mut_subcommand(name, with_names);
    }
    command
}

/// What a value can be the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Connections,
    Workspaces,
    Modules,
    Runs,
    Questions,
    Plugins,
}

/// By what the help calls the value.
fn names_for(family: &str, arg: &Arg) -> Option<Names> {
    let called = arg.get_value_names().and_then(|names| names.first());
    match (arg.get_id().as_str(), called.map(|name| name.as_str())) {
        ("limit", _) => None,
        // A name that is not there yet.
        ("name", Some("N")) => None,
        (_, Some("N")) => Some(Names::Connections),
        ("workspace" | "workspaces" | "channel", _) => Some(Names::Workspaces),
        ("module" | "modules" | "bundle", _) => Some(Names::Modules),
        ("run", _) => Some(Names::Runs),
        ("id", _) if matches!(family, "show" | "resolve" | "export") => Some(Names::Runs),
        ("ids", Some("ID")) => Some(Names::Questions),
        ("plugin", _) => Some(Names::Plugins),
        ("name", _) if matches!(family, "approve" | "set" | "remove") => Some(Names::Plugins),
        ("target", _) => Some(Names::Plugins),
        _ => None,
    }
}

fn candidates(names: Names, begun: &OsStr) -> Vec<CompletionCandidate> {
    let Some(begun) = begun.to_str() else {
        return Vec::new();
    };
    let known = known(names).unwrap_or_default().into_iter();
    let fitting = known.filter(|(id, _)| id.starts_with(begun));
    fitting
        .map(|(id, about)| {
            let about = Some(about).filter(|about| !about.is_empty());
            let about =
                about.map(|about| StyledStr::from(crate::output::plain(&about).into_owned()));
            CompletionCandidate::new(id).help(about)
        })
        .collect()
}

/// Each with what it is called.
fn known(names: Names) -> Option<Vec<(String, String)>> {
    let data = std::env::var_os("PSA_HOST_DATA")?;
    // A key that was pressed upgrades nothing.
    let host = Host::open_current(HostOptions::new(data)).ok()??;
    let host = host.access(Actor::operator("completion"));
    Some(match names {
        Names::Connections => {
            let all = host.connections().ok()?.into_iter();
            all.map(|one| (one.name.to_string(), one.status)).collect()
        }
        Names::Workspaces => {
            let all = host.workspaces().ok()?.into_iter();
            all.map(|one| (one.id.to_string(), one.name)).collect()
        }
        Names::Modules => {
            let all = psa_host_sync::modules::KNOWN.iter();
            all.map(|one| (one.id.to_owned(), one.name.to_owned()))
                .collect()
        }
        Names::Runs => {
            let all = host.run_list(None, RUNS).ok()?.into_iter();
            all.map(|one| (one.run, format!("{}, {}", one.connection, one.status)))
                .collect()
        }
        Names::Questions => {
            let all = host.questions(None, false).ok()?.into_iter();
            all.map(|one| (one.id.to_string(), one.question.workspace.to_string()))
                .collect()
        }
        Names::Plugins => {
            let all = host.plugins().ok()?.into_iter();
            all.map(|one| (one.name, one.description.label)).collect()
        }
    })
}
