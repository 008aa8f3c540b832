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
pub struct SystemResolver;

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
pub struct ForbiddenAddress {
    pub host: String,
    pub address: IpAddr,
    pub what: &'static str,
}

/// A resolver that refuses a name if any of its addresses is out of reach: a mixed
/// answer is an attack, not a choice.
#[derive(Debug)]
pub struct CheckedResolver {
    pub inner: Arc<dyn Resolver>,
    pub reach: Reach,
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        let lookup = self.inner.lookup(&host);
        let reach = self.reach;
        Box::pin(async move {
            let found = lookup.await?;
            for &address in &found {
                let what = match reach {
                    Reach::Public => forbidden(address),
                    Reach::Loopback if address.is_loopback() => None,
                    Reach::Loopback => Some("not this computer"),
                };
                if let Some(what) = what {
                    return Err(ForbiddenAddress {
                        host,
                        address,
                        what,
                    }
                    .into());
                }
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

    async fn verdict(reach: Reach, found: &'static [&'static str]) -> Result<usize, String> {
        let inner = Arc::new(Fixed(found));
        let resolver = CheckedResolver { inner, reach };
        let addresses = resolver.resolve("api.example.com".parse().unwrap()).await;
        addresses
            .map(Iterator::count)
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn one_forbidden_address_among_several_refuses_the_name() {
        let mixed = verdict(Reach::Public, &["93.184.216.34", "10.0.0.1"]).await;
        let text = "api.example.com resolves to 10.0.0.1 (private)";
        assert_eq!(mixed, Err(text.to_owned()));
        assert_eq!(
            verdict(Reach::Public, &["93.184.216.34", "2a00:1450::1"]).await,
            Ok(2)
        );
    }

    #[tokio::test]
    async fn a_development_origin_stays_on_this_computer() {
        assert_eq!(verdict(Reach::Loopback, &["127.0.0.1", "::1"]).await, Ok(2));
        assert!(verdict(Reach::Loopback, &["93.184.216.34"]).await.is_err());
    }
}
