//! `psa-host connection …`

use clap::{Args, Subcommand, ValueEnum};

use super::ValueArgs;

#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// Connect a channel workspace to a PSA, and check it at once
    #[command(
        override_usage = "psa-host connection add [OPTIONS] --name <N> --channel <WORKSPACE>\n       \
         --time-zone <ZONE> <PLUGIN>",
        after_help = "\
Examples:
  psa-host connection add autotask --name acme --channel msp-1 \\
      --time-zone America/New_York \\
      --set username=key@acme.example                    # asks for the secret
  psa-host connection add autotask --name acme --channel msp-1 \\
      --time-zone America/New_York \\
      --set username=key@acme.example --secret secret=@secret.txt

Where the check fails the connection is kept with what is wrong as its status,
and the exit status is 1: set it right with `connection set` or `rotate`, then
`connection check`."
    )]
    Add(AddArgs),
    /// Change settings or the time zone
    #[command(after_help = "\
Examples:
  psa-host connection set acme --set username=other@acme.example
  psa-host connection set acme --set base-url=          # takes the setting away
  psa-host connection set acme --time-zone Europe/Berlin")]
    Set {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// IANA name, such as Europe/Berlin
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
        #[command(flatten)]
        values: ValueArgs,
    },
    /// Put new secrets in the place of old ones, once a check shows that the PSA takes them
    #[command(after_help = "\
Examples:
  psa-host connection rotate acme                       # asks for the secrets
  psa-host connection rotate acme --secret secret=@new.txt

Where the check fails nothing is changed and the exit status is 1: the secrets
from before stay in use. `connection set N --secret KEY=@FILE` puts others in
their place without a check.")]
    Rotate {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        #[command(flatten)]
        values: ValueArgs,
    },
    /// Keep runs away from it
    #[command(after_help = "Example:\n  psa-host connection pause acme")]
    Pause {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
    },
    /// Let runs at it again
    #[command(after_help = "Example:\n  psa-host connection resume acme")]
    Resume {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
    },
    /// List the PSA connectors with their status and mappings
    #[command(after_help = "Example:\n  psa-host connection list")]
    List,
    /// Test the credentials and each permission
    #[command(after_help = "\
Examples:
  psa-host connection check acme
  # refused credentials were put right in the PSA
  psa-host connection check acme --retry

Credentials that the PSA refused are not sent again, also not by a check,
until they are rotated or somebody says --retry: PSAs lock a user after a few
failures.")]
    Check {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Try refused credentials once more
        #[arg(long)]
        retry: bool,
    },
    /// Say what a tenant key means that is known from another plugin or channel
    #[command(after_help = "\
Examples:
  psa-host connection tenant beta same \\
      --why 'both channels bill through one Autotask'
  psa-host connection tenant beta different \\
      --why 'a test system with a copied database'

A plugin only claims which tenant it is at. Where another one, or another
channel, has the key already, the connection is refused as `tenant-claimed`
until you say. `same`: it shares request budget, lock and lines with the
tenant that is known. `different`: it gets its own.")]
    Tenant {
        /// Connection that was refused
        #[arg(value_name = "N")]
        connection: String,
        /// What the key means
        #[arg(value_enum)]
        meaning: TenantWord,
        /// With `same`, where the key means several by now: a connection of the one meant
        #[arg(long = "as", value_name = "N")]
        as_of: Option<String>,
        /// Why, kept in the history
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Go on at the place that the vendor moved the PSA to
    #[command(after_help = "\
Examples:
  psa-host connection rebind acme  # shows what is found there, and asks
  # in scripts: the tenant it showed
  psa-host connection rebind acme --yes webservices31/4

For a connection that is refused as `tenant-changed` although it is the same
PSA: its vendor has moved it. Mapped accounts and known lines are looked for
at the new place and counted; on a yes everything of the tenant moves, for all
its connections at once: lines, pins, dates that are adjusted already,
decisions, approvals. What is in doubt is read there before anything is sent.
Without --yes and without a terminal it only shows, and the exit status is 3.")]
    Rebind {
        /// A connection of the tenant
        #[arg(value_name = "N")]
        connection: String,
        /// Do not ask: the new tenant, as it was shown
        #[arg(long, value_name = "TENANT")]
        yes: Option<String>,
    },
    /// Keep it on one file of its plugin, or let it follow the file in use again
    #[command(after_help = "\
Examples:
  psa-host connection keep-on acme 5d41402a  # an approved file, by its SHA-256
  psa-host connection keep-on acme in-use
  psa-host connection keep-on acme in-use --accept-difference 1f3c5a7b9d0e

Where that is another file than the connection has, it is tried first, as
`plugin approve` does; what differs in tenant key, lines, contracts, units or
what would be posted needs a second yes.")]
    KeepOn {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// SHA-256 of the file, or its beginning; `in-use` to follow the plugin again
        #[arg(value_name = "SHA256|in-use")]
        file: String,
        /// Second yes: to the differences that a trial showed under this name
        #[arg(long, value_name = "DIGEST")]
        accept_difference: Option<String>,
    },
    /// Remove it with its mappings and secrets; its runs stay
    #[command(after_help = "Example:\n  psa-host connection remove acme --yes")]
    Remove {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TenantWord {
    /// The tenant that is known
    Same,
    /// Another one with the same key
    Different,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// Plugin
    pub plugin: String,
    /// A name for the connection
    #[arg(long, value_name = "N")]
    pub name: String,
    /// The channel workspace it is for
    #[arg(long, value_name = "WORKSPACE")]
    pub channel: String,
    /// IANA name of the zone whose days are billed, such as America/New_York
    #[arg(long, value_name = "ZONE")]
    pub time_zone: String,
    #[command(flatten)]
    pub values: ValueArgs,
}
