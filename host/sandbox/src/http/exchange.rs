//! One request and its whole answer, within the caps.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::Client;
use reqwest::header::HeaderMap;

use super::fault::{NetworkFault, tls_error};
use super::network::Network;
use super::policy::Reach;
use super::resolver::{CheckedResolver, ForbiddenAddress, Resolver, SystemResolver};
use crate::Limits;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// After decompression.
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The name leads to a forbidden address. Nothing was sent.
    Forbidden(String),
    /// No connection. Nothing was sent.
    Unreachable(String),
    /// No connection, for a reason that does not pass by itself. Nothing was sent.
    Fault(NetworkFault, String),
    /// Out of time; the request may have been sent.
    TimedOut(Duration),
    /// The connection broke; the request may have been sent.
    Broken(String),
    /// The answer is over a cap; the request was sent.
    TooLarge(String),
}

impl Failure {
    /// Whether a byte of the request may have left. Only what fails before there is a
    /// connection is known to have sent nothing.
    pub(super) fn may_have_left(&self) -> bool {
        !matches!(
            self,
            Self::Forbidden(_) | Self::Unreachable(_) | Self::Fault(..)
        )
    }
}

/// The HTTP clients of a session, made when first needed: reading the system's
/// certificates takes longer than starting an instance.
#[derive(Debug)]
pub(super) struct Clients {
    resolver: Arc<dyn Resolver>,
    network: Network,
    connect_time: Duration,
    public: OnceLock<Result<Client, String>>,
    loopback: OnceLock<Result<Client, String>>,
}

/// Idle connections are dropped before common servers drop them (60 s and more), so
/// that a write seldom meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(20);

impl Clients {
    pub(super) fn new(
        resolver: Option<Arc<dyn Resolver>>,
        network: Network,
        limits: &Limits,
    ) -> Self {
        Self {
            resolver: resolver.unwrap_or_else(|| Arc::new(SystemResolver)),
            network,
            connect_time: limits.connect_time,
            public: OnceLock::new(),
            loopback: OnceLock::new(),
        }
    }

    fn of(&self, reach: Reach) -> Result<&Client, Failure> {
        let slot = match reach {
            Reach::Public => &self.public,
            Reach::Loopback => &self.loopback,
        };
        slot.get_or_init(|| self.build(reach))
            .as_ref()
            .map_err(|problem| Failure::Unreachable(problem.clone()))
    }

    fn build(&self, reach: Reach) -> Result<Client, String> {
        // Somebody else's choice of provider stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver = CheckedResolver {
            inner: Arc::clone(&self.resolver),
            reach,
            proxy: self.network.proxy_host().map(str::to_owned),
        };
        let builder = Client::builder()
            .user_agent(concat!("psa-host/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .gzip(true)
            .deflate(true)
            .tcp_nodelay(true)
            .connect_timeout(self.connect_time)
            .pool_idle_timeout(IDLE)
            .dns_resolver(Arc::new(resolver));
        let builder = match reach {
            Reach::Public => {
                let authorities = self.network.authorities().iter().cloned();
                let builder = builder.https_only(true).tls_certs_merge(authorities);
                match self.network.proxy() {
                    Some(proxy) => builder.proxy(proxy.clone()),
                    None => builder,
                }
            }
            // Plain http needs no certificates, and a bare container has none.
            Reach::Loopback => builder.tls_certs_only([]),
        };
        builder.build().map_err(|error| {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            format!("this computer's HTTPS client does not start ({error} {cause}); are its CA certificates installed?")
        })
    }

    /// Send a request and read its whole answer.
    pub(super) async fn exchange(
        &self,
        reach: Reach,
        request: reqwest::Request,
        time: Duration,
        limits: &Limits,
    ) -> Result<Answer, Failure> {
        let client = self.of(reach)?;
        let whole = async {
            let response = client.execute(request).await;
            let response = response.map_err(|error| match (failure(error), reach) {
                (Failure::Unreachable(why), Reach::Public) => self.unreachable(why),
                (failure, _) => failure,
            })?;
            receive(response, limits).await
        };
        match tokio::time::timeout(time, whole).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::TimedOut(time)),
        }
    }
}

impl Clients {
    /// No connection: with what the operator's network has to do with it.
    fn unreachable(&self, why: String) -> Failure {
        if let Some(proxy) = self.network.proxy_shown() {
            return match NetworkFault::of_tunnel(&why) {
                Some(fault) => Failure::Fault(fault, format!("{proxy}: {why}")),
                None => Failure::Unreachable(format!("{why}, through the proxy {proxy}")),
            };
        }
        Failure::Unreachable(match self.network.unused_proxy() {
            None => why,
            Some(variable) => format!(
                "{why}. The environment names a proxy ({variable}), which is not used: name it with --proxy or PSA_HOST_PROXY if the internet is reached through it"
            ),
        })
    }
}

async fn receive(mut response: reqwest::Response, limits: &Limits) -> Result<Answer, Failure> {
    let headers = std::mem::take(response.headers_mut());
    let header_bytes: usize = headers
        .iter()
        .map(|(n, v)| n.as_str().len() + v.len())
        .sum();
    if header_bytes > limits.response_header_bytes {
        let most = limits.response_header_bytes;
        return Err(Failure::TooLarge(format!(
            "the answer's headers have {header_bytes} bytes; at most {most} are read"
        )));
    }
    let most = limits.response_body;
    let promised = response.content_length().unwrap_or(0);
    let promised = usize::try_from(promised).unwrap_or(usize::MAX);
    // A promise costs nothing to make, so it reserves little.
    let mut body = Vec::with_capacity(promised.min(most).min(1 << 20));
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > most {
            return Err(Failure::TooLarge(format!(
                "the answer has more than {most} bytes after decompression"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status().as_u16(),
        headers,
        body,
    })
}

fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let (connect, timeout) = (error.is_connect(), error.is_timeout());
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    loop {
        if let Some(forbidden) = cause.downcast_ref::<ForbiddenAddress>() {
            return Failure::Forbidden(forbidden.to_string());
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => break,
        }
    }
    let root = crate::text::clean(&cause.to_string(), 200);
    if let Some(tls) = connect.then(|| tls_error(&error)).flatten() {
        return Failure::Fault(
            NetworkFault::of_tls(tls),
            crate::text::clean(&tls.to_string(), 200),
        );
    }
    match () {
        () if connect && timeout => Failure::Unreachable("no connection in time".to_owned()),
        () if connect => Failure::Unreachable(root),
        () => Failure::Broken(root),
    }
}
