//! Answers on their way from the connectors to the ledger. They are gathered for one
//! transaction, and nobody is woken for a single one: only when many wait, when the end of
//! the batch is near, and at its end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use psa_host_ledger::IntentId;
use psa_host_sandbox::Posting;
use tokio::sync::Notify;

/// How long answers are gathered, at most. A crash within it leaves their intents as
/// sending: their lines are read before anything else.
const GATHER: Duration = Duration::from_secs(1);

/// So many are written down without waiting for more.
const MANY: usize = 256;

/// The answers of one batch.
#[derive(Debug)]
pub(super) struct Answers {
    waiting: Mutex<Waiting>,
    news: Notify,
    /// Wakes whoever gathers when so many are left.
    near: usize,
}

#[derive(Debug)]
struct Waiting {
    answers: Vec<(IntentId, Posting)>,
    /// Answers still to come.
    left: usize,
    /// Connectors that still work.
    at_work: usize,
}

impl Answers {
    /// Of a batch of so many, sent by so many connectors. `near`: how many are left when
    /// its end is near.
    pub fn new(batch: usize, connectors: usize, near: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                answers: Vec::with_capacity(batch.min(MANY)),
                left: batch,
                at_work: connectors,
            }),
            news: Notify::new(),
            near,
        }
    }

    /// An answer came.
    pub fn add(&self, id: IntentId, posting: Posting) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.answers.push((id, posting));
        waiting.left = waiting.left.saturating_sub(1);
        let news = waiting.left == self.near || waiting.left == 0 || waiting.answers.len() >= MANY;
        drop(waiting);
        if news {
            self.news.notify_one();
        }
    }

    /// A connector has nothing more to send.
    fn leave(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.at_work = waiting.at_work.saturating_sub(1);
        let last = waiting.at_work == 0;
        drop(waiting);
        if last {
            self.news.notify_one();
        }
    }

    /// The answers that came since the last time, and how many are left; none once every
    /// connector has left and all was taken.
    pub async fn gather(&self) -> Option<(Vec<(IntentId, Posting)>, usize)> {
        loop {
            let _ = tokio::time::timeout(GATHER, self.news.notified()).await;
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let answers = std::mem::take(&mut waiting.answers);
            if !answers.is_empty() {
                return Some((answers, waiting.left));
            }
            if waiting.at_work == 0 {
                return None;
            }
        }
    }
}

/// Leaves when it is dropped, however the connector ended.
#[derive(Debug)]
pub(super) struct AtWork(pub std::sync::Arc<Answers>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.leave();
    }
}
