//! Sending adjustments so that each takes effect once. The lines are read again, the
//! intents are on disk before a byte leaves, several connectors send side by side, and
//! each answer is recorded before anything is concluded from it.
//!
//! ```text
//! rereading ─► feeder ─► senders ─► gate ─► PSA
//!  (second      (marks     (connectors  (hand_out: the last look;
//!   look)        ahead)     side by side)  here an attempt counts)
//!                             │
//!                             └► answers ─► ledger ─► read back
//! ```
//!
//! What cannot leave while its reading is fresh goes back to the queue and is read again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use psa_host_billing::{Hold, HoldCode, ReportCode};
use psa_host_ledger::{Answer, IntentId, LedgerError, Outcome, Refusal};
use psa_host_sandbox::Posting;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::answers::{Answers, AtWork};
use super::batches::{Claim, Running, SentAdjustment};
use super::ended;
use super::feeder::{FeedError, Feeder, MARKED_AHEAD};
use super::hand_out::Withheld;
use super::rereading::{Rereading, not_sent};
use super::senders::{Sender, Sendout, TRIES};
use super::work::{ReadAt, Work};
use crate::Result;
use crate::progress::{Activity, Progress, Watch};

/// Answers still to come when whoever gathers looks whether the next lines are to be read.
const REREAD_AHEAD: usize = 48;

/// What a batch came to.
#[derive(Default)]
pub(super) struct SentBatch {
    /// What left, to be read back.
    pub sent: Vec<SentAdjustment>,
    /// What came too late, to be read again.
    pub late: Vec<Work>,
    /// The batch after it, whose lines are being read.
    pub ahead: Option<Rereading>,
    /// The ledger could not say that a request leaves.
    fatal: Option<LedgerError>,
}

impl Running<'_> {
    /// Send a batch whose lines were read. `queue`: what comes after it.
    pub(super) async fn send(
        &mut self,
        (ready, read_at): (Vec<Work>, ReadAt),
        queue: &mut VecDeque<Work>,
        watch: Watch<'_>,
    ) -> Result<SentBatch> {
        let mut posted = SentBatch::default();
        if ready.is_empty() {
            return Ok(posted);
        }
        // One more than may be on the way at once, so that no slot waits for an instance.
        let limits = &self.open.plugin.description().limits;
        let at_once = limits.at_once_per_endpoint.max(1);
        let side_by_side = limits.instances.clamp(1, at_once.saturating_add(1));
        let side_by_side = usize::try_from(side_by_side).unwrap_or(1).min(ready.len());
        let answers = Arc::new(Answers::new(ready.len(), side_by_side, REREAD_AHEAD));
        let (work_in, work_out) = mpsc::channel(MARKED_AHEAD);
        let mut tasks = JoinSet::new();
        let work_out = Arc::new(Mutex::new(work_out));
        let alone = Arc::new(Mutex::new(()));
        for _ in 0..side_by_side {
            let sender = Sender {
                session: Arc::clone(&self.open.session),
                ledger: self.host.ledger().clone(),
                run: self.run,
                planned: self.planned,
                day: self.day.clone(),
                work: Arc::clone(&work_out),
                answers: AtWork(Arc::clone(&answers)),
                stop: Arc::clone(&self.stop),
                alone: Arc::clone(&alone),
            };
            tasks.spawn(sender.run());
        }
        drop(work_out);
        let ready: Vec<_> = ready
            .into_iter()
            .map(|work| {
                let intent = work.to_intend(self.tenant);
                (work, intent)
            })
            .collect();
        let feeder = Feeder {
            ledger: self.host.ledger().clone(),
            run: self.run,
            read_at,
            to: work_in,
        };
        let told = Arc::clone(&answers);
        let feeder = feeder.feed(ready, move |late| told.expect_fewer(late));
        let since = Instant::now();
        let mut done = 0;
        while let Some((answers, left)) = answers.gather().await {
            done += answers.len();
            self.found_right.go_on().await?;
            if posted.ahead.is_none()
                && !read_at.alone
                && self.stop.hold().is_none()
                && self.pace.is_near(left, done, since.elapsed())
            {
                posted.ahead = self.begin_rereading(queue);
            }
            let records = self.conclude_all(answers, &mut posted)?;
            watch(Progress {
                activity: Activity::Posting,
                done: self.posted,
                total: Some(self.to_post),
            });
            let ledger = self.host.ledger().clone();
            let run = self.run;
            let record = move || ledger.record_answers(run, &records);
            let recorded = tokio::task::spawn_blocking(record);
            recorded.await.map_err(ended)??;
        }
        while let Some(sender) = tasks.join_next().await {
            sender.map_err(ended)?;
        }
        match feeder.await {
            Ok(Ok(late)) => posted.late.extend(late),
            Ok(Err(FeedError::Ledger(error))) => return Err(error.into()),
            Ok(Err(FeedError::Ended(error))) | Err(error) => return Err(ended(error)),
        }
        if let Some(error) = posted.fatal.take() {
            return Err(error.into());
        }
        let sent = posted.sent.len();
        self.pace.sent(sent, posted.late.len(), since.elapsed());
        Ok(posted)
    }

    /// What answers mean, and what is written down of them.
    fn conclude_all(
        &mut self,
        answers: Vec<(IntentId, Work, Sendout)>,
        posted: &mut SentBatch,
    ) -> Result<Vec<(IntentId, Answer)>> {
        let mut records = Vec::with_capacity(answers.len());
        let mut unmarked = Vec::new();
        for (id, mut work, sendout) in answers {
            let posting = match sendout {
                Sendout::Posted(posting) => posting,
                Sendout::Withheld(Withheld::TooLate) => {
                    unmarked.push(id);
                    posted.late.push(work);
                    continue;
                }
                Sendout::Withheld(Withheld::Held(hold)) => {
                    records.push((id, Answer::NotSent(hold.message.clone())));
                    self.lines[work.row].hold(hold);
                    continue;
                }
                Sendout::Withheld(Withheld::Ledger(error)) => {
                    // It is the ledger that fails: what is marked stays so, and is settled
                    // by the next run.
                    let hold = Hold::new(HoldCode::RunStopped, error.to_string());
                    self.hold_all([&work], &self.stop.hold().unwrap_or(hold));
                    posted.fatal.get_or_insert(error);
                    continue;
                }
                Sendout::Again(error) => {
                    work.tries += 1;
                    if work.tries < TRIES {
                        records.push((id, Answer::NotSent(error.message)));
                        posted.late.push(work);
                        continue;
                    }
                    Posting::NotSent(error)
                }
            };
            self.posted += 1;
            let (answer, claim) = self.conclude(work.row, posting);
            if let Some(claim) = claim {
                let intent = id;
                posted.sent.push(SentAdjustment {
                    intent,
                    work,
                    claim,
                });
            }
            records.push((id, answer));
        }
        self.host.ledger().unmark(self.run, &unmarked)?;
        Ok(records)
    }

    /// What an answer means for its line; and what the PSA claims, where it may have done
    /// something.
    fn conclude(&mut self, row: usize, posting: Posting) -> (Answer, Option<Claim>) {
        let report = &mut self.lines[row];
        match posting {
            Posting::Accepted { .. } => (Answer::Accepted, Some(Claim::Accepted)),
            Posting::Rejected { kind, words } => {
                report.outcome = Outcome::Doubtful;
                let code = ReportCode::Rejected;
                report.explain(code.as_str(), words.clone(), code.fix());
                let how = Refusal::Rejected(kind);
                (Answer::Refused { how, words }, Some(Claim::Rejected(kind)))
            }
            Posting::RateLimited { words } => {
                self.in_doubt(row, format!("the PSA asked for a pause: {words}"));
                let how = Refusal::RateLimited;
                (Answer::Refused { how, words }, Some(Claim::Nothing))
            }
            Posting::Doubtful { why } => {
                self.in_doubt(row, why.clone());
                (Answer::Doubtful(why), Some(Claim::Nothing))
            }
            Posting::NotSent(error) => {
                report.hold(not_sent(&error));
                (Answer::NotSent(error.message), None)
            }
        }
    }

    /// Nobody knows what became of it.
    pub(super) fn in_doubt(&mut self, row: usize, message: String) {
        let report = &mut self.lines[row];
        report.outcome = Outcome::Doubtful;
        let code = HoldCode::OpenAdjustment;
        report.explain(code.as_str(), message, code.fix());
    }
}
