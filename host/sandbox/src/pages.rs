//! Lists to their end: page after page, with a cap and an eye on cursors that repeat.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use jiff::civil::Date;
use psa_host_billing::{Account, AccountId, Contract, Service};

use crate::weight::Weight;
use crate::{CallError, CallErrorKind, Connector, IncidentCode, Page, Phase};

/// How far a list has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Pages read.
    pub pages: u32,
    /// Entries on them.
    pub items: usize,
}

/// Told after each page.
type Tell<'t> = &'t mut (dyn FnMut(Progress) + Send);

/// One list while it is read.
struct Pager<T, K> {
    phase: Phase,
    progress: Progress,
    /// What the entries take in memory, those that a later page replaced included.
    bytes: usize,
    hasher: RandomState,
    /// Hashes of the cursors so far: the cursors themselves could be 4 KiB each.
    seen: HashSet<u64>,
    places: HashMap<K, usize>,
    items: Vec<T>,
    key: fn(&T) -> K,
}

impl<T: Weight, K: Eq + Hash> Pager<T, K> {
    fn new(phase: Phase, key: fn(&T) -> K) -> Self {
        Self {
            phase,
            progress: Progress::default(),
            bytes: 0,
            hasher: RandomState::new(),
            seen: HashSet::new(),
            places: HashMap::new(),
            items: Vec::new(),
            key,
        }
    }

    /// Take a page in; where to go on.
    fn take(
        &mut self,
        connector: &Connector,
        page: Page<T>,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Option<String>, CallError> {
        self.progress.pages += 1;
        self.progress.items += page.items.len();
        for item in page.items {
            self.bytes = self.bytes.saturating_add(item.weight());
            // Rows move between pages while a list is read; the later look is newer.
            match self.places.entry((self.key)(&item)) {
                std::collections::hash_map::Entry::Occupied(place) => {
                    self.items[*place.get()] = item;
                }
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(self.items.len());
                    self.items.push(item);
                }
            }
        }
        tell(self.progress);
        let limits = connector.limits();
        let plugin = &connector.session().plugin().description().name;
        // Looked at on each page and not only where another follows: a list of many
        // batches ends many times.
        let (code, problem) = if self.bytes > limits.list_bytes {
            (
                IncidentCode::TooManyPages,
                "gives a list that takes too much memory",
            )
        } else if self.progress.items > limits.items {
            (IncidentCode::TooManyPages, "gives a list that is too long")
        } else {
            let Some(cursor) = page.next else {
                return Ok(None);
            };
            if !self.seen.insert(self.hasher.hash_one(&cursor)) {
                (
                    IncidentCode::CursorRepeats,
                    "gave the same cursor twice, so its list would never end",
                )
            } else if self.progress.pages >= limits.pages {
                (IncidentCode::TooManyPages, "gives a list that does not end")
            } else {
                return Ok(Some(cursor));
            }
        };
        let Progress { pages, items } = self.progress;
        let text = format!(
            "the plugin {plugin} {problem} (`{}`, {pages} pages, {items} entries)",
            self.phase
        );
        connector.incident(code, self.phase, &text);
        Err(CallError::new(
            CallErrorKind::OutOfLimits { which: "pages" },
            text,
        ))
    }
}

impl Connector {
    /// Every account, each once.
    ///
    /// # Errors
    /// [`CallError`]; `OutOfLimits` for a list that does not end.
    pub async fn all_accounts(&mut self, tell: Tell<'_>) -> Result<Vec<Account>, CallError> {
        let mut pager = Pager::new(Phase::ListAccounts, |account: &Account| account.id.clone());
        let mut cursor = None;
        loop {
            let page = self.list_accounts(cursor.as_deref()).await?;
            cursor = pager.take(self, page, tell)?;
            if cursor.is_none() {
                return Ok(pager.items);
            }
        }
    }

    /// Every service, each once.
    ///
    /// # Errors
    /// See [`Connector::all_accounts`].
    pub async fn all_services(&mut self, tell: Tell<'_>) -> Result<Vec<Service>, CallError> {
        let mut pager = Pager::new(Phase::ListServices, |service: &Service| service.id.clone());
        let mut cursor = None;
        loop {
            let page = self.list_services(cursor.as_deref()).await?;
            cursor = pager.take(self, page, tell)?;
            if cursor.is_none() {
                return Ok(pager.items);
            }
        }
    }

    /// Every contract of these accounts, each once, in batches of `accounts_per_call`.
    ///
    /// # Errors
    /// See [`Connector::all_accounts`].
    pub async fn all_contracts(
        &mut self,
        accounts: &[AccountId],
        start: Date,
        tell: Tell<'_>,
    ) -> Result<Vec<Contract>, CallError> {
        let batch = self
            .session()
            .plugin()
            .description()
            .limits
            .accounts_per_call;
        let batch = usize::try_from(batch).unwrap_or(usize::MAX);
        let mut pager = Pager::new(Phase::ListContracts, |contract: &Contract| {
            contract.id.clone()
        });
        for accounts in accounts.chunks(batch) {
            let mut cursor = None;
            // Cursors are opaque: another batch may use the same ones.
            pager.seen.clear();
            loop {
                let page = self
                    .list_contracts(accounts, start, None, cursor.as_deref())
                    .await?;
                cursor = pager.take(self, page, tell)?;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(pager.items)
    }
}
