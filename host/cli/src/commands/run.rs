//! `psa-host run …`

use anyhow::Result;
use psa_host_sync::Host;
use psa_host_sync::run::Verdict;
use serde_json::json;

use super::report::{RunJson, print};
use super::{Status, id};
use crate::args::{RunCommand, VerdictWord};
use crate::output::{Column, Output, Table, Tone};

pub fn run(command: RunCommand, host: &Host, out: Output) -> Result<Status> {
    match command {
        RunCommand::List { connection, limit } => {
            let name = connection
                .map(|name| id("connection name", &name))
                .transpose()?;
            list(host, name.as_ref(), limit, out)?;
        }
        RunCommand::Show { id, all } => {
            let report = host.run_report(id.parse().map_err(psa_host_sync::Error::from)?)?;
            if out.is_json() {
                out.json(&RunJson(&report))?;
            } else {
                print(&report, all, out)?;
            }
        }
        RunCommand::Resolve {
            id: run,
            line,
            verdict,
        } => {
            let id_of_run = run.parse().map_err(psa_host_sync::Error::from)?;
            let (verdict, word) = match verdict {
                VerdictWord::Confirmed => (Verdict::Confirmed, "confirmed"),
                VerdictWord::NotApplied => (Verdict::NotApplied, "not-applied"),
            };
            host.resolve(id_of_run, &id("line id", &line)?, verdict)?;
            if out.is_json() {
                out.json(&json!({ "run": run, "line": line, "resolved": word }))?;
            } else {
                out.line(format!("line {line} of run {run} is {word}"))?;
            }
        }
    }
    Ok(Status::Done)
}

fn list(
    host: &Host,
    connection: Option<&psa_host_billing::ConnectionName>,
    limit: u32,
    out: Output,
) -> Result<()> {
    let runs = host.run_list(connection, limit)?;
    if out.is_json() {
        return Ok(out.json(&json!({ "runs": runs }))?);
    }
    let mut table = Table::new([
        Column::Left("RUN"),
        Column::Left("CONNECTION"),
        Column::Left("STARTED"),
        Column::Left("FOR"),
        Column::Left("STATUS"),
        Column::Right("CONFIRMED"),
        Column::Right("UNCHANGED"),
        Column::Right("PLANNED"),
        Column::Right("WAITING"),
        Column::Right("HELD"),
        Column::Right("REJECTED"),
        Column::Right("DOUBTFUL"),
        Column::Right("REQUESTS"),
        Column::Left("BY"),
    ]);
    for run in runs {
        let count = |outcome: &str| run.counts.get(outcome).copied().unwrap_or(0);
        let dry = if run.dry_run { " (dry run)" } else { "" };
        let tone = match run.status {
            "done" | "running" => Tone::Plain,
            "failed" | "abandoned" | "interrupted" => Tone::Bad,
            _ => Tone::Attention,
        };
        let cell = |outcome: &str, tone: Tone| match count(outcome) {
            0 => ("-".to_owned(), Tone::Plain),
            some => (some.to_string(), tone),
        };
        table.toned([
            (run.run.clone(), Tone::Plain),
            (run.connection.to_string(), Tone::Plain),
            (format!("{:.0}", run.started_at), Tone::Plain),
            (run.as_of.to_string(), Tone::Plain),
            (format!("{}{dry}", run.status), tone),
            cell("confirmed", Tone::Good),
            cell("unchanged", Tone::Plain),
            cell("planned", Tone::Plain),
            cell("awaiting-approval", Tone::Attention),
            cell("held", Tone::Attention),
            cell("rejected", Tone::Bad),
            cell("doubtful", Tone::Bad),
            (run.requests.to_string(), Tone::Plain),
            (run.started_by.clone(), Tone::Plain),
        ]);
    }
    Ok(out.table(table, "No runs yet.")?)
}
