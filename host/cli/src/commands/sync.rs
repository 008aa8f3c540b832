//! `psa-host sync`

use anyhow::{Context, Result};
use psa_host_billing::{ConnectionName, ReportCode};
use psa_host_sync::run::{Release, RunReport, SyncOptions};
use psa_host_sync::{Host, cancelled_by_signals};
use serde::Serialize;
use serde_json::json;

use super::report::{RunJson, print};
use super::{Status, id};
use crate::args::SyncArgs;
use crate::output::{Bar, Failure, Output, WrongUse};

/// Several connections: each is a run or an error of its own.
#[derive(Serialize)]
struct Several<'a> {
    runs: Vec<RunJson<'a>>,
    errors: Vec<FailedRun>,
}

/// A connection whose run could not be carried out.
#[derive(Serialize)]
struct FailedRun {
    connection: ConnectionName,
    error: psa_host_sync::Problem,
}

pub async fn run(args: &SyncArgs, host: &Host, out: Output) -> Result<Status> {
    let options = SyncOptions {
        dry_run: args.dry_run,
        as_of: args.as_of,
        release: release(args)?,
        cancel: cancelled_by_signals(|| {
            eprintln!(
                "Stopping: what is in flight is finished and read back. Once more stops at once."
            );
        })
        .context("signals cannot be heard")?,
        ..SyncOptions::default()
    };
    if let [connection] = args.connections.as_slice() {
        let name = id("connection name", connection)?;
        let report = one(host, &name, args, &options, out).await?;
        if out.is_json() {
            out.json(&RunJson(&report))?;
        } else {
            print(&report, args.all, out)?;
        }
        return Ok(status_of(&report));
    }
    let names = match args.connections.as_slice() {
        [] => not_paused(host)?,
        several => several
            .iter()
            .map(|name| id("connection name", name))
            .collect::<Result<_>>()?,
    };
    if names.is_empty() {
        return nothing_to_sync(out);
    }
    several(&names, args, &options, host, out).await
}

/// A brake says something about one connection, so it is released for that one alone.
fn release(args: &SyncArgs) -> Result<Option<Release>> {
    let Some(why) = &args.why else {
        return Ok(None);
    };
    let [_] = args.connections.as_slice() else {
        let fix = "Name one, as in `psa-host sync acme --release CODE --why TEXT`.";
        return Err(WrongUse::new("a brake is released for exactly one connection", fix).into());
    };
    Ok(Some(Release::new(args.release.iter().copied(), why)?))
}

/// One connection after the other: an error of one never stops another.
async fn several(
    names: &[ConnectionName],
    args: &SyncArgs,
    options: &SyncOptions,
    host: &Host,
    out: Output,
) -> Result<Status> {
    let mut status = Status::Done;
    let (mut reports, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        if options.cancel.is_cancelled() {
            status = Status::NeedsPerson;
            if !out.is_json() {
                out.line(format!("{name} was not synced: stopped before."))?;
            }
            continue;
        }
        match one(host, name, args, options, out).await {
            Ok(report) => {
                status = graver(status, status_of(&report));
                if !out.is_json() {
                    print(&report, args.all, out)?;
                    out.line("")?;
                }
                reports.push(report);
            }
            Err(error) => {
                status = Status::Failed;
                let problem = error.problem();
                if !out.is_json() {
                    Failure::from(anyhow::Error::from(error)).print(out);
                }
                errors.push(FailedRun {
                    connection: name.clone(),
                    error: problem,
                });
            }
        }
    }
    if out.is_json() {
        let runs = reports.iter().map(RunJson).collect();
        out.json(&Several { runs, errors })?;
    }
    Ok(status)
}

/// Sync one. With `--wait` the last run is returned, and an earlier one was printed.
async fn one(
    host: &Host,
    name: &ConnectionName,
    args: &SyncArgs,
    options: &SyncOptions,
    out: Output,
) -> Result<RunReport, psa_host_sync::Error> {
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    // So that an unknown name is told with those there are.
    host.connection(name)?;
    if !args.wait {
        return host.sync(name, options, &watch).await;
    }
    let first = |report: &RunReport| {
        if !out.is_json() {
            // A reader that has gone away misses the second report too.
            let _ = print(report, args.all, out);
        }
    };
    host.sync_and_wait(name, options, &watch, &first).await
}

fn not_paused(host: &Host) -> Result<Vec<ConnectionName>> {
    let connections = host.connections()?;
    if connections.is_empty() {
        let fix = "Add one with `psa-host connection add`.";
        return Err(WrongUse::new("there is no connection to sync", fix).into());
    }
    let active = connections
        .into_iter()
        .filter(|connection| !connection.paused);
    Ok(active.map(|connection| connection.name).collect())
}

/// Every connection is paused: that nothing is billed is somebody's decision, and may have
/// been forgotten.
fn nothing_to_sync(out: Output) -> Result<Status> {
    let code = ReportCode::SetupRequired.as_str();
    let message = "nothing to sync: every connection is paused";
    let fix = "Take one up again with `psa-host connection resume`.";
    if out.is_json() {
        let notice = json!({ "code": code, "message": message, "fix": fix });
        out.json(&json!({ "runs": [], "errors": [], "notices": [notice] }))?;
    } else {
        out.line(format!("attention: {message} [{code}]"))?;
        out.line(format!("  fix: {fix}"))?;
    }
    Ok(Status::NeedsPerson)
}

fn status_of(report: &RunReport) -> Status {
    match (report.is_braked(), report.needs_a_person()) {
        (true, _) => Status::Braked,
        (false, true) => Status::NeedsPerson,
        (false, false) => Status::Done,
    }
}

/// Of several connections: a failure says more than a brake, a brake more than a question.
fn graver(one: Status, other: Status) -> Status {
    let weight = |status| match status {
        Status::Done => 0,
        Status::NeedsPerson => 1,
        Status::Braked => 2,
        Status::Failed => 3,
    };
    match weight(other) > weight(one) {
        true => other,
        false => one,
    }
}
