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
        let size = share.max(FEWEST_ACCOUNTS);
        let size = size.min(limits.accounts_per_call.max(1) as usize);
        let left: Vec<Vec<AccountId>> = accounts.chunks(size).map(<[_]>::to_vec).collect();
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
