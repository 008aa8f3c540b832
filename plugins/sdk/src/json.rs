//! Requests and answers in JSON.

use serde::de::Deserialize;

use crate::{Request, Response};

impl Request {
    /// An authenticated GET for JSON.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: None,
            authenticate: true,
            timeout_ms: None,
        }
    }

    /// An authenticated POST of JSON.
    #[must_use]
    pub fn post_json(url: impl Into<String>, body: Vec<u8>) -> Self {
        let mut request = Self::get(url);
        "POST".clone_into(&mut request.method);
        request
            .headers
            .push(("content-type".to_owned(), "application/json".to_owned()));
        request.body = Some(body);
        request
    }

    /// The same request without the declared authentication.
    #[must_use]
    pub fn without_authentication(mut self) -> Self {
        self.authenticate = false;
        self
    }
}

impl Response {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The body as JSON, borrowing from it. The error is for a person: where it went wrong,
/// not what the body said (that may be of any length and holds customers' data).
pub fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        if body.is_empty() {
            "it is empty".to_owned()
        } else if error.is_eof() {
            format!("it breaks off after {} bytes", body.len())
        } else {
            format!("{error}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_answer_says_that_it_breaks_off() {
        let error = read_json::<serde_json::Value>(br#"{"items":[{"id":1"#).unwrap_err();
        assert_eq!(error, "it breaks off after 17 bytes");
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        assert!(read_json::<serde_json::Value>(b"\xef\xbb\xbf{}").is_ok());
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let response = Response {
            status: 200,
            headers: vec![("Retry-After".to_owned(), "7".to_owned())],
            body: Vec::new(),
        };
        assert_eq!(response.header("retry-after"), Some("7"));
    }
}
