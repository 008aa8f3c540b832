//! `psa-host budget …`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::Access;
use psa_host_wire as wire;

use super::{Status, id, or_dash};
use crate::args::BudgetCommand;
use crate::output::{Column, Output, Table, Tone};

pub fn run(command: BudgetCommand, host: &Access, out: Output) -> Result<Status> {
    let name = |text: &str| id::<ConnectionName>("connection name", text);
    match command {
        BudgetCommand::Show { connection } => {
            let connection = connection.as_deref().map(name).transpose()?;
            show(connection.as_ref(), host, out)
        }
        BudgetCommand::Lift { connection, why } => {
            let connection = name(&connection)?;
            let until = host.lift_pause(&connection, &why)?;
            if out.is_json() {
                out.json(&wire::BudgetLifted {
                    connection: Cow::Borrowed(&connection),
                    lifted: until,
                })?;
            } else {
                out.line(format!(
                    "lifted the pause of the tenant of {connection}, which was to last until {until}"
                ))?;
            }
            Ok(Status::Done)
        }
    }
}

fn show(connection: Option<&ConnectionName>, host: &Access, out: Output) -> Result<Status> {
    let budgets = host.budgets(connection)?;
    if out.is_json() {
        out.json(&wire::Budgets {
            budgets: Cow::Borrowed(&budgets),
        })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("TENANT"),
        Column::Left("CONNECTIONS"),
        Column::Left("SENT BY US"),
        Column::Left("USED BY ALL"),
        Column::Left("LIMIT"),
        Column::Left("PAUSED UNTIL"),
    ]);
    for budget in budgets {
        let connections: Vec<&str> = budget.connections.iter().map(|c| c.as_str()).collect();
        let limit = match (budget.limit, budget.window_seconds) {
            (Some(limit), Some(seconds)) => Some(format!("{limit} in {seconds} s")),
            _ => None,
        };
        let used = budget
            .used
            .map(|seen| format!("{} at {}", seen.used, seen.at));
        table.toned([
            (or_dash(budget.tenant), Tone::Plain),
            (connections.join(", "), Tone::Plain),
            (budget.spent.to_string(), Tone::Plain),
            (or_dash(used), Tone::Plain),
            (or_dash(limit), Tone::Plain),
            (or_dash(budget.paused_until), Tone::Attention),
        ]);
    }
    out.table(
        table,
        "No connections. Add one with `psa-host connection add`.",
    )?;
    Ok(Status::Done)
}
