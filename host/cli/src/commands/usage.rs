//! `psa-host usage …`

use std::collections::BTreeSet;

use anyhow::Result;
use psa_host_sync::{
    Access, CountView, DisagreementView, SnapshotId, SnapshotView, Source, UsageForm,
};
use psa_host_wire as wire;

use super::{Status, confirm, id, or_dash, tell_refused};
use crate::args::{DoubtWord, UsageCommand, UsageImport};
use crate::output::{Column, Output, Table, Tone, WrongUse, named, number_of};

pub fn run(command: UsageCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        UsageCommand::Import(file) => return import(&file, host, out),
        UsageCommand::Show { channel: None, .. } => newest(host, out)?,
        UsageCommand::Show {
            channel: Some(channel),
            workspace: Some(workspace),
            module: Some(module),
        } => behind(&channel, &workspace, &module, host, out)?,
        UsageCommand::Show {
            channel: Some(channel),
            ..
        } => counts(&channel, host, out)?,
        UsageCommand::List { channel, limit } => {
            let channel = channel.map(|c| id("workspace id", &c)).transpose()?;
            list(host.snapshot_list(channel.as_ref(), limit)?, host, out)?;
        }
        UsageCommand::Withdraw { id, why, yes } => withdraw(&id, &why, yes, host, out)?,
    }
    Ok(Status::Done)
}

fn import(import: &UsageImport, host: &Access, out: Output) -> Result<Status> {
    let form = form(import)?;
    let source = Source::read(&import.file)?
        .accepting(&DoubtWord::doubts(&import.accept))
        .keeping_good_rows(import.partial);
    let done = host.import_usage(&source, &form)?;
    out.notes(&done.notes);
    let status = match done.needs_a_person() {
        true => Status::NeedsPerson,
        false => Status::Done,
    };
    if out.is_json() {
        out.json(&done)?;
        return Ok(status);
    }
    tell_refused(&done.refused)?;
    let complete = if done.complete {
        "complete"
    } else {
        "not complete"
    };
    let refused = match done.refused.len() {
        0 => String::new(),
        refused => format!(", {} refused and unread", number_of(refused, "row")),
    };
    out.line(format!(
        "{}: {} of {} of {}, taken at {}, {complete}{refused}",
        done.snapshot,
        number_of(done.items, "count"),
        number_of(done.workspaces, "workspace"),
        done.channel,
        done.taken_at
    ))?;
    if !done.complete {
        out.line("Nothing is posted from a snapshot that is not complete.")?;
    }
    Ok(status)
}

/// The newest snapshot of each channel.
fn newest(host: &Access, out: Output) -> Result<()> {
    let snapshots = host.newest_snapshots()?;
    if out.is_json() {
        out.json(&wire::Snapshots::new(&snapshots, &host.names(None)?))?;
        return Ok(());
    }
    let mut table = Table::new([
        Column::Left("CHANNEL"),
        Column::Left("SNAPSHOT"),
        Column::Left("TAKEN AT"),
        Column::Left("COMPLETE"),
        Column::Right("COUNTS"),
        Column::Right("UNREAD"),
        Column::Words("SOURCE"),
    ]);
    let disagreeing = disagreements(&snapshots);
    let names = host.names(None)?;
    for snapshot in snapshots {
        table.row([
            named(&snapshot.channel, names.workspace(&snapshot.channel)),
            snapshot.snapshot,
            snapshot.taken_at.to_string(),
            if snapshot.complete { "yes" } else { "no" }.to_owned(),
            snapshot.counts.to_string(),
            snapshot.unread.to_string(),
            snapshot.source,
        ]);
    }
    let none = "No usage snapshots. Import one with `psa-host usage import FILE`.";
    out.table(table, none)?;
    told(&disagreeing, out)
}

/// The users and devices behind one count.
fn behind(channel: &str, workspace: &str, module: &str, host: &Access, out: Output) -> Result<()> {
    let counted = host.names_behind(
        &id("workspace id", channel)?,
        &id("workspace id", workspace)?,
        &id("module id", module)?,
    )?;
    if out.is_json() {
        let names = host.names(None)?;
        out.json(&wire::Named::new(&counted, None, &names))?;
        return Ok(());
    }
    out.line(format!(
        "{}, {}, counted in {} at {}: {} users, {} devices",
        counted.workspace,
        counted.module,
        counted.snapshot,
        counted.taken_at,
        or_dash(counted.users),
        or_dash(counted.devices)
    ))?;
    names(&counted, out)
}

/// All counts of a channel's newest snapshot.
fn counts(channel: &str, host: &Access, out: Output) -> Result<()> {
    let (snapshot, items) = host.newest_counts(&id("workspace id", channel)?)?;
    let names = host.names(None)?;
    if out.is_json() {
        out.json(&wire::Counts::new(&snapshot, &items, &names))?;
        return Ok(());
    }
    let complete = if snapshot.complete {
        "complete"
    } else {
        "not complete"
    };
    let unread = match snapshot.unread {
        0 => String::new(),
        unread => format!(", {unread} unread and held"),
    };
    out.line(format!(
        "{} of {}, taken at {}, {complete}{unread}",
        snapshot.snapshot, snapshot.channel, snapshot.taken_at
    ))?;
    let mut table = Table::new([
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Right("USERS"),
        Column::Right("DEVICES"),
    ]);
    for item in items {
        table.row([
            named(&item.workspace, names.workspace(&item.workspace)),
            named(&item.module, names.module(&item.module)),
            or_dash(item.users),
            or_dash(item.devices),
        ]);
    }
    Ok(out.table(table, "It has no counts.")?)
}

fn list(snapshots: Vec<SnapshotView>, host: &Access, out: Output) -> Result<()> {
    if out.is_json() {
        return Ok(out.json(&wire::Snapshots::new(&snapshots, &host.names(None)?))?);
    }
    let mut table = Table::new([
        Column::Left("SNAPSHOT"),
        Column::Left("CHANNEL"),
        Column::Left("TAKEN AT"),
        Column::Left("COMPLETE"),
        Column::Right("COUNTS"),
        Column::Right("UNREAD"),
        Column::Left("SOURCE"),
        Column::Words("NOT USED"),
    ]);
    let disagreeing = disagreements(&snapshots);
    let names = host.names(None)?;
    for snapshot in snapshots {
        let withdrawn = snapshot
            .withdrawn
            .map(|done| format!("withdrawn {:.0} by {}: {}", done.at, done.by, done.why));
        let disagrees = snapshot
            .disagrees
            .map(|found| format!("disagrees with {} of the same instant", found.with));
        let complete = if snapshot.complete { "yes" } else { "no" };
        table.toned([
            (snapshot.snapshot, Tone::Plain),
            (
                named(&snapshot.channel, names.workspace(&snapshot.channel)),
                Tone::Plain,
            ),
            (snapshot.taken_at.to_string(), Tone::Plain),
            (complete.to_owned(), Tone::Plain),
            (snapshot.counts.to_string(), Tone::Plain),
            (
                snapshot.unread.to_string(),
                match snapshot.unread {
                    0 => Tone::Plain,
                    _ => Tone::Attention,
                },
            ),
            (snapshot.source, Tone::Plain),
            (or_dash(withdrawn.or(disagrees)), Tone::Attention),
        ]);
    }
    let none = "No usage snapshots. Import one with `psa-host usage import FILE`.";
    out.table(table, none)?;
    told(&disagreeing, out)
}

/// What is said of snapshots that disagree, and what to do: once for each two of them.
fn disagreements(snapshots: &[SnapshotView]) -> Vec<(String, String)> {
    let mut told: Vec<(BTreeSet<&str>, &DisagreementView)> = Vec::new();
    for snapshot in snapshots {
        let Some(found) = &snapshot.disagrees else {
            continue;
        };
        let two = BTreeSet::from([snapshot.snapshot.as_str(), found.with.as_str()]);
        if !told.iter().any(|(others, _)| *others == two) {
            told.push((two, found));
        }
    }
    let words = |(_, found): (_, &DisagreementView)| (found.message.clone(), found.fix.clone());
    told.into_iter().map(words).collect()
}

fn told(disagreeing: &[(String, String)], out: Output) -> Result<()> {
    for (message, fix) in disagreeing {
        out.line(format!("attention: {message}"))?;
        out.line(format!("  fix: {fix}"))?;
    }
    Ok(())
}

fn withdraw(text: &str, why: &str, yes: bool, host: &Access, out: Output) -> Result<()> {
    let id: SnapshotId = text.parse().map_err(psa_host_sync::Error::from)?;
    let SnapshotView {
        channel, taken_at, ..
    } = host.snapshot_view(id)?;
    confirm(
        &format!("withdraw snapshot {id} of {channel}, taken at {taken_at}"),
        yes,
    )?;
    let done = host.withdraw_usage(id, why)?;
    if out.is_json() {
        return Ok(out.json(&done)?);
    }
    out.line(format!("{id} is withdrawn"))?;
    Ok(out.line(match done.newest {
        Some(newest) => format!(
            "{channel} is counted from {} now, taken at {}",
            newest.snapshot, newest.taken_at
        ),
        None => {
            format!("no snapshot of {channel} is left: nothing is posted until one is imported")
        }
    })?)
}

/// Who or what was counted, where the snapshot says.
pub fn names(counted: &CountView, out: Output) -> Result<()> {
    for (what, names) in [
        ("users", &counted.user_names),
        ("devices", &counted.device_names),
    ] {
        let Some(names) = names else {
            out.line(format!("The snapshot does not name the {what}."))?;
            continue;
        };
        out.line(format!("{what}, by name: {}", names.len()))?;
        for name in names {
            out.line(format!("  {name}"))?;
        }
    }
    Ok(())
}

/// CSV where its options are given, or the file is called so.
fn form(import: &UsageImport) -> Result<UsageForm> {
    let (Some(channel), Some(taken_at)) = (&import.channel, &import.taken_at) else {
        if import.file.to_ascii_lowercase().ends_with(".csv") {
            let fix = "Add --channel WORKSPACE --taken-at INSTANT, and --complete if it is.";
            let message = "a CSV file does not say of which channel it is and when it was taken";
            return Err(WrongUse::new(message, fix).into());
        }
        return Ok(UsageForm::Json);
    };
    let taken_at = taken_at.parse().map_err(|_| {
        let short: String = taken_at.chars().take(60).collect();
        WrongUse::new(
            format!("--taken-at {short:?} is no instant"),
            "Write date, time and offset, as in 2026-10-01T04:30:00Z.",
        )
    })?;
    Ok(UsageForm::Csv {
        channel: id("workspace id", channel)?,
        taken_at,
        complete: import.complete,
    })
}
