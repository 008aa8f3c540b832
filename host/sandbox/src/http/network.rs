//! The operator's own network: a proxy between here and the internet, certificate
//! authorities beside those of the system. A plugin has no say in either.

use std::ffi::OsString;
use std::fmt;

use reqwest::{Certificate, Proxy};
use url::Url;

/// Variables in which other programs find a proxy.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// How the internet is reached. The default: directly, trusting the system's certificate
/// authorities.
#[derive(Clone, Default)]
pub struct Network {
    proxy: Option<(Url, Proxy)>,
    authorities: Vec<Certificate>,
    /// The variable that names a proxy which is not used.
    unused_proxy: Option<&'static str>,
}

impl fmt::Debug for Network {
    /// Without the proxy's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("proxy", &self.proxy_shown())
            .field("authorities", &self.authorities.len())
            .field("unused_proxy", &self.unused_proxy)
            .finish()
    }
}

/// Why a setting of the network cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No address of a proxy.
    #[error("{shown:?} is no address of a proxy: {why}")]
    Proxy {
        /// As it was given, without its password.
        shown: String,
        /// What is wrong with it.
        why: String,
    },
    /// No certificates.
    #[error("it holds no certificate authority that can be used: {0}")]
    Authorities(String),
}

impl NetworkError {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Proxy { .. } => "proxy-invalid",
            Self::Authorities(_) => "ca-file-invalid",
        }
    }

    /// What a person can do.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Proxy { .. } => {
                "Write it as http://proxy.example:3128, with USER:PASSWORD@ before the name where it asks for them."
            }
            Self::Authorities(_) => {
                "Name a file with one or more certificates in PEM, each between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----."
            }
        }
    }
}

impl Network {
    /// The system's network, with what the environment says of a proxy that is not used.
    pub fn of_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let named = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        Self {
            unused_proxy: PROXY_VARIABLES.into_iter().find(named),
            ..Self::default()
        }
    }

    /// Send everything through this proxy (`http://proxy.example:3128`). It looks names up
    /// itself, so that the addresses behind them are not checked here.
    ///
    /// # Errors
    /// No http or https address.
    pub fn through(mut self, proxy: &str) -> Result<Self, NetworkError> {
        let refused = |why: &str, shown: &str| NetworkError::Proxy {
            shown: shown.to_owned(),
            why: why.to_owned(),
        };
        let url = Url::parse(proxy).map_err(|error| {
            // It may be the address without its scheme, with a password in it.
            let shown = proxy.rsplit('@').next().unwrap_or_default();
            refused(&error.to_string(), shown)
        })?;
        let shown = without_password(&url);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only http and https proxies are used", &shown));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("it has no host", &shown));
        }
        let proxy = Proxy::all(url.clone())
            .map_err(|error| refused(&error.without_url().to_string(), &shown))?;
        self.proxy = Some((url, proxy));
        self.unused_proxy = None;
        Ok(self)
    }

    /// Trust these certificate authorities too, in PEM.
    ///
    /// # Errors
    /// Not one certificate in it, or one that cannot be read.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, NetworkError> {
        let unusable = |why: String| NetworkError::Authorities(why);
        let found = Certificate::from_pem_bundle(pem)
            .map_err(|error| unusable(error.without_url().to_string()))?;
        if found.is_empty() {
            return Err(unusable("there is no certificate in it".to_owned()));
        }
        self.authorities.extend(found);
        Ok(self)
    }

    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref().map(|(_, proxy)| proxy)
    }

    /// The proxy's name, which is looked up.
    pub(super) fn proxy_host(&self) -> Option<&str> {
        self.proxy.as_ref()?.0.host_str()
    }

    /// The proxy's address as it may be shown.
    pub(super) fn proxy_shown(&self) -> Option<String> {
        self.proxy.as_ref().map(|(url, _)| without_password(url))
    }

    pub(super) fn authorities(&self) -> &[Certificate] {
        &self.authorities
    }

    pub(super) fn unused_proxy(&self) -> Option<&'static str> {
        self.unused_proxy
    }
}

/// The origin of an address, which is all of a proxy that may be shown.
fn without_password(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        for proxy in [
            "user:pa55word@proxy.example:3128",
            "proxy.example",
            "socks5://user:pa55word@proxy.example:1080",
            "",
        ] {
            let error = Network::default().through(proxy).unwrap_err();
            assert_eq!(error.code(), "proxy-invalid");
            assert!(!error.to_string().contains("pa55word"), "{error}");
        }
        let used = Network::default().through("http://user:pa55word@10.0.0.1:3128");
        let shown = used.unwrap().proxy_shown();
        assert_eq!(shown.as_deref(), Some("http://10.0.0.1:3128"));
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        for pem in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\n@\n-----END CERTIFICATE-----\n",
        ] {
            let error = Network::default().trusting(pem.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "ca-file-invalid", "{pem}");
        }
    }
}
