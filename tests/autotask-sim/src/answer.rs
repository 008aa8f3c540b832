//! Answers, in the API's shapes.

use serde_json::{Value as Json, json};

/// An answer before it becomes bytes on a connection.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers besides length.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// JSON with a status.
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::bytes(status, body.to_string().into_bytes())
    }

    /// JSON already written.
    pub(crate) fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
            body,
        }
    }

    /// Errors are plain strings in a list, with HTTP 500 unless said otherwise
    /// [DOC REST_Creating_Resources_POST].
    pub(crate) fn errors(status: u16, text: &str) -> Self {
        Self::json(status, &json!({ "errors": [text] }))
    }

    /// Failed authentication: no body, and nothing that says why [LIVE W6W].
    pub(crate) fn unauthorized(realm: &str) -> Self {
        Self {
            status: 401,
            headers: vec![("www-authenticate", format!("Basic Realm=\"{realm}\""))],
            body: Vec::new(),
        }
    }

    /// The web server's own 404, not the API's.
    pub(crate) fn html(status: u16) -> Self {
        let body = format!(
            "<!DOCTYPE html><html><head><title>{status}</title></head><body><h2>{status} - File or \
             directory not found.</h2><h3>The resource you are looking for might have been removed, \
             had its name changed, or is temporarily unavailable.</h3></body></html>"
        );
        Self {
            status,
            headers: vec![("content-type", "text/html".to_owned())],
            body: body.into_bytes(),
        }
    }

    /// A verb the route lacks [LIVE WYRE].
    pub(crate) fn method_not_allowed(method: &str) -> Self {
        let text = format!("The requested resource does not support http method '{method}'.");
        Self::json(405, &json!({ "Message": text }))
    }
}
