//! One attempt at a date: a run, and what is to come after it.

use psa_host_billing::ConnectionName;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Access, DateState, DueDate, NotClosed, ScheduleStep};

use super::{AFTER_ERROR, Scheduler, wait_after};
use crate::runs::Ended;

pub(super) struct Attempt {
    pub scheduler: Scheduler,
    pub name: ConnectionName,
}

impl Attempt {
    /// Make it beside everything else. Until it is over the connection is at work.
    pub fn spawn(self) {
        let at_work = self.scheduler.at_work(&self.name);
        let tasks = self.scheduler.app.tasks().clone();
        tasks.spawn(async move {
            self.make().await;
            drop(at_work);
        });
    }

    async fn make(&self) {
        let app = &self.scheduler.app;
        let Ok(_permit) = self.scheduler.at_once.acquire().await else {
            return;
        };
        let tenant = self.scheduler.tenant_lock(&self.name);
        let _turn = match &tenant {
            Some(tenant) => Some(tenant.lock().await),
            None => None,
        };
        // A person's run is not this date's: it leaves less to do.
        while let Some(mut other) = app.runs().of(&self.name) {
            other.ended().await;
        }
        if app.stopping().is_cancelled() {
            return;
        }
        let access = app.scheduler();
        // Time has passed, and much may have changed since it was found due.
        let due = match access.scheduled_connection(&self.name) {
            Ok(connection) => match self.scheduler.step(&connection, app.now()) {
                ScheduleStep::Run { due, .. } => due,
                _ => return,
            },
            Err(error) => {
                tracing::warn!(connection = %self.name, %error, "a run that was due is not begun");
                return;
            }
        };
        if let Err(error) = self.run(&access, due).await {
            tracing::error!(
                connection = %self.name, date = %due.date, %error,
                "what came of a scheduled run cannot be kept"
            );
            // Nothing was counted: it would be tried again at once, and for ever.
            tokio::select! {
                () = tokio::time::sleep(AFTER_ERROR.unsigned_abs()) => {}
                () = app.stopping().cancelled() => {}
            }
        }
    }

    /// Run for the date, and keep what came of it.
    async fn run(&self, access: &Access, due: DueDate) -> psa_host_sync::Result<()> {
        let app = &self.scheduler.app;
        let before = access.dates(&self.name, 1)?;
        let tried = before
            .first()
            .filter(|newest| newest.date == due.date)
            .map_or(0, |newest| newest.attempts);
        let wait = wait_after(tried + 1);
        let attempt = access.begin_attempt(&self.name, due, app.now() + wait)?;
        tracing::info!(connection = %self.name, date = %due.date, attempt, "scheduled run");
        let options = SyncOptions {
            scheduled_for: Some(due.date),
            brief: true,
            cancel: app.stopping().clone(),
            ..SyncOptions::default()
        };
        let scheduler = self.scheduler.clone();
        let name = self.name.clone();
        let after = move |_: &psa_host_sync::Result<RunReport>| scheduler.doubt(&name);
        let started = app
            .runs()
            .start(access.clone(), self.name.clone(), options, after);
        let Ok(mut run) = started else {
            // Somebody was faster by a moment; the date is tried again after its wait.
            return Ok(());
        };
        let Some(ended) = run.ended().await else {
            return Ok(());
        };
        let newest = access.dates(&self.name, 1)?;
        let state = newest.first().map(|newest| newest.state.as_ref());
        if state == Some(DateState::Closed.as_str()) {
            tracing::info!(connection = %self.name, date = %due.date, "the date is done");
            return Ok(());
        }
        let why = self.not_closed(&ended, wait);
        tracing::warn!(
            connection = %self.name, date = %due.date, code = why.code, message = why.message,
            next_at = %why.next_at, "the date is not done, and is tried again"
        );
        access.attempt_failed(&self.name, due.date, &why).map(drop)
    }

    fn not_closed(&self, ended: &Ended, wait: jiff::SignedDuration) -> NotClosed {
        let app = &self.scheduler.app;
        let mut next_at = app.now() + wait;
        if app.stopping().is_cancelled() {
            // Not its fault: the next start goes on at once.
            next_at = app.now();
        }
        match &**ended {
            Ok(report) => {
                let told = report.notices.last();
                NotClosed {
                    code: told.map_or(report.status.to_owned(), |notice| notice.code.clone()),
                    message: told.map_or_else(String::new, |notice| notice.message.clone()),
                    next_at,
                }
            }
            Err(error) => {
                let problem = error.problem();
                NotClosed {
                    code: problem.code.as_str().to_owned(),
                    message: problem.message,
                    next_at: error
                        .parked_until()
                        .map_or(next_at, |until| until.max(app.now())),
                }
            }
        }
    }
}
