//! When connections are synced by themselves, and whether anything is posted at all.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::{JsonRejection, PathRejection};
use psa_host_sync::Schedule as Rule;
use psa_host_wire::{Dates, PostingStop, Schedule, Schedules};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::document::{Said, of};
use super::problem::Refused;
use super::runs::connection;
use crate::app::App;

const MOST_DATES: u32 = 400;

/// The schedules of all connections.
#[utoipa::path(get, operation_id = "listSchedules", path = "/schedules", tag = "schedules", responses(
    (status = 200, body = of::Schedules),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn list(Caller(access): Caller) -> Result<Said, Refused> {
    Ok(Said::ok(&Schedules {
        schedules: access.schedules()?,
    }))
}

/// A connection's schedule.
#[utoipa::path(get, operation_id = "showSchedule", path = "/connections/{connection}/schedule", tag = "schedules", params(("connection" = String, Path)), responses(
    (status = 200, body = of::Schedule),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    Caller(access): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Said, Refused> {
    let Path(name) = path?;
    Ok(Said::ok(&Schedule {
        schedule: access.schedule(&connection(&name)?)?,
    }))
}

/// When a connection is to be synced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSchedule {
    /// `default`, `off`, a time of day (`05:30`) or a cron expression of five fields.
    schedule: String,
}

/// Set a connection's schedule.
#[utoipa::path(put, operation_id = "setSchedule", path = "/connections/{connection}/schedule", tag = "schedules", params(("connection" = String, Path)), request_body = NewSchedule, responses(
    (status = 200, body = of::Schedule),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn set(
    State(app): State<App>,
    Caller(access): Caller,
    path: Result<Path<String>, PathRejection>,
    body: Result<Json<NewSchedule>, JsonRejection>,
) -> Result<Said, Refused> {
    let Path(name) = path?;
    let Json(new) = body?;
    let name = connection(&name)?;
    access.connection(&name)?;
    let rule: Rule = new.schedule.parse().map_err(psa_host_sync::Error::from)?;
    let schedule = access.set_schedule(&name, &rule)?;
    app.tell_scheduler();
    Ok(Said::ok(&Schedule { schedule }))
}

/// What became of the dates that a connection was due on.
#[utoipa::path(get, operation_id = "listDates", path = "/connections/{connection}/dates", tag = "schedules", params(("connection" = String, Path)), responses(
    (status = 200, body = of::Dates),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn dates(
    Caller(access): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Said, Refused> {
    let Path(name) = path?;
    let connection = connection(&name)?;
    let dates = access.dates(&connection, MOST_DATES)?;
    Ok(Said::ok(&Dates { connection, dates }))
}

/// Whether anything may be posted.
#[utoipa::path(get, operation_id = "showPostingStop", path = "/posting-stop", tag = "posting", responses(
    (status = 200, body = of::PostingStop),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn posting(Caller(access): Caller) -> Result<Said, Refused> {
    Ok(Said::ok(&PostingStop {
        posting: access.posting_stop()?,
    }))
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// It stands in the history.
    why: String,
}

/// Stop all posting, in the whole installation.
#[utoipa::path(put, operation_id = "stopPosting", path = "/posting-stop", tag = "posting", request_body = Reason, responses(
    (status = 200, body = of::PostingStop),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn stop(
    Caller(access): Caller,
    body: Result<Json<Reason>, JsonRejection>,
) -> Result<Said, Refused> {
    let Json(reason) = body?;
    Ok(Said::ok(&PostingStop {
        posting: access.stop_posting(&reason.why)?,
    }))
}

/// Let be posted again.
#[utoipa::path(delete, operation_id = "resumePosting", path = "/posting-stop", tag = "posting", request_body = Reason, responses(
    (status = 200, body = of::PostingStop),
    (status = "default", body = of::ProblemDetails, content_type = "application/problem+json"),
))]
pub(super) async fn resume(
    State(app): State<App>,
    Caller(access): Caller,
    body: Result<Json<Reason>, JsonRejection>,
) -> Result<Said, Refused> {
    let Json(reason) = body?;
    let posting = access.resume_posting(&reason.why)?;
    app.tell_scheduler();
    Ok(Said::ok(&PostingStop { posting }))
}
