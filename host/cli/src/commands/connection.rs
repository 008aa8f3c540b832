//! `psa-host connection …`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::{Access, AddConnection, CheckView, TenantDecision};
use psa_host_wire as wire;

use super::{Status, confirm, id, or_dash, plugin_trial};
use crate::args::{ConnectionCommand, TenantWord, ValueArgs};
use crate::output::{Column, Output, Table, Tone, WrongUse, named, tell};
use crate::secrets::{self, Wanted};

pub async fn run(command: ConnectionCommand, host: &Access, out: Output) -> Result<Status> {
    let name = |text: &str| id::<ConnectionName>("connection name", text);
    match command {
        ConnectionCommand::Add(args) => {
            let wanted = wanted(host, &args.plugin)?;
            let new = AddConnection {
                name: name(&args.name)?,
                plugin: args.plugin,
                channel: id("workspace id", &args.channel)?,
                time_zone: args.time_zone,
                values: secrets::values(&args.values, &wanted)?,
            };
            let added = new.name.clone();
            let check = host.add_connection(new).await?;
            if !out.is_json() {
                out.line(format!("added connection {added}"))?;
            }
            report(&check, out)
        }
        ConnectionCommand::Set {
            connection,
            time_zone,
            values,
        } => {
            let connection = name(&connection)?;
            let values = secrets::values(&values, &[])?;
            if values.is_empty() && time_zone.is_none() {
                let fix = "Give --set KEY=VALUE, --secret KEY=@FILE or --time-zone ZONE.";
                return Err(WrongUse::new("nothing is given to set", fix).into());
            }
            host.set_connection(&connection, &values, time_zone.as_deref())?;
            answer(out, "set", &connection)
        }
        ConnectionCommand::Rotate { connection, values } => {
            rotate(&name(&connection)?, &values, host, out).await
        }
        ConnectionCommand::Pause { connection } => {
            let connection = name(&connection)?;
            host.pause_connection(&connection, true)?;
            answer(out, "paused", &connection)
        }
        ConnectionCommand::Resume { connection } => {
            let connection = name(&connection)?;
            host.pause_connection(&connection, false)?;
            answer(out, "resumed", &connection)
        }
        ConnectionCommand::List => list(host, out),
        ConnectionCommand::Check { connection, retry } => {
            let connection = name(&connection)?;
            if retry {
                host.retry_credentials(&connection)?;
            }
            let check = host.check_connection(&connection).await?;
            report(&check, out)
        }
        ConnectionCommand::Tenant {
            connection,
            meaning,
            as_of,
            why,
        } => {
            let connection = name(&connection)?;
            let as_of = as_of.as_deref().map(name).transpose()?;
            let decision = match meaning {
                TenantWord::Same => TenantDecision::Same,
                TenantWord::Different => TenantDecision::Different,
            };
            let tenant = host.decide_tenant(&connection, &decision, as_of.as_ref(), &why)?;
            if !out.is_json() {
                out.line(format!(
                    "connection {connection} belongs to tenant {tenant}"
                ))?;
            }
            let check = host.check_connection(&connection).await?;
            report(&check, out)
        }
        ConnectionCommand::Rebind { connection, yes } => {
            super::rebind::run(&name(&connection)?, yes.as_deref(), host, out).await
        }
        ConnectionCommand::KeepOn {
            connection,
            file,
            accept_difference,
        } => {
            let connection = name(&connection)?;
            let file = Some(file.as_str()).filter(|file| *file != "in-use");
            plugin_trial::keep_on(&connection, file, accept_difference.as_deref(), host, out).await
        }
        ConnectionCommand::Remove { connection, yes } => {
            let connection = name(&connection)?;
            host.connection(&connection)?;
            let what = format!("remove connection {connection} with its mappings and secrets");
            confirm(&what, yes)?;
            host.remove_connection(&connection)?;
            answer(out, "removed", &connection)
        }
    }
}

async fn rotate(
    connection: &ConnectionName,
    values: &ValueArgs,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let plugin = host.connection(connection)?.plugin;
    let wanted = match values.secrets.is_empty() {
        true => wanted(host, &plugin)?,
        false => Vec::new(),
    };
    let values = secrets::values(values, &wanted)?;
    let check = host.rotate_connection(connection, &values).await?;
    report(&check, out)
}

fn answer(out: Output, done: &str, connection: &ConnectionName) -> Result<Status> {
    if out.is_json() {
        out.json(&wire::ConnectionChanged {
            connection: Cow::Borrowed(connection),
            result: Cow::Borrowed(done),
        })?;
    } else {
        out.line(format!("{done} connection {connection}"))?;
    }
    Ok(Status::Done)
}

fn wanted(host: &Access, plugin: &str) -> Result<Vec<Wanted>> {
    let fields = host.connection_secrets(plugin)?;
    let wanted = fields.into_iter().map(|field| Wanted {
        key: field.key,
        label: field.label,
    });
    Ok(wanted.collect())
}

/// A check is an answer also where it found something wrong; the exit status says so.
pub(super) fn report(check: &CheckView, out: Output) -> Result<Status> {
    let status = match (check.is_connected(), check.has_refusals()) {
        (false, _) => Status::Failed,
        (true, true) => Status::NeedsPerson,
        (true, false) => Status::Done,
    };
    if out.is_json() {
        out.json(check)?;
        return Ok(status);
    }
    let tenant = match (&check.tenant_label, &check.tenant) {
        (Some(label), Some(tenant)) => format!(", {label} ({tenant})"),
        _ => String::new(),
    };
    out.line(format!("{}: {}{tenant}", check.connection, check.status))?;
    if let Some(usage) = &check.usage {
        out.line(format!(
            "requests used: {} of {} in {} s",
            usage.used, usage.limit, usage.window_seconds
        ))?;
    }
    let mut table = Table::new([
        Column::Left("PERMISSION"),
        Column::Left("VERDICT"),
        Column::Words("DETAIL"),
    ]);
    for finding in &check.findings {
        let tone = match finding.verdict.as_ref() {
            "proven" => Tone::Good,
            "refused" => Tone::Bad,
            _ => Tone::Attention,
        };
        table.toned([
            (finding.subject.clone(), Tone::Plain),
            (finding.verdict.to_string(), tone),
            (finding.detail.clone(), Tone::Plain),
        ]);
    }
    if !table.is_empty() {
        out.table(table, "")?;
    }
    for incident in &check.incidents {
        let times = match incident.times {
            1 => String::new(),
            times => format!(" ({times} times)"),
        };
        out.line(format!(
            "the plugin was stopped in {}: {}{times} [{}]",
            incident.during, incident.message, incident.code
        ))?;
        if let Some(fix) = &incident.fix {
            out.line(format!("  fix: {fix}"))?;
        }
    }
    if let Some(problem) = &check.problem {
        tell(&mut std::io::stderr().lock(), problem)?;
    }
    Ok(status)
}

fn list(host: &Access, out: Output) -> Result<Status> {
    let connections = host.connections()?;
    if out.is_json() {
        let names = host.names(None)?;
        out.json(&wire::Connections::new(&connections, &names))?;
        return Ok(Status::Done);
    }
    let names = host.names(None)?;
    let mut table = Table::new([
        Column::Left("NAME"),
        Column::Left("PLUGIN"),
        Column::Left("CHANNEL"),
        Column::Left("STATUS"),
        Column::Left("WORKSPACE MAPPING"),
        Column::Left("SERVICE MAPPING"),
        Column::Left("TENANT"),
        Column::Left("TIME ZONE"),
    ]);
    for connection in connections {
        let tone = match connection.code {
            None => Tone::Good,
            Some(_) if connection.paused => Tone::Attention,
            Some(_) => Tone::Bad,
        };
        let of = |coverage: &psa_host_sync::Coverage| match coverage.mapped {
            0 => (coverage.text.clone(), Tone::Attention),
            _ => (coverage.text.clone(), Tone::Plain),
        };
        table.toned([
            (connection.name.to_string(), Tone::Plain),
            (connection.plugin, Tone::Plain),
            (
                named(&connection.channel, names.workspace(&connection.channel)),
                Tone::Plain,
            ),
            (connection.status, tone),
            of(&connection.workspace_mapping),
            of(&connection.service_mapping),
            (or_dash(connection.tenant), Tone::Plain),
            (connection.time_zone, Tone::Plain),
        ]);
    }
    out.table(
        table,
        "No connections. Add one with `psa-host connection add`.",
    )?;
    Ok(Status::Done)
}
