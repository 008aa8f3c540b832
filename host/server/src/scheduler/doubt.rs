//! What is in doubt after a run: adjustments that may have arrived. Once their quarantine is
//! over a run reads their lines and sends what is missing once more, also on a date that is
//! done.

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use psa_host_sync::run::SyncOptions;

use super::{Scheduler, lock, wait_after};

/// After the quarantine, so that clocks of a second's difference agree that it is over.
const AFTER: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// When to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    at: Timestamp,
    attempts: u32,
}

impl Scheduler {
    /// There may be something in doubt anywhere.
    pub(super) fn doubt_everything(&self) {
        match self.app.scheduler().connections() {
            Ok(connections) => connections.iter().for_each(|one| self.doubt(&one.name)),
            Err(error) => tracing::error!(%error, "the scheduler cannot read the connections"),
        }
    }

    /// There may be something in doubt of a connection.
    pub(super) fn doubt(&self, name: &ConnectionName) {
        let at = self.app.now();
        lock(&self.state)
            .doubts
            .entry(name.clone())
            .or_insert(Doubt { at, attempts: 0 })
            .at = at;
        self.app.tell_scheduler();
    }

    /// Look at what is to be looked at by now; when the next one is.
    pub(super) fn look_at_doubts(&self, now: Timestamp) -> Option<Timestamp> {
        let due: Vec<ConnectionName> = {
            let state = lock(&self.state);
            let is_due = |(name, doubt): &(&ConnectionName, &Doubt)| {
                doubt.at <= now && !state.at_work.contains(*name)
            };
            let due = state.doubts.iter().filter(is_due);
            due.map(|(name, _)| name.clone()).collect()
        };
        for name in due {
            let scheduler = self.clone();
            let at_work = self.at_work(&name);
            self.app.tasks().spawn(async move {
                scheduler.settle(&name).await;
                drop(at_work);
            });
        }
        let state = lock(&self.state);
        let later = state.doubts.values().map(|doubt| doubt.at);
        later.filter(|at| *at > now).min()
    }

    async fn settle(&self, name: &ConnectionName) {
        let access = self.app.scheduler();
        let now = self.app.now();
        // Somebody wants nothing to be done for it by itself; what is in doubt stays so.
        let paused = access
            .connection(name)
            .is_ok_and(|connection| connection.paused);
        if paused {
            let (at, attempts) = self.wait_again(name, now);
            lock(&self.state)
                .doubts
                .insert(name.clone(), Doubt { at, attempts });
            return;
        }
        let (at, attempts) = match access.in_doubt(name).await {
            Ok(None) => {
                lock(&self.state).doubts.remove(name);
                return;
            }
            Ok(Some(in_doubt)) if in_doubt.until + AFTER > now => (in_doubt.until + AFTER, 0),
            Ok(Some(in_doubt)) => {
                let only = in_doubt
                    .workspaces
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                self.run_of(name, only).await;
                self.wait_again(name, now)
            }
            Err(error) => {
                tracing::warn!(connection = %name, %error, "what is in doubt cannot be looked at");
                self.wait_again(name, now)
            }
        };
        lock(&self.state)
            .doubts
            .insert(name.clone(), Doubt { at, attempts });
    }

    /// When to look again after a run that was to settle everything: at once, and later and
    /// later where something stays in doubt.
    fn wait_again(&self, name: &ConnectionName, now: Timestamp) -> (Timestamp, u32) {
        let attempts = lock(&self.state)
            .doubts
            .get(name)
            .map_or(0, |doubt| doubt.attempts)
            + 1;
        (now + wait_after(attempts), attempts)
    }

    async fn run_of(&self, name: &ConnectionName, only: Vec<String>) {
        let Ok(_permit) = self.at_once.acquire().await else {
            return;
        };
        let tenant = self.tenant_lock(name);
        let _turn = match &tenant {
            Some(tenant) => Some(tenant.lock().await),
            None => None,
        };
        if self.app.stopping().is_cancelled() {
            return;
        }
        tracing::info!(connection = %name, workspaces = only.len(), "settling what is in doubt");
        let options = SyncOptions {
            only,
            brief: true,
            cancel: self.app.stopping().clone(),
            ..SyncOptions::default()
        };
        let access = self.app.scheduler();
        match self.app.runs().start(access, name.clone(), options, |_| {}) {
            Ok(mut run) => drop(run.ended().await),
            // It settles the same.
            Err(_busy) => {}
        }
    }
}
