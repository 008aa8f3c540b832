//! A run: one sync of one connection, from the newest snapshot to a report that a
//! person can act on.
//!
//! ```text
//! begin ─► settle what was left open ─► plan ─► brakes ─► post in batches ─► report
//!  check,    (settling)               (planning)      (posting, read_back)   (report)
//!  tenant,
//!  lock
//! ```

mod answers;
mod batches;
mod day;
mod feeder;
mod found_right;
mod hand_out;
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
mod stall;
mod stop;
mod stored;
mod trial;
mod waiting;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use psa_host_billing::brake::{Brake, BrakeCode};
use psa_host_billing::effective::local_day;
use psa_host_billing::orphan::Chosen;
use psa_host_billing::{ConnectionName, HoldCode, LineId, TenantKey};
use psa_host_ledger::{LineUpdate, NewRun, Outcome, RunEnd, RunEnding, RunLease, TenantLock};
use psa_host_sandbox::{CallError, CallErrorKind, Depth};
use tokio_util::sync::CancellationToken;

pub use release::{Release, Released};
pub use report::{LineMoney, LineReport, MoneyChange, Notice, RunReport, Summary, needs_a_person};
pub use resolve::Verdict;
pub use settling::QUARANTINE;

use crate::error::rule;
use crate::mapping::zone_of;
use crate::progress::{Activity, Progress, Watch};
use crate::{Access, Error, OpenConnection, Power, Purpose, Result};
use batches::Running;
use day::Day;
use found_right::FoundRight;
use pace::Pace;
use planning::Planning;
use release::Releases;
use rereading::Moved;
use stall::{LONGEST_STALL, Stall};
use stop::Stop;
use work::Work;

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
    /// Brakes that a person releases for this run.
    pub release: Option<Release>,
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

/// Everything that a run found, before it is put into a report.
struct Found {
    released: Releases,
    settled: Vec<LineReport>,
    lines: Vec<LineReport>,
    notices: Vec<Notice>,
    unmapped_workspaces: usize,
    unmapped_modules: usize,
    ending: RunEnding,
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
        let open = self.open_connection(name, purpose).await?;
        watch(Progress {
            activity: Activity::Checking,
            done: 0,
            total: None,
        });
        let tenant = self.reach(&open).await?;
        let _lock: Option<TenantLock> = match dry_run {
            true => None,
            false => Some(
                self.ledger()
                    .tenant_lock(&tenant, &format!("sync {name}"))?,
            ),
        };
        let snapshot = self.newest_snapshot(&open)?;
        let run = self.ledger().begin_run(&NewRun {
            connection: name.clone(),
            tenant: Some(tenant.clone()),
            snapshot: snapshot.as_ref().map(|snapshot| snapshot.id),
            dry_run,
            as_of,
        })?;
        let started_at = self.now();
        let begun = Begun {
            open: &open,
            tenant: &tenant,
            run,
            dry_run,
            as_of,
            today,
            zone: &zone,
        };
        let released = self.release_brakes(name, run.run(), dry_run, options.release.as_ref())?;
        let stall = Stall::new(options.longest_stall.unwrap_or(LONGEST_STALL));
        let noted = |progress: Progress| {
            stall.note(&progress);
            watch(progress);
        };
        let found = tokio::select! {
            biased;
            found = self.carry_out(&begun, snapshot.as_ref(), released, options, &noted) => found,
            () = stall.ends(|| open.session.waited()) => Err(stall.error(&open)),
        };
        let plugin = &open.plugin.description().name;
        let incidents: Vec<Notice> = open
            .session
            .incidents()
            .iter()
            .map(|incident| Notice::of_plugin(plugin, incident))
            .collect();
        let requests = open.session.requests().total;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.end_failed(&begun, requests, &error, &incidents)?;
                return Err(error);
            }
        };
        let summary = Summary {
            unmapped_workspaces: found.unmapped_workspaces,
            unmapped_modules: found.unmapped_modules,
            ..Summary::of(&found.lines)
        };
        self.ledger().end_run(
            run,
            &RunEnd {
                ending: found.ending,
                requests,
                counts: summary.counts(),
                incidents: stored::beside(
                    &begun,
                    &found.released.0,
                    &found.notices,
                    &incidents,
                    (found.unmapped_workspaces, found.unmapped_modules),
                ),
            },
        )?;
        Ok(RunReport {
            run: run.run().to_string(),
            status: found.ending.as_str(),
            connection: name.clone(),
            tenant,
            dry_run,
            as_of,
            today,
            started_at,
            ended_at: self.now(),
            snapshot: snapshot.as_ref().map(|snapshot| snapshot.id.to_string()),
            snapshot_taken_at: snapshot.as_ref().map(|snapshot| snapshot.taken_at),
            snapshot_withdrawn: None,
            requests,
            dev_origins: open.session.dev_origins(),
            summary,
            released: found.released.0,
            notices: found.notices,
            incidents,
            settled: found.settled,
            lines: found.lines,
            history_head: self.ledger().history_head_of_run(run.run())?,
        })
    }

    /// End a run that could not be carried out, or not yet: the tenant's budget was used up
    /// while it read. Its adjustments, if any left, are open in the ledger.
    fn end_failed(
        &self,
        begun: &Begun<'_>,
        requests: u64,
        error: &Error,
        incidents: &[Notice],
    ) -> Result<()> {
        let problem = error.problem();
        let notice = Notice {
            code: problem.code,
            message: problem.message,
            fix: problem.fix.unwrap_or_default(),
            plugin: None,
        };
        let parked = matches!(
            error,
            Error::Call { error, .. } if matches!(
                error.kind,
                CallErrorKind::BudgetParked { .. } | CallErrorKind::RateLimited { .. }
            )
        );
        let end = RunEnd {
            ending: match parked {
                true => RunEnding::Parked,
                false => RunEnding::Failed,
            },
            requests,
            counts: std::collections::BTreeMap::new(),
            incidents: stored::beside(begun, &[], &[notice], incidents, (0, 0)),
        };
        Ok(self.ledger().end_run(begun.run, &end)?)
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

    async fn carry_out(
        &self,
        begun: &Begun<'_>,
        snapshot: Option<&psa_host_ledger::Snapshot>,
        released: Releases,
        options: &SyncOptions,
        watch: Watch<'_>,
    ) -> Result<Found> {
        let Begun {
            open,
            tenant,
            run,
            dry_run,
            as_of,
            today,
            zone,
        } = *begun;
        let mut found = Found {
            released,
            settled: Vec::new(),
            lines: Vec::new(),
            notices: Vec::new(),
            unmapped_workspaces: 0,
            unmapped_modules: 0,
            ending: RunEnding::Done,
        };
        let quarantine = options.quarantine.unwrap_or_else(|| open.quarantine());
        if !dry_run {
            if self.ledger().say_limits_added(&open.connection.name)? {
                found
                    .notices
                    .push(Notice::limits_added(&open.connection.name));
            }
            found.settled = self
                .settle_earlier(run, open, tenant, quarantine, watch)
                .await?;
        }
        let decisions = self.ledger().decisions_at()?;
        let rules = self.ledger().rules(&open.connection.name)?;
        let usable = self.usable(begun, snapshot, &rules.brakes, &mut found.released)?;
        let snapshot = match usable {
            Ok(snapshot) => snapshot,
            Err(brakes) => {
                found.brake(&brakes, &open.connection.name, std::iter::empty());
                return Ok(found);
            }
        };
        let planning = Planning {
            open,
            tenant,
            run: Some(run),
            as_of,
            snapshot,
            rules: &rules,
            quarantine,
            tried: None,
        };
        let planned = tokio::select! {
            planned = self.plan(&planning, watch) => planned?,
            () = options.cancel.cancelled() => {
                found.cancel();
                return Ok(found);
            }
        };
        found.unmapped_workspaces = planned.unmapped_workspaces;
        found.unmapped_modules = planned.unmapped_modules;
        found.lines = planned.lines;
        let not_set_up = planned.not_set_up.iter();
        found
            .notices
            .extend(not_set_up.map(|why| Notice::not_set_up(&open.connection.name, why)));
        let from_planning = found.lines.len();
        self.add_orphans(begun, &mut found.lines).await?;
        let orphans = found.lines.get(from_planning..).unwrap_or_default();
        self.ledger()
            .add_run_lines(run, orphans.iter().map(stored::row))?;
        if !dry_run {
            self.ledger().look_first(run, today, planned.plan.units())?;
        }
        // So that the report has what the released ones said.
        found
            .released
            .still_on(planned.plan.brakes(&BTreeSet::new()));
        let passing = planned.plan.passing().to_vec();
        let adjustments = match planned.plan.adjustments(&found.released.codes()) {
            Ok(adjustments) => adjustments,
            Err(brakes) => {
                let name = &open.connection.name;
                found.brake(&brakes, name, planned.questions.iter().map(|(row, _)| *row));
                self.record_outcomes(run, &found.lines)?;
                return Ok(found);
            }
        };
        if !dry_run {
            self.ledger().pass(run, today, &passing)?;
            self.ledger()
                .know_accounts(run, tenant, &planned.accounts_right)?;
            self.ask_people(begun, &mut found.lines, planned.questions)?;
            self.ledger().set_due_days(run, tenant, &planned.due_days)?;
            let found_right = FoundRight::new(
                self.ledger(),
                run,
                tenant,
                planned.found_right,
                &found.lines,
            );
            let fresh = rules.posting.fresh_seconds;
            let limits = &open.plugin.description().limits;
            let stop = Arc::new(Stop::new(options.cancel.clone()));
            let mut running = Running {
                host: self,
                open,
                tenant,
                run,
                day: Day::new(today, zone, self.ledger()),
                planned: decisions,
                lines: found.lines,
                notices: found.notices,
                stop: Arc::clone(&stop),
                posted: 0,
                to_post: adjustments.len(),
                fresh: SignedDuration::from_secs(fresh.into()),
                pace: Pace::new(
                    usize::try_from(limits.lines_per_call).unwrap_or(usize::MAX),
                    Duration::from_secs(fresh.into()),
                ),
                moved: Moved::default(),
                found_right,
            };
            let work = adjustments
                .into_iter()
                .map(|(row, adjustment)| Work::new(row, adjustment));
            let posting = running.post_all(work.collect(), watch).await;
            if let Err(error) = posting {
                return Err(self.after_posting(begun, error, &running.lines));
            }
            if let Some(error) = open.session.refused() {
                self.keep_status(&open.connection.name, Some(error.code()))?;
            }
            found.lines = running.lines;
            found.notices = running.notices;
            match stop.hold().map(|hold| hold.code) {
                Some(HoldCode::RunParked) => found.ending = RunEnding::Parked,
                Some(HoldCode::RunCancelled) => found.ending = RunEnding::Cancelled,
                _ => {}
            }
            found
                .notices
                .extend(self.says_when_to_sync_again(open, tenant, quarantine)?);
            let planned = found.lines.get(..from_planning).unwrap_or_default();
            self.close_questions(begun, &rules.approval, planned)?;
            self.ledger().use_snapshot(run, snapshot.id)?;
        }
        self.record_outcomes(run, &found.lines)?;
        Ok(found)
    }

    /// After the pairs, so that each of these keeps its place.
    async fn add_orphans(&self, begun: &Begun<'_>, lines: &mut Vec<LineReport>) -> Result<()> {
        let mapping = self.mapping_of(begun.open)?;
        let chosen = || {
            let mut chosen = Chosen::default();
            for line in lines.iter() {
                if let Some(id) = &line.line {
                    chosen.add(&line.workspace, &line.module, id);
                }
            }
            chosen
        };
        let Begun {
            open,
            tenant,
            as_of,
            ..
        } = *begun;
        let orphans = self.orphans(open, tenant, &mapping, chosen, as_of).await?;
        lines.extend(
            orphans
                .into_iter()
                .map(|orphan| LineReport::orphan(orphan, as_of)),
        );
        Ok(())
    }

    /// Write down what became of each line that is no longer as it was planned, unless
    /// that was done when it was read back.
    fn record_outcomes(&self, run: RunLease, lines: &[LineReport]) -> Result<()> {
        let updates: Vec<LineUpdate> = (0_u32..)
            .zip(lines)
            .filter(|(_, line)| match line.outcome {
                Outcome::Unchanged => false,
                Outcome::Confirmed => line.message.is_some(),
                _ => true,
            })
            .map(|(row, line)| LineUpdate {
                row,
                outcome: line.outcome,
                code: line.code.clone(),
                message: line.message.clone(),
                fix: line.fix.clone(),
            })
            .collect();
        Ok(self.ledger().update_run_lines(run, &updates)?)
    }
}

impl Found {
    /// Somebody stopped the run before anything was posted.
    fn cancel(&mut self) {
        self.ending = RunEnding::Cancelled;
        self.notices.push(stop::cancelled().into());
    }

    /// Nothing is posted: what would have been, or would have been asked, is held.
    fn brake(
        &mut self,
        brakes: &[Brake],
        connection: &ConnectionName,
        asked: impl Iterator<Item = usize>,
    ) {
        let brakes: Vec<Notice> = brakes
            .iter()
            .map(|brake| Notice::of(brake, connection))
            .collect();
        self.ending = RunEnding::Braked;
        let Some(brake) = brakes.first() else { return };
        let asked: BTreeSet<usize> = asked.collect();
        for (row, line) in self.lines.iter_mut().enumerate() {
            if line.outcome == Outcome::Planned || asked.contains(&row) {
                line.brake(brake);
            }
        }
        // What such an answer does not show may be there: whoever adds it by the advice of a
        // single pair has it twice.
        let doubted = brakes.iter().find(|brake| {
            let code = brake.code.parse();
            code.is_ok_and(BrakeCode::doubts_the_answer)
        });
        if let Some(doubted) = doubted {
            let unseen = |line: &&mut LineReport| {
                line.outcome == Outcome::Held && (line.line.is_none() || line.baseline.is_none())
            };
            self.lines
                .iter_mut()
                .filter(unseen)
                .for_each(|line| line.brake(doubted));
        }
        self.notices.extend(brakes);
    }
}

impl Access {
    /// An error in the middle of posting, with what was posted before it. What left and was
    /// not read back is known to the ledger alone: the report has it as planned still.
    fn after_posting(&self, begun: &Begun<'_>, error: Error, lines: &[LineReport]) -> Error {
        let confirmed = lines
            .iter()
            .filter(|line| line.outcome == Outcome::Confirmed);
        let confirmed: BTreeSet<&LineId> =
            confirmed.filter_map(|line| line.line.as_ref()).collect();
        let more = match self.ledger().open_intents(begun.tenant) {
            Ok(open) => {
                let left = open.iter().filter(|intent| {
                    intent.run == begun.run.run()
                        && intent.attempt > 0
                        && !confirmed.contains(&intent.intent.key.line)
                });
                left.count().to_string()
            }
            Err(_) => "an unknown number".to_owned(),
        };
        Error::WhilePosting {
            done: format!(
                "{} adjustments were posted and read back, {more} more may have been posted",
                confirmed.len()
            ),
            error: Box::new(error),
        }
    }
}

/// A task of the run did not come to its end.
fn ended(error: tokio::task::JoinError) -> Error {
    let fix = "Sync again: what was sent is found in the ledger and settled first.";
    rule("run-ended", error.to_string(), fix)
}

/// A run that has begun.
struct Begun<'a> {
    open: &'a OpenConnection,
    tenant: &'a TenantKey,
    run: RunLease,
    dry_run: bool,
    as_of: Date,
    /// The day it is in the zone, also where another is planned for.
    today: Date,
    zone: &'a TimeZone,
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
