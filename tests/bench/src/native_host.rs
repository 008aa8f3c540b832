//! The outside for a connector that runs natively: what psa-host gives its guests, with
//! the same HTTP client and none of the sandbox.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use psa_connector_sdk::{
    Host, Level, Request, Response, SendFailure, SendFailureKind, StorageError,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Runtime;

use crate::tenant::{INTEGRATION_CODE, SECRET, USER};

/// The contract's cap on an exchange.
const TIME: Duration = Duration::from_secs(120);

/// One instance's outside. It has a thread to itself, and on it a runtime of its own:
/// the leanest there is for synchronous code, so that the comparison favours native.
#[derive(Debug)]
pub struct NativeHost {
    runtime: Runtime,
    client: reqwest::Client,
    authentication: HeaderMap,
    storage: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl NativeHost {
    /// Nothing is sent yet.
    pub fn new() -> Result<Self> {
        // Somebody else's choice of provider stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut authentication = HeaderMap::new();
        for (name, value) in [
            ("apiintegrationcode", INTEGRATION_CODE),
            ("username", USER),
            ("secret", SECRET),
        ] {
            authentication.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            // As in host/sandbox/src/http/exchange.rs.
            client: reqwest::Client::builder()
                .user_agent(concat!("psa-host/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .http1_only()
                .gzip(true)
                .deflate(true)
                .tcp_nodelay(true)
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(Duration::from_secs(20))
                .tls_certs_only([])
                .build()?,
            authentication,
            storage: RefCell::default(),
        })
    }

    /// What another instance keeps.
    pub fn take_over(&self, other: &Self) {
        self.storage
            .borrow_mut()
            .clone_from(&other.storage.borrow());
    }

    async fn exchange(&self, request: &Request) -> Result<Response, reqwest::Error> {
        let method = request.method.parse().unwrap_or(reqwest::Method::GET);
        let mut asked = self.client.request(method, &request.url);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        if request.authenticate {
            asked = asked.headers(self.authentication.clone());
        }
        if let Some(body) = &request.body {
            asked = asked.body(body.clone());
        }
        let mut answer = asked.send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter();
        Ok(Response {
            status: answer.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body,
        })
    }
}

impl Host for NativeHost {
    fn send(&self, request: &Request) -> Result<Response, SendFailure> {
        let failure = |kind, message| SendFailure {
            kind,
            message,
            may_have_been_sent: true,
            retry_after_seconds: None,
        };
        self.runtime.block_on(async {
            match tokio::time::timeout(TIME, self.exchange(request)).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(failure(SendFailureKind::Broken, error.to_string())),
                Err(late) => Err(failure(SendFailureKind::TimedOut, late.to_string())),
            }
        })
    }

    fn storage_get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.storage.borrow().get(key).cloned())
    }

    fn storage_put(&self, key: &str, value: &[u8]) -> Result<(), StorageError> {
        self.storage
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn storage_delete(&self, key: &str) -> Result<(), StorageError> {
        self.storage.borrow_mut().remove(key);
        Ok(())
    }

    fn storage_list(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let storage = self.storage.borrow();
        Ok(storage
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }

    fn storage_compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StorageError> {
        let mut storage = self.storage.borrow_mut();
        if storage.get(key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        match new {
            Some(value) => storage.insert(key.to_owned(), value.to_vec()),
            None => storage.remove(key),
        };
        Ok(true)
    }

    fn log(&self, _level: Level, _message: &str) {}
}
