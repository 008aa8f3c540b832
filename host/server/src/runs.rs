//! Runs of this process: one at a time for a connection, each with its end in sight. A run
//! goes on when whoever asked for it goes away.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use psa_host_billing::ConnectionName;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Access, RunId, unwatched};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How a run ended.
pub(crate) type Ended = Arc<psa_host_sync::Result<RunReport>>;

/// The runs under way in this process.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    under_way: Arc<Mutex<HashMap<ConnectionName, UnderWay>>>,
    tasks: TaskTracker,
    /// Cancelled where runs are not to be waited for any more.
    abandon: CancellationToken,
}

/// A run that was started. Dropping it leaves the run alone.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    begun: watch::Receiver<Option<RunId>>,
    ended: watch::Receiver<Option<Ended>>,
}

/// Another run of the connection is under way in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl Runs {
    /// Start a run. `options.cancel` ends it early.
    ///
    /// # Errors
    /// One of the connection is under way, unless the new one is dry.
    pub fn start(
        &self,
        access: Access,
        name: ConnectionName,
        options: SyncOptions,
        after: impl FnOnce(&psa_host_sync::Result<RunReport>) + Send + 'static,
    ) -> Result<UnderWay, Busy> {
        let (begun_out, begun) = watch::channel(None);
        let (ended_out, ended) = watch::channel(None);
        let started = UnderWay { begun, ended };
        let place = match options.dry_run {
            true => None,
            false => Some(self.take_place(&name, &started)?),
        };
        let abandon = self.abandon.clone();
        self.tasks.spawn(async move {
            let options = SyncOptions {
                begun: Some(begun_out),
                ..options
            };
            let run = access.sync(&name, &options, &unwatched);
            let result = tokio::select! {
                biased;
                result = run => Some(result),
                () = abandon.cancelled() => None,
            };
            // Who is told of the end may start the next one.
            drop(place);
            if let Some(result) = result {
                after(&result);
                ended_out.send_replace(Some(Arc::new(result)));
            }
        });
        Ok(started)
    }

    fn take_place(&self, name: &ConnectionName, started: &UnderWay) -> Result<Place, Busy> {
        match lock(&self.under_way).entry(name.clone()) {
            Entry::Occupied(_) => Err(Busy),
            Entry::Vacant(vacant) => {
                vacant.insert(started.clone());
                Ok(Place {
                    under_way: Arc::clone(&self.under_way),
                    name: name.clone(),
                })
            }
        }
    }

    /// The run of a connection that is under way here.
    pub fn of(&self, name: &ConnectionName) -> Option<UnderWay> {
        lock(&self.under_way).get(name).cloned()
    }

    /// How many are under way here.
    pub fn count(&self) -> usize {
        self.tasks.len()
    }

    /// Until none is under way; no new one is to be started meanwhile.
    pub async fn all_ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Leave those under way where they are: their records say that they were given up, and
    /// what they had sent is settled by the next run.
    pub fn abandon(&self) {
        self.abandon.cancel();
    }
}

impl UnderWay {
    /// Its number, once it has begun; none: it ended before.
    pub async fn begun(&mut self) -> Option<RunId> {
        tokio::select! {
            biased;
            begun = self.begun.wait_for(Option::is_some) => {
                return begun.ok().and_then(|run| *run);
            }
            _ = self.ended.wait_for(Option::is_some) => {}
        }
        *self.begun.borrow()
    }

    /// How it ended; none: it was given up.
    pub async fn ended(&mut self) -> Option<Ended> {
        let ended = self.ended.wait_for(Option::is_some).await;
        ended.ok().and_then(|ended| ended.clone())
    }
}

/// Gives the connection's place free, however the run ends.
struct Place {
    under_way: Arc<Mutex<HashMap<ConnectionName, UnderWay>>>,
    name: ConnectionName,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
