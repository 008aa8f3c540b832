//! `psa-host map set-aside`, `map restore`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::{ConnectionName, ModuleId, SetAsideKind, WorkspaceId};
use psa_host_sync::{Access, SetAsideOrder};
use psa_host_wire as wire;

use super::super::{Status, id, or_dash};
use crate::args::{MapRestore, MapSetAside};
use crate::output::{Column, Output, Table, Tone, named};

pub fn set_aside(args: MapSetAside, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    if args.list {
        return list(&connection, host, out);
    }
    let order = SetAsideOrder {
        workspaces: workspaces(&args.workspaces)?,
        modules: modules(&args.modules)?,
        kind: match args.hold {
            true => SetAsideKind::Hold,
            false => SetAsideKind::Exclude,
        },
        why: args.why.unwrap_or_default(),
        until: args.until,
    };
    let notes = host.set_aside(&connection, &order)?;
    let entries = order.workspaces.len() * order.modules.len().max(1);
    if out.is_json() {
        out.json(&wire::SetAsideDone {
            connection: Cow::Borrowed(&connection),
            entries,
            kind: Cow::Borrowed(order.kind.as_str()),
            until: order.until,
            notes: Cow::Borrowed(&notes),
        })?;
        return Ok(Status::Done);
    }
    out.notes(&notes);
    let what = match order.kind {
        SetAsideKind::Exclude => "excluded",
        SetAsideKind::Hold => "held",
    };
    let until = match order.until {
        Some(until) => format!("until {until}"),
        None => "without an end date".to_owned(),
    };
    out.line(format!(
        "{entries} set aside in {connection}: {what} {until}"
    ))?;
    Ok(Status::Done)
}

fn list(connection: &ConnectionName, host: &Access, out: Output) -> Result<Status> {
    let entries = host.set_asides(connection)?;
    let names = host.names(Some(connection))?;
    if out.is_json() {
        let set_asides = wire::Named::all(&entries, connection, &names);
        out.json(&wire::SetAsides {
            connection: Cow::Borrowed(connection),
            set_asides,
        })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Left("KIND"),
        Column::Left("UNTIL"),
        Column::Left("BY"),
        Column::Left("SINCE"),
        Column::Words("WHY"),
    ]);
    for entry in entries {
        let until = match (entry.until, entry.ended) {
            (Some(until), true) => (format!("{until} (ended)"), Tone::Attention),
            (until, _) => (or_dash(until), Tone::Plain),
        };
        let module = entry.module.map_or("all".to_owned(), |module| {
            named(&module, names.module(&module))
        });
        table.toned([
            (
                named(&entry.workspace, names.workspace(&entry.workspace)),
                Tone::Plain,
            ),
            (module, Tone::Plain),
            (entry.kind.as_str().to_owned(), Tone::Plain),
            until,
            (entry.who, Tone::Plain),
            (entry.since.to_string(), Tone::Plain),
            (entry.why, Tone::Plain),
        ]);
    }
    out.table(table, "Nothing is set aside.")?;
    Ok(Status::Done)
}

pub fn restore(args: &MapRestore, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    let (workspaces, modules) = (workspaces(&args.workspaces)?, modules(&args.modules)?);
    let entries = host.restore(&connection, &workspaces, &modules)?;
    if out.is_json() {
        out.json(&wire::SetAsideLifted {
            connection: Cow::Borrowed(&connection),
            restored: entries,
        })?;
    } else {
        out.line(format!("{entries} taken up again in {connection}"))?;
    }
    Ok(Status::Done)
}

fn workspaces(texts: &[String]) -> Result<Vec<WorkspaceId>> {
    texts.iter().map(|text| id("workspace id", text)).collect()
}

fn modules(texts: &[String]) -> Result<Vec<ModuleId>> {
    texts.iter().map(|text| id("module id", text)).collect()
}
