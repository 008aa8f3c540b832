//! `psa-host map …`

mod bundle;
mod file;
mod radar;
mod set_aside;
mod suggest;

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::{Access, Done, MappingKind};
use psa_host_wire as wire;

use super::{Status, confirm, id, or_dash};
use crate::args::{MapCommand, MapKind};
use crate::output::{Column, Output, Table, Tone, named};

pub async fn run(command: MapCommand, host: &Access, out: Output) -> Result<Status> {
    let name = |text: &str| id::<ConnectionName>("connection name", text);
    match command {
        MapCommand::Account {
            connection,
            workspace,
            account,
        } => {
            let workspace = id("workspace id", &workspace)?;
            let account = id("account id", &account)?;
            let connection = name(&connection)?;
            let done = host.map_account(&connection, &workspace, &account).await?;
            answer(&done, out)
        }
        MapCommand::SecondTenant {
            connection,
            workspace,
            why,
        } => {
            let connection = name(&connection)?;
            let workspace = id("workspace id", &workspace)?;
            host.allow_second_tenant(&connection, &workspace, &why)?;
            if out.is_json() {
                out.json(&wire::SecondTenant {
                    connection: Cow::Borrowed(&connection),
                    allowed: Cow::Borrowed(&workspace),
                })?;
            } else {
                out.line(format!(
                    "{workspace} may be mapped through {connection} beside its other tenant"
                ))?;
            }
            Ok(Status::Done)
        }
        MapCommand::Service {
            connection,
            module,
            service,
            metric,
        } => {
            let module = id("module id", &module)?;
            let service = id("service id", &service)?;
            let metric = metric.map(Into::into);
            let connection = name(&connection)?;
            let done = host
                .map_service(&connection, &module, &service, metric)
                .await?;
            answer(&done, out)
        }
        MapCommand::Contract {
            connection,
            workspace,
            contract,
        } => {
            let workspace = id("workspace id", &workspace)?;
            let contract = id("contract id", &contract)?;
            let connection = name(&connection)?;
            let done = host
                .map_contract(&connection, &workspace, &contract)
                .await?;
            answer(&done, out)
        }
        MapCommand::Bundle(args) => bundle::bundle(&args, host, out),
        MapCommand::List { connection } => list(&name(&connection)?, host, out),
        MapCommand::Remove {
            connection,
            kind,
            id,
            yes,
        } => {
            let connection = name(&connection)?;
            let what = match kind {
                MapKind::Account => "account",
                MapKind::Service => "service",
                MapKind::Contract => "contract",
            };
            confirm(
                &format!("remove the {what} mapping of {id} in {connection}"),
                yes,
            )?;
            host.unmap(&connection, MappingKind::from(kind), &id)?;
            if out.is_json() {
                out.json(&wire::MapRemoved {
                    connection: Cow::Borrowed(&connection),
                    removed: Cow::Borrowed(what),
                    id: Cow::Borrowed(&id),
                })?;
            } else {
                out.line(format!("removed the {what} mapping of {id}"))?;
            }
            Ok(Status::Done)
        }
        MapCommand::Import(args) => file::import(&args, host, out).await,
        MapCommand::Export(args) => file::export(&args, host, out).await,
        MapCommand::Suggest(args) => suggest::suggest(&args, host, out).await,
        MapCommand::Apply(args) => suggest::apply(&args, host, out).await,
        MapCommand::SetAside(args) => set_aside::set_aside(args, host, out),
        MapCommand::Restore(args) => set_aside::restore(&args, host, out),
        MapCommand::Radar { connection } => radar::radar(&name(&connection)?, host, out).await,
    }
}

fn answer(done: &Done, out: Output) -> Result<Status> {
    out.notes(&done.notes);
    if out.is_json() {
        out.json(done)?;
    } else {
        let was = match done.result.as_ref() {
            "same" => " (as before)",
            "changed" => " (changed)",
            _ => "",
        };
        out.line(format!("{}{was}", done.message))?;
    }
    Ok(Status::Done)
}

fn list(connection: &ConnectionName, host: &Access, out: Output) -> Result<Status> {
    let mapping = host.mapping(connection)?;
    let names = host.names(Some(connection))?;
    if out.is_json() {
        out.json(&wire::Mapping::new(&mapping, connection, &names))?;
        return Ok(Status::Done);
    }
    let cell = |partner: Option<String>| match partner {
        Some(partner) => (partner, Tone::Plain),
        None => ("not mapped".to_owned(), Tone::Attention),
    };
    let mut table = Table::new([
        Column::Left("WORKSPACE"),
        Column::Words("NAME"),
        Column::Left("ACCOUNT"),
        Column::Left("CONTRACT"),
    ]);
    for row in &mapping.accounts {
        let contract = mapping
            .contracts
            .iter()
            .find(|c| c.workspace == row.workspace);
        table.toned([
            (row.workspace.to_string(), Tone::Plain),
            (or_dash(row.name.clone()), Tone::Plain),
            cell(
                row.account
                    .as_ref()
                    .map(|id| named(id, names.account(connection, id))),
            ),
            (
                or_dash(
                    contract
                        .map(|row| named(&row.contract, names.contract(connection, &row.contract))),
                ),
                Tone::Plain,
            ),
        ]);
    }
    out.table(table, "The channel has no workspaces below it.")?;
    out.line("")?;
    let mut table = Table::new([
        Column::Left("MODULE"),
        Column::Words("NAME"),
        Column::Left("SERVICE"),
        Column::Left("BILLED BY"),
    ]);
    for row in &mapping.services {
        let metric = match row.service {
            Some(_) => row.metric.to_string(),
            None => format!("({})", row.metric),
        };
        table.toned([
            (row.module.to_string(), Tone::Plain),
            (row.name.clone(), Tone::Plain),
            cell(
                row.service
                    .as_ref()
                    .map(|id| named(id, names.service(connection, id))),
            ),
            (metric, Tone::Plain),
        ]);
    }
    out.table(table, "No modules.")?;
    Ok(Status::Done)
}
