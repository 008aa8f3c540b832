//! From names to addresses, with every address checked at each lookup, so that a name
//! that first resolves to a public address and later to this network gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use super::address::forbidden;
use super::policy::Reach;

/// A lookup under way.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name. The sandbox checks what it finds.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// Look a name up. Called before each new network connection.
    fn lookup(&self, host: &str) -> Lookup;
}

/// The operating system's way.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolver for SystemResolver {
    fn lookup(&self, host: &str) -> Lookup {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name that leads where no request goes.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address} ({what})")]
pub(super) struct ForbiddenAddress {
    pub host: String,
    pub address: IpAddr,
    pub what: &'static str,
}

/// A resolver that gives those addresses of a name that are in reach, and refuses a name
/// that has none. One out of reach beside a good one takes nothing away: nothing is ever
/// sent there, and a network whose own names have both is common.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    pub inner: Arc<dyn Resolver>,
    pub reach: Reach,
    /// The operator's proxy, which may stand anywhere.
    pub proxy: Option<String>,
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        let lookup = self.inner.lookup(&host);
        let reach = self.reach;
        let is_proxy = self.proxy.as_deref() == Some(host.as_str());
        Box::pin(async move {
            let mut found = lookup.await?;
            let mut refused = None;
            found.retain(|&address| {
                let what = match reach {
                    _ if is_proxy => None,
                    Reach::Public => forbidden(address),
                    Reach::Loopback if address.is_loopback() => None,
                    Reach::Loopback => Some("not this computer"),
                };
                let Some(what) = what else { return true };
                tracing::debug!(host, %address, what, "an address of a name is out of reach");
                refused.get_or_insert(ForbiddenAddress {
                    host: host.clone(),
                    address,
                    what,
                });
                false
            });
            if let (Some(refused), true) = (refused, found.is_empty()) {
                return Err(refused.into());
            }
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::dns::Resolve as _;

    #[derive(Debug)]
    struct Fixed(&'static [&'static str]);

    impl Resolver for Fixed {
        fn lookup(&self, _host: &str) -> Lookup {
            let found = self.0.iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    async fn in_reach(
        reach: Reach,
        found: &'static [&'static str],
        proxy: Option<&str>,
    ) -> Result<Vec<String>, String> {
        let resolver = CheckedResolver {
            inner: Arc::new(Fixed(found)),
            reach,
            proxy: proxy.map(str::to_owned),
        };
        let addresses = resolver.resolve("api.example.com".parse().unwrap()).await;
        addresses
            .map(|found| found.map(|address| address.ip().to_string()).collect())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_forbidden_address_is_left_out_and_alone_refuses_the_name() {
        let mixed = [
            "10.0.0.1",
            "93.184.216.34",
            "64:ff9b::a00:1",
            "64:ff9b::5db8:d822",
        ];
        let mixed: &'static [&'static str] = Box::leak(Box::new(mixed));
        assert_eq!(
            in_reach(Reach::Public, mixed, None).await,
            Ok(vec![
                "93.184.216.34".to_owned(),
                "64:ff9b::5db8:d822".to_owned()
            ])
        );
        let inside = in_reach(Reach::Public, &["10.0.0.1", "::1"], None).await;
        let text = "api.example.com resolves to 10.0.0.1 (private)";
        assert_eq!(inside, Err(text.to_owned()));
        assert_eq!(in_reach(Reach::Public, &[], None).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_development_origin_stays_on_this_computer() {
        let here = in_reach(Reach::Loopback, &["93.184.216.34", "127.0.0.1"], None).await;
        assert_eq!(here, Ok(vec!["127.0.0.1".to_owned()]));
        let elsewhere = in_reach(Reach::Loopback, &["93.184.216.34"], None).await;
        assert!(elsewhere.is_err());
    }

    #[tokio::test]
    async fn the_operators_proxy_and_no_other_name_may_stand_inside() {
        for (proxy, reached) in [(Some("api.example.com"), true), (Some("proxy"), false)] {
            let found = in_reach(Reach::Public, &["10.0.0.1"], proxy).await;
            assert_eq!(found.is_ok(), reached, "{proxy:?}");
        }
    }
}
