//! Reading a PSA through its plugin: every page of every list, several instances side
//! by side where the plugin allows it, and again where a failure may pass. A run and a
//! validation read the same way.
//!
//! Contracts come chunk by chunk and are given away at once, so that a tenant of any
//! size never stands in memory whole.

mod asks;
mod chunks;
mod halving;
mod task;

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::future;
use jiff::civil::Date;
use psa_host_billing::{Account, AccountId, Contract, LineKey, Service, ServiceId};
use psa_host_sandbox::{
    Accounts, CallError, CallErrorKind, CheckReport, Connector, Contracts, Depth, Held,
    LineBatches, LineReading, List, Pages, Phase, Services, Session,
};

use crate::progress::{Activity, Progress, Watch};
use asks::{Ask, Batch, Check, NextPage};
pub(crate) use chunks::Chunks;
use halving::Halving;
pub(crate) use task::Task;

/// How often a read is repeated after a failure that may pass.
const RETRIES: usize = 4;

/// How often an answer that makes no sense is asked for again: once, because it was cut off
/// on its way or came from a proxy; one that makes no sense twice is what the PSA says.
const SECOND_LOOKS: usize = 1;

/// Before the first repetition; then twice as long each time, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A PSA that is not back after this is not waited for within a run.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A PSA that asks for more patience than this is asked again by a later run.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Lines for which another request at the same time is not worth its being one more.
const FEWEST_LINES: usize = 50;

/// Accounts that may fail on their own before the whole reading is given up: a few
/// odd records are theirs, many are the connection's.
const MOST_FAILED_ACCOUNTS: usize = 32;

/// One account and its contracts, or why only this account could not be read.
#[derive(Debug)]
pub struct AccountContracts {
    /// Whose.
    pub account: AccountId,
    /// All its recurring contracts with their lines.
    pub contracts: Result<Vec<Contract>, CallError>,
    /// The memory of those that were read with it.
    _held: Option<Arc<Held>>,
}

/// Which of a line's units are read.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// From the segment that holds this day.
    pub start: Date,
    /// To the one that holds this day; none: to the last one there is.
    pub horizon: Option<Date>,
}

impl Window {
    /// All units from a day on.
    pub fn from(start: Date) -> Self {
        Self {
            start,
            horizon: None,
        }
    }

    /// Those of one day, for a caller that asks for contracts and lines, not for units.
    pub fn of(day: Date) -> Self {
        Self {
            start: day,
            horizon: Some(day),
        }
    }
}

/// Reads one connection's PSA. Cheap to clone; clones share their instances.
#[derive(Debug, Clone)]
pub struct Reader {
    session: Arc<Session>,
    idle: Arc<Mutex<Vec<Connector>>>,
    /// The memory of lists that the caller keeps: until the next of the kind, or the end.
    kept: Arc<Mutex<HashMap<Phase, Held>>>,
    patience: Patience,
}

/// How long failures that may pass are waited out.
#[derive(Debug, Clone, Copy)]
struct Patience {
    retries: usize,
    first_wait: Duration,
}

impl Reader {
    /// Nothing is sent yet.
    pub fn new(session: Arc<Session>) -> Self {
        let patience = Patience {
            retries: RETRIES,
            first_wait: FIRST_WAIT,
        };
        Self {
            session,
            idle: Arc::default(),
            kept: Arc::default(),
            patience,
        }
    }

    /// The session it reads through.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Test the connection.
    ///
    /// # Errors
    /// What the PSA or the plugin answered, after repetitions where they can help.
    pub async fn check(&self, depth: Depth) -> Result<CheckReport, CallError> {
        self.repeat(&mut Check(depth)).await
    }

    /// Every account, each once.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn accounts(&self, watch: Watch<'_>) -> Result<Vec<Account>, CallError> {
        self.whole(Accounts, Activity::Accounts, watch).await
    }

    /// Every service, each once.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn services(&self, watch: Watch<'_>) -> Result<Vec<Service>, CallError> {
        self.whole(Services, Activity::Services, watch).await
    }

    /// One account, if the PSA lists it. Reads pages until it is found: the contract
    /// has no other way to ask for one.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        self.find(Accounts, |account| account.id == *id).await
    }

    /// One service, if the PSA lists it.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn service(&self, id: &ServiceId) -> Result<Option<Service>, CallError> {
        self.find(Services, |service| service.id == *id).await
    }

    /// The contracts of these accounts with their units in a window, given away chunk by
    /// chunk in the order asked for. An account that fails on its own is given as its
    /// error; what concerns all ends the reading.
    ///
    /// # Errors
    /// What the PSA or the plugin answered, after repetitions where they can help; or
    /// the error of `take`.
    pub async fn for_each_chunk<E: From<CallError>>(
        &self,
        accounts: &[AccountId],
        window: Window,
        watch: Watch<'_>,
        mut take: impl FnMut(Vec<AccountContracts>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut chunks = self.chunks(accounts, window);
        while let Some(chunk) = chunks.next(watch).await {
            take(chunk?)?;
        }
        Ok(())
    }

    /// The same, for a caller that has something else to wait for first: reading begins
    /// at once, with one instance left for the caller.
    pub fn chunks(&self, accounts: &[AccountId], window: Window) -> Chunks {
        Chunks::begin(self, accounts, window)
    }

    /// One account's contracts.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn contracts_of(
        &self,
        account: &AccountId,
        window: Window,
    ) -> Result<Vec<Contract>, CallError> {
        let one = std::slice::from_ref(account);
        let (mut contracts, _) = self.contracts(one, window).await?;
        Ok(contracts.remove(account).unwrap_or_default())
    }

    /// A second look at chosen lines: side by side as far as instances are at rest, so that
    /// nobody at work waits for one.
    ///
    /// # Errors
    /// See [`Reader::check`].
    pub async fn lines(&self, lines: &[LineKey], start: Date) -> Result<LineReading, CallError> {
        let at_once = self
            .session
            .plugin()
            .description()
            .limits
            .at_once_per_endpoint;
        let at_rest = self.idle().len().clamp(1, at_once.max(1) as usize);
        let share = lines.len().div_ceil(at_rest).max(FEWEST_LINES);
        let shares = lines.chunks(share).map(|share| self.batches(share, start));
        let mut all = LineReading::default();
        for LineReading { lines, others } in future::try_join_all(shares).await? {
            all.lines.extend(lines);
            all.others.extend(others);
        }
        Ok(all)
    }

    /// In batches of what the plugin takes; in halves where the PSA rejects a batch.
    async fn batches(&self, lines: &[LineKey], start: Date) -> Result<LineReading, CallError> {
        let at_once = self.session.plugin().description().limits.lines_per_call;
        let mut all = LineBatches::new(&self.session);
        let mut parts: Vec<&[LineKey]> = lines.chunks(at_once.max(1) as usize).rev().collect();
        while let Some(part) = parts.pop() {
            let mut batch = Batch {
                into: &mut all,
                keys: part,
                start,
            };
            match self.repeat(&mut batch).await {
                Ok(()) => {}
                // A PSA that takes fewer at once than the plugin believes.
                Err(error) if part.len() > 1 && error.kind == CallErrorKind::Rejected => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all.finish())
    }

    /// Read a chunk; where it fails for a reason that may be one account's, read its
    /// halves, until the account is found.
    async fn chunk(
        &self,
        accounts: &[AccountId],
        window: Window,
    ) -> Result<Vec<AccountContracts>, CallError> {
        let mut read: Vec<Option<AccountContracts>> = accounts.iter().map(|_| None).collect();
        // Both halves of a part before the quarters of either.
        let mut parts: VecDeque<Range<usize>> = std::iter::once(0..accounts.len()).collect();
        let mut halving = Halving::default();
        while let Some(range) = parts.pop_front() {
            let part = accounts.get(range.clone()).unwrap_or_default();
            let places = read.get_mut(range.clone()).unwrap_or_default();
            match self.contracts(part, window).await {
                Ok((mut contracts, held)) => {
                    halving.read();
                    let held = Arc::new(held);
                    for (account, place) in part.iter().zip(places) {
                        *place = Some(AccountContracts {
                            account: account.clone(),
                            contracts: Ok(contracts.remove(account).unwrap_or_default()),
                            _held: Some(Arc::clone(&held)),
                        });
                    }
                }
                Err(error) => {
                    halving.failed(part.len(), &error)?;
                    let middle = range.start + part.len() / 2;
                    if part.len() > 1 {
                        parts.extend([range.start..middle, middle..range.end]);
                    }
                    // Left so where it is the account's own failure; else it is read again.
                    for (account, place) in part.iter().zip(places) {
                        *place = Some(AccountContracts {
                            account: account.clone(),
                            contracts: Err(error.clone()),
                            _held: None,
                        });
                    }
                }
            }
        }
        Ok(read.into_iter().flatten().collect())
    }

    async fn contracts(
        &self,
        accounts: &[AccountId],
        Window { start, horizon }: Window,
    ) -> Result<(HashMap<AccountId, Vec<Contract>>, Held), CallError> {
        let list = Contracts {
            accounts,
            start,
            horizon,
        };
        let mut pages = Pages::new(&self.session, list);
        while self.repeat(&mut NextPage(&mut pages)).await? {}
        let (contracts, held) = pages.finish();
        let mut by_account: HashMap<AccountId, Vec<Contract>> = HashMap::new();
        for contract in contracts {
            by_account
                .entry(contract.account.clone())
                .or_default()
                .push(contract);
        }
        Ok((by_account, held))
    }

    /// Every page's entries together, which the caller keeps.
    async fn whole<L: List + Send>(
        &self,
        list: L,
        activity: Activity,
        watch: Watch<'_>,
    ) -> Result<Vec<L::Entry>, CallError> {
        // What was kept of the same list is replaced by this reading.
        self.kept().remove(&L::PHASE);
        let mut pages = Pages::new(&self.session, list);
        loop {
            let more = self.repeat(&mut NextPage(&mut pages)).await?;
            watch(Progress {
                activity,
                done: pages.entries().len(),
                total: None,
            });
            if !more {
                break;
            }
        }
        let (entries, held) = pages.finish();
        self.kept().insert(L::PHASE, held);
        Ok(entries)
    }

    /// The first entry that is wanted, without the pages behind it.
    async fn find<L: List + Send>(
        &self,
        list: L,
        wanted: impl Fn(&L::Entry) -> bool + Send + Sync,
    ) -> Result<Option<L::Entry>, CallError> {
        let mut pages = Pages::new(&self.session, list);
        loop {
            let more = self.repeat(&mut NextPage(&mut pages)).await?;
            // From the end: what is new stands there.
            if !more || pages.entries().iter().rev().any(&wanted) {
                let (entries, _) = pages.finish();
                return Ok(entries.into_iter().find(&wanted));
            }
        }
    }

    /// Ask with an instance of the pool, again where the failure may pass.
    async fn repeat<A: Ask>(&self, ask: &mut A) -> Result<A::Answer, CallError> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.patience.first_wait)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(self.patience.retries)
            .with_jitter()
            .build();
        let mut looks = SECOND_LOOKS;
        loop {
            let mut connector = self.take().await?;
            let result = ask.ask(&mut connector).await;
            self.give_back(connector);
            let error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(wait) = wait_before_retry(&error.kind, &mut waits, &mut looks) else {
                return Err(error);
            };
            tracing::info!(%error, ?wait, "a read failed and is repeated");
            tokio::select! {
                biased;
                // The run is to end: what the next one reads is as good.
                () = self.session.hurry().cancelled() => return Err(error),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn take(&self) -> Result<Connector, CallError> {
        let idle = self.idle().pop();
        match idle {
            Some(connector) => Ok(connector),
            None => self.session.connect().await,
        }
    }

    fn give_back(&self, connector: Connector) {
        if connector.is_usable() {
            self.idle().push(connector);
        }
    }

    /// Give back the memory of instances that read long lists. Making one for what is
    /// still to be asked takes microseconds.
    pub(crate) fn drop_idle(&self) {
        drop(std::mem::take(&mut *self.idle()));
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connector>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Phase, Held>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether repeating can help, and after how long. A busy PSA names its own delay.
fn wait_before_retry(
    kind: &CallErrorKind,
    waits: &mut impl Iterator<Item = Duration>,
    second_looks: &mut usize,
) -> Option<Duration> {
    match kind {
        CallErrorKind::Transient => waits.next(),
        CallErrorKind::Invalid => {
            *second_looks = second_looks.checked_sub(1)?;
            waits.next()
        }
        CallErrorKind::RateLimited { retry_after } => {
            let asked = retry_after.unwrap_or_default();
            (asked <= LONGEST_RETRY_AFTER)
                .then(|| waits.next())
                .flatten()
                .map(|wait| wait.max(asked))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_repeated() {
        let wait = |kind| wait_before_retry(&kind, &mut [FIRST_WAIT].into_iter(), &mut 1);
        let limited = |seconds: u64| CallErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(CallErrorKind::Transient), Some(FIRST_WAIT));
        assert_eq!(wait(limited(7)), Some(Duration::from_secs(7)));
        assert_eq!(wait(limited(0)), Some(FIRST_WAIT));
        assert_eq!(wait(limited(3600)), None);
        assert_eq!(wait(CallErrorKind::Authentication), None);
        assert_eq!(wait(CallErrorKind::Rejected), None);
        assert_eq!(wait(CallErrorKind::Trapped), None);
        let none_left = std::iter::empty;
        let given_up = wait_before_retry(&CallErrorKind::Transient, &mut none_left(), &mut 1);
        assert_eq!(given_up, None);
    }

    #[test]
    fn what_makes_no_sense_is_asked_for_once_more() {
        let (mut waits, mut looks) = ([FIRST_WAIT; RETRIES].into_iter(), SECOND_LOOKS);
        let mut wait = || wait_before_retry(&CallErrorKind::Invalid, &mut waits, &mut looks);
        assert_eq!(wait(), Some(FIRST_WAIT));
        assert_eq!(wait(), None);
    }
}
