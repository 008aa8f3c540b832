//! `psa-host account list`, `service list`, `contract list`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::Line;
use psa_host_sync::Access;
use psa_host_wire as wire;

use super::{Status, id, or_dash, truth};
use crate::args::ListArgs;
use crate::output::{Column, Output, Table};

pub async fn accounts(args: &ListArgs, host: &Access, out: Output) -> Result<Status> {
    let name = id("connection name", &args.connection)?;
    let bar = out.bar();
    let watch = |progress| bar.show(progress);
    let accounts = host.accounts(&name, args.search.as_deref(), &watch).await?;
    drop(bar);
    if out.is_json() {
        out.json(&wire::Accounts {
            connection: Cow::Borrowed(&name),
            accounts: Cow::Borrowed(&accounts),
        })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("ID"),
        Column::Words("NAME"),
        Column::Left("ACTIVE"),
        Column::Left("DOMAIN"),
    ]);
    for account in accounts {
        table.row([
            account.id.to_string(),
            account.name,
            truth(account.active).to_owned(),
            or_dash(account.domain),
        ]);
    }
    out.table(table, "No such accounts.")?;
    Ok(Status::Done)
}

pub async fn services(args: &ListArgs, host: &Access, out: Output) -> Result<Status> {
    let name = id("connection name", &args.connection)?;
    let bar = out.bar();
    let watch = |progress| bar.show(progress);
    let services = host.services(&name, args.search.as_deref(), &watch).await?;
    drop(bar);
    if out.is_json() {
        out.json(&wire::Services {
            connection: Cow::Borrowed(&name),
            services: Cow::Borrowed(&services),
        })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("ID"),
        Column::Words("NAME"),
        Column::Left("ACTIVE"),
        Column::Left("SKU"),
        Column::Right("UNIT PRICE"),
        Column::Left("BUNDLE OF"),
    ]);
    for service in services {
        let parts: Vec<&str> = service.parts.iter().map(|part| part.as_str()).collect();
        table.row([
            service.id.to_string(),
            service.name.clone(),
            truth(service.active).to_owned(),
            or_dash(service.sku.clone()),
            or_dash(service.unit_price.as_ref()),
            or_dash(Some(parts.join(", ")).filter(|parts| !parts.is_empty())),
        ]);
    }
    out.table(table, "No such services.")?;
    Ok(Status::Done)
}

pub async fn contracts(
    connection: &str,
    workspace: &str,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let name = id("connection name", connection)?;
    let workspace = id("workspace id", workspace)?;
    let (today, contracts) = host.contracts(&name, &workspace).await?;
    let names = host.names(Some(&name))?;
    if out.is_json() {
        let about = (&name, &workspace);
        out.json(&wire::Contracts::new(about, today, &contracts, &names))?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("CONTRACT"),
        Column::Words("NAME"),
        Column::Left("FROM"),
        Column::Left("TO"),
        Column::Left("ACTIVE"),
        Column::Left("RECURRING"),
        Column::Left("LINE"),
        Column::Left("SERVICE"),
        Column::Right("UNITS TODAY"),
    ]);
    for contract in &contracts {
        let head = [
            contract.id.to_string(),
            contract.name.clone(),
            or_dash(contract.start),
            or_dash(contract.end),
            truth(contract.active).to_owned(),
            truth(contract.recurring).to_owned(),
        ];
        let mut rows = contract.lines.iter();
        let first = rows.next();
        let [id, name, from, to, active, recurring] = head;
        let (line, service, units) = first.map_or_else(none, |line| of_line(line, today));
        table.row([id, name, from, to, active, recurring, line, service, units]);
        for line in rows {
            let (line, service, units) = of_line(line, today);
            let empty = String::new;
            table.row([
                empty(),
                empty(),
                empty(),
                empty(),
                empty(),
                empty(),
                line,
                service,
                units,
            ]);
        }
    }
    out.table(table, "The account has no recurring contracts.")?;
    for contract in &contracts {
        if let Some(note) = &contract.note {
            out.line(format!("contract {}: {note}", contract.id))?;
        }
    }
    Ok(Status::Done)
}

fn none() -> (String, String, String) {
    ("-".to_owned(), "-".to_owned(), "-".to_owned())
}

fn of_line(line: &Line, today: jiff::civil::Date) -> (String, String, String) {
    let units = match &line.timeline {
        Err(why) => format!("? ({why})"),
        Ok(timeline) => or_dash(timeline.at(today).map(|segment| segment.units)),
    };
    (
        line.key.line.to_string(),
        line.key.service.to_string(),
        units,
    )
}
