//! The request budget of a tenant: how many in a rolling window, how many at once per
//! endpoint, and pauses that the PSA asked for. Per tenant, not per plugin: shared by
//! every connection and process of one data folder.

mod slots;
mod store;
mod tally;
mod turns;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

pub use self::store::{BudgetStore, InMemoryBudget, Observation};
pub use self::tally::SPEND_BATCH;

use self::slots::{Slot, Slots};
use self::tally::{Admission, Tally};
use crate::{Clock, StoreFailure, Window};

/// Endpoints with slots of their own; a plugin that names more shares one set of slots
/// for the rest, so that it cannot fill the folder with lock files.
const MAX_ENDPOINTS: usize = 64;

/// The budgets in use in this process.
#[derive(Debug)]
pub(crate) struct Budgets {
    slots_dir: PathBuf,
    clock: Clock,
    scopes: Mutex<HashMap<(usize, String), Weak<Budget>>>,
}

impl Budgets {
    pub(crate) fn new(slots_dir: PathBuf, clock: Clock) -> Self {
        Self {
            slots_dir,
            clock,
            scopes: Mutex::default(),
        }
    }

    /// The budget of a scope: one object for all sessions on the same store.
    pub(crate) fn of(&self, store: &Arc<dyn BudgetStore>, scope: &str) -> Arc<Budget> {
        let key = (Arc::as_ptr(store).cast::<()>().addr(), scope.to_owned());
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = scopes.get(&key).and_then(Weak::upgrade) {
            return budget;
        }
        scopes.retain(|_, budget| budget.strong_count() > 0);
        let budget = Arc::new(Budget {
            scope: scope.to_owned(),
            store: Arc::clone(store),
            slots_dir: self.slots_dir.clone(),
            clock: self.clock.clone(),
            tally: Mutex::default(),
            waiting: Mutex::default(),
            slots: Mutex::default(),
        });
        scopes.insert(key, Arc::downgrade(&budget));
        budget
    }
}

/// One scope's budget.
#[derive(Debug)]
pub(crate) struct Budget {
    pub scope: String,
    store: Arc<dyn BudgetStore>,
    slots_dir: PathBuf,
    clock: Clock,
    tally: Mutex<Tally>,
    /// Until when requests wait that are under way; none: none waits.
    waiting: Mutex<Option<Timestamp>>,
    slots: Mutex<HashMap<String, Arc<Slots>>>,
}

/// What a plugin declares about its PSA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub window: Option<Window>,
    pub at_once: u32,
    /// Longest wait inside a request.
    pub patience: Duration,
    /// It is a write: it leaves room for reading back what was written.
    pub write: bool,
}

/// Leave to send one request; held until the answer is there.
#[derive(Debug)]
pub(crate) struct Permit {
    _slot: Slot,
    _alone: Option<Slot>,
    /// The store did not answer: the request is counted in memory only.
    pub unrecorded: Option<StoreFailure>,
}

/// Why a request may not be sent now.
#[derive(Debug)]
pub(crate) enum Refused {
    Parked(Timestamp),
    Slots(std::io::Error),
}

impl Budget {
    /// Wait for leave to send one request, and count it.
    ///
    /// Connections take turns: see [`Slots`]. Once `hurry` is cancelled, nothing is waited
    /// for but the requests that are under way.
    pub(crate) async fn admit(
        &self,
        connection: &Arc<str>,
        endpoint: &str,
        terms: Terms,
        hurry: &CancellationToken,
    ) -> Result<Permit, Refused> {
        let mut patience = SignedDuration::try_from(terms.patience).unwrap_or(SignedDuration::MAX);
        let mut unrecorded = None;
        loop {
            let now = self.clock.now();
            let verdict = {
                let mut tally = self.tally();
                match tally.decide(now, terms, &self.scope, &*self.store) {
                    Ok(verdict) => verdict,
                    Err(failure) => {
                        unrecorded = Some(failure);
                        tally.decide_alone(now)
                    }
                }
            };
            let until = match verdict {
                Admission::Go | Admission::OneAtATime => {
                    let alone = verdict == Admission::OneAtATime;
                    let slots = self.turn(connection, endpoint, terms.at_once, alone);
                    let (slot, alone) = slots.await.map_err(Refused::Slots)?;
                    // Others of the tenant may have been told to pause while it waited for
                    // its turn.
                    let paused = self.tally().paused_at(self.clock.now());
                    match paused {
                        None => {
                            return Ok(Permit {
                                _slot: slot,
                                _alone: alone,
                                unrecorded,
                            });
                        }
                        Some(until) => {
                            self.tally().take_back();
                            until
                        }
                    }
                }
                Admission::NotBefore(until) => until,
            };
            let wait = until.duration_since(self.clock.now());
            if wait > patience {
                return Err(Refused::Parked(until));
            }
            patience -= wait;
            tracing::info!(scope = self.scope, %until, "requests wait: for the PSA's limit, or a pause it asked for");
            *self.waiting() = Some(until);
            let cut_short = tokio::select! {
                biased;
                () = hurry.cancelled() => true,
                () = tokio::time::sleep(wait.unsigned_abs()) => false,
            };
            *self.waiting() = None;
            if cut_short {
                return Err(Refused::Parked(until));
            }
        }
    }

    /// Wait for a slot, and for the one of those that go alone.
    async fn turn(
        &self,
        connection: &Arc<str>,
        endpoint: &str,
        at_once: u32,
        alone: bool,
    ) -> std::io::Result<(Slot, Option<Slot>)> {
        let alone = match alone {
            true => Some(self.slots("\0alone", 1)?.take(connection).await?),
            false => None,
        };
        let slots = self.slots(endpoint, at_once)?;
        Ok((slots.take(connection).await?, alone))
    }

    /// Until when requests wait that are under way; none: none waits, or not any more.
    pub(crate) fn waiting_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        self.waiting().filter(|until| *until > now)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is sent for this long from now on.
    pub(crate) fn pause(&self, time: Duration) -> Result<(), StoreFailure> {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let until = self.clock.now().checked_add(time).unwrap_or(Timestamp::MAX);
        let saved = self.store.pause(&self.scope, until);
        self.tally().pause(until, saved.is_ok());
        saved
    }

    /// What the PSA says about everybody's requests.
    pub(crate) fn observe(
        &self,
        used: u32,
        limit: u32,
        window: Window,
    ) -> Result<(), StoreFailure> {
        let now = self.clock.now();
        self.tally()
            .observe(now, used, limit, window, &self.scope, &*self.store)
    }

    /// Count requests that were counted under another scope before.
    pub(crate) fn carry(&self, requests: u64) -> Result<(), StoreFailure> {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        self.store.spend(&self.scope, self.clock.now(), requests)
    }

    /// Write what is counted.
    pub(crate) fn flush(&self) -> Result<(), StoreFailure> {
        self.tally()
            .flush(self.clock.now(), &self.scope, &*self.store)
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self, endpoint: &str, count: u32) -> std::io::Result<Arc<Slots>> {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = all.get(endpoint) {
            return Ok(Arc::clone(slots));
        }
        let endpoint = if all.len() < MAX_ENDPOINTS {
            endpoint
        } else {
            "\0rest"
        };
        if let Some(slots) = all.get(endpoint) {
            return Ok(Arc::clone(slots));
        }
        let digest = Sha256::new()
            .chain_update(&self.scope)
            .chain_update(b"\0")
            .chain_update(endpoint)
            .finalize();
        let name = hex::encode(&digest[..12]);
        let slots = Arc::new(Slots::open(&self.slots_dir, &name, count)?);
        all.insert(endpoint.to_owned(), Arc::clone(&slots));
        Ok(slots)
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        if let Err(failure) = self.flush() {
            tracing::warn!(%failure, scope = self.scope, "requests could not be counted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(dir: &std::path::Path) -> (Arc<Budget>, Arc<dyn BudgetStore>) {
        let store: Arc<dyn BudgetStore> = Arc::new(InMemoryBudget::default());
        let budgets = Budgets::new(dir.to_owned(), Clock::system());
        (budgets.of(&store, "tenant:1"), store)
    }

    const TERMS: Terms = Terms {
        window: Some(Window {
            requests: 1_000,
            seconds: 3_600,
        }),
        at_once: 2,
        patience: Duration::from_millis(200),
        write: false,
    };

    fn patient() -> CancellationToken {
        CancellationToken::new()
    }

    #[tokio::test]
    async fn whoever_is_in_a_hurry_waits_for_no_pause_however_short() {
        let dir = tempfile::tempdir().unwrap();
        let (budget, _store) = budget(dir.path());
        let terms = Terms {
            patience: Duration::from_secs(3_600),
            ..TERMS
        };
        budget.pause(Duration::from_secs(1_800)).unwrap();
        let hurry = CancellationToken::new();
        let connection = "c".into();
        let mut waits = Box::pin(budget.admit(&connection, "x", terms, &hurry));
        assert!(futures::poll!(&mut waits).is_pending());
        hurry.cancel();
        assert!(matches!(waits.await, Err(Refused::Parked(_))));
        let again = budget.admit(&connection, "x", terms, &hurry).await;
        assert!(matches!(again, Err(Refused::Parked(_))));
    }

    #[tokio::test]
    async fn a_long_pause_parks_and_a_short_one_is_waited_out() {
        let dir = tempfile::tempdir().unwrap();
        let (budget, _store) = budget(dir.path());
        budget.pause(Duration::from_millis(20)).unwrap();
        assert!(
            budget
                .admit(&"c".into(), "x", TERMS, &patient())
                .await
                .is_ok()
        );
        budget.pause(Duration::from_secs(600)).unwrap();
        assert!(matches!(
            budget.admit(&"c".into(), "x", TERMS, &patient()).await,
            Err(Refused::Parked(_))
        ));
    }

    #[tokio::test]
    async fn a_pause_also_stops_what_waits_for_its_turn_by_then() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn BudgetStore> = Arc::new(InMemoryBudget::default());
        let now = Timestamp::now();
        let budgets = Budgets::new(dir.path().to_owned(), Clock::new(move || now));
        let budget = budgets.of(&store, "tenant:1");
        let under_way = [
            budget
                .admit(&"c".into(), "x", TERMS, &patient())
                .await
                .unwrap(),
            budget
                .admit(&"c".into(), "x", TERMS, &patient())
                .await
                .unwrap(),
        ];
        let waits = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.admit(&"d".into(), "x", TERMS, &patient()).await }
        });
        while budget.tally().counted() < 3 {
            tokio::task::yield_now().await;
        }
        // An answer of 429 to one of those under way.
        budget.pause(Duration::from_secs(600)).unwrap();
        drop(under_way);
        assert!(matches!(waits.await.unwrap(), Err(Refused::Parked(_))));
        budget.flush().unwrap();
        assert_eq!(store.spent("tenant:1", Timestamp::MIN).unwrap(), 2);
    }

    #[tokio::test]
    async fn what_is_counted_is_written_when_the_last_session_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (budget, store) = budget(dir.path());
        for _ in 0..3 {
            budget
                .admit(&"c".into(), "x", TERMS, &patient())
                .await
                .unwrap();
        }
        drop(budget);
        assert_eq!(store.spent("tenant:1", Timestamp::MIN).unwrap(), 3);
    }
}
