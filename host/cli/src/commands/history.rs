//! `psa-host history …`

use std::borrow::Cow;

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Result;
use psa_host_sync::{Access, EntryFilter, ExportForm, Exported, HistoryHead, HistoryVerified};
use psa_host_wire as wire;

use super::{Status, or_dash};
use crate::args::{FormWord, HistoryCommand};
use crate::output::{Column, Output, Table, WrongUse, number_of};

pub fn run(command: HistoryCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        HistoryCommand::Verify { head } => return verify(head.as_ref(), host, out),
        HistoryCommand::List {
            after,
            limit,
            subject,
            what,
            chain,
        } => {
            let filter = EntryFilter {
                after,
                subject: subject.as_deref(),
                what: what.as_deref(),
                chain: chain.as_ref(),
            };
            list(&filter, limit, host, out)?;
        }
        HistoryCommand::Export {
            file,
            after,
            format_of,
            force,
        } => export(&file, after, format_of, force, host, out)?,
    }
    Ok(Status::Done)
}

fn verify(kept: Option<&HistoryHead>, host: &Access, out: Output) -> Result<Status> {
    let found = host.verify_history(kept)?;
    let status = match found.holds {
        true => Status::Done,
        false => Status::Failed,
    };
    if out.is_json() {
        out.json(&found)?;
        return Ok(status);
    }
    let HistoryVerified {
        entries,
        verified,
        keyed,
        ..
    } = found;
    if let (Some(from), Some(to)) = (found.from, found.to) {
        out.line(format!(
            "{verified} of {entries} entries hold, {keyed} of them keyed, from {from} to {to}"
        ))?;
    } else {
        out.line(format!("{verified} of {entries} entries hold"))?;
    }
    for head in &found.heads {
        out.line(format!("history head {head}"))?;
    }
    match found.broken {
        Some(broken) => {
            out.line(format!(
                "BROKEN at entry {}: {} [{}]",
                broken.seq, broken.message, broken.cause
            ))?;
            out.line(format!("  fix: {}", broken.fix))?;
        }
        None => out.line("The history holds.")?,
    }
    if keyed == 0 && entries > 0 {
        out.line(
            "No entry is keyed: who can write the file could have written all of it anew. \
             Entries are keyed from the first secret on.",
        )?;
    }
    if !found.head_compared {
        out.line(
            "Not looked at: whether entries were cut off at the end. Only a head kept elsewhere \
             shows that: --head SEQ@CHAIN:HEX.",
        )?;
    }
    Ok(status)
}

fn list(filter: &EntryFilter<'_>, limit: u32, host: &Access, out: Output) -> Result<()> {
    let entries = host.history_entries(filter, limit)?;
    if out.is_json() {
        return Ok(out.json(&wire::Entries {
            entries: Cow::Borrowed(&entries),
        })?);
    }
    let mut table = Table::new([
        Column::Right("SEQ"),
        Column::Left("AT"),
        Column::Left("WHO"),
        Column::Left("WHAT"),
        Column::Left("SUBJECT"),
        Column::Words("DETAIL"),
    ]);
    for entry in entries {
        let detail = Some(entry.detail).filter(|detail| *detail != serde_json::json!({}));
        table.row([
            entry.seq.to_string(),
            entry.at.to_string(),
            entry.who,
            entry.what,
            entry.subject,
            or_dash(detail),
        ]);
    }
    Ok(out.table(table, "No such entries.")?)
}

fn export(
    file: &str,
    after: i64,
    format_of: Option<FormWord>,
    force: bool,
    host: &Access,
    out: Output,
) -> Result<()> {
    let asked = format_of.map(ExportForm::from);
    if file == "-" {
        if out.is_json() {
            let fix = "Name a file, or leave --format json out.";
            return Err(WrongUse::new("`-` writes the export itself, not JSON", fix).into());
        }
        let form = asked.unwrap_or(ExportForm::Csv);
        let to = std::io::stdout();
        if form == ExportForm::Xlsx && to.is_terminal() {
            let fix = "Name a file, or send standard output to one.";
            return Err(WrongUse::new("a workbook is nothing for a terminal", fix).into());
        }
        let (_, cut) = host.export_history_to(to.lock(), form, after)??;
        if let Some(told) = told_of_cut(cut) {
            eprintln!("note: {told}");
        }
        return Ok(());
    }
    let path = Path::new(file);
    let named = ExportForm::of(path);
    if let (Some(named), Some(asked)) = (named, asked)
        && named != asked
    {
        let message = format!("{file:?} is not named as what --format-of asks for");
        return Err(WrongUse::new(message, "Leave one of the two out.").into());
    }
    let form = named.or(asked).ok_or_else(|| {
        let fix = "Name a file that ends with .csv or .xlsx, or add --format-of csv or xlsx.";
        WrongUse::new(format!("{file:?} ends neither with .csv nor .xlsx"), fix)
    })?;
    let done = host.export_history(path, form, after, force)?;
    if out.is_json() {
        return Ok(out.json(&done)?);
    }
    out.line(format!("{} entries written to {file}", done.entries))?;
    if let Some(told) = told_of_cut(done.cut_cells) {
        out.line(told)?;
    }
    Ok(())
}

/// A table that is in a file now.
pub(super) fn written(done: &Exported, what: &str, out: Output) -> Result<()> {
    if out.is_json() {
        return Ok(out.json(done)?);
    }
    let rows = number_of(done.entries, what);
    out.line(format!("{rows} written to {}", done.file.display()))?;
    if let Some(told) = told_of_cut(done.cut_cells) {
        out.line(told)?;
    }
    Ok(())
}

fn told_of_cut(cells: u64) -> Option<String> {
    (cells > 0).then(|| {
        format!(
            "{cells} texts are longer than a cell of a workbook and were cut: the CSV export has \
             all of them."
        )
    })
}
