//! `psa-host plugin …`

use clap::Subcommand;

use super::ValueArgs;

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Add a plugin from its file; one of the same name is replaced
    #[command(after_help = "\
Example:
  psa-host plugin add autotask.wasm

A plugin does nothing before it is approved. Another file, also a newer version, needs a new
approval.")]
    Add {
        /// The .wasm component
        file: String,
    },
    /// List the plugins
    #[command(after_help = "Example:\n  psa-host plugin list")]
    List,
    /// Show everything a plugin asks for: hosts, fields, authentication, writes, limits
    #[command(after_help = "\
Examples:
  psa-host plugin inspect autotask.wasm
  psa-host plugin inspect autotask")]
    Inspect {
        /// A file, or the name of a plugin that was added
        #[arg(value_name = "FILE|NAME")]
        target: String,
    },
    /// Grant a plugin the hosts it asks for: to exactly this file
    #[command(after_help = "Example:\n  psa-host plugin approve autotask")]
    Approve {
        /// Plugin
        name: String,
    },
    /// Set what a plugin asks of the operator
    #[command(after_help = "\
Examples:
  psa-host plugin set autotask --secret integration-code=@code.txt
  psa-host plugin set autotask                      (asks for missing secrets)")]
    Set {
        /// Plugin
        name: String,
        #[command(flatten)]
        values: ValueArgs,
    },
    /// Remove a plugin that no connection uses
    #[command(after_help = "Example:\n  psa-host plugin remove autotask --yes")]
    Remove {
        /// Plugin
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}
