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
mod found_right;
mod marked;
mod planning;
mod posting;
mod questions;
mod read_back;
mod release;
mod report;
mod resolve;
mod settling;
mod stall;
mod stored;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use psa_host_billing::brake::Brake;
use psa_host_billing::effective::local_day;
use psa_host_billing::orphan::Chosen;
use psa_host_billing::{ConnectionName, HoldCode, TenantKey};
use psa_host_ledger::{LineUpdate, NewRun, Outcome, RunEnd, RunEnding, RunId, TenantLock};
use psa_host_sandbox::{CallError, CallErrorKind, Depth};

pub use release::{Release, Released};
pub use report::{LineMoney, LineReport, MoneyChange, Notice, RunReport, Summary, needs_a_person};
pub use resolve::Verdict;
pub use settling::QUARANTINE;

use crate::error::rule;
use crate::mapping::zone_of;
use crate::progress::{Activity, Progress, Watch};
use crate::{Error, Host, OpenConnection, Purpose, Result};
use batches::Running;
use day::Day;
use found_right::FoundRight;
use planning::Planning;
use release::Releases;
use stall::{LONGEST_STALL, Stall};

/// How a run is to go.
#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// Plan and report, post nothing.
    pub dry_run: bool,
    /// The civil date to plan for, in the connection's zone; none: today. Another day than
    /// today makes no snapshot newer, and the report says it.
    pub as_of: Option<Date>,
    /// Brakes that a person releases for this run.
    pub release: Option<Release>,
    /// How long a doubtful adjustment is left alone, where a test cannot wait for
    /// [`QUARANTINE`].
    pub quarantine: Option<Duration>,
    /// How long a run may get nowhere before it is ended, where a test cannot wait.
    pub longest_stall: Option<Duration>,
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

impl Host {
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
        let purpose = if options.dry_run {
            Purpose::Look
        } else {
            Purpose::Post
        };
        let open = self.open_connection(name, purpose).await?;
        watch(Progress {
            activity: Activity::Checking,
            done: 0,
            total: None,
        });
        let tenant = self.reach(&open).await?;
        let _lock: Option<TenantLock> = match options.dry_run {
            true => None,
            false => Some(
                self.ledger()
                    .tenant_lock(&tenant, &format!("sync {name}"))?,
            ),
        };
        let zone = zone_of(&open.connection)?;
        let today = local_day(self.now(), &zone);
        let as_of = options.as_of.unwrap_or(today);
        let snapshot = self.newest_snapshot(&open)?;
        let run = self.ledger().begin_run(&NewRun {
            connection: name.clone(),
            tenant: Some(tenant.clone()),
            snapshot: snapshot.as_ref().map(|snapshot| snapshot.id),
            dry_run: options.dry_run,
            as_of,
        })?;
        let started_at = self.now();
        let begun = Begun {
            open: &open,
            tenant: &tenant,
            run,
            as_of,
            today,
            zone: &zone,
        };
        let released = self.release_brakes(name, run, options.dry_run, options.release.as_ref())?;
        let stall = Stall::new(options.longest_stall.unwrap_or(LONGEST_STALL));
        let noted = |progress: Progress| {
            stall.note(&progress);
            watch(progress);
        };
        let found = tokio::select! {
            biased;
            found = self.carry_out(&begun, snapshot.as_ref(), released, options, &noted) => found,
            error = stall.ends(&open) => Err(error),
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
            run: run.to_string(),
            status: found.ending.as_str(),
            connection: name.clone(),
            tenant,
            dry_run: options.dry_run,
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
            history_head: self.ledger().history_head_of_run(run)?,
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
        if !options.dry_run {
            let quarantine = options.quarantine.unwrap_or_else(|| open.quarantine());
            found.settled = self.settle_earlier(open, tenant, quarantine, watch).await?;
        }
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
            run,
            as_of,
            snapshot,
            rules: &rules,
        };
        let planned = self.plan(&planning, watch).await?;
        found.unmapped_workspaces = planned.unmapped_workspaces;
        found.unmapped_modules = planned.unmapped_modules;
        found.lines = planned.lines;
        let from_planning = found.lines.len();
        self.add_orphans(begun, &mut found.lines).await?;
        let orphans = found.lines.get(from_planning..).unwrap_or_default();
        self.ledger()
            .add_run_lines(run, orphans.iter().map(stored::row))?;
        // So that the report has what the released ones said.
        found
            .released
            .still_on(planned.plan.brakes(&BTreeSet::new()));
        let adjustments = match planned.plan.adjustments(&found.released.codes()) {
            Ok(adjustments) => adjustments,
            Err(brakes) => {
                let name = &open.connection.name;
                found.brake(&brakes, name, planned.questions.iter().map(|(row, _)| *row));
                self.record_outcomes(run, &found.lines)?;
                return Ok(found);
            }
        };
        if !options.dry_run {
            self.ask_people(begun, &mut found.lines, planned.questions)?;
            let found_right = FoundRight::new(
                self.ledger(),
                run,
                tenant,
                planned.found_right,
                &found.lines,
            );
            let mut running = Running {
                host: self,
                open,
                tenant,
                run,
                day: Day::new(today, zone, self.ledger()),
                lines: found.lines,
                notices: found.notices,
                stopped: None,
                posted: 0,
                to_post: adjustments.len(),
                ahead: None,
                found_right,
            };
            running.post_all(&adjustments, watch).await?;
            if let Some(error) = open.session.refused() {
                self.keep_status(&open.connection.name, Some(error.code()))?;
            }
            found.lines = running.lines;
            found.notices = running.notices;
            if running
                .stopped
                .is_some_and(|hold| hold.code == HoldCode::RunParked)
            {
                found.ending = RunEnding::Parked;
            }
            let planned = found.lines.get(..from_planning).unwrap_or_default();
            self.close_questions(begun, planned)?;
            self.ledger()
                .use_snapshot(&open.connection.name, snapshot.id)?;
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
    fn record_outcomes(&self, run: RunId, lines: &[LineReport]) -> Result<()> {
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
        self.notices.extend(brakes);
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
    run: RunId,
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
            error,
        }
    }

    /// Longer than the PSA can work on one request.
    fn quarantine(&self) -> Duration {
        let longest = self.plugin.description().limits.longest_execution_seconds;
        QUARANTINE.max(Duration::from_secs(u64::from(longest)) + marked::LONGEST_WAIT)
    }
}
