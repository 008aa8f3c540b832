//! Connectors that send side by side. Each takes the next marked adjustment, sends it
//! through its gate, and gives the answer away.

use std::sync::Arc;
use std::time::Duration;

use psa_host_billing::{Hold, HoldCode};
use psa_host_ledger::{DecisionsAt, IntentId, Ledger, RunLease, Step};
use psa_host_sandbox::{CallError, CallErrorKind, Connector, Posting, Session};
use tokio::sync::{Mutex, mpsc};

use super::answers::AtWork;
use super::day::Day;
use super::hand_out::{HandOut, Withheld};
use super::stop::{AnswerKind, Stop};
use super::work::{ReadAt, Work};

/// How often an adjustment that certainly did not leave is tried again at once.
pub(super) const TRIES: u32 = 3;

/// Between these tries.
const WAIT_BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// An adjustment that is marked as sending.
#[derive(Debug)]
pub(super) struct Marked {
    pub id: IntentId,
    pub work: Work,
    pub read_at: ReadAt,
}

/// What became of one.
#[derive(Debug)]
pub(super) enum Sendout {
    /// It was sent, or could not be; what the sandbox makes of it.
    Posted(Posting),
    /// It was handed out and certainly did not leave: it may be tried again.
    Again(CallError),
    /// It was not let out.
    Withheld(Withheld),
}

/// One connector that sends.
pub(super) struct Sender {
    pub session: Arc<Session>,
    pub ledger: Ledger,
    pub run: RunLease,
    pub planned: DecisionsAt,
    pub day: Day,
    pub work: Arc<Mutex<mpsc::Receiver<Marked>>>,
    pub answers: AtWork<(IntentId, Work, Sendout)>,
    pub stop: Arc<Stop>,
    /// Taken by who sends, once requests go one at a time.
    pub alone: Arc<Mutex<()>>,
}

impl Sender {
    pub async fn run(self) {
        let mut connector: Option<Connector> = None;
        loop {
            let next = self.work.lock().await.recv().await;
            let Some(marked) = next else { return };
            let _alone = match self.stop.one_at_a_time() {
                true => Some(self.alone.lock().await),
                false => None,
            };
            let sendout = self.send(&mut connector, &marked).await;
            self.heed(&sendout);
            self.answers.0.add((marked.id, marked.work, sendout));
        }
    }

    /// What an answer means for all that come after.
    fn heed(&self, sendout: &Sendout) {
        match sendout {
            Sendout::Posted(Posting::Accepted { .. }) => self.stop.heard(AnswerKind::Certain),
            Sendout::Posted(Posting::Rejected { kind, words }) => {
                self.stop.heard(AnswerKind::Certain);
                if kind.is_about_the_user() {
                    self.stop.all(refused(words));
                }
            }
            Sendout::Posted(Posting::Doubtful { .. }) => self.stop.heard(AnswerKind::Doubtful),
            Sendout::Posted(Posting::RateLimited { .. }) => self.stop.heard(AnswerKind::Limited),
            Sendout::Posted(Posting::NotSent(error)) => {
                if let Some(hold) = concerns_all(error) {
                    self.stop.all(hold);
                }
            }
            Sendout::Withheld(Withheld::Ledger(error)) => {
                let message = format!("what is sent cannot be written down: {error}");
                self.stop.all(Hold::new(HoldCode::RunStopped, message));
            }
            Sendout::Again(_) | Sendout::Withheld(_) => {}
        }
    }

    async fn send(&self, connector: &mut Option<Connector>, marked: &Marked) -> Sendout {
        let (adjustment, today) = (&*marked.work.adjustment, self.day.date());
        let mut tries = marked.work.tries;
        loop {
            if let Some(hold) = self.day.over().or_else(|| self.stop.hold()) {
                return Sendout::Withheld(Withheld::Held(hold));
            }
            if !marked.read_at.is_good(self.ledger.now()) {
                return Sendout::Withheld(Withheld::TooLate);
            }
            tries += 1;
            let gate = Arc::new(HandOut::new(
                (&self.ledger, self.run, marked.id),
                self.planned,
                marked.read_at,
                &self.day,
                &self.stop,
            ));
            let ready = match connector.take().filter(Connector::is_usable) {
                Some(ready) => Ok(ready),
                None => self.session.connect().await,
            };
            let posting = match ready {
                Ok(mut ready) => {
                    self.ledger.reached(Step::BeforeSend);
                    let posting = tokio::select! {
                        biased;
                        posting = ready.adjust(adjustment, today, Arc::clone(&gate) as _) => posting,
                        // The call is given up in the middle, and nothing of it has left.
                        () = self.stopped_before(&gate) => {
                            return Sendout::Withheld(Withheld::Held(self.stop.cancelled_hold()));
                        }
                    };
                    *connector = Some(ready);
                    posting
                }
                Err(error) => Posting::NotSent(error),
            };
            if let Some(withheld) = gate.withheld() {
                return Sendout::Withheld(withheld);
            }
            self.ledger.reached(Step::AfterSend);
            // Only what certainly did not leave is ever sent a second time in a run.
            match posting {
                Posting::NotSent(error)
                    if error.kind == CallErrorKind::Transient && tries < TRIES =>
                {
                    tokio::select! {
                        () = tokio::time::sleep(WAIT_BETWEEN_TRIES * tries) => {}
                        () = self.stop.cancelled() => {}
                    }
                    if gate.is_out() {
                        return Sendout::Again(error);
                    }
                }
                posting => return Sendout::Posted(posting),
            }
        }
    }

    /// Somebody wants to stop, and the request was not let out yet.
    async fn stopped_before(&self, gate: &HandOut) {
        self.stop.cancelled().await;
        if !gate.close(Withheld::Held(self.stop.cancelled_hold())) {
            std::future::pending::<()>().await;
        }
    }
}

/// The PSA refused the user: no other line fares better.
pub(super) fn refused(words: &str) -> Hold {
    let message = format!("the PSA refused the API user: {words}");
    Hold::new(HoldCode::RunStopped, message)
}

/// The hold of all that come after, where a failure concerns them.
pub(super) fn concerns_all(error: &CallError) -> Option<Hold> {
    match &error.kind {
        CallErrorKind::Authentication | CallErrorKind::NoConnection(_) => {
            Some(Hold::new(HoldCode::RunStopped, error.message.clone()))
        }
        CallErrorKind::BudgetParked { until } => Some(Hold::new(
            HoldCode::RunParked,
            format!("the run goes on after {until}"),
        )),
        CallErrorKind::RateLimited { .. } => {
            Some(Hold::new(HoldCode::RunParked, error.message.clone()))
        }
        _ => None,
    }
}
