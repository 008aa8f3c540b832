//! Who sends a request.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use psa_host_billing::ErrorCode;
use psa_host_sync::{Access, Problem};

use super::problem::Refused;
use crate::app::App;

/// What the sender may do.
pub(super) struct Caller(pub Access);

impl FromRequestParts<App> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let header = parts.headers.get(AUTHORIZATION);
        let secret = header
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim());
        let Some(secret) = secret else {
            return Err(Refused::of(Problem::new(
                ErrorCode::NoToken,
                "the request has no token",
                "Send `Authorization: Bearer TOKEN`; the operator makes one with `psa-host token add`.",
            )));
        };
        match app.host().bearer(secret)? {
            Some(actor) => Ok(Self(app.host().access(actor))),
            None => Err(Refused::of(Problem::new(
                ErrorCode::TokenRefused,
                "the token is none, was taken away or has ended",
                "Ask the operator for another: `psa-host token add`.",
            ))),
        }
    }
}
