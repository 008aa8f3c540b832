//! Opening a data directory, and the ways in: reading, and changing with or without
//! waiting for the disk.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use crate::Result;
use crate::db::{Database, Durability, Schema, Tx};
use crate::decisions::limits_added;
use crate::error::Inside;
use crate::files::data_dir::DataDir;
use crate::files::key::{KeySource, Keyring};
use crate::files::run_locks::RunLocks;
use crate::history::journal::Journal;
use crate::steps::{Observer, Step};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// An open data directory. Cheap to clone; all clones share the same connections.
///
/// ```
/// use psa_host_ledger::{KeySource, Ledger, system_clock};
///
/// # let place = tempfile::tempdir()?;
/// # let (data, key) = (place.path().join("data"), place.path().join("key"));
/// let ledger = Ledger::open(&data, KeySource::File(key), system_clock())?;
/// // Whatever is changed from here on was changed by Ann.
/// let ledger = ledger.with_actor("cli:ann");
/// assert!(ledger.connections()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
    actor: Arc<str>,
    observer: Option<Observer>,
}

pub(crate) struct Inner {
    pub(crate) dir: DataDir,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Clock,
    ledger: Database,
    pub(crate) budget: Database,
    pub(crate) run_locks: RunLocks,
    /// An upgrade did something that the history does not know yet.
    untold: AtomicBool,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("dir", &self.inner.dir)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Open a data directory, making it (mode 0700) if it is not there. The key is not
    /// read before something needs it.
    ///
    /// # Errors
    /// What is wrong with the directory, the database or the place of the key.
    pub fn open(dir: impl AsRef<Path>, key: KeySource, clock: Clock) -> Result<Self> {
        let dir = DataDir::new(dir.as_ref());
        dir.create()?;
        let keyring = Keyring::new(&key, dir.root())?;
        let ledger = Database::open(&dir, &dir.ledger(), Schema::Ledger)?;
        let budget = Database::open(&dir, &dir.budget(), Schema::Budget)?;
        let untold = ledger.read(|view| Ok(limits_added::is_news(view)?))?;
        let run_locks = RunLocks::new(dir.locks());
        Ok(Self {
            inner: Arc::new(Inner {
                dir,
                keyring,
                clock,
                ledger,
                budget,
                run_locks,
                untold: AtomicBool::new(untold),
            }),
            actor: Arc::from("psa-host"),
            observer: None,
        })
    }

    /// The same ledger, whose changes are written to the history under this name
    /// (`cli:ann`, `scheduler`).
    #[must_use]
    pub fn with_actor(&self, who: &str) -> Self {
        Self {
            actor: Arc::from(who),
            ..self.clone()
        }
    }

    /// The same ledger, whose steps are told to an observer. For tests.
    #[must_use]
    pub fn with_observer(&self, observer: Observer) -> Self {
        let mut ledger = self.clone();
        ledger.observer = Some(observer);
        ledger
    }

    /// A step is reached. The ledger tells of its own; whoever sends and reads back
    /// tells of the rest.
    pub fn reached(&self, step: Step) {
        if let Some(observer) = &self.observer {
            observer(step);
        }
    }

    /// Where things lie.
    pub fn dir(&self) -> &DataDir {
        &self.inner.dir
    }

    /// The ledger's time.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// Read in one consistent view; never waits for a writer.
    pub(crate) fn read<T>(&self, verb: impl Fn(&Tx<'_>) -> Inside<T>) -> Result<T> {
        self.inner.ledger.read(verb)
    }

    /// Change in one transaction that outlives this process, and may be lost with the power:
    /// a fraction of the time that a durable one takes.
    pub(crate) fn write_unsynced<T>(
        &self,
        verb: impl Fn(&Tx<'_>, Timestamp) -> Inside<T>,
    ) -> Result<T> {
        let unsynced = Durability::Unsynced;
        self.inner
            .ledger
            .write(unsynced, |change| verb(change, self.now()))
    }

    /// Change in one transaction that is durable when this returns, or not made at all.
    pub(crate) fn write<T>(
        &self,
        verb: impl Fn(&Tx<'_>, &mut Journal<'_>) -> Inside<T>,
    ) -> Result<T> {
        let untold = self.inner.untold.load(Ordering::Relaxed);
        let value = self.inner.ledger.write(Durability::Synced, |change| {
            let mut journal = Journal::new(&self.actor, &self.inner.keyring, self.now());
            if untold {
                limits_added::write_down(change, &mut journal)?;
            }
            verb(change, &mut journal)
        })?;
        if untold {
            self.inner.untold.store(false, Ordering::Relaxed);
        }
        Ok(value)
    }
}

impl DataDir {
    /// Whether opening its ledger would change nothing: it is there, and of this version.
    pub fn is_current(&self) -> bool {
        Database::is_current(&self.ledger(), Schema::Ledger)
    }
}
