//! Which headers a plugin may set.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Refusal;
use crate::{IncidentCode, Limits};

/// The host's own, because they frame the request, route it, carry credentials, or
/// make a server take it for another one (`x-http-method-override: POST` on a GET
/// would be a write that looks like a read).
const RESERVED: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-encoding",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "client-ip",
    "front-end-https",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-override-url",
    "x-proxy-url",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-url-scheme",
];
/// With what follows: what a proxy tells a server about the request it passes on.
const RESERVED_BEGINNINGS: &[&str] = &[
    "cf-connecting-",
    "proxy-",
    "sec-",
    "x-forward",
    "x-original-",
    "x-rewrite-",
];

/// As servers that hand headers on as variables (CGI, WSGI, PHP) read a name: what is no
/// letter or digit is one and the same separator, so `X_Api_Key` is `x-api-key`.
fn canonical(name: &str) -> String {
    let same = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.to_ascii_lowercase().chars().map(same).collect()
}

/// Whether no plugin may set or declare this header, `authorization` included.
pub(crate) fn is_reserved(name: &str) -> bool {
    let name = canonical(name);
    RESERVED.contains(&name.as_str()) || RESERVED_BEGINNINGS.iter().any(|b| name.starts_with(b))
}

/// Check a request's headers. `declared` are those of the plugin's authentication,
/// which only the host sets.
pub(super) fn check(
    headers: &[(String, String)],
    declared: &[HeaderName],
    limits: &Limits,
) -> Result<HeaderMap, Refusal> {
    let refuse = |message: String| Refusal::new(IncidentCode::HeaderRefused, message);
    if headers.len() > limits.request_headers {
        let most = limits.request_headers;
        return Err(refuse(format!(
            "the request has {} headers; at most {most} are sent",
            headers.len()
        )));
    }
    let bytes: usize = headers.iter().map(|(n, v)| n.len() + v.len()).sum();
    if bytes > limits.request_header_bytes {
        let most = limits.request_header_bytes;
        return Err(refuse(format!(
            "the request's headers have {bytes} bytes; at most {most} are sent"
        )));
    }
    let mut checked = HeaderMap::with_capacity(headers.len() + 4);
    let declared: Vec<String> = declared
        .iter()
        .map(|name| canonical(name.as_str()))
        .collect();
    for (name, value) in headers {
        let shown = crate::text::clean(name, 60);
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refuse(format!("{shown:?} is no header name")))?;
        if is_reserved(parsed.as_str()) || declared.contains(&canonical(parsed.as_str())) {
            return Err(refuse(format!(
                "the header `{parsed}` is set by the host only"
            )));
        }
        let plain = |b: u8| b == b'\t' || (b >= b' ' && b != 0x7f);
        if !value.bytes().all(plain) {
            return Err(refuse(format!(
                "the header `{parsed}` has a line break or another control character"
            )));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| refuse(format!("the header `{parsed}` has an impossible value")))?;
        checked.append(parsed, value);
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(name: &str, value: &str) -> Result<HeaderMap, Refusal> {
        let declared = [HeaderName::from_static("apiintegrationcode")];
        let headers = [(name.to_owned(), value.to_owned())];
        check(&headers, &declared, &Limits::default())
    }

    #[test]
    fn ordinary_headers_are_sent() {
        for (name, value) in [
            ("accept", "application/json"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("X-Custom", "ü and\ttab"),
            ("x-empty", ""),
        ] {
            assert!(verdict(name, value).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_hosts_headers_are_refused_in_any_case() {
        for name in [
            "Host",
            "hOsT",
            "Authorization",
            "cookie",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "Proxy-Authorization",
            "proxy-anything",
            "X-Forwarded-For",
            "Te",
            "X-HTTP-Method-Override",
            "X-Original-URL",
            "X_HTTP_Method_Override",
            "x.http.method.override",
            "X_Forwarded_For",
            "X-Forwarded",
            "Forwarded",
            "Via",
            "X-Real-IP",
            "X-Rewrite-Url",
            "X-Original-Host",
            "Transfer_Encoding",
            "ApiIntegrationCode",
            "Expect",
            "Upgrade",
        ] {
            assert!(verdict(name, "x").is_err(), "{name}");
        }
        let declared = [HeaderName::from_static("x-api-key")];
        for name in ["X-Api-Key", "X_Api_Key", "x.api_key"] {
            let headers = [(name.to_owned(), "x".to_owned())];
            assert!(
                check(&headers, &declared, &Limits::default()).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_header_that_would_split_the_request_is_refused() {
        for (name, value) in [
            ("x-a", "1\r\nHost: evil.test"),
            ("x-a", "1\n2"),
            ("x-a", "1\r"),
            ("x-a", "1\0"),
            ("x-a\r\nhost", "1"),
            ("x a", "1"),
            ("x-a:", "1"),
            ("", "1"),
        ] {
            assert!(verdict(name, value).is_err(), "{name:?} {value:?}");
        }
    }

    #[test]
    fn too_many_and_too_long_headers_are_refused() {
        let many: Vec<_> = (0..65).map(|n| (format!("x-{n}"), String::new())).collect();
        assert!(check(&many, &[], &Limits::default()).is_err());
        assert!(verdict("x-a", &"a".repeat(20_000)).is_err());
    }
}
