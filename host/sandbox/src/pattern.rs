//! Host patterns: what a plugin asks to reach and an operator grants.
//!
//! Without scheme or port: `webservices.autotask.net`; `#` stands for one or more
//! digits (`webservices#.autotask.net`); a leading `*.` for one label or more
//! (`*.halopsa.com`). Never an IP address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A checked pattern, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(Box<str>);

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("host pattern {pattern:?}: {problem}")]
pub struct PatternError {
    pattern: String,
    problem: &'static str,
}

impl HostPattern {
    /// Whether it covers this host (lower case, as a URL parser gives it).
    pub fn matches(&self, host: &str) -> bool {
        let Some(suffix) = self.0.strip_prefix("*.") else {
            return matches_exactly(self.0.as_bytes(), host.as_bytes());
        };
        host.match_indices('.')
            .filter(|(at, _)| *at > 0)
            .any(|(at, _)| matches_exactly(suffix.as_bytes(), &host.as_bytes()[at + 1..]))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What follows a `#` is never a digit, so taking all digits is the only way to match.
fn matches_exactly(pattern: &[u8], host: &[u8]) -> bool {
    let mut rest = host;
    for &wanted in pattern {
        if wanted == b'#' {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            rest = &rest[digits..];
        } else if rest.first() == Some(&wanted) {
            rest = &rest[1..];
        } else {
            return false;
        }
    }
    rest.is_empty()
}

fn problem_of(pattern: &str) -> Option<&'static str> {
    if pattern.len() > 253 {
        return Some("is longer than a host name can be");
    }
    if pattern.contains(['/', ':', '@', '?']) {
        return Some("has a scheme, port or path; only the host belongs here");
    }
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    if name.contains('*') {
        return Some("`*` may only stand alone before the first dot");
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.#".contains(&b);
    if !name.bytes().all(allowed) {
        return Some("may only have letters, digits, `-`, `.`, `#` and a leading `*.`");
    }
    let labels: Vec<&str> = name.split('.').collect();
    if labels.len() < 2 {
        return Some("is too wide: name at least a domain and its top level");
    }
    let bad = |l: &&str| l.is_empty() || l.len() > 63 || l.starts_with('-') || l.ends_with('-');
    if labels.iter().any(bad) {
        return Some("has an empty or impossible part between dots");
    }
    let last = labels.last().copied().unwrap_or_default();
    if !last.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some("is an IP address or ends like one; only names can be granted");
    }
    // A number stands for each `#`: what it could be registered as.
    let example = name.replace('#', "1");
    if psl::domain_str(&example).is_none() {
        return Some("is a public suffix: anybody can have a name under it");
    }
    let registered = labels.len() - psl::domain_str(&example).map_or(0, |d| d.split('.').count());
    if labels[registered].contains('#') {
        return Some("has a `#` in the registered domain: anybody can have another number");
    }
    let doubtful = |pair: &[u8]| pair[0] == b'#' && (pair[1] == b'#' || pair[1].is_ascii_digit());
    if name.as_bytes().windows(2).any(doubtful) {
        return Some("has a digit or `#` right after `#`");
    }
    None
}

impl FromStr for HostPattern {
    type Err = PatternError;
    fn from_str(text: &str) -> Result<Self, PatternError> {
        let pattern = text.to_ascii_lowercase();
        match problem_of(&pattern) {
            Some(problem) => Err(PatternError {
                pattern: crate::text::clean(text, 80),
                problem,
            }),
            None => Ok(Self(pattern.into_boxed_str())),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> String {
        pattern.0.into_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_says_and_no_more() {
        let cases = [
            ("a.example", "a.example", true),
            ("a.example", "b.a.example", false),
            ("a.example", "a.example.evil.test", false),
            ("web#.a.example", "web15.a.example", true),
            ("web#.a.example", "web.a.example", false),
            ("web#.a.example", "web1x.a.example", false),
            ("web#.a.example", "web1.evil.a.example", false),
            ("*.a.example", "x.a.example", true),
            ("*.a.example", "x.y.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.a.example", ".a.example", false),
            ("*.a.example", "xa.example", false),
            ("*.web#.a.example", "x.web2.a.example", true),
            ("A.Example", "a.example", true),
        ];
        for (pattern, host, expected) in cases {
            let parsed: HostPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn patterns_that_are_too_wide_or_no_names_are_refused() {
        for text in [
            "",
            "*",
            "*.com",
            "com",
            "localhost",
            "127.0.0.1",
            "1.2.3.4",
            "[::1]",
            "10.#.#.#",
            "https://a.example",
            "a.example:8443",
            "a.example/x",
            "a.*.example",
            "a*.example",
            "a..example",
            "-a.example",
            "w##.example",
            "w#1.example",
            "a example",
            "a.example.",
            "ä.example",
            "co.uk",
            "*.co.uk",
            "*.github.io",
            "*.azurewebsites.net",
            "*.herokuapp.com",
            "*.s3.amazonaws.com",
            "psa#.com",
            "*.psa#.co.uk",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
    }
}
