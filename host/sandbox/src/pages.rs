//! Lists to their end: page after page, with caps and an eye on cursors that repeat.
//! The only way to read one, so that what the caps promise holds for whoever reads.
//!
//! All lists of a session share one allowance of memory ([`Limits::list_bytes`]): a list
//! takes of it while it is read, and gives back when its [`Held`] is dropped. Whoever
//! keeps the entries keeps that too.
//!
//! [`Limits::list_bytes`]: crate::Limits::list_bytes

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::Date;
use psa_host_billing::{Account, AccountId, Contract, ContractId, LineKey, Service, ServiceId};

use crate::weight::Weight;
use crate::{CallError, CallErrorKind, Connector, IncidentCode, LineReading, Page, Phase, Session};

/// A list that comes in pages.
pub trait List: Sync {
    /// What is listed.
    type Entry: Weight + Send;
    /// What tells entries apart.
    type Id: Eq + Hash + Send;
    /// The call that gives its pages.
    const PHASE: Phase;

    /// The id of an entry.
    fn id(entry: &Self::Entry) -> Self::Id;

    /// One page.
    fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Self::Entry>, CallError>> + Send;
}

/// Every account.
#[derive(Debug, Clone, Copy)]
pub struct Accounts;

impl List for Accounts {
    type Entry = Account;
    type Id = AccountId;
    const PHASE: Phase = Phase::ListAccounts;

    fn id(entry: &Account) -> AccountId {
        entry.id.clone()
    }

    async fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> Result<Page<Account>, CallError> {
        connector.list_accounts(cursor).await
    }
}

/// Every service.
#[derive(Debug, Clone, Copy)]
pub struct Services;

impl List for Services {
    type Entry = Service;
    type Id = ServiceId;
    const PHASE: Phase = Phase::ListServices;

    fn id(entry: &Service) -> ServiceId {
        entry.id.clone()
    }

    async fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> Result<Page<Service>, CallError> {
        connector.list_services(cursor).await
    }
}

/// Every contract of some accounts with its lines, units from the period that holds
/// `start`.
#[derive(Debug, Clone, Copy)]
pub struct Contracts<'a> {
    /// At most `accounts_per_call`.
    pub accounts: &'a [AccountId],
    /// From when on.
    pub start: Date,
    /// Up to when; none: to the end.
    pub horizon: Option<Date>,
}

impl List for Contracts<'_> {
    type Entry = Contract;
    type Id = ContractId;
    const PHASE: Phase = Phase::ListContracts;

    fn id(entry: &Contract) -> ContractId {
        entry.id.clone()
    }

    async fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> Result<Page<Contract>, CallError> {
        connector
            .list_contracts(self.accounts, self.start, self.horizon, cursor)
            .await
    }
}

/// The memory that all lists of a session take, in bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListMemory(Arc<AtomicUsize>);

/// A list's part of its session's memory, given back when dropped.
#[derive(Debug)]
pub struct Held {
    of: ListMemory,
    bytes: usize,
}

impl Held {
    /// Take more; what the session's lists take together.
    fn take(&mut self, bytes: usize) -> usize {
        self.bytes = self.bytes.saturating_add(bytes);
        let before = self.of.0.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What is counted of a list while it is read.
#[derive(Debug)]
struct Count {
    phase: Phase,
    pages: u32,
    items: usize,
    held: Held,
}

impl Count {
    fn new(session: &Session, phase: Phase) -> Self {
        let of = session.list_memory().clone();
        Self {
            phase,
            pages: 0,
            items: 0,
            held: Held { of, bytes: 0 },
        }
    }

    /// Count a page, or say that the list is over a cap of size. Looked at on each page
    /// and not only where another follows: a list of many batches ends many times.
    fn page(&mut self, connector: &Connector, items: usize, bytes: usize) -> Result<(), CallError> {
        self.pages = self.pages.saturating_add(1);
        self.items = self.items.saturating_add(items);
        let limits = connector.limits();
        let problem = if self.held.take(bytes) > limits.list_bytes {
            "gives lists that take too much memory"
        } else if self.items > limits.items {
            "gives a list that is too long"
        } else {
            return Ok(());
        };
        Err(self.over(connector, IncidentCode::TooManyPages, "list", problem))
    }

    fn over(
        &self,
        connector: &Connector,
        code: IncidentCode,
        which: &'static str,
        problem: &str,
    ) -> CallError {
        let Self {
            phase,
            pages,
            items,
            ..
        } = self;
        let plugin = &connector.session().plugin().description().name;
        let text =
            format!("the plugin {plugin} {problem} (`{phase}`, {pages} pages, {items} entries)");
        connector.incident(code, *phase, &text);
        CallError::new(CallErrorKind::OutOfLimits { which }, text)
            .with_fix("This is a defect of the plugin; ask its author.")
    }
}

/// One list while it is read. Its pages may be read by different instances of its
/// session, and a page that failed can be asked for again.
#[derive(Debug)]
pub struct Pages<L: List> {
    list: L,
    cursor: Option<String>,
    count: Count,
    hasher: RandomState,
    /// Hashes of the cursors so far: the cursors themselves could be 4 KiB each.
    seen: HashSet<u64>,
    places: HashMap<L::Id, usize>,
    entries: Vec<L::Entry>,
}

impl<L: List> Pages<L> {
    /// Nothing is read yet.
    pub fn new(session: &Session, list: L) -> Self {
        Self {
            list,
            cursor: None,
            count: Count::new(session, L::PHASE),
            hasher: RandomState::new(),
            seen: HashSet::new(),
            places: HashMap::new(),
            entries: Vec::new(),
        }
    }

    /// Read the next page; whether another follows.
    ///
    /// # Errors
    /// [`CallError`]; `OutOfLimits` with `pages` for a list that does not end, with `list`
    /// for one that is too large: that one cannot be gone on with.
    pub async fn read_next(&mut self, connector: &mut Connector) -> Result<bool, CallError> {
        let page = self.list.page(connector, self.cursor.as_deref()).await?;
        // What a later page replaces is counted too, or a list could go on for ever.
        let bytes = page.items.iter().map(Weight::weight).sum();
        self.count.page(connector, page.items.len(), bytes)?;
        for entry in page.items {
            // Rows move between pages while a list is read; the later look is newer.
            match self.places.entry(L::id(&entry)) {
                std::collections::hash_map::Entry::Occupied(place) => {
                    self.entries[*place.get()] = entry;
                }
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
        let Some(cursor) = page.next else {
            return Ok(false);
        };
        let (code, problem) = if !self.seen.insert(self.hasher.hash_one(&cursor)) {
            (
                IncidentCode::CursorRepeats,
                "gave the same cursor twice, so its list would never end",
            )
        } else if self.count.pages >= connector.limits().pages {
            (IncidentCode::TooManyPages, "gives a list that does not end")
        } else {
            self.cursor = Some(cursor);
            return Ok(true);
        };
        Err(self.count.over(connector, code, "pages", problem))
    }

    /// What was read so far, each entry once.
    pub fn entries(&self) -> &[L::Entry] {
        &self.entries
    }

    /// What was read, and its part of the session's memory.
    pub fn finish(self) -> (Vec<L::Entry>, Held) {
        (self.entries, self.count.held)
    }
}

/// Chosen lines while they are read, batch after batch.
#[derive(Debug)]
pub struct LineBatches {
    count: Count,
    reading: LineReading,
}

impl LineBatches {
    /// Nothing is read yet.
    pub fn new(session: &Session) -> Self {
        Self {
            count: Count::new(session, Phase::ReadLines),
            reading: LineReading::default(),
        }
    }

    /// Read these lines as well, at most `lines_per_call`. One that is not in the answer
    /// is not there any more.
    ///
    /// # Errors
    /// See [`Pages::read_next`].
    pub async fn read(
        &mut self,
        connector: &mut Connector,
        lines: &[LineKey],
        start: Date,
    ) -> Result<(), CallError> {
        let read = connector.read_lines(lines, start).await?;
        let others = read.others.iter().map(Weight::weight);
        let bytes = read.lines.iter().map(Weight::weight).chain(others).sum();
        let items = read.lines.len() + read.others.len();
        self.count.page(connector, items, bytes)?;
        self.reading.lines.extend(read.lines);
        self.reading.others.extend(read.others);
        Ok(())
    }

    /// What was read.
    pub fn finish(self) -> LineReading {
        self.reading
    }
}
