//! `psa-host sync`

use std::collections::BTreeMap;

use anyhow::Result;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use psa_host_billing::ConnectionName;
use psa_host_sync::Host;
use psa_host_sync::run::{Release, RunReport, SyncOptions};
use serde::Serialize;

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
        ..SyncOptions::default()
    };
    if let [connection] = args.connections.as_slice() {
        let name = id("connection name", connection)?;
        let report = one(host, &name, &options, Some(&Bar::new())).await?;
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
    if names.is_empty() && !out.is_json() {
        out.line("Nothing to sync: every connection is paused.")?;
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

/// Tenants side by side, the connections of one tenant one after the other, because one at
/// a time posts to it. Neither an error of one nor one that hangs stops another tenant's.
async fn several(
    names: &[ConnectionName],
    args: &SyncArgs,
    options: &SyncOptions,
    host: &Host,
    out: Output,
) -> Result<Status> {
    let mut told = Told {
        status: Status::Done,
        reports: Vec::new(),
        errors: Vec::new(),
    };
    let (known, unknown) = by_tenant(names, host);
    let runs = known
        .into_iter()
        .chain(unknown.iter().map(|name| vec![name.clone()]));
    let mut runs: FuturesUnordered<_> = runs
        .map(|names| async move {
            let mut ran = Vec::with_capacity(names.len());
            for name in names {
                let result = one(host, &name, options, None).await;
                ran.push((name, result));
            }
            ran
        })
        .collect();
    let mut again = Vec::new();
    while let Some(of_one_tenant) = runs.next().await {
        for (name, ran) in of_one_tenant {
            match ran {
                // Two that were never checked can turn out to be of one tenant.
                Err(error) if error.code() == "tenant-busy" && unknown.contains(&name) => {
                    again.push(name);
                }
                ran => told.add(name, ran, args, out)?,
            }
        }
    }
    for name in again {
        let ran = one(host, &name, options, None).await;
        told.add(name, ran, args, out)?;
    }
    if out.is_json() {
        let runs = told.reports.iter().map(RunJson).collect();
        let errors = told.errors;
        out.json(&Several { runs, errors })?;
    }
    Ok(told.status)
}

/// What is known of the runs so far.
struct Told {
    status: Status,
    reports: Vec<RunReport>,
    errors: Vec<FailedRun>,
}

impl Told {
    fn add(
        &mut self,
        connection: ConnectionName,
        ran: Result<RunReport, psa_host_sync::Error>,
        args: &SyncArgs,
        out: Output,
    ) -> Result<()> {
        match ran {
            Ok(report) => {
                if self.status == Status::Done {
                    self.status = status_of(&report);
                }
                if !out.is_json() {
                    print(&report, args.all, out)?;
                    out.line("")?;
                }
                self.reports.push(report);
            }
            Err(error) => {
                self.status = Status::Failed;
                let problem = error.problem();
                if !out.is_json() {
                    Failure::from(anyhow::Error::from(error)).print(out);
                }
                self.errors.push(FailedRun {
                    connection,
                    error: problem,
                });
            }
        }
        Ok(())
    }
}

/// The connections of each tenant, and those of which nobody knows the tenant yet.
fn by_tenant(
    names: &[ConnectionName],
    host: &Host,
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

async fn one(
    host: &Host,
    name: &ConnectionName,
    options: &SyncOptions,
    bar: Option<&Bar>,
) -> Result<RunReport, psa_host_sync::Error> {
    let watch = |progress| {
        if let Some(bar) = bar {
            bar.show(progress);
        }
    };
    // So that an unknown name is told with those there are.
    host.connection(name)?;
    host.sync(name, options, &watch).await
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

fn status_of(report: &RunReport) -> Status {
    match report.needs_a_person() {
        true => Status::NeedsPerson,
        false => Status::Done,
    }
}
