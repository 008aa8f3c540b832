//! `psa-host token …`

use anyhow::Result;
use jiff::SignedDuration;
use psa_host_billing::WorkspaceId;
use psa_host_sync::Access;
use psa_host_wire as wire;

use super::{Status, id, or_dash};
use crate::args::TokenCommand;
use crate::output::{Column, Output, Table, Tone};

pub fn run(command: TokenCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        TokenCommand::Add {
            name,
            role,
            channels,
            days,
        } => {
            let channels = channels
                .iter()
                .map(|channel| id::<WorkspaceId>("workspace id", channel))
                .collect::<Result<Vec<_>>>()?;
            let channels = Some(channels).filter(|channels| !channels.is_empty());
            let end = host.now() + SignedDuration::from_hours(24 * i64::from(days));
            let made = host.add_token(&name, role.into(), channels, end)?;
            if out.is_json() {
                out.json(&wire::TokenAdded { made })?;
            } else {
                out.line(&made.secret)?;
                let end = made.token.expires_at;
                if !out.is_quiet() {
                    eprintln!("This is the token {name}, shown this once; it ends on {end:.0}.");
                }
            }
        }
        TokenCommand::List => list(host, out)?,
        TokenCommand::Remove { name } => {
            host.remove_token(&name)?;
            if out.is_json() {
                out.json(&wire::TokenRemoved {
                    token: name,
                    removed: true,
                })?;
            } else {
                out.line(format!("the token {name} lets nobody in any more"))?;
            }
        }
    }
    Ok(Status::Done)
}

fn list(host: &Access, out: Output) -> Result<()> {
    let tokens = host.tokens()?;
    if out.is_json() {
        return Ok(out.json(&wire::Tokens { tokens })?);
    }
    let mut table = Table::new([
        Column::Left("TOKEN"),
        Column::Left("ROLE"),
        Column::Left("CHANNELS"),
        Column::Left("MADE BY"),
        Column::Left("ENDS"),
        Column::Left("LAST USED"),
    ]);
    for token in tokens {
        let channels = token.channels.map(|channels| {
            let channels: Vec<&str> = channels.iter().map(WorkspaceId::as_str).collect();
            channels.join(", ")
        });
        let tone = match token.expired {
            true => Tone::Attention,
            false => Tone::Plain,
        };
        table.toned([
            (token.name, Tone::Plain),
            (token.role, Tone::Plain),
            (channels.unwrap_or_else(|| "all".to_owned()), Tone::Plain),
            (token.created_by, Tone::Plain),
            (format!("{:.0}", token.expires_at), tone),
            (
                or_dash(token.last_used_at.map(|at| format!("{at:.0}"))),
                Tone::Plain,
            ),
        ]);
    }
    Ok(out.table(table, "No tokens. Make one with `psa-host token add`.")?)
}
