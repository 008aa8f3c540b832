//! `psa-host usage …`

use clap::{Args, Subcommand};

use super::DoubtWord;

#[derive(Debug, Subcommand)]
pub enum UsageCommand {
    /// Import one snapshot of a channel's counts, whole or (--partial) its good rows
    #[command(after_help = "\
Examples:
  psa-host usage import usage.json
  psa-host usage import usage.csv --channel msp-1 \\
      --taken-at 2026-10-01T04:30:00Z --complete

The JSON file:
  {\"channel\": \"msp-1\", \"taken_at\": \"2026-10-01T04:30:00Z\",
   \"complete\": true, \"items\": [
    {\"workspace\": \"ws-17\", \"module\": \"edr\", \"users\": 12, \"devices\": 14}
  ]}
The CSV file (say the rest with options):
  workspace,module,users,devices
  ws-17,edr,12,14
A count that is not known is left out, null or empty: it is never read as 0. A
CSV file with a stray quote or a row of another width is refused whole; one
whose last line has no end, and an id that a spreadsheet may have rounded, are
refused until --accept says that they are right. A JSON file that says it is
complete and also \"has_more\": true or the like is taken as not complete.
With --partial the good rows are kept. What a refused row counts is unread:
its pair is held, or all of its workspace where the module cannot be read;
where the workspace cannot be read either, the snapshot is not complete and
nothing is posted from it.
In JSON, an item may name who was counted, as many as the count says:
    {\"workspace\": \"ws-17\", \"module\": \"edr\", \"users\": 2,
     \"user_names\": [\"ann\", \"ben\"],
     \"devices\": 1, \"device_names\": [\"laptop-7\"]}")]
    Import(UsageImport),
    /// Show the newest snapshot of each channel, or one channel's counts
    #[command(after_help = "\
Examples:
  psa-host usage show
  psa-host usage show --channel msp-1
  psa-host usage show --channel msp-1 --workspace ws-17 --module edr")]
    Show {
        /// Show this channel's newest counts
        #[arg(long, value_name = "WORKSPACE")]
        channel: Option<String>,
        /// Show only this workspace's count, with the names behind it
        #[arg(long, value_name = "WORKSPACE", requires_all = ["channel", "module"])]
        workspace: Option<String>,
        /// Show only this module's count, with the names behind it
        #[arg(long, value_name = "MODULE", requires = "workspace")]
        module: Option<String>,
    },
    /// List snapshots, the one imported last first; withdrawn ones too
    #[command(after_help = "\
Examples:
  psa-host usage list
  psa-host usage list --channel msp-1 --limit 5")]
    List {
        /// Only of this channel
        #[arg(long, value_name = "WORKSPACE")]
        channel: Option<String>,
        /// At most so many
        #[arg(
            long,
            value_name = "N",
            default_value_t = 20,
            value_parser = clap::value_parser!(u32).range(1..=10_000)
        )]
        limit: u32,
    },
    /// Take a wrong snapshot out of the counts for good
    #[command(after_help = "\
Example:
  psa-host usage withdraw u-000012 --why 'counted twice' --yes

It stays, so that what was posted from it can be explained, but nothing is
planned from it or looked back on in it again. What was posted is put right by
the next sync, from the newest snapshot that is left, or taken back with
`psa-host rollback`.")]
    Withdraw {
        /// Snapshot, such as u-000012 (see `psa-host usage list`)
        #[arg(value_name = "SNAPSHOT")]
        id: String,
        /// The reason, kept in the history
        #[arg(long, value_name = "TEXT")]
        why: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub struct UsageImport {
    /// JSON or CSV file, or - for standard input
    #[arg(value_name = "FILE|-")]
    pub file: String,
    /// CSV: the channel workspace counted
    #[arg(long, value_name = "WORKSPACE", requires = "taken_at")]
    pub channel: Option<String>,
    /// CSV: when it was counted, such as 2026-10-01T04:30:00Z
    #[arg(long, value_name = "INSTANT", requires = "channel")]
    pub taken_at: Option<String>,
    /// CSV: nothing below the channel is missing from it
    #[arg(long, requires = "channel")]
    pub complete: bool,
    /// Keep the good rows where others are refused; what those count is unread, and held
    #[arg(long)]
    pub partial: bool,
    /// Take the file although it looks damaged: it is right; more than once for more
    #[arg(long, value_enum, value_name = "DOUBT")]
    pub accept: Vec<DoubtWord>,
}
