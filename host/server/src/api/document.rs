//! Documents of `psa-host-wire` as answers, and their schemas in the API's own document.

use std::borrow::Cow;
use std::marker::PhantomData;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use psa_host_wire::Document;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A document, whole.
pub(super) struct Said {
    status: StatusCode,
    body: Result<Vec<u8>, serde_json::Error>,
}

impl Said {
    /// As it is.
    pub fn ok<D: Document>(document: &D) -> Self {
        Self::with(StatusCode::OK, document)
    }

    /// With another status.
    pub fn with<D: Document>(status: StatusCode, document: &D) -> Self {
        Self {
            status,
            body: serde_json::to_vec(document),
        }
    }
}

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        match self.body {
            Ok(body) => (self.status, [(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// The schema of a document.
#[derive(Debug)]
pub(super) struct Of<D>(PhantomData<D>);

/// Documents for the description of a route, which wants names without parameters.
pub(super) mod of {
    use psa_host_wire as wire;

    use super::Of;

    pub(in crate::api) type Dates = Of<wire::Dates>;
    pub(in crate::api) type PostingStop = Of<wire::PostingStop>;
    pub(in crate::api) type ProblemDetails = Of<wire::ProblemDetails>;
    pub(in crate::api) type Readiness = Of<wire::Readiness>;
    pub(in crate::api) type Run = Of<wire::Run<'static>>;
    pub(in crate::api) type RunCancelled = Of<wire::RunCancelled<'static>>;
    pub(in crate::api) type RunList = Of<wire::RunList<'static>>;
    pub(in crate::api) type RunStarted = Of<wire::RunStarted>;
    pub(in crate::api) type Schedule = Of<wire::Schedule>;
    pub(in crate::api) type Schedules = Of<wire::Schedules>;
}

impl<D: Document> ToSchema for Of<D> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(D::NAME)
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let (_, parts) = parts_of::<D>();
        schemas.extend(parts);
    }
}

impl<D: Document> PartialSchema for Of<D> {
    fn schema() -> RefOr<Schema> {
        parts_of::<D>().0
    }
}

type Part = (String, RefOr<Schema>);

/// A schema and those that it refers to. Their names are joined with the document's, since
/// two documents may have parts of one name.
fn parts_of<D: Document>() -> (RefOr<Schema>, Vec<Part>) {
    let mut whole = psa_host_wire::schema_of_document::<D>().to_value();
    let parts = whole
        .as_object_mut()
        .and_then(|whole| {
            whole.remove("$schema");
            whole.remove("$defs")
        })
        .and_then(|parts| match parts {
            Value::Object(parts) => Some(parts),
            _ => None,
        })
        .unwrap_or_default();
    rename(&mut whole, D::NAME);
    let parts = parts.into_iter().map(|(name, mut part)| {
        rename(&mut part, D::NAME);
        (format!("{}.{name}", D::NAME), schema(part))
    });
    (schema(whole), parts.collect())
}

fn rename(value: &mut Value, document: &str) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(to) if name == "$ref" => {
                        if let Some(part) = to.strip_prefix("#/$defs/") {
                            *to = format!("#/components/schemas/{document}.{part}");
                        }
                    }
                    field => rename(field, document),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, document)),
        _ => {}
    }
}

/// A schema of one crate as that of the other; both are JSON Schema 2020-12.
fn schema(value: Value) -> RefOr<Schema> {
    serde_json::from_value(value).unwrap_or_default()
}
