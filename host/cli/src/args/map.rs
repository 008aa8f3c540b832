//! `psa-host map …`

use clap::{Subcommand, ValueEnum};
use psa_host_billing::Metric;
use psa_host_sync::MappingKind;

use super::map_bulk::{
    MapApply, MapBundle, MapExport, MapImport, MapRestore, MapSetAside, MapSuggest,
};

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
    /// Say why a workspace may be mapped in a second tenant of its channel
    #[command(after_help = "\
Example:
  psa-host map second-tenant beta ws-17 --why 'EDR is billed in the subsidiary'

A workspace that is mapped in two PSAs is billed twice, so the second mapping
is refused until somebody says why.")]
    SecondTenant {
        /// Connection of the second mapping
        #[arg(value_name = "N")]
        connection: String,
        /// Coro's workspace
        workspace: String,
        /// Why, kept in the history
        #[arg(long, value_name = "TEXT")]
        why: String,
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
    /// Declare which modules a bundle of Coro holds, or list what is declared
    #[command(after_help = "\
Examples:
  psa-host map bundle acme essentials-bundle \\
      --of endpoint-security,email-security
  psa-host map bundle acme essentials-bundle --remove
  psa-host map bundle acme

Coro does not publish what its bundles hold. A customer who uses or pays for a
bundle and for a module in it is held (code bundle-and-part); the others are
billed.")]
    Bundle(MapBundle),
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
  psa-host map import acme mapping.xlsx --dry-run
  psa-host map import acme mapping.csv --partial
  psa-host map import acme mapping.xlsx --replace

As JSON:
  {\"accounts\":  [{\"workspace\": \"ws-17\", \"account\": \"29683481\"}],
   \"services\":  [{\"module\": \"edr\", \"service\": \"41\", \"metric\": \"devices\"}],
   \"contracts\": [{\"workspace\": \"ws-17\", \"contract\": \"30012\"}]}
As CSV or XLSX (one sheet; columns of names may stand beside and are not read):
  kind,coro_id,psa_id,metric
  account,ws-17,29683481,
  service,edr,41,devices
  contract,ws-17,30012,
What would be added, changed or removed is shown before anything is written.
Bad rows are reported with their place. Without --partial nothing is kept then
(exit status 1); with it the good rows are (exit status 3).")]
    Import(MapImport),
    /// Print all mappings, or write them to a file, in a form that can be imported
    #[command(after_help = "\
Examples:
  psa-host map export acme > mapping.json
  psa-host map export acme mapping.xlsx --force
  psa-host map export acme --as csv > mapping.csv

CSV and XLSX have the names on both sides too, for people; an import does not
read them. A cell that a spreadsheet would take for a formula has an
apostrophe before it, which an import takes off.")]
    Export(MapExport),
    /// Propose accounts for workspaces and services for modules that are not mapped
    #[command(after_help = "\
Examples:
  psa-host map suggest acme
  psa-host map suggest acme --accounts --min-score 90
  psa-host map suggest acme --format json > suggestions.json

Saves nothing. Verdicts: safe (an exact fact shows it, and nobody else claims
either side), likely (look first), ambiguous (another is about as good:
choose), weak (there is a better one; with --all). Take some with `psa-host
map apply`.")]
    Suggest(MapSuggest),
    /// Take chosen suggestions, each checked as an import checks its rows
    #[command(after_help = "\
Examples:
  psa-host map apply acme ws-17=29683481 edr=41
  psa-host map apply acme --safe
  psa-host map apply acme --suggestions suggestions.json
  psa-host map apply acme --suggestions - --safe --yes

The file is what `psa-host map suggest --format json` printed: take out what
is wrong, and leave one where several are ambiguous. --safe takes only what is
safe now, after asking. Refused rows are reported, and the others kept (exit
status 3).")]
    Apply(MapApply),
    /// Set workspaces, or modules of them, aside: excluded or held, with a reason
    #[command(after_help = "\
Examples:
  psa-host map set-aside acme --workspace ws-17 --exclude \\
      --why \"billed by our distributor\"
  psa-host map set-aside acme --workspace ws-18 --module edr --hold \\
      --why \"contract is being renewed\" --until 2026-12-31
  psa-host map set-aside acme --list

--exclude: not planned, and not reported as unmapped. --hold: planned and held,
with the reason in every report. After its last day an entry counts no more, but
stays listed.")]
    SetAside(MapSetAside),
    /// Take up again what was set aside
    #[command(after_help = "\
Examples:
  psa-host map restore acme --workspace ws-17
  psa-host map restore acme --workspace ws-18 --module edr")]
    Restore(MapRestore),
    /// Show what is in use and not mapped, newest first, with what is at stake
    #[command(after_help = "\
Example:
  psa-host map radar acme

Of paid subscriptions, less what is set aside. Money is units times the PSA's
list price for one period; of a module without a service, at the price of the
one that `map suggest` proposes: an estimate, with a ~ before it.")]
    Radar {
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
