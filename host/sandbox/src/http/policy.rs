//! Where a request may go: what the plugin asks for and the operator granted, over
//! https. For development also to loopback origins that a setting names, or that an
//! answer of such an origin named.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use url::{Host, Url};

use super::Refusal;
use crate::{HostPattern, IncidentCode};

/// Loopback origins learnt from answers: a simulator has a handful of zones.
const MAX_LEARNT: usize = 16;
/// An answer that names a zone is small; large ones are data.
const MAX_SCANNED: usize = 64 << 10;

/// How far a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Over https, to addresses on the public internet only.
    Public,
    /// Over http, to addresses of this computer only.
    Loopback,
}

/// Where a checked request goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub url: Url,
    pub reach: Reach,
}

#[derive(Debug)]
pub(crate) struct Policy {
    /// Asked for by the plugin.
    pub wanted: Vec<HostPattern>,
    /// Approved by the operator for this file.
    pub granted: Vec<HostPattern>,
    /// Hosts with ports other than 443 that url settings name.
    pub ports: BTreeSet<(String, u16)>,
    /// Loopback origins; none where the development switch is off.
    pub loopback: Option<RwLock<BTreeSet<String>>>,
}

impl Policy {
    /// Check an address as the guest wrote it.
    pub(crate) fn check(&self, text: &str, most_bytes: usize) -> Result<Target, Refusal> {
        let refuse = |message: &str| Refusal::new(IncidentCode::UrlRefused, message);
        if text.len() > most_bytes {
            return Err(refuse("the address is too long"));
        }
        // The parser would silently drop these; what is read must be what was written.
        if text
            .chars()
            .any(|c| c.is_control() || c == ' ' || c == '\\')
        {
            return Err(refuse(
                "the address has a space, backslash or control character",
            ));
        }
        let url = Url::parse(text).map_err(|error| {
            let shown = crate::text::clean(text, 100);
            refuse(&format!("{shown:?} is not an absolute address: {error}"))
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("the address has a user name or password in it"));
        }
        if url.fragment().is_some() {
            return Err(refuse(
                "the address has a fragment (`#…`), which is never sent",
            ));
        }
        let reach = self.reach(&url)?;
        Ok(Target { url, reach })
    }

    /// How far this origin is, or why it is out of reach.
    pub(crate) fn reach(&self, url: &Url) -> Result<Reach, Refusal> {
        let origin = url.origin().ascii_serialization();
        if is_loopback(url) && url.scheme() == "http" {
            return self.loopback_reach(&origin);
        }
        if url.scheme() != "https" {
            let scheme = crate::text::clean(url.scheme(), 20);
            let message = format!("{scheme}: only https addresses are allowed");
            return Err(Refusal::new(IncidentCode::SchemeRefused, message));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.ends_with('.') => name,
            Some(Host::Domain(name)) => {
                let message = format!("{name}: a host name does not end in a dot here");
                return Err(Refusal::new(IncidentCode::UrlRefused, message));
            }
            Some(address) => {
                let message = format!("{address} is an IP address; only names can be granted");
                return Err(Refusal::new(IncidentCode::IpLiteral, message));
            }
            None => {
                return Err(Refusal::new(
                    IncidentCode::UrlRefused,
                    "the address has no host",
                ));
            }
        };
        if !self.wanted.iter().any(|pattern| pattern.matches(host)) {
            let message = format!("{host} is not among the hosts that this plugin declares");
            return Err(Refusal::new(IncidentCode::HostNotDeclared, message)
                .with_fix("Ask the plugin's author to declare it; then approve it."));
        }
        if !self.granted.iter().any(|pattern| pattern.matches(host)) {
            let message = format!("{host} is not granted to this plugin");
            return Err(Refusal::new(IncidentCode::HostNotGranted, message)
                .with_fix(format!("approve `{host}` for this plugin")));
        }
        let port = url.port().unwrap_or(443);
        if port != 443 && !self.ports.contains(&(host.to_owned(), port)) {
            let message = format!("{host}:{port}: only port 443, unless a setting names the port");
            return Err(Refusal::new(IncidentCode::PortRefused, message)
                .with_fix(format!("name {origin} in a setting of the connection")));
        }
        Ok(Reach::Public)
    }

    fn loopback_reach(&self, origin: &str) -> Result<Reach, Refusal> {
        let refuse = |message: String, fix: &str| {
            Err(Refusal::new(IncidentCode::AddressRefused, message).with_fix(fix))
        };
        match &self.loopback {
            None => refuse(
                format!("{origin} is this computer itself"),
                "loopback origins are for development and need their own switch",
            ),
            Some(origins) => {
                let origins = origins.read().unwrap_or_else(PoisonError::into_inner);
                if origins.contains(origin) {
                    Ok(Reach::Loopback)
                } else {
                    refuse(
                        format!("{origin} is this computer itself and no setting names it"),
                        "name the origin in a setting of the connection",
                    )
                }
            }
        }
    }

    /// Let loopback origins in that an answer of a loopback origin names (a zone).
    pub(crate) fn learn(&self, body: &[u8]) {
        let Some(origins) = &self.loopback else {
            return;
        };
        if body.len() > MAX_SCANNED {
            return;
        }
        let text = String::from_utf8_lossy(body).replace("\\/", "/");
        for (at, _) in text.match_indices("http://") {
            let rest = &text[at..];
            let ends = |c: char| c.is_whitespace() || "\"'<>\\,".contains(c);
            let address = &rest[..rest.find(ends).unwrap_or(rest.len())];
            let Ok(url) = Url::parse(address) else {
                continue;
            };
            let mut origins = origins.write().unwrap_or_else(PoisonError::into_inner);
            if is_loopback(&url) && origins.len() < MAX_LEARNT {
                origins.insert(url.origin().ascii_serialization());
            }
        }
    }

    /// The loopback origins that may be used now.
    pub(crate) fn loopback_origins(&self) -> Vec<String> {
        let origins = self.loopback.as_ref().map(|origins| {
            let origins = origins.read().unwrap_or_else(PoisonError::into_inner);
            origins.iter().cloned().collect()
        });
        origins.unwrap_or_default()
    }
}

/// Whether an address plainly names this computer.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let patterns = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect();
        Policy {
            wanted: patterns(&["api.example.com", "zone#.example.com", "*.wide.example"]),
            granted: patterns(&["api.example.com", "zone#.example.com", "other.example"]),
            ports: BTreeSet::from([("api.example.com".to_owned(), 8443)]),
            loopback: None,
        }
    }

    fn code(policy: &Policy, url: &str) -> &'static str {
        match policy.check(url, 8_192) {
            Ok(Target {
                reach: Reach::Public,
                ..
            }) => "public",
            Ok(Target {
                reach: Reach::Loopback,
                ..
            }) => "loopback",
            Err(refusal) => refusal.code.as_str(),
        }
    }

    #[test]
    fn only_what_is_asked_for_and_granted_is_reached() {
        for (url, expected) in [
            ("https://api.example.com/x?y=1", "public"),
            ("https://API.EXAMPLE.COM/", "public"),
            ("https://api.example.com:443/", "public"),
            ("https://api.example.com:8443/", "public"),
            ("https://zone12.example.com/", "public"),
            ("https://zone.example.com/", "host-not-declared"),
            ("https://a.wide.example/", "host-not-granted"),
            ("https://other.example/", "host-not-declared"),
            ("https://api.example.com.evil.test/", "host-not-declared"),
            ("https://api.example.com:444/", "port-refused"),
            ("http://api.example.com/", "scheme-refused"),
            ("ftp://api.example.com/", "scheme-refused"),
            ("file:///etc/passwd", "scheme-refused"),
            ("https://api.example.com./", "url-refused"),
            ("https://user:pass@api.example.com/", "url-refused"),
            ("https://api.example.com@evil.test/", "url-refused"),
            ("https://api.example.com/#x", "url-refused"),
            ("https://api.example.com\\@evil.test/", "url-refused"),
            ("https://api.exa\tmple.com/", "url-refused"),
            ("https:///x", "host-not-declared"),
            ("/relative", "url-refused"),
            ("", "url-refused"),
        ] {
            assert_eq!(code(&policy(), url), expected, "{url}");
        }
    }

    #[test]
    fn an_ip_literal_is_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "93.184.216.34",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "0",
            "127.0.0.1.",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[fd00:ec2::254]",
            "169.254.169.254",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "①②⑦.0.0.1",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(code(&policy(), &url), "ip-literal", "{host}");
        }
    }

    #[test]
    fn loopback_needs_the_switch_and_a_setting_that_names_the_origin() {
        let mut policy = policy();
        let named = "http://127.0.0.1:8080/x";
        assert_eq!(code(&policy, named), "address-refused");
        let origins = BTreeSet::from(["http://127.0.0.1:8080".to_owned()]);
        policy.loopback = Some(RwLock::new(origins));
        assert_eq!(code(&policy, named), "loopback");
        assert_eq!(code(&policy, "http://127.0.0.1:8081/"), "address-refused");
        assert_eq!(code(&policy, "http://localhost:8080/"), "address-refused");
        assert_eq!(code(&policy, "https://127.0.0.1:8080/"), "ip-literal");
        assert_eq!(code(&policy, "http://10.0.0.1:8080/"), "scheme-refused");
    }

    #[test]
    fn a_zone_on_another_loopback_port_is_learnt_from_an_answer() {
        let mut policy = policy();
        policy.loopback = Some(RwLock::default());
        policy.learn(br#"{"url":"http:\/\/127.0.0.1:9001\/rest\/","b":"http://10.0.0.1:1/"}"#);
        policy.learn(b"http://localhost:9002 https://evil.test http://127.0.0.1.evil.test:5/");
        let origins = policy.loopback_origins();
        assert_eq!(origins, ["http://127.0.0.1:9001", "http://localhost:9002"]);
    }

    #[test]
    fn a_refusal_names_what_to_approve() {
        let refused = policy()
            .check("https://a.wide.example/", 8_192)
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "host-not-granted: a.wide.example is not granted to this plugin \
             [approve `a.wide.example` for this plugin]"
        );
    }
}
