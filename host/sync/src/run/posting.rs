//! Sending adjustments so that each takes effect once. The lines are read again, the
//! intents are on disk before a byte leaves, several connectors send side by side, and
//! each answer is recorded before anything is concluded from it.
//!
//! Three things go on at once: one task marks intents as sending, a few ahead of the
//! connectors, so that none of these waits for the disk; one gathers the answers, many
//! to a transaction; and when the end of a batch is near, the lines of the next one are
//! read. After a crash the few that were marked and not sent are in
//! doubt, and their lines are read before anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use psa_host_billing::plan::Adjustment;
use psa_host_billing::settle::{Shows, shows};
use psa_host_billing::{Hold, HoldCode, LineId, LineKey, ReportCode};
use psa_host_ledger::{Answer, Intent, IntentId, Ledger, Outcome, Step};
use psa_host_sandbox::{
    AdjustmentRequest, CallError, CallErrorKind, Connector, LineReading, Posting, Session,
};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::answers::{Answers, AtWork};
use super::batches::{Running, Sent};
use super::day::Day;
use super::ended;
use super::marked::{Marked, unsent};
use super::report::LineReport;
use crate::Result;
use crate::progress::{Activity, Progress, Watch};
use crate::reading::Task;

/// Intents marked as sending in one transaction, ahead of the connectors.
const MARKED_AHEAD: usize = 32;

/// Doubtful answers in a row after which nothing more is sent: one is an accident,
/// several are an outage.
const DOUBTS_THAT_STOP: usize = 3;

/// Answers still to come when the next batch's lines are read: about as long as the
/// reading takes, so that the connectors do not wait for it and it is not older than it
/// has to be.
const REREAD_AHEAD: usize = 48;

/// How often an adjustment that certainly did not leave is tried again at once.
const TRIES: u32 = 3;

/// Between these tries.
const WAIT_BETWEEN_TRIES: Duration = Duration::from_secs(1);

impl Running<'_> {
    /// Send a batch: small enough for one read of its lines. Lines that must not be
    /// sent after all are held in their reports; what was sent is returned. `next`: the
    /// batch after it.
    pub(super) async fn post_batch(
        &mut self,
        batch: &[(usize, Adjustment)],
        next: Option<&[(usize, Adjustment)]>,
        watch: Watch<'_>,
    ) -> Result<Vec<Sent>> {
        let ready = self.reread(batch, watch).await?;
        let intents: Vec<Intent> = ready
            .iter()
            .map(|(row, adjustment)| Intent {
                tenant: self.tenant.clone(),
                row: u32::try_from(*row).unwrap_or(u32::MAX),
                key: adjustment.line().clone(),
                workspace: adjustment.pair().workspace.clone(),
                module: adjustment.pair().module.clone(),
                baseline: adjustment.baseline(),
                target: adjustment.target(),
                effective: adjustment.effective(),
            })
            .collect();
        let ids = self.host.ledger().intend(self.run, &intents)?;
        let work: Vec<(IntentId, usize, AdjustmentRequest)> = ids
            .into_iter()
            .zip(ready)
            .map(|(id, (row, adjustment))| {
                let request = AdjustmentRequest {
                    line: adjustment.line().clone(),
                    baseline: adjustment.baseline(),
                    target: adjustment.target(),
                    effective: adjustment.effective(),
                    today: self.day.date(),
                };
                (id, row, request)
            })
            .collect();
        self.send(work, next, watch).await
    }

    /// Begin to read the lines of a batch once more.
    fn begin_rereading(&self, batch: &[(usize, Adjustment)]) -> Task<LineReading> {
        let keys: Vec<LineKey> = batch.iter().map(|(_, a)| a.line().clone()).collect();
        let first = batch
            .iter()
            .map(|(_, a)| self.shown_from(a.effective()))
            .min();
        let reader = self.open.reader.clone();
        Task::spawn(async move {
            match first {
                Some(effective) => reader.lines(&keys, effective).await,
                None => Ok(LineReading::default()),
            }
        })
    }

    /// Read the batch's lines once more: only what still stands at its baseline, alone
    /// on its contract, is sent.
    async fn reread<'b>(
        &mut self,
        batch: &'b [(usize, Adjustment)],
        watch: Watch<'_>,
    ) -> Result<Vec<(usize, &'b Adjustment)>> {
        watch(Progress {
            activity: Activity::Rereading,
            done: self.posted,
            total: Some(self.to_post),
        });
        let reading = match self.ahead.take() {
            Some(begun) => begun,
            None => self.begin_rereading(batch),
        };
        let reading = match reading.await {
            Ok(reading) => reading,
            Err(error) => {
                for (row, _) in batch {
                    self.lines[*row].hold(not_sent(&error));
                }
                self.note_failure(&error);
                return Ok(Vec::new());
            }
        };
        let by_id: std::collections::HashMap<&LineId, &psa_host_billing::Line> = reading
            .lines
            .iter()
            .map(|line| (&line.key.line, line))
            .collect();
        let mut ready = Vec::with_capacity(batch.len());
        for (row, adjustment) in batch {
            let line = by_id.get(&adjustment.line().line).copied();
            let from = self.shown_from(adjustment.effective());
            let report = &mut self.lines[*row];
            let twin = reading
                .others
                .iter()
                .find(|other| same_place(other, adjustment.line()));
            if let Some(twin) = twin {
                let message = format!(
                    "the service stands on the contract twice, as lines {} and {}",
                    adjustment.line().line,
                    twin.line
                );
                report.hold(Hold::new(HoldCode::DuplicateLine, message));
                continue;
            }
            let (baseline, target) = (adjustment.baseline(), adjustment.target());
            match shows(line, baseline, target, from) {
                Shows::NotApplied => ready.push((*row, adjustment)),
                Shows::Applied => {
                    let message = format!("somebody else changed it from {baseline} to {target}");
                    report.hold(Hold::new(HoldCode::BaselineMoved, message));
                }
                Shows::Else(hold) if hold.code == HoldCode::UnexpectedUnits => {
                    report.hold(Hold::new(HoldCode::BaselineMoved, hold.message));
                }
                Shows::Else(hold) => report.hold(hold),
            }
        }
        Ok(ready)
    }

    async fn send(
        &mut self,
        work: Vec<(IntentId, usize, AdjustmentRequest)>,
        next: Option<&[(usize, Adjustment)]>,
        watch: Watch<'_>,
    ) -> Result<Vec<Sent>> {
        if work.is_empty() {
            return Ok(Vec::new());
        }
        let (work_in, work_out) = mpsc::channel(MARKED_AHEAD);
        let stop = Arc::new(Stop::default());
        // One more than may be on the way at once, so that no slot waits for an instance.
        let limits = &self.open.plugin.description().limits;
        let at_once = limits.at_once_per_endpoint.max(1);
        let side_by_side = limits.instances.clamp(1, at_once.saturating_add(1));
        let side_by_side = usize::try_from(side_by_side).unwrap_or(1);
        let answers = Arc::new(Answers::new(work.len(), side_by_side, REREAD_AHEAD));
        let mut tasks = JoinSet::new();
        let work_out = Arc::new(Mutex::new(work_out));
        for _ in 0..side_by_side {
            let sender = Sender {
                session: Arc::clone(&self.open.session),
                ledger: self.host.ledger().clone(),
                day: self.day.clone(),
                work: Arc::clone(&work_out),
                answers: AtWork(Arc::clone(&answers)),
                stop: Arc::clone(&stop),
            };
            tasks.spawn(sender.run());
        }
        drop(work_out);
        let ledger = self.host.ledger().clone();
        let rows: std::collections::HashMap<IntentId, usize> =
            work.iter().map(|(id, row, _)| (*id, *row)).collect();
        let feeder = tokio::spawn(async move {
            for window in work.chunks(MARKED_AHEAD) {
                let ids: Vec<IntentId> = window.iter().map(|(id, ..)| *id).collect();
                let at = ledger.now();
                let ledger = ledger.clone();
                let marked = tokio::task::spawn_blocking(move || ledger.mark_sending(&ids));
                marked.await.map_err(Feed::Ended)?.map_err(Feed::Ledger)?;
                for (id, _, request) in window {
                    let (id, request) = (*id, request.clone());
                    if work_in.send(Marked { id, request, at }).await.is_err() {
                        return Ok::<_, Feed>(());
                    }
                }
            }
            Ok(())
        });
        let mut sent = Vec::new();
        while let Some((answers, left)) = answers.gather().await {
            self.posted += answers.len();
            self.found_right.go_on(&self.lines).await?;
            if let Some(next) = next
                && left <= REREAD_AHEAD
                && self.ahead.is_none()
                && self.stopped.is_none()
            {
                self.ahead = Some(self.begin_rereading(next));
            }
            watch(Progress {
                activity: Activity::Posting,
                done: self.posted,
                total: Some(self.to_post),
            });
            let mut records = Vec::with_capacity(answers.len());
            for (id, posting) in answers {
                let Some(&row) = rows.get(&id) else { continue };
                let answer = self.conclude(row, posting, &stop);
                if matches!(answer, Answer::Accepted | Answer::Doubtful(_)) {
                    sent.push(Sent {
                        intent: id,
                        row,
                        accepted: answer == Answer::Accepted,
                    });
                }
                records.push((id, answer));
            }
            let ledger = self.host.ledger().clone();
            let recorded = tokio::task::spawn_blocking(move || ledger.record_answers(&records));
            recorded.await.map_err(ended)??;
        }
        tasks.join_all().await;
        match feeder.await {
            Ok(Ok(())) => {}
            Ok(Err(Feed::Ledger(error))) => return Err(error.into()),
            Ok(Err(Feed::Ended(error))) | Err(error) => return Err(ended(error)),
        }
        Ok(sent)
    }

    /// What an answer means for its line, and for the rest of the run.
    fn conclude(&mut self, row: usize, posting: Posting, stop: &Stop) -> Answer {
        let report: &mut LineReport = &mut self.lines[row];
        match posting {
            Posting::Accepted { .. } => Answer::Accepted,
            Posting::Rejected { words } => {
                report.outcome = Outcome::Rejected;
                let code = ReportCode::Rejected;
                report.explain(code.as_str(), words.clone(), code.fix());
                Answer::Rejected(words)
            }
            Posting::Doubtful { why } => {
                if stop.doubts.load(Ordering::Relaxed) >= DOUBTS_THAT_STOP {
                    self.stopped.get_or_insert_with(|| {
                        let message = format!(
                            "{DOUBTS_THAT_STOP} adjustments in a row had no certain outcome"
                        );
                        Hold::new(HoldCode::RunStopped, message)
                    });
                }
                report.outcome = Outcome::Doubtful;
                report.explain(
                    HoldCode::OpenAdjustment.as_str(),
                    why.clone(),
                    HoldCode::OpenAdjustment.fix(),
                );
                Answer::Doubtful(why)
            }
            Posting::NotSent(error) => {
                if self.stopped.is_none() && error.kind == CallErrorKind::Gone {
                    self.stopped = self.day.over();
                }
                let hold = match &self.stopped {
                    Some(stopped) if error.kind == CallErrorKind::Gone => stopped.clone(),
                    _ => not_sent(&error),
                };
                report.hold(hold);
                self.note_failure(&error);
                Answer::NotSent(error.message)
            }
        }
    }

    /// Some failures concern every line to come.
    fn note_failure(&mut self, error: &CallError) {
        let hold = match &error.kind {
            CallErrorKind::Authentication => Hold::new(HoldCode::RunStopped, error.message.clone()),
            CallErrorKind::BudgetParked { until } => Hold::new(
                HoldCode::RunParked,
                format!("the run goes on after {until}"),
            ),
            CallErrorKind::RateLimited { .. } => {
                Hold::new(HoldCode::RunParked, error.message.clone())
            }
            _ => return,
        };
        self.stopped.get_or_insert(hold);
    }
}

fn not_sent(error: &CallError) -> Hold {
    match &error.kind {
        CallErrorKind::BudgetParked { until } => Hold::new(
            HoldCode::RunParked,
            format!("the run goes on after {until}"),
        ),
        _ => {
            let mut hold = Hold::new(HoldCode::NotSent, error.in_full());
            if let Some(fix) = &error.fix {
                hold.fix.clone_from(fix);
            }
            hold
        }
    }
}

/// Whether another line is of the same service on the same contract.
fn same_place(other: &LineKey, line: &LineKey) -> bool {
    other.contract == line.contract && other.service == line.service && other.line != line.line
}

/// Why the feeder gave up.
enum Feed {
    Ledger(psa_host_ledger::LedgerError),
    Ended(tokio::task::JoinError),
}

/// Whether to go on; shared by all senders.
#[derive(Debug, Default)]
struct Stop {
    /// Doubtful answers since the last certain one.
    doubts: AtomicUsize,
    /// Set by the sender that met a failure which concerns all.
    all: std::sync::OnceLock<CallError>,
}

impl Stop {
    fn reason(&self) -> Option<CallError> {
        if let Some(error) = self.all.get() {
            return Some(error.clone());
        }
        (self.doubts.load(Ordering::Relaxed) >= DOUBTS_THAT_STOP).then(|| {
            let message = format!("{DOUBTS_THAT_STOP} adjustments in a row had no certain outcome");
            unsent(CallErrorKind::Gone, message)
        })
    }
}

/// One connector that sends.
struct Sender {
    session: Arc<Session>,
    ledger: Ledger,
    day: Day,
    work: Arc<Mutex<mpsc::Receiver<Marked>>>,
    answers: AtWork<(IntentId, Posting)>,
    stop: Arc<Stop>,
}

impl Sender {
    async fn run(self) {
        let mut connector: Option<Connector> = None;
        loop {
            let next = self.work.lock().await.recv().await;
            let Some(mut marked) = next else { return };
            let posting = self.adjust(&mut connector, &mut marked).await;
            match &posting {
                Posting::NotSent(error) if stops_all(&error.kind) => {
                    let _ = self.stop.all.set(error.clone());
                }
                Posting::Doubtful { .. } => {
                    self.stop.doubts.fetch_add(1, Ordering::Relaxed);
                }
                Posting::Accepted { .. } | Posting::Rejected { .. } => {
                    self.stop.doubts.store(0, Ordering::Relaxed);
                }
                Posting::NotSent(_) => {}
            }
            self.answers.0.add((marked.id, posting));
        }
    }

    async fn adjust(&self, connector: &mut Option<Connector>, marked: &mut Marked) -> Posting {
        let mut tries = 0;
        loop {
            if let Some(error) = self.stop.reason() {
                return Posting::NotSent(error);
            }
            if let Err(error) = marked.may_leave(&self.ledger, &self.day).await {
                return Posting::NotSent(error);
            }
            tries += 1;
            let ready = match connector.take().filter(Connector::is_usable) {
                Some(ready) => Ok(ready),
                None => self.session.connect().await,
            };
            let posting = match ready {
                Ok(mut ready) => {
                    self.ledger.reached(Step::BeforeSend);
                    let posting = ready.adjust(&marked.request).await;
                    self.ledger.reached(Step::AfterSend);
                    *connector = Some(ready);
                    posting
                }
                Err(error) => Posting::NotSent(error),
            };
            // Only what certainly did not leave is ever sent a second time here.
            match &posting {
                Posting::NotSent(error)
                    if error.kind == CallErrorKind::Transient && tries < TRIES =>
                {
                    tokio::time::sleep(WAIT_BETWEEN_TRIES * tries).await;
                }
                _ => return posting,
            }
        }
    }
}

/// Whether a failure to send one concerns all that come after.
fn stops_all(kind: &CallErrorKind) -> bool {
    matches!(
        kind,
        CallErrorKind::Authentication
            | CallErrorKind::BudgetParked { .. }
            | CallErrorKind::RateLimited { .. }
    )
}
