//! Which requests are writes: methods and paths as the plugin declares them, matched
//! so that no other spelling of a path gets past.
//!
//! A path that servers read in different ways (an encoded slash, an empty segment,
//! a `;parameter`, a dot at the end) is refused outright: whatever it means to the
//! server, it could mean something else here.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Changes nothing.
    Read,
    /// Changes what is billed: once in `adjust`, never elsewhere.
    Write,
}

/// A declared method and path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// In upper case.
    pub method: String,
    /// Compared without regard to case.
    pub path: PathPattern,
    /// What it does.
    pub kind: RouteKind,
}

/// A path with `*` for any one segment, a leading `**` for any beginning, and
/// `{endpoint}` for the segment that names the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    open: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
    Endpoint,
}

/// Why a text is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path {0:?}: must be `/`-separated literals, `*`, one `{{endpoint}}` and a leading `**`")]
pub struct RouteError(String);

impl FromStr for PathPattern {
    type Err = RouteError;
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let error = || RouteError(crate::text::clean(text, 100));
        let (open, rest) = match text.strip_prefix("**") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if !rest.starts_with('/') || rest.len() > 500 {
            return Err(error());
        }
        let mut segments = Vec::new();
        for part in rest[1..].split('/').filter(|part| !part.is_empty()) {
            segments.push(match part {
                "*" => Segment::Any,
                "{endpoint}" => Segment::Endpoint,
                literal if literal.contains(['*', '{', '}', '?', '#', '%', ';']) => {
                    return Err(error());
                }
                literal => Segment::Literal(literal.to_lowercase()),
            });
        }
        let endpoints = segments.iter().filter(|s| **s == Segment::Endpoint);
        if endpoints.count() > 1 || (open && segments.is_empty()) {
            return Err(error());
        }
        Ok(Self { open, segments })
    }
}

impl PathPattern {
    /// Whether it covers this path, and the endpoint it names.
    fn matches<'p>(&self, path: &'p [String]) -> Option<Option<&'p str>> {
        let skipped = path.len().checked_sub(self.segments.len())?;
        if skipped > 0 && !self.open {
            return None;
        }
        let mut endpoint = None;
        for (wanted, actual) in self.segments.iter().zip(&path[skipped..]) {
            match wanted {
                Segment::Literal(literal) if literal != actual => return None,
                Segment::Literal(_) | Segment::Any => {}
                Segment::Endpoint => endpoint = Some(actual.as_str()),
            }
        }
        Some(endpoint)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.open {
            f.write_str("**")?;
        }
        if self.segments.is_empty() {
            f.write_str("/")?;
        }
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => write!(f, "/{literal}")?,
                Segment::Any => f.write_str("/*")?,
                Segment::Endpoint => f.write_str("/{endpoint}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for PathPattern {
    type Error = RouteError;
    fn try_from(text: String) -> Result<Self, RouteError> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> String {
        pattern.to_string()
    }
}

/// What a request is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Routed {
    pub kind: RouteKind,
    /// In lower case; none: no route names one.
    pub endpoint: Option<String>,
}

/// Why a request is none of the declared ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unrouted {
    /// The path can be read in more than one way.
    Ambiguous(&'static str),
    /// Neither declared nor a plain read.
    Undeclared,
}

/// Decide what a request is. One declared as read and as write is a write, and so is a
/// `HEAD` of what is a write as `GET`: servers commonly run the same code for both.
pub(super) fn route(routes: &[Route], method: &str, path: &str) -> Result<Routed, Unrouted> {
    let path = segments(path).map_err(Unrouted::Ambiguous)?;
    let matching: Vec<_> = routes
        .iter()
        .filter(|route| route.method == method || (method == "HEAD" && route.method == "GET"))
        .filter_map(|route| Some((route.kind, route.path.matches(&path)?)))
        .collect();
    let write = matching.iter().any(|(kind, _)| *kind == RouteKind::Write);
    let kind = match () {
        () if write => RouteKind::Write,
        () if !matching.is_empty() || method == "GET" || method == "HEAD" => RouteKind::Read,
        () => return Err(Unrouted::Undeclared),
    };
    let endpoint = matching.into_iter().find_map(|(_, endpoint)| endpoint);
    Ok(Routed {
        kind,
        endpoint: endpoint.map(str::to_owned),
    })
}

/// A path's segments, decoded and in lower case. The URL parser has already resolved
/// `.` and `..` in all their encodings.
fn segments(path: &str) -> Result<Vec<String>, &'static str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/')
        .map(|raw| {
            let decoded = percent_decode_str(raw)
                .decode_utf8()
                .map_err(|_| "is not UTF-8 when decoded")?;
            match decoded.as_ref() {
                "" => return Err("has an empty segment (`//`)"),
                "." | ".." => return Err("has a dot segment"),
                text if text.contains(['/', '\\']) => return Err("has an encoded slash"),
                text if text.contains(';') => return Err("has a `;`"),
                text if text.contains('%') => return Err("is encoded twice"),
                text if text.ends_with(['.', ' ']) => {
                    return Err("has a segment ending in a dot or space");
                }
                text if text.chars().any(char::is_control) => {
                    return Err("has a control character");
                }
                _ => {}
            }
            Ok(decoded.to_lowercase())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route> {
        let route = |method: &str, path: &str, kind| Route {
            method: method.to_owned(),
            path: path.parse().unwrap(),
            kind,
        };
        vec![
            route("POST", "**/v1.0/{endpoint}/query", RouteKind::Read),
            route("POST", "**/v1.0/{endpoint}", RouteKind::Write),
            route("GET", "/api/trigger/*", RouteKind::Write),
        ]
    }

    /// As a request comes: through the URL parser first.
    fn routed(method: &str, path: &str) -> Result<Routed, Unrouted> {
        let url = url::Url::parse(&format!("https://a.example{path}")).unwrap();
        route(&routes(), method, url.path())
    }

    #[test]
    fn routes_tell_reads_from_writes_and_name_the_endpoint() {
        let read = routed("POST", "/rest/v1.0/Companies/query").unwrap();
        assert_eq!(
            (read.kind, read.endpoint.as_deref()),
            (RouteKind::Read, Some("companies"))
        );
        let write = routed("POST", "/rest/v1.0/Adjustments").unwrap();
        assert_eq!(
            (write.kind, write.endpoint.as_deref()),
            (RouteKind::Write, Some("adjustments"))
        );
        assert_eq!(routed("GET", "/anything").unwrap().kind, RouteKind::Read);
        assert_eq!(routed("HEAD", "/").unwrap().kind, RouteKind::Read);
        let head = routed("HEAD", "/api/trigger/1").unwrap();
        assert_eq!(head.kind, RouteKind::Write);
        assert_eq!(
            routed("HEAD", "/api/trigger/1").unwrap().kind,
            RouteKind::Write
        );
    }

    #[test]
    fn what_is_not_declared_and_no_plain_read_is_refused() {
        for (method, path) in [
            ("POST", "/rest/v1.0/Companies/query/more"),
            ("POST", "/rest/v2.0/Companies/query"),
            ("DELETE", "/rest/v1.0/Companies/query"),
            ("PATCH", "/rest/v1.0/Companies"),
            ("POST", "/"),
        ] {
            assert_eq!(
                routed(method, path),
                Err(Unrouted::Undeclared),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn no_spelling_of_a_write_passes_for_a_read() {
        for path in [
            "/api/trigger/1",
            "/API/Trigger/1",
            "/api/trigger/1/",
            "/api/%74rigger/1",
            "/api/./trigger/1",
            "/api/x/../trigger/1",
            "/api/%2e/trigger/1",
            "/api/x/%2E%2e/trigger/1",
            "/api\\trigger\\1",
            "/a\tpi/trigger/1",
        ] {
            assert_eq!(
                routed("GET", path).unwrap().kind,
                RouteKind::Write,
                "{path}"
            );
        }
        for path in [
            "//api/trigger/1",
            "/api//trigger/1",
            "/api/trigger;x/1",
            "/api%2ftrigger/1",
            "/api/trigger%5c1",
            "/api/%2574rigger/1",
            "/api/trigger./1",
            "/api/trigger%20/1",
            "/api/trigger%00/1",
            "/api/%252e%252e/1",
            "/api/%ff/1",
            "/api/trigger/1//",
        ] {
            let refused = matches!(routed("GET", path), Err(Unrouted::Ambiguous(_)));
            assert!(refused, "{path} {:?}", routed("GET", path));
        }
    }

    #[test]
    fn impossible_patterns_are_refused() {
        for text in [
            "",
            "a",
            "**",
            "**/",
            "/a*",
            "/{endpoint}/{endpoint}",
            "/{x}",
            "/a?b",
            "/a/**",
        ] {
            assert!(text.parse::<PathPattern>().is_err(), "{text:?}");
        }
        let round: PathPattern = "**/V1.0/{endpoint}/*".parse().unwrap();
        assert_eq!(round.to_string(), "**/v1.0/{endpoint}/*");
    }
}
