//! `psa-host sync`

use std::borrow::Cow;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use psa_host_billing::{ConnectionName, ReportCode};
use psa_host_sync::run::{News, Notice, Release, RunReport, SyncOptions};
use psa_host_sync::{Access, Names, Problem, cancelled_by_signals};
use psa_host_wire::{self as wire, FailedRun, Run, Runs};

use super::report::{Look, print};
use super::{Status, id};
use crate::args::SyncArgs;
use crate::output::{Bar, Failure, Output, WrongUse};

pub async fn run(args: &SyncArgs, host: &Access, out: Output) -> Result<Status> {
    let options = SyncOptions {
        dry_run: args.dry_run,
        as_of: args.as_of,
        release: release(args)?,
        only: only(args)?,
        // What is not shown is not brought to memory.
        brief: !args.all && !out.is_json(),
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
        let bar = out.bar();
        let report = one(host, &name, args, &options, Some(&bar), out).await?;
        drop(bar);
        return tell(report, args, host, out);
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

/// A report as it is shown: all of it, or what is new since the run before.
pub(super) struct Shown {
    report: RunReport,
    new: bool,
    since: Option<String>,
}

impl Shown {
    pub fn new(report: RunReport, new: bool, host: &Access) -> Result<Self> {
        let News { since, report } = match new {
            true => host.only_new(report)?,
            false => News {
                since: None,
                report,
            },
        };
        Ok(Self { report, new, since })
    }

    pub fn form<'a>(&'a self, names: &'a Names) -> Run<'a> {
        Run::new(&self.report, names).since(self.since.as_deref())
    }

    pub fn print(&self, all: bool, host: &Access, out: Output) -> Result<()> {
        let names = host.names(Some(&self.report.connection))?;
        if self.new && self.since.is_none() && !out.is_json() && !out.is_quiet() {
            out.line("There was no run before this one: all of it is new.")?;
        }
        if out.is_json() {
            return Ok(out.json(&self.form(&names))?);
        }
        let since = self.since.as_deref();
        print(&self.report, &names, Look { all, since }, out)
    }
}

fn tell(report: RunReport, args: &SyncArgs, host: &Access, out: Output) -> Result<Status> {
    let status = status_of(&report);
    Shown::new(report, args.new, host)?.print(args.all, host, out)?;
    Ok(status)
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

/// Workspaces are those of one channel, so they are named for one connection alone.
fn only(args: &SyncArgs) -> Result<Vec<String>> {
    if !args.workspaces.is_empty() && args.connections.len() != 1 {
        let fix = "Name one, as in `psa-host sync acme --workspace W`.";
        let message = "workspaces are named for exactly one connection";
        return Err(WrongUse::new(message, fix).into());
    }
    Ok(args.workspaces.clone())
}

/// Tenants side by side, the connections of one tenant one after the other, because one at
/// a time posts to it. Neither an error of one nor one that hangs stops another tenant's.
async fn several(
    names: &[ConnectionName],
    args: &SyncArgs,
    options: &SyncOptions,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let mut told = Told {
        status: Status::Done,
        reports: Vec::new(),
        errors: Vec::new(),
    };
    let (known, unknown) = by_tenant(names, host);
    let alone = unknown.iter().map(|name| vec![name.clone()]);
    let mut runs: FuturesUnordered<_> = known
        .into_iter()
        .chain(alone)
        .map(|names| async move {
            let mut ran = Vec::with_capacity(names.len());
            for name in names {
                let result = match options.cancel.is_cancelled() {
                    true => None,
                    false => Some(one(host, &name, args, options, None, out).await),
                };
                ran.push((name, result));
            }
            ran
        })
        .collect();
    let mut again = Vec::new();
    // Nobody listens any more: what runs still runs to its end.
    let mut unheard = None;
    while let Some(of_one_tenant) = runs.next().await {
        for (name, ran) in of_one_tenant {
            match ran {
                // Two that were never checked can turn out to be of one tenant.
                Some(Err(error)) if error.code() == "tenant-busy" && unknown.contains(&name) => {
                    again.push(name);
                }
                ran => unheard = told.add(name, ran, args, host, out).err().or(unheard),
            }
        }
    }
    for name in again {
        let ran = match options.cancel.is_cancelled() {
            true => None,
            false => Some(one(host, &name, args, options, None, out).await),
        };
        unheard = told.add(name, ran, args, host, out).err().or(unheard);
    }
    if let Some(error) = unheard {
        return Err(error);
    }
    if out.is_json() {
        let names = host.names(None)?;
        let runs = told.reports.iter().map(|news| news.form(&names)).collect();
        let errors = told.errors.iter().map(|(connection, problem)| FailedRun {
            connection: Cow::Borrowed(connection),
            error: wire::Problem::new(problem, Some(connection)),
        });
        out.json(&Runs {
            runs,
            errors: errors.collect(),
            notices: Vec::new(),
        })?;
    }
    Ok(told.status)
}

/// What is known of the runs so far.
struct Told {
    status: Status,
    reports: Vec<Shown>,
    errors: Vec<(ConnectionName, Problem)>,
}

impl Told {
    /// Tell what became of a connection's run; none: it was not begun.
    fn add(
        &mut self,
        connection: ConnectionName,
        ran: Option<Result<RunReport, psa_host_sync::Error>>,
        args: &SyncArgs,
        host: &Access,
        out: Output,
    ) -> Result<()> {
        match ran {
            None => {
                self.status = graver(self.status, Status::NeedsPerson);
                if !out.is_json() {
                    out.line(format!("{connection} was not synced: stopped before."))?;
                }
            }
            Some(Ok(report)) => {
                self.status = graver(self.status, status_of(&report));
                let shown = Shown::new(report, args.new, host)?;
                if !out.is_json() {
                    shown.print(args.all, host, out)?;
                    if !out.is_quiet() {
                        out.line("")?;
                    }
                }
                self.reports.push(shown);
            }
            Some(Err(error)) => {
                self.status = Status::Failed;
                let problem = error.problem();
                if !out.is_json() {
                    Failure::from(anyhow::Error::from(error)).print(out);
                }
                self.errors.push((connection, problem));
            }
        }
        Ok(())
    }
}

/// The connections of each tenant, and those of which nobody knows the tenant yet.
fn by_tenant(
    names: &[ConnectionName],
    host: &Access,
) -> (Vec<Vec<ConnectionName>>, Vec<ConnectionName>) {
    let mut tenants: BTreeMap<String, Vec<ConnectionName>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in names {
        // An unknown name is told by its run.
        let tenant = host.connection(name).ok().and_then(|found| found.tenant);
        match tenant {
            Some(tenant) => tenants
                .entry(tenant.to_string())
                .or_default()
                .push(name.clone()),
            None => unknown.push(name.clone()),
        }
    }
    (tenants.into_values().collect(), unknown)
}

/// Sync one. With `--wait` the last run is returned, and an earlier one was printed.
async fn one(
    host: &Access,
    name: &ConnectionName,
    args: &SyncArgs,
    options: &SyncOptions,
    bar: Option<&Bar>,
    out: Output,
) -> Result<RunReport, psa_host_sync::Error> {
    let watch = |progress| {
        if let Some(bar) = bar {
            bar.show(progress);
        }
    };
    // So that an unknown name is told with those there are.
    host.connection(name)?;
    if !args.wait {
        return host.sync(name, options, &watch).await;
    }
    let first = |report: &RunReport| {
        if !out.is_json() {
            // A reader that has gone away misses the second report too.
            let names = host.names(Some(&report.connection)).unwrap_or_default();
            let look = Look {
                all: args.all,
                since: None,
            };
            let _ = print(report, &names, look, out);
        }
    };
    host.sync_and_wait(name, options, &watch, &first).await
}

fn not_paused(host: &Access) -> Result<Vec<ConnectionName>> {
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
        out.json(&Runs {
            runs: Vec::new(),
            errors: Vec::new(),
            notices: vec![wire::Told::new(
                Cow::Owned(Notice {
                    code: code.to_owned(),
                    message: message.to_owned(),
                    fix: fix.to_owned(),
                    plugin: None,
                }),
                None,
            )],
        })?;
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
        Status::Braked | Status::Differs => 2,
        Status::Failed => 3,
    };
    match weight(other) > weight(one) {
        true => other,
        false => one,
    }
}
