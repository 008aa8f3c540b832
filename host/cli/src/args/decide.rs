//! `psa-host explain`, `line …`, `approval …` and `rollback`: what people ask and decide.

use clap::{Args, Subcommand};

use super::SheetFile;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  psa-host explain acme ws-17 edr

Reads the PSA and posts nothing.")]
pub struct ExplainArgs {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Coro's workspace
    pub workspace: String,
    /// Coro's module
    pub module: String,
}

#[derive(Debug, Subcommand)]
pub enum LineCommand {
    /// List what was decided about lines
    #[command(after_help = "Example:\n  psa-host line list acme")]
    List {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
    },
    /// The units in the PSA are right until the count changes
    #[command(
        after_help = "Example:\n  psa-host line adopt acme ws-17 edr --why 'agreed by phone'"
    )]
    Adopt(LineArgs),
    /// The count is right: units changed by others may be overwritten, once
    #[command(
        after_help = "Example:\n  psa-host line overwrite acme ws-17 edr --why 'a typing error'"
    )]
    Overwrite(LineArgs),
    /// Leave the line alone, whatever the count
    #[command(after_help = "Example:\n  psa-host line pin acme ws-17 edr --why 'flat rate'")]
    Pin(LineArgs),
    /// Send changes again that the PSA refused twice
    #[command(after_help = "\
Examples, once what the PSA objected to is corrected:
  psa-host line retry acme --all --why 'the contract was extended'
  psa-host line retry acme 4711 4712 --why 'the service is active again'")]
    Retry(RetryArgs),
    /// Take a decision back
    #[command(
        after_help = "Example:\n  psa-host line release acme ws-17 edr --why 'flat rate has ended'"
    )]
    Release(LineArgs),
}

#[derive(Debug, Args)]
pub struct RetryArgs {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Lines, by the PSA's ids
    #[arg(
        value_name = "LINE",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub lines: Vec<String>,
    /// All lines of the connection that are held for it
    #[arg(long)]
    pub all: bool,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

#[derive(Debug, Args)]
pub struct LineArgs {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Coro's workspace
    pub workspace: String,
    /// Coro's module
    pub module: String,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// List changes that wait for a person; those of new accounts as one sum a connection
    #[command(after_help = "\
Examples:
  psa-host approval list acme
  psa-host approval list acme --lines     # those of new accounts line by line
  psa-host approval list --all")]
    List {
        /// Connection
        #[arg(value_name = "N")]
        connection: Option<String>,
        /// Those answered, posted or superseded too
        #[arg(long)]
        all: bool,
        /// Each line of new accounts too, not their sum alone
        #[arg(long)]
        lines: bool,
    },
    /// Write what waits into a file for a spreadsheet
    #[command(after_help = "\
Examples:
  psa-host approval export approvals.xlsx
  psa-host approval export approvals.csv --connection acme --all --force

One row a question, with names beside ids. No text in the file is calculated;
numbers are numbers.")]
    Export {
        #[command(flatten)]
        file: SheetFile,
        /// Only of this connection
        #[arg(long, value_name = "N")]
        connection: Option<String>,
        /// Those answered, posted or superseded too
        #[arg(long)]
        all: bool,
    },
    /// Let changes be posted by the next sync
    #[command(after_help = "\
Examples:
  psa-host approval approve q-000012 q-000013 --why 'ordered on 20 November'
  psa-host approval approve --new-accounts acme \\
      --why 'the sums are those of our list'
  psa-host approval approve --new-accounts acme --account 174 \\
      --why 'checked by phone'
  psa-host approval approve --all-of acme --why 'checked against the list' --yes

A change is posted if it is looked at again and is the same then, or departs
from what was shown, in its direction, by no more than posts unasked; else it
is asked anew.")]
    Approve(AnswerArgs),
    /// Do not post changes
    #[command(
        after_help = "Example:\n  psa-host approval reject q-000012 --why 'the count is wrong'"
    )]
    Reject(AnswerArgs),
    /// Ask again about changes that were rejected, or approved and not posted yet
    #[command(
        after_help = "Example:\n  psa-host approval reopen q-000012 --why 'the count was right'"
    )]
    Reopen(AnswerArgs),
}

#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// Questions, such as q-000012
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["all_of", "new_accounts"],
        conflicts_with_all = ["all_of", "new_accounts"]
    )]
    pub ids: Vec<String>,
    /// All that wait in this connection
    #[arg(long, value_name = "N", conflicts_with = "new_accounts")]
    pub all_of: Option<String>,
    /// All that wait of this connection's new accounts
    #[arg(long, value_name = "N")]
    pub new_accounts: Option<String>,
    /// Of the new accounts only this one, by the PSA's id
    #[arg(long, value_name = "ID", requires = "new_accounts")]
    pub account: Option<String>,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// Do not ask for a confirmation of --all-of or --new-accounts
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  psa-host rollback r-000012 --dry-run
  psa-host rollback r-000012 --why 'wrong snapshot'

Shows what it comes to, by service and by currency, and asks; --dry-run only
shows it. Puts the opposing change of each confirmed line to approval, from
the same day where the PSA takes a second change for a day, else from the day
after; what is posted by then stays billed. The lines are pinned, so that no
sync brings the old numbers back; `psa-host line release` lets one go again.")]
pub struct RollbackArgs {
    /// Run, such as r-000012
    pub run: String,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub why: Option<String>,
    /// Show what it comes to, and ask nobody
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask for a confirmation
    #[arg(long)]
    pub yes: bool,
}
