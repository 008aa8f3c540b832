//! Runs: the list, one with its lines, a new one, and the end of one.

use std::borrow::Cow;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use psa_host_billing::brake::BrakeCode;
use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_sync::run::{CancelTarget, Release, RunReport, SyncOptions};
use psa_host_sync::{Access, Problem, RunId};
use psa_host_wire::{Run, RunCancelled, RunList, RunStarted};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::PREFIX;
use super::auth::Caller;
use super::document::{Said, of};
use super::problem::Refused;
use crate::app::App;

const MOST_RUNS: u32 = 1000;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listed {
    /// Of this connection only.
    connection: Option<String>,
    /// At most so many, latest first.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: u32,
}

fn usual_limit() -> u32 {
    20
}

/// Runs, latest first, without their lines.
#[utoipa::path(get, operation_id = "listRuns", path = "/runs", tag = "runs", params(Listed), responses(
    (status = 200, body = of::RunList),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    Caller(access): Caller,
    query: Result<Query<Listed>, QueryRejection>,
) -> Result<Said, Refused> {
    let Query(listed) = query?;
    if !(1..=MOST_RUNS).contains(&listed.limit) {
        return Err(bad(
            format!("limit is {}, and goes from 1 to {MOST_RUNS}", listed.limit),
            "Ask for fewer.",
        ));
    }
    let connection = listed
        .connection
        .map(|name| connection(&name))
        .transpose()?;
    let runs = access.run_list(connection.as_ref(), listed.limit)?;
    Ok(Said::ok(&RunList {
        runs: Cow::Borrowed(&runs),
    }))
}

/// A run with its report.
#[utoipa::path(get, operation_id = "showRun", path = "/runs/{run}", tag = "runs", params(("run" = String, Path, description = "`r-000123`")), responses(
    (status = 200, body = of::Run),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    Caller(access): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Said, Refused> {
    let Path(run) = path?;
    report(&access, &access.run_report(run_id(&run)?)?)
}

/// A run to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRun {
    /// Of which connection.
    connection: String,
    /// Plan and report, post nothing.
    #[serde(default)]
    dry_run: bool,
    /// The civil date to plan for; another than today is a dry run.
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    /// Workspaces, by id or name, that alone are posted; none: all.
    #[serde(default)]
    workspaces: Vec<String>,
    /// Brakes to release for this run; with `why`.
    #[serde(default)]
    release: Vec<String>,
    /// The reason for the release.
    why: Option<String>,
    /// Whether to answer when the run has ended, with its report, rather than when it has begun.
    #[serde(default)]
    wait: bool,
}

/// Start a run. It goes on when the caller goes away.
#[utoipa::path(post, operation_id = "startRun", path = "/runs", tag = "runs", request_body = NewRun, responses(
    (status = 202, description = "It has begun.", body = of::RunStarted, headers(("Location" = String, description = "Where the run is."))),
    (status = 200, description = "It has ended (`wait`).", body = of::Run),
    (status = 409, description = "Another run of the connection or its tenant is under way.", body = of::ProblemDetails, content_type = "application/problem+json"),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(app): State<App>,
    Caller(access): Caller,
    body: Result<Json<NewRun>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(new) = body?;
    let name = connection(&new.connection)?;
    // What is not the caller's is not there, before anything else is said of it.
    access.connection(&name)?;
    if app.stopping().is_cancelled() {
        return Err(Refused::of(Problem::new(
            ErrorCode::Stopping,
            "the daemon is being stopped, and begins no run",
            "Ask again when it is back.",
        )));
    }
    let options = SyncOptions {
        dry_run: new.dry_run,
        as_of: new.as_of,
        only: new.workspaces,
        brief: !new.wait,
        release: release(&new.release, new.why.as_deref())?,
        cancel: app.stopping().child_token(),
        ..SyncOptions::default()
    };
    let waker = app.clone();
    let after = move |_: &psa_host_sync::Result<RunReport>| waker.tell_scheduler();
    let started = app
        .runs()
        .start(access.clone(), name.clone(), options, after);
    let mut run = started.map_err(|_| {
        Refused::of(Problem::new(
            ErrorCode::RunUnderWay,
            format!("a run of {name} is under way"),
            "Wait for it, or cancel it.",
        ))
    })?;
    if !new.wait
        && let Some(id) = run.begun().await
    {
        let started = RunStarted {
            run: id.to_string(),
            connection: name,
            href: format!("{PREFIX}/runs/{id}"),
        };
        let said = Said::with(StatusCode::ACCEPTED, &started);
        return Ok(([(LOCATION, started.href)], said).into_response());
    }
    // It is to be waited for, or ended before it had begun.
    let ended = run.ended().await.ok_or_else(|| {
        Refused::of(Problem::new(
            ErrorCode::Stopping,
            "the run was given up, because the daemon is being stopped",
            "Ask again when it is back: what it had sent is settled first.",
        ))
    })?;
    match &*ended {
        Ok(ended) => Ok(report(&access, ended)?.into_response()),
        Err(error) => Err(Refused::of(error.problem())),
    }
}

/// Ask a run to end: what is in flight is finished and read back, the rest is not sent.
#[utoipa::path(post, operation_id = "cancelRun", path = "/runs/{run}/cancel", tag = "runs", params(("run" = String, Path, description = "`r-000123`")), responses(
    (status = 202, description = "It will end within moments.", body = of::RunCancelled),
    (status = 409, description = "It has ended, or was asked before.", body = of::ProblemDetails, content_type = "application/problem+json"),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn cancel(
    Caller(access): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Said, Refused> {
    let Path(run) = path?;
    let asked = access.cancel_run(&CancelTarget::Run(run_id(&run)?))?;
    Ok(Said::with(
        StatusCode::ACCEPTED,
        &RunCancelled {
            run: Cow::Borrowed(&asked.run),
            connection: Cow::Borrowed(&asked.connection),
            asked_by: Cow::Borrowed(&asked.asked_by),
            asked_at: asked.asked_at,
            status: None,
            ended_at: None,
        },
    ))
}

fn report(access: &Access, report: &RunReport) -> Result<Said, Refused> {
    let names = access.names(Some(&report.connection))?;
    Ok(Said::ok(&Run::new(report, &names)))
}

fn release(codes: &[String], why: Option<&str>) -> Result<Option<Release>, Refused> {
    if codes.is_empty() && why.is_none() {
        return Ok(None);
    }
    let brakes = codes.iter().map(|code| {
        code.parse::<BrakeCode>()
            .map_err(|error| bad(error.to_string(), "See docs/holds.md for the brakes."))
    });
    let brakes: Vec<BrakeCode> = brakes.collect::<Result<_, _>>()?;
    Ok(Some(Release::new(brakes, why.unwrap_or_default())?))
}

fn run_id(text: &str) -> Result<RunId, Refused> {
    text.parse()
        .map_err(|error| Refused::from(psa_host_sync::Error::from(error)))
}

/// A name that none can have is one that there is not.
pub(super) fn connection(text: &str) -> Result<ConnectionName, Refused> {
    text.parse().map_err(|_| {
        let short: String = text.chars().take(60).collect();
        Refused::of(Problem::new(
            ErrorCode::UnknownConnection,
            format!("there is no connection {short:?}"),
            "Add one with `psa-host connection add`.",
        ))
    })
}

fn bad(message: String, fix: &str) -> Refused {
    Refused::of(Problem::new(ErrorCode::BadRequest, message, fix))
}
