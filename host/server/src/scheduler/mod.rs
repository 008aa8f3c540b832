//! The daily sync. It looks at every connection, starts what is due, and sleeps until the
//! next one is; whatever ends or is changed wakes it. All that it knows lies in the ledger:
//! ended anywhere and started anew it goes on from there.

mod attempt;
mod clocks;
mod doubt;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use psa_host_billing::ConnectionName;
use psa_host_sync::{ScheduleStep, Scheduled};
use tokio::sync::Semaphore;

use crate::app::App;
use attempt::Attempt;
use clocks::Clocks;

/// Longest sleep between two looks: the clock may be set, and another process may change a
/// schedule.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(15);

/// Shortest, however much there is to hear: each look reads every connection.
const SHORTEST_SLEEP: SignedDuration = SignedDuration::from_millis(200);

/// After an error of the ledger, which a full disk would give again at once.
const AFTER_ERROR: SignedDuration = SignedDuration::from_secs(30);

/// What is late by more than this is said to be so.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// The scheduler. Clones are the same one.
#[derive(Clone)]
struct Scheduler {
    app: App,
    state: Arc<Mutex<State>>,
    at_once: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    /// Connections that something is being done for.
    at_work: HashSet<ConnectionName>,
    /// One connection of a tenant at a time posts: the others wait here, not at its lock.
    tenants: HashMap<String, Arc<tokio::sync::Mutex<()>>>,
    /// When what is in doubt is looked at.
    doubts: HashMap<ConnectionName, doubt::Doubt>,
}

/// Sync connections on their schedules until the daemon is to stop.
pub(crate) async fn run(app: App) {
    let at_once = app.settings().schedule.runs_at_once.get();
    let scheduler = Scheduler {
        at_once: Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))),
        state: Arc::default(),
        app: app.clone(),
    };
    let mut clocks = Clocks::new(app.now(), Instant::now());
    scheduler.doubt_everything();
    loop {
        let now = app.now();
        if let Some(jump) = clocks.jump(now, Instant::now()) {
            tracing::warn!(
                seconds = jump.as_secs(),
                "the clock was set, or the machine slept: every connection is looked at anew"
            );
        }
        let next = scheduler.look(now);
        app.note_look(now);
        let sleep = next
            .map_or(LONGEST_SLEEP, |next| next.duration_since(now))
            .clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
            - SHORTEST_SLEEP;
        let woken = async {
            tokio::time::sleep(SHORTEST_SLEEP.unsigned_abs()).await;
            tokio::select! {
                () = app.news() => {}
                () = tokio::time::sleep(sleep.unsigned_abs()) => {}
            }
        };
        tokio::select! {
            () = app.stopping().cancelled() => return,
            () = woken => {}
        }
    }
}

impl Scheduler {
    /// Start everything that is due; when something is next.
    fn look(&self, now: Timestamp) -> Option<Timestamp> {
        let access = self.app.scheduler();
        match access.posting_stop() {
            Ok(stop) if !stop.stopped => {}
            Ok(_) => return None,
            Err(error) => {
                tracing::error!(%error, "the scheduler cannot read the ledger");
                return None;
            }
        }
        let connections = match access.scheduled() {
            Ok(connections) => connections,
            Err(error) => {
                tracing::error!(%error, "the scheduler cannot read the connections");
                return None;
            }
        };
        let mut next: Option<Timestamp> = None;
        let mut wait = |until: Timestamp| next = Some(next.map_or(until, |next| next.min(until)));
        for (name, connection) in connections {
            match connection {
                Ok(connection) => {
                    if let Some(until) = self.look_at(connection, now) {
                        wait(until);
                    }
                }
                Err(error) => {
                    tracing::error!(connection = %name, %error, "nothing can be scheduled for it");
                }
            }
        }
        if let Some(until) = self.look_at_doubts(now) {
            wait(until);
        }
        next
    }

    /// Start what is due for a connection; when to look at it again.
    fn look_at(&self, connection: Scheduled, now: Timestamp) -> Option<Timestamp> {
        let name = connection.name.clone();
        if connection.paused || lock(&self.state).at_work.contains(&name) {
            return None;
        }
        if connection.since.is_none()
            && let Err(error) = self.app.scheduler().begin_schedule(&name)
        {
            tracing::error!(connection = %name, %error, "its schedule cannot be begun");
            return None;
        }
        match self.step(&connection, now) {
            ScheduleStep::Never => None,
            ScheduleStep::Wait(until) => Some(until),
            ScheduleStep::Miss(missed) => {
                let why = "nothing ran within the window in which it could be begun";
                let kept = missed.into_iter().all(|due| self.miss(&name, due, why));
                Some(match kept {
                    true => now,
                    false => now + AFTER_ERROR,
                })
            }
            ScheduleStep::Run { due, missed } => {
                for due in missed {
                    self.miss(
                        &name,
                        due,
                        "nothing ran then, and a later date is done instead",
                    );
                }
                if now.duration_since(due.due_at) > LATE {
                    tracing::warn!(connection = %name, date = %due.date, due_at = %due.due_at, "caught up late");
                }
                let attempt = Attempt {
                    scheduler: self.clone(),
                    name,
                };
                attempt.spawn();
                None
            }
        }
    }

    /// What to do for a connection now, by the settings.
    fn step(&self, connection: &Scheduled, now: Timestamp) -> ScheduleStep {
        let settings = &self.app.settings().schedule;
        if !settings.spread {
            let together = Scheduled {
                spread: SignedDuration::ZERO,
                ..connection.clone()
            };
            return together.step(settings.window, now);
        }
        connection.step(settings.window, now)
    }

    /// The connection is at work until this is dropped.
    fn at_work(&self, name: &ConnectionName) -> AtWork {
        lock(&self.state).at_work.insert(name.clone());
        AtWork {
            scheduler: self.clone(),
            name: name.clone(),
        }
    }

    /// Whether it is kept that a date was missed.
    fn miss(&self, name: &ConnectionName, due: psa_host_sync::DueDate, why: &str) -> bool {
        let kept = self.app.scheduler().miss_date(name, due, why);
        match &kept {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!(connection = %name, date = %due.date, why, "a date was missed");
            }
            Err(error) => {
                tracing::error!(connection = %name, %error, "a missed date cannot be kept");
            }
        }
        kept.is_ok()
    }

    /// The lock of a connection's tenant, as far as it is known.
    fn tenant_lock(&self, name: &ConnectionName) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let connection = self.app.scheduler().connection(name).ok()?;
        let tenant = connection.tenant?.to_string();
        Some(Arc::clone(
            lock(&self.state).tenants.entry(tenant).or_default(),
        ))
    }
}

/// Something is being done for a connection; a panic in it ends that too.
struct AtWork {
    scheduler: Scheduler,
    name: ConnectionName,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        lock(&self.scheduler.state).at_work.remove(&self.name);
        self.scheduler.app.tell_scheduler();
    }
}

/// How long to wait after an attempt: 5, 10, 20, 40 minutes, then an hour.
fn wait_after(attempt: u32) -> SignedDuration {
    let doublings = attempt.saturating_sub(1).min(4);
    let minutes = (5_i64 << doublings).min(60);
    SignedDuration::from_mins(minutes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look that came so long after the one before that the scheduler does not work any more.
pub(crate) const HANGS_AFTER: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour() {
        let minutes: Vec<i64> = (1..8)
            .map(|attempt| wait_after(attempt).as_mins())
            .collect();
        assert_eq!(minutes, [5, 10, 20, 40, 60, 60, 60]);
    }
}
