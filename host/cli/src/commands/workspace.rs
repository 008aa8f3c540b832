//! `psa-host workspace …`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::WorkspaceKind;
use psa_host_sync::{Access, Source};
use psa_host_wire as wire;

use super::{Status, or_dash, tell_refused};
use crate::args::{DoubtWord, WorkspaceCommand};
use crate::output::{Column, Output, Table, Tone, number_of};

pub fn run(command: WorkspaceCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        WorkspaceCommand::Import {
            file,
            partial,
            accept,
        } => {
            let source = Source::read(&file)?
                .accepting(&DoubtWord::doubts(&accept))
                .keeping_good_rows(partial);
            let done = host.import_workspaces(&source)?;
            out.notes(&done.notes);
            if out.is_json() {
                out.json(&done)?;
            } else {
                tell_refused(&done.refused)?;
                let refused = match done.refused.len() {
                    0 => String::new(),
                    refused => format!(", {} refused", number_of(refused, "row")),
                };
                out.line(format!(
                    "{} added, {} changed, {} unchanged{refused}",
                    number_of(done.added, "workspace"),
                    done.changed,
                    done.unchanged
                ))?;
            }
            if done.needs_a_person() {
                return Ok(Status::NeedsPerson);
            }
        }
        WorkspaceCommand::List => {
            let workspaces = host.workspaces()?;
            if out.is_json() {
                out.json(&wire::Workspaces {
                    workspaces: Cow::Borrowed(&workspaces),
                })?;
                return Ok(Status::Done);
            }
            let mut table = Table::new([
                Column::Left("ID"),
                Column::Words("NAME"),
                Column::Words("COMPANY"),
                Column::Left("DOMAIN"),
                Column::Left("KIND"),
                Column::Left("PARENT"),
                Column::Left("STATUS"),
                Column::Left("BILLED"),
            ]);
            for workspace in workspaces {
                let billed = match (workspace.is_paid(), workspace.demo, workspace.nfr) {
                    (true, ..) => ("yes".to_owned(), Tone::Good),
                    (false, true, _) => ("no (demo)".to_owned(), Tone::Plain),
                    (false, false, true) => ("no (not for resale)".to_owned(), Tone::Plain),
                    (false, false, false) => ("no".to_owned(), Tone::Plain),
                };
                let kind = match workspace.kind {
                    WorkspaceKind::Channel => "channel",
                    WorkspaceKind::Child => "child",
                    WorkspaceKind::Regular => "regular",
                };
                table.toned([
                    (workspace.id.to_string(), Tone::Plain),
                    (workspace.name, Tone::Plain),
                    (or_dash(workspace.company), Tone::Plain),
                    (or_dash(workspace.domain), Tone::Plain),
                    (kind.to_owned(), Tone::Plain),
                    (or_dash(workspace.parent), Tone::Plain),
                    (workspace.status.to_string(), Tone::Plain),
                    billed,
                ]);
            }
            let none = "No workspaces. Import them with `psa-host workspace import FILE`.";
            out.table(table, none)?;
        }
    }
    Ok(Status::Done)
}
