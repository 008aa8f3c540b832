//! Reading that goes on beside what is done with the last chunk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use psa_host_sandbox::{CallError, CallErrorKind};
use tokio::task::JoinHandle;

/// A task that ends with its owner: a reading that is given up leaves nothing running.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<Result<T, CallError>>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = Result<T, CallError>> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| {
            joined.unwrap_or_else(|error| {
                Err(CallError {
                    kind: CallErrorKind::Trapped,
                    message: format!("reading ended unexpectedly: {error}"),
                    psa_words: None,
                    fix: None,
                    plugin_advice: None,
                })
            })
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
