//! `psa-host sync` and `psa-host run …`

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use psa_host_billing::brake::BrakeCode;

use super::SheetFile;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  psa-host sync                        # every connection that is not paused
  psa-host sync acme --dry-run
  psa-host sync acme --format json
  psa-host sync acme --release too-many-accounts \\
      --why 'all were moved to the new bundle'
  psa-host sync acme --wait
  psa-host sync acme --workspace ws-00042 --dry-run
  psa-host sync acme --workspace 'Cedar Dental' --workspace ws-00042
  psa-host sync --new --quiet  # what a person has to know, by mail from cron

Ctrl-C, SIGTERM or `psa-host run cancel`: what is in flight is finished and
read back, the rest is not sent. A second Ctrl-C stops at once, and the next
sync reads what may have been sent. With --workspace the PSA is read and the
brakes look at all customers as ever; what is posted, asked and reported is
that of the workspaces named. With one N the JSON is that run; with none or
several it is {\"runs\": [...]}. The table sums unchanged lines up; --all
lists them.")]
pub struct SyncArgs {
    /// Connections; none: all that are not paused
    #[arg(value_name = "N")]
    pub connections: Vec<String>,
    /// Plan and report, post nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The civil date to plan for, in the connection's zone [default: today there]. For
    /// another day than today it is a dry run, always: nothing is posted, asked or settled.
    /// How old the counts are is judged by today
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Post, ask and report for this workspace alone, by id or name; may be given again. For
    /// one connection. All others are left as they are
    #[arg(long = "workspace", value_name = "W")]
    pub workspaces: Vec<String>,
    /// Release a brake for this run, by its code; for one connection, with --why
    #[arg(long, value_name = "CODE", requires = "why", value_parser = releasable)]
    pub release: Vec<BrakeCode>,
    /// Why it is released, kept in the history and in the report
    #[arg(long, value_name = "TEXT", requires = "release")]
    pub why: Option<String>,
    /// Where adjustments have no certain answer: wait until their lines may be read (ten
    /// minutes, unless the plugin says longer), read them, and send what is missing once more
    #[arg(long, conflicts_with = "dry_run")]
    pub wait: bool,
    /// List unchanged lines too
    #[arg(long)]
    pub all: bool,
    /// List only what the run before did not say: new holds, changes, questions
    #[arg(long, conflicts_with = "all")]
    pub new: bool,
}

/// A brake that a person may release.
fn releasable(text: &str) -> Result<BrakeCode, String> {
    let code: BrakeCode = text.parse().map_err(|error| format!("{error}"))?;
    match code.never_released() {
        None => Ok(code),
        Some(why) => Err(format!("{code} cannot be released: {why}")),
    }
}

#[derive(Debug, Subcommand)]
pub enum RunCommand {
    /// List runs, latest first
    #[command(after_help = "Example:\n  psa-host run list acme --limit 5")]
    List {
        /// Connection
        #[arg(value_name = "N")]
        connection: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show a run as it is known today
    #[command(after_help = "\
Examples:
  psa-host run show r-000012
  psa-host run show r-000012 --new")]
    Show {
        /// Run, such as r-000012
        id: String,
        /// List unchanged lines too
        #[arg(long)]
        all: bool,
        /// List only what the run before did not say: new holds, changes, questions
        #[arg(long, conflicts_with = "all")]
        new: bool,
    },
    /// Write every line of a run's report into a file for a spreadsheet
    #[command(after_help = "\
Examples:
  psa-host run export r-000012 report.xlsx
  psa-host run export r-000012 report.csv --force

One row a pair of workspace and module, with names beside ids. No text in the
file is calculated; numbers are numbers.")]
    Export {
        /// Run, such as r-000012
        id: String,
        #[command(flatten)]
        file: SheetFile,
    },
    /// End a run that is under way: what is in flight is finished and read back, the rest is
    /// not sent
    #[command(after_help = "\
Examples:
  psa-host run cancel acme
  psa-host run cancel r-000012 --wait

The process of the run notices it within a second. What was not sent is
planned anew by the next sync.")]
    Cancel {
        /// Run, such as r-000012; or the connection whose run is under way
        #[arg(value_name = "RUN|N")]
        target: String,
        /// Come back only when the run has ended
        #[arg(long)]
        wait: bool,
    },
    /// Settle adjustments whose outcome their lines themselves cannot tell
    #[command(after_help = "\
Examples, after looking at the lines in the PSA:
  psa-host run resolve r-000012 4711 confirmed
  psa-host run resolve r-000012 4711 4712 4713 not-applied")]
    Resolve {
        /// Run, such as r-000012
        id: String,
        /// Lines, by the PSA's ids: all are settled, or none
        #[arg(required = true, value_name = "LINE")]
        lines: Vec<String>,
        /// What became of it
        #[arg(value_enum)]
        verdict: VerdictWord,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum VerdictWord {
    /// It took effect
    Confirmed,
    /// It did not take effect
    NotApplied,
}
