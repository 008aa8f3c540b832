//! `psa-host budget …`

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Show how many requests each tenant got, and until when its PSA asked for a pause
    #[command(after_help = "\
Examples:
  psa-host budget show
  psa-host budget show acme")]
    Show {
        /// Connection; none: all
        #[arg(value_name = "N")]
        connection: Option<String>,
    },
    /// Lift the pause that a PSA asked for (Retry-After)
    #[command(after_help = "\
Example:
  psa-host budget lift acme --why 'their support reset the limit'

The next request goes at once. Where the PSA still refuses it, the tenant is
paused again.")]
    Lift {
        /// Connection of the tenant
        #[arg(value_name = "N")]
        connection: String,
        /// Why, kept in the history
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}
