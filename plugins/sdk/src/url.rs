//! As much of URLs as a connector needs: where one points, and how to put text in one.
//! The host takes them apart for itself and decides what may be called.

/// Where an absolute http(s) URL points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether the scheme is `https`; else it is `http`.
    pub https: bool,
    /// In lower case, as written (`[::1]` keeps its brackets).
    pub host: String,
    /// As written; none: that of the scheme.
    pub port: Option<u16>,
}

impl Origin {
    /// None for what is no absolute http(s) URL, or has a user name, blanks, control
    /// characters or backslashes: forms that programs read differently.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        if url
            .bytes()
            .any(|byte| byte <= b' ' || byte == b'\\' || byte == 0x7f)
        {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if authority.contains('@') {
            return None;
        }
        let (host, port) = match authority.rfind(':') {
            Some(colon) if !authority[colon..].contains(']') => (
                &authority[..colon],
                Some(authority[colon + 1..].parse().ok()?),
            ),
            _ => (authority, None),
        };
        if host.is_empty() {
            return None;
        }
        Some(Self {
            https,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// Whether it is this very machine, by name or by address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host == "[::1]"
            || self
                .host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

/// Text as one part of a path or query: all but letters, digits and `-._~` escaped.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The bare domain of what people type into a web address field; none where there is
/// none (`https://www.Acme.example/shop` is `acme.example`).
#[must_use]
pub fn domain_of(web_address: &str) -> Option<String> {
    let text = web_address.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = &text[..text.find(['/', '?', '#']).unwrap_or(text.len())];
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host
        .split(':')
        .next()
        .unwrap_or(host)
        .trim_end_matches('.')
        .to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let label_is_fine = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
    };
    let looks_like_domain = host.len() <= 253
        && host.contains('.')
        && host.split('.').all(label_is_fine)
        && !host
            .split('.')
            .next_back()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    looks_like_domain.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read() {
        let origin = Origin::of("https://WebServices2.autotask.net/ATServicesRest/").unwrap();
        assert_eq!(
            origin,
            Origin {
                https: true,
                host: "webservices2.autotask.net".to_owned(),
                port: None
            }
        );
        let local = Origin::of("http://127.0.0.1:8080").unwrap();
        assert_eq!(
            (local.https, local.port, local.is_loopback()),
            (false, Some(8080), true)
        );
        assert!(Origin::of("http://[::1]:8080/x").unwrap().is_loopback());
        assert!(
            !Origin::of("https://127.0.0.1.evil.example/")
                .unwrap()
                .is_loopback()
        );
    }

    #[test]
    fn ambiguous_urls_have_no_origin() {
        for url in [
            "https://webservices2.autotask.net@evil.example/",
            "https://evil.example\\.autotask.net/",
            "//evil.example/",
            "file:///etc/passwd",
            "https:///x",
            "https://a b/",
            "https://host:99999/",
        ] {
            assert_eq!(Origin::of(url), None, "{url}");
        }
    }

    #[test]
    fn text_is_escaped_for_a_query() {
        assert_eq!(
            percent_encode("api+user@acme.example&x=1"),
            "api%2Buser%40acme.example%26x%3D1"
        );
    }

    #[test]
    fn domains_are_cleaned() {
        for (typed, domain) in [
            ("https://www.Acme.example/shop?x", Some("acme.example")),
            ("acme.example", Some("acme.example")),
            ("http://acme.example:8080", Some("acme.example")),
            ("info@acme.example", Some("acme.example")),
            ("WWW.ACME.EXAMPLE.", Some("acme.example")),
            ("bücher.example", Some("bücher.example")),
            ("n/a", None),
            ("", None),
            ("192.168.1.1", None),
            ("acme", None),
            ("two words.example", None),
        ] {
            assert_eq!(domain_of(typed).as_deref(), domain, "{typed}");
        }
    }
}
