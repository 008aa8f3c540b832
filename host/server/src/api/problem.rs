//! Errors as RFC 9457 has them, with the code, cause, fix and link that all errors of
//! psa-host have.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use psa_host_billing::ErrorCode;
use psa_host_sync::{Error, Problem};
use psa_host_wire::ProblemDetails;

/// Why a request was refused, or failed.
#[derive(Debug)]
pub(super) struct Refused(Box<Problem>, Option<StatusCode>);

impl Refused {
    pub fn of(problem: Problem) -> Self {
        Self(Box::new(problem), None)
    }

    /// With a status that says more than the code alone.
    pub fn with(status: StatusCode, problem: Problem) -> Self {
        Self(Box::new(problem), Some(status))
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::of(error.problem())
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        let fix = "Send the JSON that /api/v1/openapi.json describes for this route.";
        Self::with(
            rejection.status(),
            Problem::new(ErrorCode::BadRequest, rejection.body_text(), fix),
        )
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        let fix = "See the parameters of this route in /api/v1/openapi.json.";
        Self::with(
            StatusCode::BAD_REQUEST,
            Problem::new(ErrorCode::BadRequest, rejection.body_text(), fix),
        )
    }
}

impl From<PathRejection> for Refused {
    fn from(rejection: PathRejection) -> Self {
        let fix = "See the path of this route in /api/v1/openapi.json.";
        Self::with(
            rejection.status(),
            Problem::new(ErrorCode::BadRequest, rejection.body_text(), fix),
        )
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(problem, status) = self;
        let status = status.unwrap_or_else(|| status_of(problem.code));
        if status.is_server_error() {
            tracing::error!(code = %problem.code, message = problem.message, "a request failed");
        }
        let details = ProblemDetails::new(&problem, status.as_u16(), status.canonical_reason());
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response =
            (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The status of an error's code.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::NoToken | ErrorCode::TokenRefused => StatusCode::UNAUTHORIZED,
        ErrorCode::NotAllowed => StatusCode::FORBIDDEN,
        ErrorCode::NotFound | ErrorCode::UnknownConnection | ErrorCode::NoRoute => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::NoMethod => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::AlreadyExists
        | ErrorCode::RunState
        | ErrorCode::RunOver
        | ErrorCode::RunUnderWay
        | ErrorCode::RunBeingCancelled
        | ErrorCode::NoRunUnderWay
        | ErrorCode::TenantBusy
        | ErrorCode::DateDone
        | ErrorCode::PostingStopped => StatusCode::CONFLICT,
        ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
        ErrorCode::Stopping
        | ErrorCode::LedgerLocked
        | ErrorCode::DiskFull
        | ErrorCode::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::LedgerDamaged | ErrorCode::Permission => StatusCode::INTERNAL_SERVER_ERROR,
        // What is asked for is understood, and cannot be done as things are.
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A path that is none.
pub(super) async fn no_route(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(200).collect();
    Refused::of(Problem::new(
        ErrorCode::NoRoute,
        format!("there is nothing at {path:?}"),
        "See /api/v1/openapi.json for everything there is.",
    ))
}

/// A path that is one, with another method.
pub(super) async fn no_method() -> Refused {
    Refused::of(Problem::new(
        ErrorCode::NoMethod,
        "this cannot be done here",
        "See the methods of this path in /api/v1/openapi.json.",
    ))
}
