//! The command line as clap reads it. One enum a command family; each command has its
//! examples in its help.

mod budget;
mod connection;
mod count;
mod daemon;
mod decide;
mod history;
mod map;
mod map_bulk;
mod plugin;
mod rules;
mod sheet;
mod sync;
#[cfg(test)]
mod tests;
mod usage;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use budget::BudgetCommand;
pub use connection::{ConnectionCommand, TenantWord};
pub use count::{CountChange, CountCommand, CountExclude, CountSet, CountSimulate};
pub use daemon::{ConfigCommand, PostingCommand, ScheduleCommand, ServeArgs, TokenCommand};
pub use decide::{
    AnswerArgs, ApprovalCommand, ExplainArgs, LineArgs, LineCommand, RetryArgs, RollbackArgs,
};
pub use history::{FormWord, HistoryCommand};
pub use map::{MapCommand, MapKind};
pub use map_bulk::{
    DoubtWord, MapApply, MapBundle, MapExport, MapImport, MapRestore, MapSetAside, MapSuggest,
};
pub use plugin::PluginCommand;
pub use rules::{RulesCommand, RulesSet};
pub use sheet::SheetFile;
pub use sync::{RunCommand, SyncArgs, VerdictWord};
pub use usage::{UsageCommand, UsageImport};
pub use values::{SecretSource, ValueArgs};

/// Exit statuses, in the help of the whole program.
const EXIT: &str = "\
Exit status:
  0  all done
  1  failed; the state is as it was, or the message says what was kept; or one
     of several connections failed
  2  wrong use of the command line
  3  done, but something needs a person (held, waiting for approval, rejected,
     doubtful, nothing mapped, every connection paused; also in a dry run)
  4  a brake was on: nothing was posted and nobody was asked (`sync`; also in a
     dry run); docs/holds.md has every brake
  5  another file of a plugin differs in what it reads or would post: nothing
     was changed, a second yes is needed (`plugin approve`)

Environment:
  PSA_HOST_DATA, PSA_HOST_KEY_FILE, PSA_HOST_DEV_LOOPBACK, PSA_HOST_PROXY,
  PSA_HOST_CA_FILE   the options of the same names
  PSA_HOST_CONFIG, PSA_HOST_LISTEN   the same of `serve`
  PSA_HOST_LOG   what is logged on stderr (error, warn, info, debug)
  NO_COLOR       no colours
  COLUMNS        how wide the terminal is, where it does not say itself

Example, from nothing to the first sync:
  export PSA_HOST_DATA=/var/lib/psa-host
  psa-host plugin add autotask.wasm
  psa-host plugin inspect autotask
  psa-host plugin approve autotask
  psa-host plugin set autotask --secret integration-code=@code.txt
  psa-host workspace import workspaces.json
  psa-host usage import usage.json
  psa-host connection add autotask --name acme --channel msp-1 \\
      --time-zone America/New_York --set username=key@acme.example
  psa-host map import acme mapping.json
  psa-host validate acme
  psa-host sync acme --dry-run
  psa-host sync acme";

/// Keeps PSA billing equal to what Coro actually protects.
#[derive(Debug, Parser)]
#[command(name = "psa-host", version, after_help = EXIT, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command, before or after it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Data directory; made by the first `plugin add` or import
    #[arg(long, global = true, value_name = "DIR", env = "PSA_HOST_DATA")]
    pub data: Option<PathBuf>,

    /// File with the key of the secrets, outside the data directory; made at first need
    /// [default: ~/.config/psa-host/key]
    #[arg(long, global = true, value_name = "FILE", env = "PSA_HOST_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// For development: plain http to this computer, for origins that a setting names
    #[arg(
        long,
        global = true,
        env = "PSA_HOST_DEV_LOOPBACK",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub dev_loopback: bool,

    /// Proxy through which PSAs are reached, such as http://proxy.example:3128; one that only
    /// the environment names (HTTPS_PROXY) is not used
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "PSA_HOST_PROXY",
        hide_env_values = true
    )]
    pub proxy: Option<String>,

    /// File of certificate authorities (PEM) to trust beside those of the system
    #[arg(long, global = true, value_name = "FILE", env = "PSA_HOST_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// How to answer: for people, or JSON for programs (errors too, on standard output)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORMAT"
    )]
    pub format: Format,

    /// Say only what needs a person: no progress, remarks or tables of lines, and nothing at
    /// all where a run or a validation has nothing for one
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Connectors: add, look at, approve, set up
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Coro's workspaces
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Counts of users and devices
    #[command(subcommand)]
    Usage(UsageCommand),
    /// PSA connections of channel workspaces
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Requests that tenants got, and pauses that their PSAs asked for
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// The PSA's customers
    #[command(subcommand)]
    Account(AccountCommand),
    /// What the PSA sells
    #[command(subcommand)]
    Service(ServiceCommand),
    /// The PSA's contracts
    #[command(subcommand)]
    Contract(ContractCommand),
    /// Which workspace is which account, which module which service
    #[command(subcommand)]
    Map(MapCommand),
    /// Look at a whole connection for whatever would be held
    #[command(after_help = "\
Examples:
  psa-host validate acme
  psa-host validate acme --workspace ws-17

Posts nothing. Exit status 3 when something would be held.")]
    Validate {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Only this workspace
        #[arg(long, value_name = "W")]
        workspace: Option<String>,
    },
    /// Post what is used to the PSA
    Sync(SyncArgs),
    /// Runs: list, look at, export, cancel, settle
    #[command(subcommand)]
    Run(RunCommand),
    /// Show where the number of a workspace and a module comes from
    Explain(ExplainArgs),
    /// Changes that wait for a person
    #[command(subcommand)]
    Approval(ApprovalCommand),
    /// Lines whose units somebody changed in the PSA: adopt, overwrite, pin
    #[command(subcommand)]
    Line(LineCommand),
    /// From which date, for whom, up to which limit changes are posted
    #[command(subcommand)]
    Rules(RulesCommand),
    /// How users and devices become units
    #[command(subcommand)]
    Count(CountCommand),
    /// Ask to take back what a run posted
    Rollback(RollbackArgs),
    /// Who changed what: list, export, verify
    #[command(subcommand)]
    History(HistoryCommand),
    /// Sync every connection on its schedule, and serve the API
    Serve(ServeArgs),
    /// Settings of `psa-host serve`
    #[command(subcommand)]
    Config(ConfigCommand),
    /// When connections are synced by themselves
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// The switch that stops all posting
    #[command(subcommand)]
    Posting(PostingCommand),
    /// Tokens for the API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  source <(psa-host completions bash)
  psa-host completions bash > \\
      ~/.local/share/bash-completion/completions/psa-host

Connections, workspaces, modules, runs, questions and plugins complete too:
those of the data directory that PSA_HOST_DATA names.")]
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether it makes sense in a data directory that is yet to be made.
    pub fn may_begin(&self) -> bool {
        matches!(
            self,
            Self::Plugin(PluginCommand::Add { .. } | PluginCommand::Inspect { .. })
                | Self::Workspace(WorkspaceCommand::Import { .. })
                | Self::Usage(UsageCommand::Import(_))
        )
    }
}

#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// Take a list of workspaces over, all or none; those not listed stay
    #[command(after_help = "\
Example:
  psa-host workspace import workspaces.json
  coro-export | psa-host workspace import -

The file:
  {\"workspaces\": [
    {\"id\": \"msp-1\", \"name\": \"Northwind MSP\", \"company\": \"Northwind\",
     \"domain\": \"northwind.example\",
     \"kind\": \"channel\", \"parent\": null, \"status\": \"subscription\"},
    {\"id\": \"ws-17\", \"name\": \"Acme\", \"company\": \"Acme Inc\",
     \"domain\": \"acme.example\",
     \"kind\": \"child\", \"parent\": \"msp-1\", \"status\": \"subscription\",
     \"demo\": false, \"nfr\": false}
  ]}
kind: channel, child, regular.
status: new, trial, subscription, inactive, archived.
With --partial, control characters in names are taken out and told; that alone
leaves a list whole. A list that says it is a page or a part (such as
\"has_more\": true) is taken, and nothing is posted until a whole one is imported.")]
    Import {
        /// JSON file, or - for standard input
        #[arg(value_name = "FILE|-")]
        file: String,
        /// Keep the good rows where others are refused; nothing is posted until a whole list
        /// is imported
        #[arg(long)]
        partial: bool,
        /// Take the file although it looks damaged: it is right
        #[arg(long, value_enum, value_name = "DOUBT")]
        accept: Vec<DoubtWord>,
    },
    /// Show all workspaces
    #[command(after_help = "Example:\n  psa-host workspace list")]
    List,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// List the PSA's accounts
    #[command(after_help = "Example:\n  psa-host account list acme --search smith")]
    List(ListArgs),
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// List the PSA's services and bundles
    #[command(after_help = "Example:\n  psa-host service list acme --search coro")]
    List(ListArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Only those whose name, id, domain or stock number has this text
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// List the contracts of a mapped workspace's account, with today's units
    #[command(after_help = "Example:\n  psa-host contract list acme ws-17")]
    List {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Workspace, mapped to an account
        workspace: String,
    },
}
