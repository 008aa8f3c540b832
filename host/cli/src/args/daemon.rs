//! `psa-host serve`, and what goes with it: schedules, the stop of all posting, tokens.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use psa_host_sync::Role;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  psa-host serve
  psa-host serve --config psa-host.toml
  psa-host config example > psa-host.toml

Each connection is synced on its schedule (`psa-host schedule list`), and the
API is served at http://127.0.0.1:8620/api/v1, for whoever has a token
(`psa-host token add`). What happens is logged on standard error.

SIGTERM or Ctrl-C: no run begins any more, and what is in flight is finished
and read back, for a minute at most. Once more stops at once: what was sent by
then is settled by the next start.")]
pub struct ServeArgs {
    /// Settings, as `psa-host config example` prints them; none: the defaults
    #[arg(long, value_name = "FILE", env = "PSA_HOST_CONFIG")]
    pub config: Option<PathBuf>,

    /// Where the API is served, instead of what the settings say
    #[arg(long, value_name = "IP:PORT", env = "PSA_HOST_LISTEN")]
    pub listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting with its default and its meaning
    #[command(after_help = "Example:\n  psa-host config example > psa-host.toml")]
    Example,
    /// Say whether a file can be used
    #[command(after_help = "Example:\n  psa-host config check psa-host.toml")]
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Show when connections are synced by themselves
    #[command(after_help = "Example:\n  psa-host schedule list")]
    List,
    /// Show what became of the dates that a connection was due on
    #[command(after_help = "Example:\n  psa-host schedule show acme")]
    Show {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// At most so many dates, newest first
        #[arg(long, value_name = "COUNT", default_value_t = 14)]
        limit: u32,
    },
    /// Set when a connection is synced by itself, in its time zone
    #[command(after_help = "\
Examples:
  psa-host schedule set acme 06:15
  psa-host schedule set acme '30 5 * * MON-FRI'
  psa-host schedule set acme off
  psa-host schedule set acme default

default is 05:30, or 04:30 UTC where Coro's refresh (04:00 UTC) would come
within three hours after that. A cron expression names one time of its days: a
date is done once. Connections are spread over half an hour after their time.")]
    Set {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// default, off, a time of day, or a cron expression of five fields
        #[arg(value_name = "SCHEDULE")]
        schedule: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum PostingCommand {
    /// Show whether anything may be posted
    #[command(after_help = "Example:\n  psa-host posting show")]
    Show,
    /// Stop all posting, everywhere, until `posting resume`
    #[command(after_help = "\
Example:
  psa-host posting stop --why 'the counts of today look wrong'

No run begins that would post, and one under way sends nothing more. Dry runs
go on.")]
    Stop {
        /// Why, kept in the history
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let be posted again
    #[command(after_help = "Example:\n  psa-host posting resume --why 'they were right'")]
    Resume {
        /// Why, kept in the history
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for the API; it is shown this once
    #[command(after_help = "\
Examples:
  psa-host token add monitoring --role viewer
  psa-host token add ann --role admin --channel msp-1 --days 30")]
    Add {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// What its bearer may do
        #[arg(long, value_enum)]
        role: RoleWord,
        /// Channel workspace in which, and below; may be repeated; none: everywhere
        #[arg(long = "channel", value_name = "W")]
        channels: Vec<String>,
        /// Days until it ends
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
    },
    /// Show all tokens, without what lets anybody in
    #[command(after_help = "Example:\n  psa-host token list")]
    List,
    /// Take a token away
    #[command(after_help = "Example:\n  psa-host token remove monitoring")]
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// A role, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleWord {
    /// Looks, and changes nothing
    Viewer,
    /// Maps workspaces and modules, and says what is counted
    Mapper,
    /// Approves what is posted, and starts runs
    Approver,
    /// Runs a channel
    Admin,
    /// Runs the installation
    Operator,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Mapper => Self::Mapper,
            RoleWord::Approver => Self::Approver,
            RoleWord::Admin => Self::Admin,
            RoleWord::Operator => Self::Operator,
        }
    }
}
