//! The REST API. Each route is one call of `psa-host-sync`, made as whoever sends the
//! request; its answer is a document of `psa-host-wire`.

mod auth;
mod document;
mod health;
mod problem;
mod runs;
mod schedules;

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// What stands in front of every route but those for monitors.
const PREFIX: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "psa-host",
        description = "Keeps an MSP's PSA billing equal to what Coro protects.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    security(("token" = [])),
)]
struct Document;

/// All routes.
pub(crate) fn router(app: App) -> Router {
    let (api, _) = described().split_for_parts();
    let document = openapi();
    let served = axum::routing::get(move || async move { axum::Json(document) });
    api.route(&format!("{PREFIX}/openapi.json"), served)
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .with_state(app)
}

/// The document that describes the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = described().split_for_parts();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("token", bearer);
    document
}

fn described() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::show))
        .routes(routes!(runs::cancel))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::show, schedules::set))
        .routes(routes!(schedules::dates))
        .routes(routes!(
            schedules::posting,
            schedules::stop,
            schedules::resume
        ));
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .nest(PREFIX, v1)
}
