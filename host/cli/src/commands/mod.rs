//! One file a command family: calls sync, prints what it says.

mod account_money;
mod budget;
mod connection;
mod count;
mod decide;
mod fixes;
mod history;
mod map;
mod plugin;
mod plugin_trial;
mod psa;
mod rebind;
mod report;
mod rollback;
mod rules;
mod run;
mod schedule;
pub mod serve;
mod sync;
mod token;
mod usage;
mod validate;
mod workspace;

use std::io::{IsTerminal, Write};

use anyhow::Result;
use psa_host_sync::{Access, Problem};

use crate::args::{AccountCommand, Command, ContractCommand, ServiceCommand};
use crate::output::{Output, WrongUse, plain, tell};

/// How a command that printed its answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All done.
    Done,
    /// The answer says what failed.
    Failed,
    /// Done, but something needs a person.
    NeedsPerson,
    /// A brake was on: nothing was posted, and nobody was asked.
    Braked,
    /// Another file of a plugin differs in what money hangs on: a second yes is needed.
    Differs,
}

impl Status {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NeedsPerson => 3,
            Self::Braked => 4,
            Self::Differs => 5,
        }
    }
}

pub async fn run(command: Command, host: &Access, out: Output) -> Result<Status> {
    match command {
        Command::Plugin(command) => plugin::run(command, host, out).await,
        Command::Workspace(command) => workspace::run(command, host, out),
        Command::Usage(command) => usage::run(command, host, out),
        Command::Connection(command) => connection::run(command, host, out).await,
        Command::Budget(command) => budget::run(command, host, out),
        Command::Account(AccountCommand::List(list)) => psa::accounts(&list, host, out).await,
        Command::Service(ServiceCommand::List(list)) => psa::services(&list, host, out).await,
        Command::Contract(ContractCommand::List {
            connection,
            workspace,
        }) => psa::contracts(&connection, &workspace, host, out).await,
        Command::Map(command) => map::run(command, host, out).await,
        Command::Validate {
            connection,
            workspace,
        } => validate::run(&connection, workspace.as_deref(), host, out).await,
        Command::Sync(args) => sync::run(&args, host, out).await,
        Command::Run(command) => run::run(command, host, out).await,
        Command::Explain(args) => decide::explain(&args, host, out).await,
        Command::Approval(command) => decide::approval(command, host, out),
        Command::Line(command) => decide::line(command, host, out).await,
        Command::Rules(command) => rules::run(command, host, out),
        Command::History(command) => history::run(command, host, out),
        Command::Count(command) => count::run(command, host, out),
        Command::Rollback(args) => rollback::run(&args, host, out),
        Command::Serve(args) => serve::run(&args, host, out).await,
        Command::Schedule(command) => schedule::run(command, host, out),
        Command::Posting(command) => schedule::posting(command, host, out),
        Command::Token(command) => token::run(command, host, out),
        // Handled before a data directory is opened.
        Command::Completions { .. } | Command::Config(_) => Ok(Status::Done),
    }
}

/// Ask before something that is not easily undone; without a terminal only `--yes` will do.
fn confirm(what: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let message = format!("{what} asks for a confirmation, and there is no terminal");
        return Err(WrongUse::new(message, "Add --yes.").into());
    }
    eprint!("{}? [y/N] ", plain(what));
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(WrongUse::new(
            "not confirmed; nothing was changed",
            "Answer y, or add --yes.",
        )
        .into()),
    }
}

/// An id from the command line.
fn id<T: std::str::FromStr<Err = psa_host_billing::IdError>>(what: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error| {
        let short: String = text.chars().take(60).collect();
        WrongUse::new(format!("{short:?} is no {what}: {error}"), "Correct it.").into()
    })
}

/// Rows of a file that were refused, each on standard error.
fn tell_refused(problems: &[Problem]) -> Result<()> {
    for problem in problems {
        tell(&mut std::io::stderr().lock(), problem)?;
    }
    Ok(())
}

/// Yes, no, or nothing where the PSA does not say.
fn truth(truth: psa_host_billing::Truth) -> &'static str {
    match truth {
        psa_host_billing::Truth::Yes => "yes",
        psa_host_billing::Truth::No => "no",
        psa_host_billing::Truth::Unknown => "?",
    }
}

/// A text, or a dash.
fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}
