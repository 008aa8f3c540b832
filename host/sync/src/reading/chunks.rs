//! Contracts of many accounts, chunk by chunk: several are read side by side, and each is
//! given away in its turn.

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use psa_host_billing::AccountId;
use psa_host_sandbox::CallError;

use super::{AccountContracts, MOST_FAILED_ACCOUNTS, Reader, Task, Window};
use crate::progress::{Activity, Progress, Watch};

/// Accounts for which another request at the same time is not worth its being one more.
const FEWEST_ACCOUNTS: usize = 50;

/// And so many are enough for one: several chunks are in memory at once, in the plugin's as
/// well as in the host's, and a larger one saves no request.
const MOST_ACCOUNTS: usize = 500;

/// Contracts of many accounts, chunk by chunk in the order asked for. Ends with its
/// owner: a reading that is given up leaves nothing running.
#[derive(Debug)]
pub struct Chunks {
    reader: Reader,
    window: Window,
    left: std::vec::IntoIter<Vec<AccountId>>,
    under_way: FuturesOrdered<Task<Vec<AccountContracts>>>,
    total: usize,
    done: usize,
    failed: usize,
}

impl Chunks {
    pub(super) fn begin(reader: &Reader, accounts: &[AccountId], window: Window) -> Self {
        let limits = &reader.session.plugin().description().limits;
        // A tenant that fits one call is still read as many at once as its PSA allows.
        let share = accounts
            .len()
            .div_ceil(limits.at_once_per_endpoint.max(1) as usize);
        let most = MOST_ACCOUNTS.min(limits.accounts_per_call.max(1) as usize);
        let size = share.max(FEWEST_ACCOUNTS).min(most);
        let side_by_side = limits.instances.max(1) as usize;
        let left = split(accounts, size, side_by_side);
        let mut chunks = Self {
            reader: reader.clone(),
            window,
            left: left.into_iter(),
            under_way: FuturesOrdered::new(),
            total: accounts.len(),
            done: 0,
            failed: 0,
        };
        chunks.begin_up_to((limits.instances as usize).saturating_sub(1));
        chunks
    }

    /// The next chunk; none after the last. An account that fails on its own is given
    /// as its error.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn next(
        &mut self,
        watch: Watch<'_>,
    ) -> Option<Result<Vec<AccountContracts>, CallError>> {
        let limits = &self.reader.session.plugin().description().limits;
        self.begin_up_to(limits.instances.max(1) as usize);
        let progress = |done| {
            watch(Progress {
                activity: Activity::Contracts,
                done,
                total: Some(self.total),
            });
        };
        progress(self.done);
        let read = match self.under_way.next().await? {
            Ok(read) => read,
            Err(error) => return Some(Err(error)),
        };
        self.done += read.len();
        for account in &read {
            if let Err(error) = &account.contracts {
                self.failed += 1;
                if self.failed > MOST_FAILED_ACCOUNTS {
                    return Some(Err(error.clone()));
                }
            }
        }
        progress(self.done);
        Some(Ok(read))
    }

    fn begin_up_to(&mut self, side_by_side: usize) {
        while self.under_way.len() < side_by_side
            && let Some(chunk) = self.left.next()
        {
            let (reader, window) = (self.reader.clone(), self.window);
            self.under_way.push_back(Task::spawn(
                async move { reader.chunk(&chunk, window).await },
            ));
        }
    }
}

/// Accounts in chunks of this size. Readers that begin side by side would ask one list after
/// another in step: all wait for the slots of one endpoint while those of the others are not
/// used. So the first chunk of each is larger than that of the one before it.
fn split(
    accounts: &[AccountId],
    size: usize,
    side_by_side: usize,
) -> std::vec::IntoIter<Vec<AccountId>> {
    let many = accounts.len() >= 2 * size * side_by_side;
    let steps = if many { side_by_side } else { 1 };
    let mut chunks = Vec::new();
    let mut left = accounts;
    for step in 1.. {
        let wanted = (size * step.min(steps)).div_ceil(steps);
        let (chunk, rest) = left.split_at(wanted.max(1).min(left.len()));
        if chunk.is_empty() {
            break;
        }
        chunks.push(chunk.to_vec());
        left = rest;
    }
    chunks.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_chunks_of_a_large_tenant_grow_and_none_is_left_out() {
        let sizes = |accounts: usize, size, side_by_side| {
            let ids = (0..accounts).map(|id| id.to_string().parse());
            let ids: Vec<AccountId> = ids.map(|id| id.expect("an id")).collect();
            let chunks: Vec<_> = split(&ids, size, side_by_side).collect();
            assert_eq!(chunks.concat(), ids, "all of them, in their order");
            chunks.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(4_600, 500, 4)[..6], [125, 250, 375, 500, 500, 500]);
        assert_eq!(sizes(4_600, 500, 4).last(), Some(&350));
        assert_eq!(sizes(200, 100, 4), [100, 100]);
        assert_eq!(sizes(20, 2, 3), [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1]);
        assert_eq!(sizes(3, 500, 1), [3]);
        assert_eq!(sizes(0, 500, 4), [0; 0]);
    }
}
