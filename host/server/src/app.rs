//! What all parts of the daemon share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use psa_host_sync::{Access, Actor, Host};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::runs::Runs;
use crate::settings::Settings;

/// The daemon. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    host: Host,
    settings: Settings,
    runs: Runs,
    stopping: CancellationToken,
    /// What is done beside requests, and ends before the daemon does.
    tasks: TaskTracker,
    /// Something changed that the scheduler should look at now.
    news: Notify,
    last_look: AtomicI64,
}

impl App {
    pub fn new(host: Host, settings: Settings, stopping: CancellationToken) -> Self {
        Self(Arc::new(Shared {
            host,
            settings,
            runs: Runs::default(),
            stopping,
            tasks: TaskTracker::new(),
            news: Notify::new(),
            last_look: AtomicI64::new(i64::MIN),
        }))
    }

    pub fn host(&self) -> &Host {
        &self.0.host
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn runs(&self) -> &Runs {
        &self.0.runs
    }

    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Cancelled once the daemon is to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// What the daemon does by itself, as the history shows it.
    pub fn scheduler(&self) -> Access {
        self.host().access(Actor::operator("scheduler"))
    }

    pub fn now(&self) -> Timestamp {
        self.host().now()
    }

    /// Let the scheduler look at everything anew.
    pub fn tell_scheduler(&self) {
        self.0.news.notify_one();
    }

    pub async fn news(&self) {
        self.0.news.notified().await;
    }

    pub fn note_look(&self, at: Timestamp) {
        self.0.last_look.store(at.as_second(), Ordering::Relaxed);
    }

    /// When the scheduler last looked; none before it did.
    pub fn last_look(&self) -> Option<Timestamp> {
        match self.0.last_look.load(Ordering::Relaxed) {
            i64::MIN => None,
            second => Timestamp::from_second(second).ok(),
        }
    }
}
