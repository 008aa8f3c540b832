//! For monitors, without a token: they say whether the daemon works, and nothing of what it
//! works on.

use axum::extract::State;
use axum::http::StatusCode;
use psa_host_wire::{Check, Readiness};

use super::document::{Said, of};
use crate::app::App;
use crate::scheduler::HANGS_AFTER;

/// The process answers.
#[utoipa::path(get, operation_id = "livez", path = "/livez", tag = "health", security(()), responses(
    (status = 200, description = "It does.", body = String, content_type = "text/plain"),
))]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The daemon can do its work: the database answers, the scheduler looks, nothing is stopping.
#[utoipa::path(get, operation_id = "readyz", path = "/readyz", tag = "health", security(()), responses(
    (status = 200, body = of::Readiness),
    (status = 503, body = of::Readiness),
))]
pub(super) async fn readyz(State(app): State<App>) -> Said {
    let database = app.scheduler().posting_stop().err();
    let checks = vec![
        check(
            "database",
            database.map(|error| error.problem().code.as_str().to_owned()),
        ),
        check("scheduler", scheduler(&app)),
        check(
            "stopping",
            app.stopping()
                .is_cancelled()
                .then(|| "the daemon is being stopped".to_owned()),
        ),
    ];
    let ready = checks.iter().all(|check| check.ok);
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    Said::with(status, &Readiness { ready, checks })
}

fn scheduler(app: &App) -> Option<String> {
    if !app.settings().schedule.enabled {
        return None;
    }
    let Some(last) = app.last_look() else {
        return Some("it has not looked yet".to_owned());
    };
    let since = app.now().duration_since(last).unsigned_abs();
    (since > HANGS_AFTER).then(|| format!("it has not looked for {} seconds", since.as_secs()))
}

fn check(name: &'static str, wrong: Option<String>) -> Check {
    Check {
        name: name.into(),
        ok: wrong.is_none(),
        message: wrong,
    }
}
