//! Opening a data directory, and the two ways in: one writer at a time, many readers.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::data_dir::DataDir;
use crate::error::{Fault, Inside};
use crate::history::Journal;
use crate::key::Keyring;
use crate::migrations::Schema;
use crate::runs::RunLocks;
use crate::{KeySource, LedgerError, Observer, Result, backup, limits_added};

/// How long a writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Idle read connections kept open.
const MAX_IDLE_READERS: usize = 4;

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// An open data directory. Cheap to clone; all clones share the same connections.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
    actor: Arc<str>,
    pub(crate) observer: Option<Observer>,
}

pub(crate) struct Inner {
    pub(crate) dir: DataDir,
    pub(crate) path: PathBuf,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Clock,
    writer: Mutex<Connection>,
    idle_readers: Mutex<Vec<Connection>>,
    pub(crate) budget_path: PathBuf,
    pub(crate) budget: Mutex<Connection>,
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
        let path = dir.ledger();
        let budget_path = dir.budget();
        let writer = open_writer(&dir, &path, Schema::Ledger)?;
        let budget = open_writer(&dir, &budget_path, Schema::Budget)?;
        let untold = limits_added::is_news(&writer);
        let untold = untold.map_err(|error| Fault::from(error).at(&path))?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir,
                path,
                keyring,
                clock,
                writer: Mutex::new(writer),
                idle_readers: Mutex::default(),
                budget_path,
                budget: Mutex::new(budget),
                run_locks: RunLocks::default(),
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

    /// Where things lie.
    pub fn dir(&self) -> &DataDir {
        &self.inner.dir
    }

    /// The ledger's time.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// Read in one consistent view; never waits for a writer.
    pub(crate) fn read<T>(&self, verb: impl FnOnce(&Connection) -> Inside<T>) -> Result<T> {
        let inner = &self.inner;
        let at = |fault: Fault| fault.at(&inner.path);
        let idle = lock(&inner.idle_readers).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => open_reader(&inner.path).map_err(|error| at(error.into()))?,
        };
        let result = (|| {
            let view = reader.transaction()?;
            verb(&view)
        })();
        let mut readers = lock(&inner.idle_readers);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(reader);
        }
        drop(readers);
        result.map_err(at)
    }

    /// Change in one transaction that outlives this process, and may be lost with the power:
    /// a fraction of the time that a durable one takes.
    pub(crate) fn write_unsynced<T>(
        &self,
        verb: impl FnOnce(&Transaction<'_>, Timestamp) -> Inside<T>,
    ) -> Result<T> {
        let mut writer = lock(&self.inner.writer);
        (|| {
            writer.pragma_update(None, "synchronous", UNSYNCED)?;
            let outcome = (|| {
                let change = Transaction::new(&mut writer, TransactionBehavior::Immediate)?;
                let value = verb(&change, self.now())?;
                change.commit()?;
                Ok(value)
            })();
            // Whatever came of it: the next change is to be durable again.
            writer.pragma_update(None, "synchronous", SYNCED)?;
            outcome
        })()
        .map_err(|fault: Fault| fault.at(&self.inner.path))
    }

    /// Change in one transaction that is durable when this returns, or not made at all.
    pub(crate) fn write<T>(
        &self,
        verb: impl FnOnce(&Transaction<'_>, &mut Journal<'_>) -> Inside<T>,
    ) -> Result<T> {
        let mut writer = lock(&self.inner.writer);
        (|| {
            let change = Transaction::new(&mut writer, TransactionBehavior::Immediate)?;
            let mut journal = Journal::new(self, self.now());
            let untold = self.inner.untold.load(Ordering::Relaxed);
            if untold {
                limits_added::write_down(&change, &mut journal)?;
            }
            let value = verb(&change, &mut journal)?;
            change.commit()?;
            if untold {
                self.inner.untold.store(false, Ordering::Relaxed);
            }
            Ok(value)
        })()
        .map_err(|fault: Fault| fault.at(&self.inner.path))
    }
}

/// A panic elsewhere leaves no half-made change: its transaction was rolled back.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pages in the log before they are moved into the database.
const CHECKPOINT_PAGES: i64 = 4_000;

/// What a read connection keeps: tables are read through once, from front to back.
const READER_CACHE_KIB: i64 = 256;

/// Each transaction is on the disk when it is committed.
const SYNCED: &str = "FULL";

/// With a log ahead of the database: whole after a loss of power, perhaps without the last
/// transactions.
const UNSYNCED: &str = "NORMAL";

fn open_writer(dir: &DataDir, path: &Path, schema: Schema) -> Result<Connection> {
    // SQLite would make the file readable for all; WAL and shared memory take the
    // mode of the database.
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| LedgerError::io(path, &error))?;
    prepare(dir, path, schema).map_err(|fault| fault.at(path))
}

fn prepare(dir: &DataDir, path: &Path, schema: Schema) -> Inside<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let version = pragma(&connection, "user_version")?;
    if version == 0 && tables(&connection)? == 0 || version < schema.newest() {
        // One process at a time: SQLite does not wait for a change of journal mode.
        let _migrating = migration_lock(dir)?;
        let version = pragma(&connection, "user_version")?;
        if version == 0 && tables(&connection)? == 0 {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "application_id", schema.application_id())?;
        }
        refuse_strangers(&connection, path, schema)?;
        // What the budget has counted may be lost; nothing else may.
        if schema == Schema::Ledger && (1..schema.newest()).contains(&version) {
            backup::before_upgrade(&connection, dir, version)?;
        }
        schema.apply(&mut connection)?;
    }
    refuse_strangers(&connection, path, schema)?;
    let version = pragma(&connection, "user_version")?;
    if version > schema.newest() {
        return Err(LedgerError::NewerSchema {
            path: path.to_owned(),
            found: version,
            known: schema.newest(),
        }
        .into());
    }
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    let synchronous = match schema {
        Schema::Ledger => SYNCED,
        Schema::Budget => UNSYNCED,
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

fn refuse_strangers(connection: &Connection, path: &Path, schema: Schema) -> Inside<()> {
    if pragma(connection, "application_id")? == schema.application_id() {
        return Ok(());
    }
    Err(LedgerError::NotALedger {
        path: path.to_owned(),
        why: "it is an SQLite database of another program".to_owned(),
    }
    .into())
}

fn migration_lock(dir: &DataDir) -> Inside<File> {
    let path = dir.locks().join("migration.lock");
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| LedgerError::io(&path, &error))?;
    file.lock()
        .map_err(|error| LedgerError::io(&path, &error))?;
    Ok(file)
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn tables(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}
