//! Options of the `psa-host map …` commands that work on many mappings at once.

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use psa_host_sync::{Doubt, Form};

#[derive(Debug, Args)]
pub struct MapImport {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// JSON, CSV or XLSX file, or - for standard input
    #[arg(value_name = "FILE|-")]
    pub file: String,
    /// Keep the good rows even if there are bad ones
    #[arg(long, conflicts_with = "replace")]
    pub partial: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The file is all there shall be: change what it has otherwise, remove what it lacks
    #[arg(long)]
    pub replace: bool,
    /// With --replace: do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Take the file although it looks damaged: it is right; more than once for more
    #[arg(long, value_enum, value_name = "DOUBT")]
    pub accept: Vec<DoubtWord>,
}

/// What a refusal asked about a file, and a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoubtWord {
    /// CSV: its last line has no end, and it is whole all the same
    MayBeCut,
    /// Ids such as 1E+14 or 9007199254740990 are ids as they stand
    MayBeRounded,
}

impl DoubtWord {
    /// As the calls take them.
    pub fn doubts(words: &[Self]) -> Vec<Doubt> {
        let doubt = |word: &Self| match word {
            Self::MayBeCut => Doubt::MayBeCut,
            Self::MayBeRounded => Doubt::MayBeRounded,
        };
        words.iter().map(doubt).collect()
    }
}

#[derive(Debug, Args)]
pub struct MapExport {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// The form [default: by the file's name, else json]
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: Option<FormWord>,
    /// File to write [default: standard output]
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// Overwrite a file that is there
    #[arg(long, requires = "file")]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FormWord {
    Json,
    Csv,
    Xlsx,
}

impl From<FormWord> for Form {
    fn from(word: FormWord) -> Self {
        match word {
            FormWord::Json => Self::Json,
            FormWord::Csv => Self::Csv,
            FormWord::Xlsx => Self::Xlsx,
        }
    }
}

#[derive(Debug, Args)]
pub struct MapSuggest {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Only accounts for workspaces
    #[arg(long, conflicts_with = "services")]
    pub accounts: bool,
    /// Only services for modules
    #[arg(long)]
    pub services: bool,
    /// Leave out what scores less (0 to 100)
    #[arg(
        long,
        value_name = "S",
        default_value_t = psa_host_sync::SuggestOptions::MIN_SCORE,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    pub min_score: u8,
    /// Also those that have a better one beside them
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct MapApply {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Suggestions, by id (`ws-17=29683481`)
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["suggestions", "safe"],
        conflicts_with_all = ["suggestions", "safe"]
    )]
    pub ids: Vec<String>,
    /// What `map suggest --format json` printed, or - for standard input
    #[arg(long, value_name = "FILE|-")]
    pub suggestions: Option<String>,
    /// All that are safe now
    #[arg(long)]
    pub safe: bool,
    /// With --safe: do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Take the file although it looks damaged: it is right
    #[arg(long, value_enum, value_name = "DOUBT", requires = "suggestions")]
    pub accept: Vec<DoubtWord>,
}

#[derive(Debug, Args)]
pub struct MapBundle {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// The bundle, a module of Coro [default: list all]
    #[arg(value_name = "MODULE")]
    pub bundle: Option<String>,
    /// The modules in it; replaces what was declared before
    #[arg(
        long,
        value_name = "MODULE",
        value_delimiter = ',',
        requires = "bundle"
    )]
    pub of: Vec<String>,
    /// Take the declaration back
    #[arg(long, requires = "bundle", conflicts_with = "of")]
    pub remove: bool,
}

#[derive(Debug, Args)]
pub struct MapSetAside {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Workspace; more than once for more
    #[arg(long = "workspace", value_name = "W", required_unless_present = "list")]
    pub workspaces: Vec<String>,
    /// Only this module of each; more than once for more
    #[arg(long = "module", value_name = "M", requires = "workspaces")]
    pub modules: Vec<String>,
    /// Do not plan, and do not report as unmapped
    #[arg(long, required_unless_present_any = ["hold", "list"], conflicts_with = "hold")]
    pub exclude: bool,
    /// Plan, and hold
    #[arg(long)]
    pub hold: bool,
    /// The reason, shown wherever it counts
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    pub why: Option<String>,
    /// The last day on which it counts, in the connection's time zone
    #[arg(long, value_name = "DATE")]
    pub until: Option<Date>,
    /// Show what is set aside, also what has ended
    #[arg(long, conflicts_with_all = ["workspaces", "modules", "exclude", "hold", "why", "until"])]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct MapRestore {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// Workspace; more than once for more
    #[arg(long = "workspace", value_name = "W", required = true)]
    pub workspaces: Vec<String>,
    /// Only this module of each [default: everything of it that is set aside]
    #[arg(long = "module", value_name = "M")]
    pub modules: Vec<String>,
}
