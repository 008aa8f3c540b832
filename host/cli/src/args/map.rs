//! `psa-host map …`

use clap::{Subcommand, ValueEnum};
use psa_host_billing::Metric;
use psa_host_sync::MappingKind;

#[derive(Debug, Subcommand)]
pub enum MapCommand {
    /// Map a workspace to an account of the PSA
    #[command(after_help = "Example:\n  psa-host map account acme ws-17 29683481")]
    Account {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Coro's workspace
        workspace: String,
        /// The PSA's account, by id (see `psa-host account list`)
        account: String,
    },
    /// Map a module to a service of the PSA
    #[command(after_help = "\
Examples:
  psa-host map service acme edr 41
  psa-host map service acme edr 41 --metric users")]
    Service {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Coro's module
        module: String,
        /// The PSA's service, by id (see `psa-host service list`)
        service: String,
        /// What is billed [default: what it was, or what the module counts by nature]
        #[arg(long, value_enum)]
        metric: Option<MetricWord>,
    },
    /// Choose the contract of a workspace where several could be
    #[command(after_help = "Example:\n  psa-host map contract acme ws-17 30012")]
    Contract {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Coro's workspace
        workspace: String,
        /// The PSA's contract, by id (see `psa-host contract list`)
        contract: String,
    },
    /// Show all workspaces and modules with what they are mapped to
    #[command(after_help = "Example:\n  psa-host map list acme")]
    List {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
    },
    /// Remove a mapping
    #[command(after_help = "\
Examples:
  psa-host map remove acme account ws-17 --yes
  psa-host map remove acme service edr --yes
  psa-host map remove acme contract ws-17 --yes")]
    Remove {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Which mapping
        #[arg(value_enum)]
        kind: MapKind,
        /// Coro's side of it: the workspace or the module
        id: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Import mappings from a file; every row is checked on both sides
    #[command(after_help = "\
Examples:
  psa-host map import acme mapping.json
  psa-host map import acme mapping.json --partial

The file:
  {\"accounts\":  [{\"workspace\": \"ws-17\", \"account\": \"29683481\"}],
   \"services\":  [{\"module\": \"edr\", \"service\": \"41\", \"metric\": \"devices\"}],
   \"contracts\": [{\"workspace\": \"ws-17\", \"contract\": \"30012\"}]}
Bad rows are reported with their place. Without --partial nothing is kept then (exit status
1); with it the good rows are (exit status 3).")]
    Import {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// JSON file, or - for standard input
        #[arg(value_name = "FILE|-")]
        file: String,
        /// Keep the good rows even if there are bad ones
        #[arg(long)]
        partial: bool,
    },
    /// Print all mappings in the form that can be imported
    #[command(after_help = "Example:\n  psa-host map export acme > mapping.json")]
    Export {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MapKind {
    Account,
    Service,
    Contract,
}

impl From<MapKind> for MappingKind {
    fn from(kind: MapKind) -> Self {
        match kind {
            MapKind::Account => Self::Account,
            MapKind::Service => Self::Service,
            MapKind::Contract => Self::Contract,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MetricWord {
    Users,
    Devices,
}

impl From<MetricWord> for Metric {
    fn from(word: MetricWord) -> Self {
        match word {
            MetricWord::Users => Self::Users,
            MetricWord::Devices => Self::Devices,
        }
    }
}
