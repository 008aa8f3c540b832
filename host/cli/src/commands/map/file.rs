//! `psa-host map import`, `map export`

use std::borrow::Cow;

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::{
    Access, Change, Form, MapChange, MapDifference, MapImported, Source, refuse_existing,
    write_whole,
};
use psa_host_wire as wire;

use super::super::{Status, confirm, id, or_dash, tell_refused};
use crate::args::{DoubtWord, MapExport, MapImport};
use crate::output::{Column, Output, Table, Tone, WrongUse, write_json};

/// New mappings shown by an import; what changes or goes is always shown.
const MOST_ADDED: usize = 20;

pub async fn import(args: &MapImport, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    let bar = out.bar();
    let watch = |progress| bar.show(progress);
    let source = Source::read(&args.file)?.accepting(&DoubtWord::doubts(&args.accept));
    let difference = host
        .compare_mappings(&connection, &source, args.replace, &watch)
        .await?;
    drop(bar);
    if args.dry_run {
        return dry(&difference, args.partial && !args.replace, out);
    }
    // Nothing of it is done: a list of changes would only mislead.
    if difference.refused.is_empty() || (args.partial && !args.replace) {
        show(&difference, MOST_ADDED, out)?;
    }
    let kept_from_it = args.replace && !difference.refused.is_empty();
    let lost = difference.lost();
    if lost > 0 && !kept_from_it {
        let what = format!("remove or change {lost} mappings of {connection}");
        confirm(&what, args.yes)?;
    }
    let done = host.apply_mappings(&connection, difference, args.partial)?;
    told(&done, out)
}

fn dry(difference: &MapDifference<'_>, partial: bool, out: Output) -> Result<Status> {
    if out.is_json() {
        out.json(&wire::MapDryRun::new(difference))?;
    } else {
        show(difference, usize::MAX, out)?;
        tell_refused(&difference.refused)?;
        let counts = Counts::of(&difference.changes, difference.unchanged);
        out.line(format!("{} (dry run: nothing was written)", counts.would()))?;
        match (difference.refused.len(), partial) {
            (0, _) => {}
            (refused, true) => out.line(format!("{refused} would be refused"))?,
            (refused, false) => out.line(format!(
                "{refused} would be refused, and so nothing would be kept; with --partial the \
                 good ones would"
            ))?,
        }
    }
    Ok(match difference.refused.is_empty() {
        true => Status::Done,
        false => Status::NeedsPerson,
    })
}

/// What would change, before it does, with so many of the new ones at most; in JSON it
/// is part of the answer.
pub(super) fn show(difference: &MapDifference<'_>, most_added: usize, out: Output) -> Result<()> {
    if out.is_json() {
        return Ok(());
    }
    out.notes(&difference.notes);
    if difference.changes.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        Column::Left("CHANGE"),
        Column::Left("KIND"),
        Column::Left("CORO"),
        Column::Left("FROM"),
        Column::Left("TO"),
    ]);
    let mut added = 0;
    for one in &difference.changes {
        if one.change == Change::Added {
            added += 1;
            if added > most_added {
                continue;
            }
        }
        let change = match one.change {
            Change::Added => ("added", Tone::Good),
            Change::Changed => ("changed", Tone::Attention),
            Change::Removed => ("removed", Tone::Bad),
        };
        table.toned([
            (change.0.to_owned(), change.1),
            (one.kind.as_str().to_owned(), Tone::Plain),
            (one.coro_id.clone(), Tone::Plain),
            (or_dash(one.old.as_ref()), Tone::Plain),
            (or_dash(one.new.as_ref()), Tone::Plain),
        ]);
    }
    out.table(table, "")?;
    let more = added.saturating_sub(most_added);
    if more > 0 {
        out.line(format!("{more} more are new; --dry-run shows all"))?;
    }
    Ok(())
}

/// What was done.
pub(super) fn told(done: &MapImported, out: Output) -> Result<Status> {
    let status = match (done.refused.is_empty(), done.applied) {
        (true, _) => Status::Done,
        (false, true) => Status::NeedsPerson,
        (false, false) => Status::Failed,
    };
    if out.is_json() {
        out.json(done)?;
        return Ok(status);
    }
    tell_refused(&done.refused)?;
    let MapImported {
        new,
        same,
        changed,
        removed,
        refused,
        ..
    } = done;
    if done.applied {
        let removed = match removed {
            0 => String::new(),
            removed => format!(", {removed} removed"),
        };
        let refused = match refused.len() {
            0 => String::new(),
            refused => format!(", {refused} refused"),
        };
        out.line(format!(
            "{new} new mappings, {changed} changed{removed}, {same} as before{refused}"
        ))?;
    } else {
        let rows = if refused.len() == 1 { "row" } else { "rows" };
        out.line(format!(
            "{} {rows} refused: nothing was kept. Correct them, or keep the good ones with \
             --partial.",
            refused.len()
        ))?;
    }
    Ok(status)
}

/// How many of each.
struct Counts {
    added: usize,
    changed: usize,
    removed: usize,
    unchanged: usize,
}

impl Counts {
    fn of(changes: &[MapChange], unchanged: usize) -> Self {
        let count = |change| changes.iter().filter(|one| one.change == change).count();
        Self {
            added: count(Change::Added),
            changed: count(Change::Changed),
            removed: count(Change::Removed),
            unchanged,
        }
    }

    fn would(&self) -> String {
        let Self {
            added,
            changed,
            removed,
            unchanged,
        } = self;
        format!("{added} would be new, {changed} changed, {removed} removed, {unchanged} as before")
    }
}

pub async fn export(args: &MapExport, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    let by_name = args.file.as_deref().and_then(Form::of_name);
    let form = args.form.map(Form::from).or(by_name).unwrap_or(Form::Json);
    if form == Form::Xlsx && args.file.is_none() && std::io::stdout().is_terminal() {
        let message = "an XLSX file is nothing for a terminal";
        return Err(WrongUse::new(message, "Name a file to write.").into());
    }
    if let Some(file) = &args.file {
        host.connection(&connection)?;
        refuse_existing(Path::new(file), args.force)?;
    }
    let bytes = match form {
        Form::Json => {
            // A file for `map import`, whatever the format asked for.
            let mut bytes = Vec::new();
            write_json(&mut bytes, &host.export_mappings(&connection)?)?;
            bytes
        }
        Form::Csv | Form::Xlsx => {
            let bar = out.bar();
            let watch = |progress| bar.show(progress);
            let xlsx = form == Form::Xlsx;
            let (bytes, notes) = host.export_sheet(&connection, xlsx, &watch).await?;
            drop(bar);
            out.notes(&notes);
            bytes
        }
    };
    match &args.file {
        None => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(&bytes)?;
            stdout.flush()?;
        }
        Some(file) => {
            write_whole(Path::new(file), &bytes, args.force)?;
            if out.is_json() {
                out.json(&wire::SheetWritten {
                    connection: Some(Cow::Borrowed(&connection)),
                    file: Cow::Borrowed(file),
                    form: Cow::Borrowed(form.as_str()),
                })?;
            } else {
                out.line(format!("mappings of {connection} written to {file}"))?;
            }
        }
    }
    Ok(Status::Done)
}
