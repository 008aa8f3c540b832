//! `psa-host count …`

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use psa_host_billing::count::{Basis, Multiplier, Rounding};

#[derive(Debug, Subcommand)]
pub enum CountCommand {
    /// Change how the counts of a mapped module become units; what is not named stays
    #[command(
        override_usage = "psa-host count set [OPTIONS] <N> <MODULE>",
        after_help = "\
Examples:
  psa-host count set acme edr --basis peak
  psa-host count set acme edr --multiplier 0.5 --rounding nearest --included 5
  psa-host count set acme edr --minimum 25 --minimum-until 2027-06-30
  psa-host count set acme edr --minimum-until 2027-12-31
  psa-host count set acme edr --no-minimum          # its dates go too
  psa-host count set acme edr --reset

In this order: the basis (the latest count, or the peak or average since the
billing period began), less what is excluded, times the multiplier, rounded,
less what is included, and at least the minimum on its days."
    )]
    Set(CountSet),
    /// Show how counts become units
    #[command(after_help = "\
Examples:
  psa-host count show acme
  psa-host count show acme edr --format json")]
    Show {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Coro's module; none: all that are mapped
        module: Option<String>,
    },
    /// Leave some of a workspace's users or devices out of the bill, from today on
    #[command(
        override_usage = "psa-host count exclude [OPTIONS] --owner <WHO> --why <TEXT>\n       \
         <N> <WORKSPACE> <MODULE> <COUNT>",
        after_help = "\
Example:
  psa-host count exclude acme ws-17 edr 2 --owner 'J. Doe' \\
      --why 'test phones' --until 2026-12-31

Counted as the module is billed: users or devices. If more are excluded than
are counted, the pair is held."
    )]
    Exclude(CountExclude),
    /// List what is left out of the bill
    #[command(after_help = "\
Examples:
  psa-host count exclusions acme
  psa-host count exclusions acme --all")]
    Exclusions {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Those that were taken back too
        #[arg(long)]
        all: bool,
    },
    /// Take an exclusion back: what it left out is billed again
    #[command(after_help = "Example:\n  psa-host count restore acme e-000003")]
    Restore {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Exclusion, such as e-000003
        id: String,
    },
    /// Show what each basis would make of the stored snapshots
    #[command(after_help = "\
Examples:
  psa-host count simulate acme
  psa-host count simulate acme --module edr --since 2026-11-01
  psa-host count simulate acme --workspace ws-17 --format json

Posts nothing and reads nothing from the PSA. Exclusions and the other steps
of the policy are applied under each basis. Exit status 3 when a pair would be
held because of its count.")]
    Simulate(CountSimulate),
}

#[derive(Debug, Args)]
pub struct CountSet {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Coro's module, mapped to a service
    pub module: String,
    #[command(flatten)]
    pub change: CountChange,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct CountChange {
    /// Which count is billed
    #[arg(long, value_enum)]
    pub basis: Option<BasisWord>,
    /// What becomes of a fraction of a unit; nearest: a half goes up
    #[arg(long, value_enum)]
    pub rounding: Option<RoundingWord>,
    /// Units for each user or device, such as 0.5 or 3
    #[arg(long, value_name = "X")]
    pub multiplier: Option<Multiplier>,
    /// Units that cost nothing
    #[arg(long, value_name = "COUNT")]
    pub included: Option<u32>,
    /// Units that are billed at least
    #[arg(long, value_name = "COUNT", conflicts_with = "no_minimum")]
    pub minimum: Option<u32>,
    /// First day of the minimum
    #[arg(long, value_name = "DATE", conflicts_with = "no_minimum")]
    pub minimum_from: Option<Date>,
    /// Last day of the minimum
    #[arg(long, value_name = "DATE", conflicts_with = "no_minimum")]
    pub minimum_until: Option<Date>,
    /// No minimum any more
    #[arg(long)]
    pub no_minimum: bool,
    /// Bill the latest count as it is
    #[arg(long, conflicts_with_all = [
        "basis", "rounding", "multiplier", "included", "minimum", "minimum_from",
        "minimum_until", "no_minimum",
    ])]
    pub reset: bool,
}

#[derive(Debug, Args)]
pub struct CountExclude {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Coro's workspace
    pub workspace: String,
    /// Coro's module, mapped to a service
    pub module: String,
    /// How many users or devices
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Who answers for it
    #[arg(long, value_name = "WHO")]
    pub owner: String,
    /// Why they are not billed
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// Last day; without it, until it is taken back
    #[arg(long, value_name = "DATE")]
    pub until: Option<Date>,
}

#[derive(Debug, Args)]
pub struct CountSimulate {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Only this module
    #[arg(long)]
    pub module: Option<String>,
    /// Only this workspace, also if it is not billed
    #[arg(long)]
    pub workspace: Option<String>,
    /// The day the billing period is taken to begin on [default: the first of this month]
    #[arg(long, value_name = "DATE")]
    pub since: Option<Date>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum BasisWord {
    /// The newest snapshot's
    Latest,
    /// The highest since the billing period began
    Peak,
    /// The mean of the days since the billing period began
    Average,
}

impl From<BasisWord> for Basis {
    fn from(word: BasisWord) -> Self {
        match word {
            BasisWord::Latest => Self::Latest,
            BasisWord::Peak => Self::Peak,
            BasisWord::Average => Self::Average,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoundingWord {
    Up,
    Down,
    Nearest,
}

impl From<RoundingWord> for Rounding {
    fn from(word: RoundingWord) -> Self {
        match word {
            RoundingWord::Up => Self::Up,
            RoundingWord::Down => Self::Down,
            RoundingWord::Nearest => Self::Nearest,
        }
    }
}
