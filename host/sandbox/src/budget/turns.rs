//! Whose turn it is, within this process: connections take turns, however many requests
//! each of them has waiting.
//!
//! A plain queue would be fair to requests and not to connections: one that asks for eight
//! at once stands eight times before one that asks for one. So each connection has a queue of
//! its own, and the queues go round: after a request of a connection has had its turn, its
//! next one stands behind everybody else's. In a process a connection waits for at most
//! one request of each other one, besides those under way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;

/// So many turns at once.
#[derive(Debug)]
pub(super) struct Turns(Mutex<Queue>);

#[derive(Debug)]
struct Queue {
    /// Nobody waits while there are any.
    free: usize,
    /// Those that wait, the next one first; none without a request.
    connections: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    connection: Arc<str>,
    requests: VecDeque<oneshot::Sender<Turn>>,
}

/// A turn; the next one's when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

impl Turns {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Queue {
            free: count,
            connections: VecDeque::new(),
        })))
    }

    /// Wait for a turn. Whoever stops waiting loses only its own place.
    pub(super) async fn take(self: &Arc<Self>, connection: &Arc<str>) -> Result<Turn, RecvError> {
        let turn = {
            let mut queue = self.queue();
            if queue.free > 0 {
                queue.free -= 1;
                return Ok(Turn(Some(Arc::clone(self))));
            }
            queue.line_up(connection)
        };
        turn.await
    }

    /// A turn has ended: it is the next one's.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let Some(next) = self.queue().next_or_free() else {
                return;
            };
            // Not under the lock: a turn that nobody takes any more ends at once.
            match next.send(Turn(Some(Arc::clone(self)))) {
                Ok(()) => return,
                Err(mut refused) => refused.0 = None,
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn line_up(&mut self, connection: &Arc<str>) -> oneshot::Receiver<Turn> {
        let (give, receive) = oneshot::channel();
        let same = |waiting: &&mut Waiting| waiting.connection == *connection;
        match self.connections.iter_mut().find(same) {
            Some(waiting) => waiting.requests.push_back(give),
            None => self.connections.push_back(Waiting {
                connection: Arc::clone(connection),
                requests: VecDeque::from([give]),
            }),
        }
        receive
    }

    /// Who is next; where nobody waits, the turn is free.
    fn next_or_free(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(mut first) = self.connections.pop_front() {
            let next = first.requests.pop_front();
            if !first.requests.is_empty() {
                self.connections.push_back(first);
            }
            if next.is_some() {
                return next;
            }
        }
        self.free += 1;
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Served = Arc<Mutex<Vec<&'static str>>>;

    /// A request that waits for its turn, says so when it has it, and ends.
    fn request(turns: &Arc<Turns>, of: &'static str, served: &Served) {
        let (turns, served) = (Arc::clone(turns), Arc::clone(served));
        tokio::spawn(async move {
            let _turn = turns.take(&Arc::from(of)).await.unwrap();
            served.lock().unwrap().push(of);
        });
    }

    async fn all_had_their_turn(turns: &Arc<Turns>) {
        while !turns.queue().connections.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_request_waits_for_one_of_each_other_connection_however_many_those_have() {
        let (turns, served) = (Turns::new(1), Served::default());
        let under_way = turns.take(&Arc::from("greedy")).await.unwrap();
        for _ in 0..8 {
            request(&turns, "greedy", &served);
        }
        tokio::task::yield_now().await;
        request(&turns, "modest", &served);
        request(&turns, "modest", &served);
        tokio::task::yield_now().await;
        drop(under_way);
        all_had_their_turn(&turns).await;
        let served = served.lock().unwrap();
        assert_eq!(
            served[..5],
            ["greedy", "modest", "greedy", "modest", "greedy"]
        );
    }

    #[tokio::test]
    async fn one_that_stops_waiting_takes_no_turn_from_those_behind_it() {
        let (turns, served) = (Turns::new(1), Served::default());
        let under_way = turns.take(&Arc::from("a")).await.unwrap();
        let gives_up = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take(&Arc::from("b")).await.map(drop) }
        });
        tokio::task::yield_now().await;
        request(&turns, "c", &served);
        tokio::task::yield_now().await;
        gives_up.abort();
        gives_up.await.unwrap_err();
        drop(under_way);
        all_had_their_turn(&turns).await;
        tokio::task::yield_now().await;
        assert_eq!(*served.lock().unwrap(), ["c"]);
        assert_eq!(turns.queue().free, 1);
    }

    #[tokio::test]
    async fn a_turn_given_to_one_that_went_away_is_the_next_ones() {
        let turns = Turns::new(1);
        let under_way = turns.take(&Arc::from("a")).await.unwrap();
        let mut waits = Box::pin({
            let turns = Arc::clone(&turns);
            async move { turns.take(&Arc::from("b")).await }
        });
        // It lines up, is given the turn, and goes before it looks.
        assert!(only_waits(waits.as_mut()).await);
        drop(under_way);
        assert_eq!(turns.queue().free, 0);
        drop(waits);
        assert_eq!(turns.queue().free, 1);
    }

    /// Poll once; whether it waits.
    async fn only_waits<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
        })
        .await
    }
}
