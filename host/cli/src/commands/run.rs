//! `psa-host run …`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_sync::run::{CancelAsked, CancelTarget, Verdict};
use psa_host_sync::{Access, RunView};
use psa_host_wire as wire;

use super::history::written;
use super::sync::Shown;
use super::{Status, id};
use crate::args::{RunCommand, VerdictWord};
use crate::output::{Column, Output, Table, Tone};

pub async fn run(command: RunCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        RunCommand::List { connection, limit } => {
            let name = connection
                .map(|name| id("connection name", &name))
                .transpose()?;
            list(host, name.as_ref(), limit, out)?;
        }
        RunCommand::Show { id, all, new } => {
            let report = host.run_report(id.parse().map_err(psa_host_sync::Error::from)?)?;
            Shown::new(report, new, host)?.print(all, host, out)?;
        }
        RunCommand::Export { id, file } => {
            let run = id.parse().map_err(psa_host_sync::Error::from)?;
            let (path, form) = file.form()?;
            let done = host.export_run(run, path, form, file.force)?;
            written(&done, "line", out)?;
        }
        RunCommand::Cancel { target, wait } => cancel(&target, wait, host, out).await?,
        RunCommand::Resolve {
            id: run,
            lines,
            verdict,
        } => {
            let id_of_run = run.parse().map_err(psa_host_sync::Error::from)?;
            let (verdict, word) = match verdict {
                VerdictWord::Confirmed => (Verdict::Confirmed, "confirmed"),
                VerdictWord::NotApplied => (Verdict::NotApplied, "not-applied"),
            };
            let ids = lines.iter().map(|line| id("line id", line));
            let ids: Vec<_> = ids.collect::<Result<_>>()?;
            host.resolve(id_of_run, &ids, verdict)?;
            if out.is_json() {
                out.json(&wire::RunResolved {
                    run: Cow::Borrowed(&run),
                    lines: Cow::Borrowed(&lines),
                    resolved: Cow::Borrowed(word),
                })?;
            } else {
                for line in &lines {
                    out.line(format!("line {line} of run {run} is {word}"))?;
                }
            }
        }
    }
    Ok(Status::Done)
}

async fn cancel(target: &str, wait: bool, host: &Access, out: Output) -> Result<()> {
    let target: CancelTarget = target.parse().map_err(psa_host_sync::Error::from)?;
    let asked = host.cancel_run(&target)?;
    let CancelAsked {
        run, connection, ..
    } = &asked;
    if !wait {
        if out.is_json() {
            return Ok(out.json(&cancelled(&asked, None))?);
        }
        out.line(format!(
            "run {run} of {connection} is asked to end: what is in flight is finished and read \
             back, the rest is not sent"
        ))?;
        return Ok(out.line(format!(
            "See `psa-host run show {run}` for what became of it."
        ))?);
    }
    let ended = host.wait_for_end(run).await?;
    if out.is_json() {
        return Ok(out.json(&cancelled(&asked, Some(&ended)))?);
    }
    let before = match ended.status.as_ref() {
        "cancelled" => "",
        _ => ", before it noticed",
    };
    Ok(out.line(format!(
        "run {run} of {connection} has ended: {}{before}",
        ended.status
    ))?)
}

fn cancelled<'a>(asked: &'a CancelAsked, ended: Option<&'a RunView>) -> wire::RunCancelled<'a> {
    wire::RunCancelled {
        run: Cow::Borrowed(&asked.run),
        connection: Cow::Borrowed(&asked.connection),
        asked_by: Cow::Borrowed(&asked.asked_by),
        asked_at: asked.asked_at,
        status: ended.map(|run| run.status.clone()),
        ended_at: ended.and_then(|run| run.ended_at),
    }
}

fn list(
    host: &Access,
    connection: Option<&psa_host_billing::ConnectionName>,
    limit: u32,
    out: Output,
) -> Result<()> {
    let runs = host.run_list(connection, limit)?;
    if out.is_json() {
        return Ok(out.json(&wire::RunList {
            runs: Cow::Borrowed(&runs),
        })?);
    }
    let mut table = Table::new([
        Column::Left("RUN"),
        Column::Left("CONNECTION"),
        Column::Left("STARTED"),
        Column::Left("FOR"),
        Column::Left("STATUS"),
        Column::Right("REQUESTS"),
        Column::Left("BY"),
        Column::Words("LINES"),
    ]);
    for run in runs {
        let dry = if run.dry_run { " (dry run)" } else { "" };
        let by = match &run.cancelled_by {
            Some(by) => format!(" by {by}"),
            None => String::new(),
        };
        let tone = match run.status.as_ref() {
            "done" | "running" => Tone::Plain,
            "failed" | "abandoned" | "killed" => Tone::Bad,
            _ => Tone::Attention,
        };
        let lines: Vec<String> = run
            .counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(outcome, count)| format!("{count} {outcome}"))
            .collect();
        let plain = |text: String| (text, Tone::Plain);
        table.toned([
            plain(run.run.clone()),
            plain(run.connection.to_string()),
            plain(format!("{:.0}", run.started_at)),
            plain(run.as_of.to_string()),
            (format!("{}{by}{dry}", run.status), tone),
            plain(run.requests.to_string()),
            plain(run.started_by.clone()),
            plain(lines.join(", ")),
        ]);
    }
    Ok(out.table(table, "No runs yet.")?)
}
