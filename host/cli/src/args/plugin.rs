//! `psa-host plugin …`

use clap::Subcommand;

use super::ValueArgs;

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Add a plugin from its file; where its name is in use, as a candidate
    #[command(after_help = "\
Example:
  psa-host plugin add autotask.wasm

A plugin does nothing before it is approved. Another file of the same name,
also a newer version, is a candidate: nothing that runs changes before `plugin
approve`.")]
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
  psa-host plugin inspect autotask
  psa-host plugin inspect autotask@5d41402a       # another of its files")]
    Inspect {
        /// A file, or the name of a plugin that was added
        #[arg(value_name = "FILE|NAME[@SHA256]")]
        target: String,
    },
    /// Grant a plugin the hosts it asks for: to exactly one file
    #[command(after_help = "\
Examples:
  psa-host plugin approve autotask
  # all 64 characters
  psa-host plugin approve autotask 5d41402abc4b2a76 \\
      --yes 5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592
  psa-host plugin approve autotask --yes 5d41402abc4b2a76b9719d911017c592 \\
      --accept-difference 1f3c5a7b9d0e
  psa-host plugin approve halo --host psa.northwind.example

Where another file is in use under the name, what differs from it is shown,
and whose secrets the new file would be given; a script says yes with the
whole SHA-256 of the file. After the yes the file is tried for each connection
beside the one in use: its check and a dry run, with every write refused.
Where both say the same, the connection moves. Where tenant key, lines,
contracts, units or what would be posted differ, nothing is changed (exit
status 5): look at the table, and give a second yes to exactly these
differences with --accept-difference. A connection for which the file fails,
or that cannot be reached, is kept on the file before. Every approval is
remembered: name the file before by its SHA-256 to go back to it; it is tried
too. A connection can stay on a file with `connection keep-on`.")]
    Approve {
        /// Plugin
        name: String,
        /// Which of its files, by SHA-256 or its beginning [default: the one not approved yet]
        #[arg(value_name = "SHA256")]
        sha256: Option<String>,
        /// Grant this host too, where the plugin says that its PSA can be self-hosted
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// Do not ask: yes to what differs in the file with this SHA-256, in full
        #[arg(long, value_name = "SHA256")]
        yes: Option<String>,
        /// Second yes: to the differences that a trial showed under this name
        #[arg(long, value_name = "DIGEST")]
        accept_difference: Option<String>,
    },
    /// Set what a plugin asks of the operator
    #[command(after_help = "\
Examples:
  psa-host plugin set autotask --secret integration-code=@code.txt
  psa-host plugin set autotask  # asks for missing secrets")]
    Set {
        /// Plugin
        name: String,
        #[command(flatten)]
        values: ValueArgs,
    },
    /// Remove a plugin that no connection uses, or one of its files that is not in use
    #[command(after_help = "\
Examples:
  psa-host plugin remove autotask --yes
  psa-host plugin remove autotask --file 5d41402a --yes")]
    Remove {
        /// Plugin
        name: String,
        /// Only this file, by SHA-256 or its beginning
        #[arg(long, value_name = "SHA256")]
        file: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}
