//! The course of a run, from what earlier ones left open to the last line read back. Each
//! part leaves in [`Findings`] what it found, so that it is known however the run ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use psa_host_billing::brake::{Brake, BrakeCode};
use psa_host_billing::rules::Rules;
use psa_host_billing::{Cleared, ConnectionName, HoldCode, LineId};
use psa_host_ledger::{DecisionsAt, LineUpdate, Outcome, RunEnding, RunLease, Snapshot};

use super::batches::Running;
use super::cancel::Cancel;
use super::found_right::FoundRight;
use super::lines::RunLines;
use super::open_run::End;
use super::planning::{Planned, Planning, Rows};
use super::release::{Release, Releases};
use super::report::{LineReport, Notice};
use super::stop::Stop;
use super::work::Work;
use super::{RunScope, stored};
use crate::progress::Watch;
use crate::{Access, Error, Result};

/// Everything that a run found, before it is put into a report.
#[derive(Default)]
pub(super) struct Findings {
    pub released: Releases,
    pub settled: Vec<LineReport>,
    pub lines: RunLines,
    /// How many of them are pairs; the rest are orphans.
    pub pairs: usize,
    pub notices: Vec<Notice>,
    /// Workspaces and modules in use that are not mapped.
    pub unmapped: (usize, usize),
    ending: Option<RunEnding>,
}

/// What people had decided by when a run was planned.
struct Decisions {
    at: DecisionsAt,
    rules: Rules,
}

impl Access {
    /// Settle, plan, post, read back.
    ///
    /// # Errors
    /// What ended the run before all was looked at.
    pub(super) async fn carry_out(
        &self,
        begun: &RunScope<'_>,
        snapshot: Option<&Snapshot>,
        release: Option<&Release>,
        found: &mut Findings,
        watch: Watch<'_>,
    ) -> Result<()> {
        let name = &begun.open.connection.name;
        found.released = self.release_brakes(name, begun.run.run(), begun.dry_run, release)?;
        if !begun.dry_run {
            if self.ledger().say_limits_added(name)? {
                found.notices.push(Notice::limits_added(name));
            }
            let (open, tenant) = (begun.open, begun.tenant);
            let settled = self.settle_earlier(begun.run, open, tenant, begun.quarantine, watch);
            match begun.cancel.unless(settled).await {
                Some(settled) => found.settled = settled?,
                None => {
                    found.cancel(begun.cancel);
                    return Ok(());
                }
            }
        }
        let decided = Decisions {
            at: self.ledger().decisions_at()?,
            rules: self.ledger().rules(name)?,
        };
        let limits = &decided.rules.brakes;
        let snapshot = match self.usable(begun, snapshot, limits, &mut found.released)? {
            Ok(snapshot) => snapshot,
            Err(brakes) => {
                found.brake(&brakes, name, std::iter::empty());
                return Ok(());
            }
        };
        let planned = self.plan_run(begun, snapshot, &decided.rules, found, watch);
        let Some((planned, adjustments)) = planned.await? else {
            return self.record_outcomes(begun.run, &found.lines);
        };
        if !begun.dry_run {
            self.post(begun, &decided, planned, adjustments, found, watch)
                .await?;
            self.ledger().use_snapshot(begun.run, snapshot.id)?;
        }
        self.record_outcomes(begun.run, &found.lines)
    }

    /// The plan, its rows and its orphans, and what is to be sent; none where the run goes
    /// no further.
    async fn plan_run(
        &self,
        begun: &RunScope<'_>,
        snapshot: &Snapshot,
        rules: &Rules,
        found: &mut Findings,
        watch: Watch<'_>,
    ) -> Result<Option<(Planned, Vec<(usize, Cleared)>)>> {
        let planning = Planning {
            open: begun.open,
            tenant: begun.tenant,
            as_of: begun.as_of,
            snapshot,
            rules,
            quarantine: begun.quarantine,
            only: begun.only,
            tried: None,
        };
        let mut rows = Rows::new(self.ledger(), Some(begun.run));
        let planned = begun
            .cancel
            .unless(self.plan(&planning, &mut rows, watch))
            .await;
        rows.finish().await?;
        let Some(planned) = planned else {
            // What was planned by then is told, and was not sent.
            let written = stored::lines_of(self.ledger(), begun.run.run(), begun.as_of)?;
            found.lines = RunLines::of(written);
            found.cancel(begun.cancel);
            return Ok(None);
        };
        let mut planned = planned?;
        found.unmapped = (planned.unmapped_workspaces, planned.unmapped_modules);
        found.lines = std::mem::take(&mut planned.lines);
        found.pairs = found.lines.rows();
        let name = &begun.open.connection.name;
        let not_set_up = planned.not_set_up.iter();
        found
            .notices
            .extend(not_set_up.map(|why| Notice::not_set_up(name, why)));
        let orphans = self.add_orphans(begun, &planned, &mut found.lines);
        match begun.cancel.unless(orphans).await {
            Some(added) => added?,
            None => {
                found.cancel(begun.cancel);
                return Ok(None);
            }
        }
        if !begun.dry_run {
            self.ledger()
                .look_first(begun.run, begun.today, planned.plan.units())?;
        }
        // So that the report has what the released ones said.
        let on = planned.plan.brakes(&BTreeSet::new());
        found.released.still_on(on);
        match planned.plan.adjustments(&found.released.codes()) {
            Ok(adjustments) => Ok(Some((planned, adjustments))),
            Err(brakes) => {
                found.brake(&brakes, name, planned.questions.iter().map(|(row, _)| *row));
                Ok(None)
            }
        }
    }

    /// What no brake stands against: ask, remember, send, read back.
    async fn post(
        &self,
        begun: &RunScope<'_>,
        decided: &Decisions,
        planned: Planned,
        adjustments: Vec<(usize, Cleared)>,
        found: &mut Findings,
        watch: Watch<'_>,
    ) -> Result<()> {
        let RunScope {
            open,
            tenant,
            run,
            today,
            ..
        } = *begun;
        self.ledger().pass(run, today, planned.plan.passing())?;
        self.ledger()
            .know_accounts(run, tenant, &planned.accounts_right)?;
        self.ask_people(begun, &mut found.lines, planned.questions)?;
        self.ledger().set_due_days(run, tenant, &planned.due_days)?;
        let found_right = FoundRight::new(self.ledger(), run, tenant, planned.found_right);
        let stop = Arc::new(Stop::new(Arc::clone(begun.cancel)));
        let posting = &decided.rules.posting;
        let mut running = Running::new(self, begun, decided.at, posting, &stop, found_right);
        running.to_post = adjustments.len();
        running.lines = std::mem::take(&mut found.lines);
        let work = adjustments
            .into_iter()
            .map(|(row, adjustment)| Work::new(row, adjustment));
        let posted = running.post_all(work.collect(), watch).await;
        found.lines = running.lines;
        found.notices.extend(running.notices);
        if let Err(error) = posted {
            return Err(self.after_posting(begun, error, &found.lines));
        }
        if let Some(error) = open.session.refused() {
            self.keep_status(&open.connection.name, Some(error.code()))?;
        }
        match stop.hold().map(|hold| hold.code) {
            Some(HoldCode::RunParked) => found.ending = Some(RunEnding::Parked),
            Some(HoldCode::RunCancelled) => found.ending = Some(RunEnding::Cancelled),
            _ => {}
        }
        found
            .notices
            .extend(self.says_when_to_sync_again(open, tenant, begun.quarantine)?);
        let pairs = found.lines.iter().take_while(|(row, _)| *row < found.pairs);
        let pairs = pairs.map(|(_, line)| line);
        self.close_questions(begun, &decided.rules.approval, pairs)
    }

    /// After the pairs, so that each of these keeps its place.
    async fn add_orphans(
        &self,
        begun: &RunScope<'_>,
        planned: &Planned,
        lines: &mut RunLines,
    ) -> Result<()> {
        // On most days a pair stands on every line that was ever posted to.
        if planned.without_pair.is_empty() {
            return Ok(());
        }
        let mapping = self.mapping_of(begun.open)?;
        let RunScope {
            open,
            tenant,
            as_of,
            only,
            ..
        } = *begun;
        let chosen = || {
            let mut chosen = planned.left_out.clone();
            let run = begun.run.run();
            self.ledger()
                .each_chosen_line(run, |workspace, module, line| {
                    chosen.add(&workspace, &module, &line);
                })?;
            Ok(chosen)
        };
        let asked = |workspace: &_| only.has(workspace);
        let orphans = self.orphans(open, tenant, &mapping, chosen, as_of, asked);
        let orphans = orphans.await?.into_iter();
        let orphans: Vec<LineReport> = orphans
            .map(|orphan| LineReport::orphan(orphan, as_of))
            .collect();
        let rows: Vec<_> = orphans.iter().cloned().map(stored::row).collect();
        self.ledger().add_run_lines(begun.run, &rows)?;
        for orphan in orphans {
            lines.keep(orphan);
        }
        Ok(())
    }

    /// Write down what became of each line that is no longer as it was planned, unless
    /// that was done when it was read back.
    fn record_outcomes(&self, run: RunLease, lines: &RunLines) -> Result<()> {
        let updates: Vec<LineUpdate> = lines
            .iter()
            .filter(|(_, line)| match line.outcome {
                Outcome::Unchanged => false,
                Outcome::Confirmed => line.message.is_some(),
                _ => true,
            })
            .map(|(row, line)| LineUpdate {
                row: u32::try_from(row).unwrap_or(u32::MAX),
                outcome: line.outcome,
                code: line.code.clone(),
                message: line.message.clone(),
                fix: line.fix.clone(),
            })
            .collect();
        Ok(self.ledger().update_run_lines(run, &updates)?)
    }

    /// An error in the middle of posting, with what was posted before it. What left and was
    /// not read back is known to the ledger alone: the report has it as planned still.
    fn after_posting(&self, begun: &RunScope<'_>, error: Error, lines: &RunLines) -> Error {
        let confirmed = lines
            .iter()
            .filter(|(_, line)| line.outcome == Outcome::Confirmed);
        let confirmed: BTreeSet<&LineId> = confirmed
            .filter_map(|(_, line)| line.line.as_ref())
            .collect();
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

impl Findings {
    /// How the run ended, where it came to its end.
    pub fn ending(&self) -> RunEnding {
        self.ending.unwrap_or(RunEnding::Done)
    }

    /// As the run's record has it.
    pub fn end(&self) -> End<'_> {
        End {
            ending: self.ending,
            counts: None,
            released: &self.released.0,
            notices: &self.notices,
            unmapped: self.unmapped,
        }
    }

    /// Somebody stopped the run before anything was posted or asked.
    fn cancel(&mut self, cancel: &Cancel) {
        self.ending = Some(RunEnding::Cancelled);
        for (_, line) in self.lines.iter_mut() {
            if matches!(line.outcome, Outcome::Planned | Outcome::AwaitingApproval) {
                line.hold(cancel.hold());
            }
        }
        self.notices.push(cancel.notice());
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
        self.ending = Some(RunEnding::Braked);
        let Some(brake) = brakes.first() else { return };
        let asked: BTreeSet<usize> = asked.collect();
        for (row, line) in self.lines.iter_mut() {
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
                .map(|(_, line)| line)
                .filter(unseen)
                .for_each(|line| line.brake(doubted));
        }
        self.notices.extend(brakes);
    }
}
