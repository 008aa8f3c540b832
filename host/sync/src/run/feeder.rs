//! Marks adjustments as sending, a few ahead of the connectors, so that none of these waits
//! for the disk. After a crash, what was marked and not handed out has not left.

use psa_host_ledger::{Intent, IntentId, Ledger, LedgerError, RunLease};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use super::senders::Marked;
use super::work::{ReadAt, Work};

/// Adjustments marked as sending in one transaction, ahead of the connectors.
pub(super) const MARKED_AHEAD: usize = 32;

/// Writes adjustments down and feeds the connectors.
pub(super) struct Feeder {
    pub ledger: Ledger,
    pub run: RunLease,
    pub read_at: ReadAt,
    pub to: mpsc::Sender<Marked>,
}

/// Why nothing more was fed. What was marked by then is settled by the next run.
pub(super) enum FeedError {
    Ledger(LedgerError),
    Ended(JoinError),
}

impl Feeder {
    /// Feed all of it, in a task that ends with its owner. What the connectors cannot come to
    /// while its reading is fresh is given back, with nothing marked; `late` is told how many.
    pub fn feed(
        self,
        ready: Vec<(Work, Intent)>,
        late: impl Fn(usize) + Send + 'static,
    ) -> AbortOnDropHandle<Result<Vec<Work>, FeedError>> {
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut ready = ready.into_iter();
            loop {
                let window: Vec<(Work, Intent)> = ready.by_ref().take(MARKED_AHEAD).collect();
                if window.is_empty() {
                    return Ok(Vec::new());
                }
                if !self.read_at.is_good(self.ledger.now()) {
                    let left = window.into_iter().chain(ready);
                    let left: Vec<Work> = left.map(|(work, _)| work).collect();
                    late(left.len());
                    return Ok(left);
                }
                let (ledger, run) = (self.ledger.clone(), self.run);
                let marked = tokio::task::spawn_blocking(move || mark(&ledger, run, window));
                for (id, work) in marked
                    .await
                    .map_err(FeedError::Ended)?
                    .map_err(FeedError::Ledger)?
                {
                    let read_at = self.read_at;
                    let marked = Marked { id, work, read_at };
                    if self.to.send(marked).await.is_err() {
                        return Ok(Vec::new());
                    }
                }
            }
        }))
    }
}

/// Write down those that are new, and mark all of them.
fn mark(
    ledger: &Ledger,
    run: RunLease,
    window: Vec<(Work, Intent)>,
) -> psa_host_ledger::Result<Vec<(IntentId, Work)>> {
    let new: Vec<Intent> = window
        .iter()
        .filter(|(work, _)| work.intent.is_none())
        .map(|(_, intent)| intent.clone())
        .collect();
    let mut new = match new.is_empty() {
        true => Vec::new(),
        false => ledger.intend(run, &new)?,
    }
    .into_iter();
    let marked: Vec<(IntentId, Work)> = window
        .into_iter()
        .filter_map(|(mut work, _)| {
            work.intent = work.intent.or_else(|| new.next());
            Some((work.intent?, work))
        })
        .collect();
    let ids: Vec<IntentId> = marked.iter().map(|(id, _)| *id).collect();
    ledger.mark_sending(run, &ids)?;
    Ok(marked)
}
