//! `psa-host validate`

use anyhow::Result;
use psa_host_sync::{Access, Finding};
use psa_host_wire as wire;

use super::{Status, id, or_dash};
use crate::output::{Column, Output, Table, Tone, named, number_of};

use super::fixes::Fixes;

pub async fn run(
    connection: &str,
    workspace: Option<&str>,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let name = id("connection name", connection)?;
    let workspace = workspace.map(|text| id("workspace id", text)).transpose()?;
    let bar = out.bar();
    let watch = |progress| bar.show(progress);
    let validation = host
        .validate_part(&name, workspace.as_ref(), &watch)
        .await?;
    drop(bar);
    let status = match validation.holds() {
        true => Status::NeedsPerson,
        false => Status::Done,
    };
    let names = host.names(Some(&name))?;
    if out.is_json() {
        out.json(&wire::Validation::new(&validation, &names))?;
        return Ok(status);
    }
    if out.is_quiet() && !validation.holds() {
        return Ok(status);
    }
    let mut table = Table::new([
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Left("CODE"),
        Column::Left("HOLDS"),
        Column::Words("WHAT"),
    ]);
    let mut fixes = Fixes::default();
    for finding in &validation.findings {
        let Finding {
            code,
            workspace,
            module,
            message,
            fix,
            link,
            ..
        } = finding;
        let holds = match finding.holds {
            true => ("yes".to_owned(), Tone::Bad),
            false => ("no".to_owned(), Tone::Attention),
        };
        let action = wire::Validation::action(finding, &validation.connection);
        fixes.see(code, fix, action, link.as_deref());
        table.toned([
            (
                or_dash(workspace.as_ref().map(|id| named(id, names.workspace(id)))),
                Tone::Plain,
            ),
            (
                or_dash(module.as_ref().map(|id| named(id, names.module(id)))),
                Tone::Plain,
            ),
            (code.clone(), Tone::Plain),
            holds,
            (message.clone(), Tone::Plain),
        ]);
    }
    out.line(format!(
        "{} of workspace and module looked at for {} in tenant {}, {} good ({})",
        number_of(validation.pairs, "pair"),
        validation.as_of,
        validation.tenant,
        validation.good,
        number_of(validation.requests, "request")
    ))?;
    fixes.print(out)?;
    if !out.is_quiet() {
        out.line("")?;
        out.table(table, "Nothing found.")?;
    }
    Ok(status)
}
