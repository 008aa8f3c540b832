//! `psa-host history …`

use clap::{Subcommand, ValueEnum};
use psa_host_sync::{Chain, ExportForm, HistoryHead};

#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Find any entry that was changed, removed, inserted or moved
    #[command(after_help = "\
Examples:
  psa-host history verify
  psa-host history verify --head \\
  9@channel/msp:5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592

There is one chain for each channel and one for the installation; all are
verified, and the last entry of each is printed. Needs the key file. That
entries were cut off at the end is found only with a head that was kept
elsewhere. Exit status 1 when the history does not hold; a key that is missing
or wrong is an error of its own (key-missing, key-wrong) and says nothing
about the history.")]
    Verify {
        /// A head that a report printed, kept where nobody who writes the ledger writes
        #[arg(long, value_name = "SEQ@CHAIN:HEX")]
        head: Option<HistoryHead>,
    },
    /// List entries, oldest first; without --after the latest ones
    #[command(after_help = "\
Examples:
  psa-host history list
  psa-host history list --subject acme --what connection
  psa-host history list --chain channel/msp-1
  psa-host history list --after 100 --limit 50")]
    List {
        /// Only entries after this one
        #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(i64).range(0..))]
        after: Option<i64>,
        /// At most so many
        #[arg(
            long,
            value_name = "N",
            default_value_t = 50,
            value_parser = clap::value_parser!(u32).range(1..=10_000)
        )]
        limit: u32,
        /// Only entries whose subject has this text, and the runs of a connection of this name
        #[arg(long, value_name = "TEXT")]
        subject: Option<String>,
        /// Only entries whose `what` has this text
        #[arg(long, value_name = "TEXT")]
        what: Option<String>,
        /// Only entries of this chain: installation, channel/ID, or former (what versions wrote
        /// that had one chain for all)
        #[arg(long, value_name = "CHAIN", value_parser = chain)]
        chain: Option<Chain>,
    },
    /// Write the history into a file for a spreadsheet
    #[command(after_help = "\
Examples:
  psa-host history export history.csv
  psa-host history export history.xlsx --force
  psa-host history export - | less
  psa-host history export new.csv --after 812  # what came since the last export
  psa-host history export - --format-of xlsx > history.xlsx

Columns: seq, at (UTC), who, what, subject, detail, keyed, hash, chain.
Nothing in the file is calculated: in CSV, a cell that begins with = + - @, a
tab or a carriage return gets an apostrophe before it; in XLSX all cells are
texts. An XLSX sheet that is full is followed by another.")]
    Export {
        /// File that ends with .csv or .xlsx, or - for standard output
        #[arg(value_name = "FILE.csv|FILE.xlsx|-")]
        file: String,
        /// Only entries after this one
        #[arg(
            long,
            value_name = "SEQ",
            default_value_t = 0,
            value_parser = clap::value_parser!(i64).range(0..)
        )]
        after: i64,
        /// What kind of file, where its name does not say [default for -: csv]
        #[arg(long, value_enum, value_name = "FORM")]
        format_of: Option<FormWord>,
        /// Overwrite a file that is there
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormWord {
    /// Text with commas
    Csv,
    /// A workbook
    Xlsx,
}

impl From<FormWord> for ExportForm {
    fn from(word: FormWord) -> Self {
        match word {
            FormWord::Csv => Self::Csv,
            FormWord::Xlsx => Self::Xlsx,
        }
    }
}

fn chain(word: &str) -> Result<Chain, String> {
    let cause = "a chain is `installation`, `channel/` and the id of a channel, or `former`";
    word.parse().map_err(|_| cause.to_owned())
}
