//! `psa-host validate`

use anyhow::Result;
use psa_host_sync::{Access, Finding};

use super::{Status, id, or_dash};
use crate::output::{Bar, Column, Output, Table, Tone, number_of};

use super::fixes::Fixes;

pub async fn run(
    connection: &str,
    workspace: Option<&str>,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let name = id("connection name", connection)?;
    let workspace = workspace.map(|text| id("workspace id", text)).transpose()?;
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let validation = host
        .validate_part(&name, workspace.as_ref(), &watch)
        .await?;
    drop(bar);
    let status = match validation.holds() {
        true => Status::NeedsPerson,
        false => Status::Done,
    };
    if out.is_json() {
        out.json(&validation)?;
        return Ok(status);
    }
    let mut table = Table::new([
        Column::Left("HOLDS"),
        Column::Left("CODE"),
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
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
        fixes.see(code, fix, link.as_deref());
        table.toned([
            holds,
            (code.clone(), Tone::Plain),
            (or_dash(workspace.as_ref()), Tone::Plain),
            (or_dash(module.as_ref()), Tone::Plain),
            (message.clone(), Tone::Plain),
        ]);
    }
    out.table(table, "Nothing found.")?;
    fixes.print(out)?;
    out.line(format!(
        "{} of workspace and module looked at for {} in tenant {}, {} good ({})",
        number_of(validation.pairs, "pair"),
        validation.as_of,
        validation.tenant,
        validation.good,
        number_of(validation.requests, "request")
    ))?;
    Ok(status)
}
