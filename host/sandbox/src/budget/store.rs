//! What has to be kept of a tenant's budget, as a trait, and a keeper for tests.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::StoreFailure;

/// What the PSA said about everybody's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// Requests in the PSA's window, by everybody.
    pub used: u32,
    /// How many it allows in that window.
    pub limit: u32,
    /// How many of them this host knew as its own at that instant.
    pub own: u64,
}

/// Keeps what was spent, for all processes of one data folder. A scope is a text that
/// means one tenant (or, before the tenant is known, one connection).
///
/// Called about once in [`crate::SPEND_BATCH`] requests or two seconds, not at each
/// request, and from asynchronous code: it should answer in well under a millisecond.
pub trait BudgetStore: Send + Sync + fmt::Debug {
    /// Add requests sent about `at`. May be kept by the second.
    ///
    /// # Errors
    /// [`StoreFailure`] when the store does not answer, here and below. Requests are
    /// then counted in memory and offered again later.
    fn spend(&self, scope: &str, at: Timestamp, requests: u32) -> Result<(), StoreFailure>;
    /// Requests of all processes at or after `since`.
    ///
    /// # Errors
    /// See [`BudgetStore::spend`].
    fn spent(&self, scope: &str, since: Timestamp) -> Result<u64, StoreFailure>;
    /// Keep what the PSA said, in place of what it said before.
    ///
    /// # Errors
    /// See [`BudgetStore::spend`].
    fn observe(&self, scope: &str, observation: Observation) -> Result<(), StoreFailure>;
    /// What the PSA said last.
    ///
    /// # Errors
    /// See [`BudgetStore::spend`].
    fn observed(&self, scope: &str) -> Result<Option<Observation>, StoreFailure>;
    /// Nothing is sent before `until`. Of two, the later holds.
    ///
    /// # Errors
    /// See [`BudgetStore::spend`].
    fn pause(&self, scope: &str, until: Timestamp) -> Result<(), StoreFailure>;
    /// Until when nothing is sent; may lie in the past.
    ///
    /// # Errors
    /// See [`BudgetStore::spend`].
    fn paused(&self, scope: &str) -> Result<Option<Timestamp>, StoreFailure>;
}

/// A keeper that forgets with the process: for tests.
#[derive(Debug, Default)]
pub struct InMemoryBudget(Mutex<HashMap<String, Kept>>);

#[derive(Debug, Default)]
struct Kept {
    spent: Vec<(Timestamp, u32)>,
    observed: Option<Observation>,
    paused: Option<Timestamp>,
}

impl InMemoryBudget {
    fn with<T>(&self, scope: &str, f: impl FnOnce(&mut Kept) -> T) -> Result<T, StoreFailure> {
        let mut scopes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(f(scopes.entry(scope.to_owned()).or_default()))
    }
}

impl BudgetStore for InMemoryBudget {
    fn spend(&self, scope: &str, at: Timestamp, requests: u32) -> Result<(), StoreFailure> {
        self.with(scope, |kept| kept.spent.push((at, requests)))
    }

    fn spent(&self, scope: &str, since: Timestamp) -> Result<u64, StoreFailure> {
        let counted = |kept: &mut Kept| {
            let recent = kept.spent.iter().filter(|(at, _)| *at >= since);
            recent.map(|(_, n)| u64::from(*n)).sum()
        };
        self.with(scope, counted)
    }

    fn observe(&self, scope: &str, observation: Observation) -> Result<(), StoreFailure> {
        self.with(scope, |kept| kept.observed = Some(observation))
    }

    fn observed(&self, scope: &str) -> Result<Option<Observation>, StoreFailure> {
        self.with(scope, |kept| kept.observed)
    }

    fn pause(&self, scope: &str, until: Timestamp) -> Result<(), StoreFailure> {
        self.with(scope, |kept| kept.paused = kept.paused.max(Some(until)))
    }

    fn paused(&self, scope: &str) -> Result<Option<Timestamp>, StoreFailure> {
        self.with(scope, |kept| kept.paused)
    }
}
