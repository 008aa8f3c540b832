//! Answers on their way from the connectors to the ledger. They are gathered for one
//! transaction, and nobody is woken for a single one: only when many wait, when the end of
//! the batch is near, and at its end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long answers are gathered, at most. A crash within it leaves their intents as
/// sending: their lines are read before anything else.
const GATHER: Duration = Duration::from_secs(1);

/// So many are written down without waiting for more.
const MANY: usize = 256;

/// The answers of one batch.
#[derive(Debug)]
pub(super) struct Answers<A> {
    waiting: Mutex<Waiting<A>>,
    news: Notify,
    /// Wakes whoever gathers when so many are left.
    near: usize,
}

#[derive(Debug)]
struct Waiting<A> {
    answers: Vec<A>,
    /// Answers still to come.
    left: usize,
    /// Connectors that still work.
    at_work: usize,
}

impl<A> Answers<A> {
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
    pub fn add(&self, answer: A) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.answers.push(answer);
        waiting.left = waiting.left.saturating_sub(1);
        let news = waiting.left == self.near || waiting.left == 0 || waiting.answers.len() >= MANY;
        drop(waiting);
        if news {
            self.news.notify_one();
        }
    }

    /// So many will not come: they are not sent in this batch.
    pub fn expect_fewer(&self, fewer: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.left = waiting.left.saturating_sub(fewer);
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
    pub async fn gather(&self) -> Option<(Vec<A>, usize)> {
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
pub(super) struct AtWork<A>(pub std::sync::Arc<Answers<A>>);

impl<A> Drop for AtWork<A> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn answers_wait_for_one_another_until_the_end_is_near() {
        let at_work = AtWork(Arc::new(Answers::new(6, 1, 2)));
        let answers = Arc::clone(&at_work.0);
        answers.add(1);
        let mut gather = Box::pin(answers.gather());
        assert!(poll!(&mut gather).is_pending());
        (2..=3).for_each(|answer| answers.add(answer));
        assert!(poll!(&mut gather).is_pending());
        answers.add(4);
        let near = poll!(&mut gather);
        assert_eq!(near, Poll::Ready(Some((vec![1, 2, 3, 4], 2))));
        // One alone is taken when the time is up.
        answers.add(5);
        assert_eq!(answers.gather().await, Some((vec![5], 1)));
        // The last one of the batch, and the end, wait for nothing.
        answers.add(6);
        let last = poll!(Box::pin(answers.gather()));
        assert_eq!(last, Poll::Ready(Some((vec![6], 0))));
        drop(at_work);
        assert_eq!(poll!(Box::pin(answers.gather())), Poll::Ready(None));
    }

    #[tokio::test]
    async fn many_answers_are_not_kept_waiting() {
        let answers = Answers::new(2 * MANY, 1, 2);
        (1..MANY).for_each(|answer| answers.add(answer));
        let mut gather = Box::pin(answers.gather());
        assert!(poll!(&mut gather).is_pending());
        answers.add(0);
        let Poll::Ready(Some((many, left))) = poll!(&mut gather) else {
            panic!("they wait");
        };
        assert_eq!((many.len(), left), (MANY, MANY));
    }

    #[tokio::test]
    async fn connectors_that_end_early_end_the_batch() {
        let answers = Arc::new(Answers::new(9, 2, 2));
        let (one, two) = (AtWork(Arc::clone(&answers)), AtWork(Arc::clone(&answers)));
        answers.add("answer");
        drop(one);
        let mut gather = Box::pin(answers.gather());
        assert!(poll!(&mut gather).is_pending(), "the other one still works");
        drop(two);
        assert_eq!(poll!(&mut gather), Poll::Ready(Some((vec!["answer"], 8))));
        assert_eq!(answers.gather().await, None);
    }
}
