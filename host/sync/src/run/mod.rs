//! A run: one sync of one connection, from the newest snapshot to a report that a
//! person can act on.
//!
//! ```text
//! begin ─► settle what was left open ─► plan ─► brakes ─► post in batches ─► report
//!  check,    (settling)               (planning)      (posting, read_back)   (report)
//!  tenant,
//!  lock
//! ```
//!
//! [`OpenRun`] ends it, however it ends; [`Cancel`] ends it early; [`course`] is the way
//! between.

mod answers;
mod batches;
mod cancel;
mod cancel_request;
mod course;
mod day;
mod feeder;
mod found_right;
mod hand_out;
mod lines;
mod news;
mod only;
mod open_run;
mod pace;
mod planning;
mod posting;
mod questions;
mod read_back;
mod release;
mod report;
mod rereading;
mod resolve;
mod senders;
mod settling;
mod sheet;
mod stall;
mod stop;
mod stored;
mod trial;
mod waiting;
mod work;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use psa_host_billing::effective::local_day;
use psa_host_billing::{ConnectionName, ErrorCode, HoldCode, TenantKey};
use psa_host_ledger::{NewRun, RunEnding, RunId, RunLease, Snapshot, TenantLock};
use psa_host_sandbox::{CallError, Depth};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use cancel_request::{CancelAsked, CancelTarget};
pub use news::News;
pub use release::{Release, Released};
pub use report::{LineMoney, LineReport, MoneyChange, Notice, RunReport, Summary, needs_a_person};
pub use resolve::Verdict;
pub use settling::QUARANTINE;
pub use waiting::InDoubt;

use crate::error::rule;
use crate::mapping::zone_of;
use crate::progress::{Activity, Progress, Watch};
use crate::{Access, Error, OpenConnection, Power, Purpose, Result, RunView};
use cancel::Cancel;
use course::Findings;
use only::Only;
use open_run::{About, End, OpenRun};
use stall::{LONGEST_STALL, Stall};

/// From the moment that a request is marked or handed out to its last byte, at most:
/// connecting and sending take seconds.
const LONGEST_WAY: Duration = Duration::from_secs(240);

/// How a run is to go.
#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// Plan and report, post nothing.
    pub dry_run: bool,
    /// The civil date to plan for, in the connection's zone; none: today. A plan for
    /// another day than today is a dry run, always: what is posted is planned on its day.
    pub as_of: Option<Date>,
    /// Workspaces, by id or name, that alone are posted, asked about and reported; none
    /// named: all. What is left out counts for the brakes as ever.
    pub only: Vec<String>,
    /// Leave lines out of the report that just stand at their count: they are counted in its
    /// sums, and [`Access::run_report`] has them. A large tenant has tens of thousands.
    pub brief: bool,
    /// The date of the connection's schedule that the run is for: where nothing is left of
    /// it that could be tried again, the date is done. None: a person asks for the run.
    pub scheduled_for: Option<Date>,
    /// Brakes that a person releases for this run.
    pub release: Option<Release>,
    /// Told the run's number once it has begun.
    pub begun: Option<watch::Sender<Option<RunId>>>,
    /// How long a doubtful adjustment is left alone, where a test cannot wait for
    /// [`QUARANTINE`].
    pub quarantine: Option<Duration>,
    /// How long a run may get nowhere before it is ended, where a test cannot wait.
    pub longest_stall: Option<Duration>,
    /// Cancelled: the run finishes what is in flight, reads it back, and ends. To stop at
    /// once, end the process: nothing is lost.
    pub cancel: CancellationToken,
}

impl SyncOptions {
    /// What it takes to ask for such a run.
    fn power(&self) -> Power {
        match self.dry_run {
            true => Power::Read,
            false => Power::Approve,
        }
    }
}

impl Access {
    /// Sync one connection.
    ///
    /// # Errors
    /// Where the run could not be carried out at all: no such connection, not
    /// approved, credentials refused, the tenant busy with another process, the PSA
    /// not to be reached. What concerns single lines is in the report instead.
    pub async fn sync(
        &self,
        name: &ConnectionName,
        options: &SyncOptions,
        watch: Watch<'_>,
    ) -> Result<RunReport> {
        self.may_on(name, options.power())?;
        let zone = zone_of(&self.connection(name)?)?;
        let today = local_day(self.now(), &zone);
        let as_of = options.as_of.unwrap_or(today);
        let dry_run = options.dry_run || as_of != today;
        let purpose = match dry_run {
            true => Purpose::Look,
            false => Purpose::Post,
        };
        let cancel = Arc::new(Cancel::of(&options.cancel, self.actor().who()));
        let open = self.open_connection(name, purpose).await?;
        let only = self.only(&open, &options.only)?;
        watch(Progress {
            activity: Activity::Checking,
            done: 0,
            total: None,
        });
        let reached = cancel.unless(self.reach(&open)).await;
        let tenant = reached.unwrap_or_else(|| Err(stopped_before(name)))?;
        // Given back after the run is over: until then no other writes to the tenant.
        let _lock: Option<TenantLock> = match dry_run {
            true => None,
            false => Some(
                self.ledger()
                    .tenant_lock(&tenant, &format!("sync {name}"))?,
            ),
        };
        let snapshot = self.newest_snapshot(&open)?;
        let new = NewRun {
            connection: name.clone(),
            tenant: Some(tenant.clone()),
            snapshot: snapshot.as_ref().map(|snapshot| snapshot.id),
            dry_run,
            as_of,
            scheduled_for: options.scheduled_for.filter(|_| !dry_run),
        };
        let about = About {
            open: &open,
            cancel: &cancel,
            only: &only,
            today,
        };
        self.close_killed_runs()?;
        let run = OpenRun::begin(self.ledger(), &new, about)?;
        if let Some(begun) = &options.begun {
            begun.send_replace(Some(run.lease().run()));
        }
        tracing::info!(run = %run.lease().run(), connection = %name, %tenant, dry_run, %as_of, "run begins");
        let begun = RunScope {
            open: &open,
            tenant: &tenant,
            run: run.lease(),
            dry_run,
            as_of,
            today,
            zone: &zone,
            only: &only,
            cancel: &cancel,
            quarantine: options.quarantine.unwrap_or_else(|| open.quarantine()),
        };
        let mut found = Findings::default();
        let went = self.run_course(&begun, snapshot.as_ref(), options, &mut found, watch);
        if let Err(error) = went.await {
            run.fail(&error, found.end());
            return Err(error);
        }
        self.report(run, &begun, snapshot, found, options.brief)
    }

    /// The course of a run, ended where it gets nowhere, listening for those who want it to
    /// end; a panic in it is an error of this run alone.
    async fn run_course(
        &self,
        begun: &RunScope<'_>,
        snapshot: Option<&Snapshot>,
        options: &SyncOptions,
        found: &mut Findings,
        watch: Watch<'_>,
    ) -> Result<()> {
        let (open, session) = (begun.open, &begun.open.session);
        let stall = Stall::new(options.longest_stall.unwrap_or(LONGEST_STALL));
        let noted = |progress: Progress| {
            stall.note(&progress);
            watch(progress);
        };
        let course = self.carry_out(begun, snapshot, options.release.as_ref(), found, &noted);
        tokio::select! {
            biased;
            went = AssertUnwindSafe(course).catch_unwind() => {
                went.unwrap_or_else(|panic| Err(panicked(&*panic)))
            }
            () = stall.ends(|| session.waited()) => Err(stall.error(open)),
            never = stall::tell_of_waits(open, watch) => match never {},
            never = begun.cancel.listen(self.ledger(), begun.run.run(), session) => match never {},
        }
    }

    /// End a run that came to its end, and say what it found.
    fn report(
        &self,
        run: OpenRun<'_>,
        begun: &RunScope<'_>,
        snapshot: Option<Snapshot>,
        mut found: Findings,
        brief: bool,
    ) -> Result<RunReport> {
        let kept = found.lines.iter().map(|(_, line)| line);
        let summary = Summary {
            unmapped_workspaces: found.unmapped.0,
            unmapped_modules: found.unmapped.1,
            ..Summary::of(kept, found.lines.passed())
        };
        run.finish(End {
            counts: Some(summary.counts()),
            ..found.end()
        })?;
        let (open, ending) = (begun.open, found.ending());
        let lines = std::mem::take(&mut found.lines);
        let lines = match brief || lines.passed() == 0 {
            true => lines.into_kept(),
            false => {
                let id = begun.run.run();
                lines.among(stored::lines_of(self.ledger(), id, begun.as_of)?)
            }
        };
        let listed = RunView::from(self.ledger().run(begun.run.run())?);
        Ok(RunReport {
            run: begun.run.run().to_string(),
            status: ending.as_str(),
            connection: open.connection.name.clone(),
            tenant: begun.tenant.clone(),
            dry_run: begun.dry_run,
            as_of: begun.as_of,
            today: begun.today,
            why: listed.why,
            started_by: listed.started_by,
            started_at: listed.started_at,
            ended_at: listed.ended_at,
            cancelled_by: begun.cancelled_by(ending),
            only: begun.only.ids(),
            left_out: begun.only.left_out(),
            snapshot: snapshot.as_ref().map(|snapshot| snapshot.id.to_string()),
            snapshot_taken_at: snapshot.as_ref().map(|snapshot| snapshot.taken_at),
            snapshot_withdrawn: None,
            requests: open.session.requests().total,
            dev_origins: open.session.dev_origins(),
            counts: listed.counts,
            summary,
            released: found.released.0,
            notices: found.notices,
            incidents: stored::incidents(open),
            settled: found.settled,
            lines,
            history_head: self.ledger().history_head_of_run(begun.run.run())?,
        })
    }

    /// Prove the credentials and learn the tenant; both are remembered.
    async fn reach(&self, open: &OpenConnection) -> Result<TenantKey> {
        let name = &open.connection.name;
        match open.reader.check(Depth::Brief).await {
            Ok(report) => {
                // The ledger first: a key that is somebody else's must not reach their budget.
                let bound = self.ledger().bind_tenant(name, &report.tenant);
                let tenant = match bound {
                    Ok(bound) => bound.tenant,
                    Err(error) => {
                        self.keep_status(name, Some(error.code()))?;
                        return Err(error.into());
                    }
                };
                open.session.bind_tenant(&tenant);
                let wrong_before = open
                    .connection
                    .last_check
                    .as_ref()
                    .is_none_or(|last| last.code.is_some());
                if wrong_before {
                    self.keep_status(name, None)?;
                }
                Ok(tenant)
            }
            Err(error) => {
                self.keep_status(name, Some(error.code()))?;
                Err(open.failed(error))
            }
        }
    }
}

/// A task of the run did not come to its end.
fn ended(error: tokio::task::JoinError) -> Error {
    let fix = "Sync again: what was sent is found in the ledger and settled first.";
    rule(ErrorCode::RunEnded, error.to_string(), fix)
}

/// What a run is about, from its beginning to its end: whose it is, for which day and which
/// workspaces, and who may end it.
#[derive(Clone, Copy)]
struct RunScope<'a> {
    open: &'a OpenConnection,
    tenant: &'a TenantKey,
    run: RunLease,
    dry_run: bool,
    as_of: Date,
    /// The day it is in the zone, also where another is planned for.
    today: Date,
    zone: &'a TimeZone,
    only: &'a Only,
    cancel: &'a Arc<Cancel>,
    /// How long a doubtful adjustment is left alone.
    quarantine: Duration,
}

impl RunScope<'_> {
    /// Who ended the run early, where that is how it ended.
    fn cancelled_by(&self, ending: RunEnding) -> Option<String> {
        let by = self.cancel.by().filter(|_| ending == RunEnding::Cancelled);
        by.map(str::to_owned)
    }
}

/// Somebody wanted the sync to end while the connection was being checked.
fn stopped_before(name: &ConnectionName) -> Error {
    rule(
        HoldCode::RunCancelled,
        format!("the sync of connection {name} was stopped before its run began"),
        "Sync again.",
    )
}

/// An error of this program, of a kind that nobody foresaw.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("nothing more is known");
    rule(
        ErrorCode::RunPanicked,
        format!("the run broke off by an error of this program: {words}"),
        "Tell its authors. Sync again: what was sent is found in the ledger and settled first.",
    )
}

impl OpenConnection {
    /// An error of this connection's plugin or PSA.
    pub(crate) fn failed(&self, error: CallError) -> Error {
        Error::Call {
            connection: self.connection.name.to_string(),
            error: Box::new(error),
        }
    }

    /// Longer than the PSA can work on one request.
    pub(crate) fn quarantine(&self) -> Duration {
        let longest = self.plugin.description().limits.longest_execution_seconds;
        QUARANTINE.max(Duration::from_secs(u64::from(longest)) + LONGEST_WAY)
    }
}
