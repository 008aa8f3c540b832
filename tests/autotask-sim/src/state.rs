//! What all connections share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::DateTime;

use crate::config::Limits;
use crate::exchange::Parsed;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::limits::{Hour, Threads};
use crate::query::pages::Pages;
use crate::switches::Switches;
use crate::world::World;

/// What may be changed while the simulator runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits.
    pub limits: Limits,
    /// Disputed behaviours.
    pub switches: Switches,
    /// Time each request takes.
    pub latency: Duration,
}

/// A request whose answer was lost and that is carried out when the clock gets there.
#[derive(Debug)]
pub(crate) struct Late {
    /// When.
    pub due: DateTime,
    /// What.
    pub request: Arc<Parsed>,
}

/// Shared state. Locks are held for one step only, never while waiting.
#[derive(Debug)]
pub(crate) struct State {
    world: Mutex<World>,
    settings: Mutex<Arc<Settings>>,
    threads: Mutex<Threads>,
    hour: Mutex<Hour>,
    journal: Mutex<Journal>,
    faults: Mutex<Faults>,
    pages: Mutex<Pages>,
    late: Mutex<Vec<Late>>,
    zone_port: Mutex<u16>,
}

/// A panic in a test that held a lock must not hide the panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The state of a simulator that has answered nothing yet.
    pub(crate) fn new(world: World, settings: Settings, journal: usize, zone_port: u16) -> Self {
        Self {
            world: Mutex::new(world),
            settings: Mutex::new(Arc::new(settings)),
            threads: Mutex::default(),
            hour: Mutex::default(),
            journal: Mutex::new(Journal::new(journal)),
            faults: Mutex::default(),
            pages: Mutex::default(),
            late: Mutex::default(),
            zone_port: Mutex::new(zone_port),
        }
    }

    /// The tenant.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    /// Changes settings for requests from now on.
    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut held = lock(&self.settings);
        let mut settings = Settings::clone(&held);
        change(&mut settings);
        *held = Arc::new(settings);
    }

    /// Requests in flight.
    pub(crate) fn threads(&self) -> MutexGuard<'_, Threads> {
        lock(&self.threads)
    }

    /// The rolling hour.
    pub(crate) fn hour(&self) -> MutexGuard<'_, Hour> {
        lock(&self.hour)
    }

    /// The journal.
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    /// The faults that wait.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// Remembered pages.
    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        lock(&self.pages)
    }

    /// Requests still to be carried out.
    pub(crate) fn late(&self) -> MutexGuard<'_, Vec<Late>> {
        lock(&self.late)
    }

    /// The port the tenant's zone is at.
    pub(crate) fn zone_port(&self) -> u16 {
        *lock(&self.zone_port)
    }

    /// Moves the tenant's zone.
    pub(crate) fn set_zone_port(&self, port: u16) {
        *lock(&self.zone_port) = port;
    }

    /// The zone's URL as `zoneInformation` gives it: ends in `/ATServicesRest/`.
    pub(crate) fn zone_url(&self) -> String {
        format!("http://127.0.0.1:{}/ATServicesRest/", self.zone_port())
    }

    /// Moves the tenant's clock and carries out what was due.
    pub(crate) fn advance(&self, span: jiff::Span) {
        let now = {
            let mut world = self.world();
            world.now = world.now.saturating_add(span);
            world.now
        };
        let mut waiting = std::mem::take(&mut *self.late());
        waiting.sort_by_key(|l| l.due);
        for late in waiting {
            if late.due <= now {
                crate::dispatch::dispatch(self, &late.request);
            } else {
                self.late().push(late);
            }
        }
    }
}
