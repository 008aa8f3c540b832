//! One database: one writer at a time, many readers.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::error::is_worth_another_try;
use super::{Schema, Sql, Tx, backup};
use crate::error::{Fault, Inside};
use crate::files::data_dir::DataDir;
use crate::mutex::lock;
use crate::{LedgerError, Result};

/// How long a writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// How often a transaction is made that loses against others.
const MAX_TRIES: u32 = 5;

/// Idle read connections kept open.
const MAX_IDLE_READERS: usize = 4;

/// Pages in the log before they are moved into the database.
const CHECKPOINT_PAGES: i64 = 4_000;

/// What a read connection keeps: tables are read through once, from front to back.
const READER_CACHE_KIB: i64 = 256;

/// Statements kept ready for each connection.
const STATEMENTS: usize = 64;

/// When a change is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When it is committed.
    Synced,
    /// Some time later: it outlives this process, and may be lost with the power. A
    /// fraction of the time that the other one takes.
    Unsynced,
}

impl Durability {
    /// `PRAGMA synchronous`. With a log ahead of the database it is whole after a loss of
    /// power either way.
    fn pragma(self) -> &'static str {
        match self {
            Self::Synced => "FULL",
            Self::Unsynced => "NORMAL",
        }
    }
}

/// An open database.
///
/// The functions it runs are `Fn`, and may run more than once ([`made`]): each run sees the
/// rows anew, and what it changed is undone before the next one. What a verb does outside
/// of the database it does after they return, or so that a second time changes nothing.
pub(crate) struct Database {
    path: PathBuf,
    usual: Durability,
    /// Dropped before the writer: the last one to close moves the log into the database,
    /// which a reader may not.
    idle_readers: Mutex<Vec<Connection>>,
    writer: Mutex<Writer>,
}

/// The one connection that changes anything.
struct Writer {
    connection: Connection,
    /// As the connection is set. A statement sets it, which costs as much as a small change:
    /// requests are handed out by the thousand, one after the other.
    durability: Durability,
}

impl Writer {
    /// Set when its changes are on the disk.
    fn set(&mut self, durability: Durability) -> Sql<()> {
        if durability != self.durability {
            let pragma = durability.pragma();
            self.connection.pragma_update(None, "synchronous", pragma)?;
            self.durability = durability;
        }
        Ok(())
    }
}

impl Database {
    /// Open it, made if it is not there, and brought up to date.
    pub(crate) fn open(dir: &DataDir, path: &Path, schema: Schema) -> Result<Self> {
        // SQLite would make the file readable for all; WAL and shared memory take the
        // mode of the database.
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| LedgerError::io(path, &error))?;
        let usual = match schema {
            Schema::Ledger => Durability::Synced,
            Schema::Budget => Durability::Unsynced,
        };
        let writer = Writer {
            connection: prepare(dir, path, schema, usual).map_err(|fault| fault.at(path))?,
            durability: usual,
        };
        Ok(Self {
            path: path.to_owned(),
            usual,
            writer: Mutex::new(writer),
            idle_readers: Mutex::default(),
        })
    }

    /// Whether there is a database of this version. Changes nothing.
    pub(crate) fn is_current(path: &Path, schema: Schema) -> bool {
        let version = open_reader(path).and_then(|reader| pragma(&reader, "user_version"));
        version.is_ok_and(|version| version == schema.newest())
    }

    /// Read in one consistent view; never waits for a writer.
    pub(crate) fn read<T>(&self, verb: impl Fn(&Tx<'_>) -> Inside<T>) -> Result<T> {
        let view = away_from_async_work(|| self.view(verb));
        view.map_err(|fault| self.at(fault))
    }

    fn view<T>(&self, verb: impl Fn(&Tx<'_>) -> Inside<T>) -> Inside<T> {
        let idle = lock(&self.idle_readers).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => open_reader(&self.path)?,
        };
        let result = made(|| {
            let view = reader.transaction()?;
            verb(&Tx::on(&view))
        });
        let mut readers = lock(&self.idle_readers);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(reader);
        }
        result
    }

    /// Change in one transaction, or not at all.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        verb: impl Fn(&Tx<'_>) -> Inside<T>,
    ) -> Result<T> {
        let outcome = away_from_async_work(|| {
            let mut writer = lock(&self.writer);
            writer.set(durability)?;
            change(&mut writer.connection, verb)
        });
        outcome.map_err(|fault| self.at(fault))
    }

    /// Statements, each a transaction of its own. Tried once: nothing undoes the first of
    /// them when the second fails.
    pub(crate) fn each<T>(&self, verb: impl Fn(&Tx<'_>) -> Inside<T>) -> Result<T> {
        let outcome = away_from_async_work(|| {
            let mut writer = lock(&self.writer);
            writer.set(self.usual)?;
            verb(&Tx::on(&writer.connection))
        });
        outcome.map_err(|fault| self.at(fault))
    }

    fn at(&self, fault: Fault) -> LedgerError {
        fault.at(&self.path)
    }
}

/// A change waits for the disk, and up to [`BUSY_TIMEOUT`] for another process; a read of a
/// large table takes as long as it takes. On a thread that carries asynchronous work, that
/// work goes to another thread meanwhile, so that no call of the ledger holds up a request
/// or a timer. (What it costs is some microseconds a call, of which a run makes hundreds; a
/// thread of the database's own would cost each verb two hand-overs and a boxed closure, and
/// could borrow nothing from its caller.)
fn away_from_async_work<T>(work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // No runtime, or one with a single thread, as tests have it.
        _ => work(),
    }
}

fn change<T>(writer: &mut Connection, verb: impl Fn(&Tx<'_>) -> Inside<T>) -> Inside<T> {
    made(|| {
        let change = Transaction::new(writer, TransactionBehavior::Immediate)?;
        let value = verb(&Tx::on(&change))?;
        change.commit()?;
        Ok(value)
    })
}

/// Make a transaction; once more where it lost against another one. With one writer that
/// takes its lock first this is rare; a database that finds out at the commit says it
/// every day.
fn made<T>(mut transaction: impl FnMut() -> Inside<T>) -> Inside<T> {
    let mut tries = 1;
    loop {
        match transaction() {
            Err(fault) if tries < MAX_TRIES && is_worth_another_try(&fault) => tries += 1,
            outcome => return outcome,
        }
    }
}

fn prepare(dir: &DataDir, path: &Path, schema: Schema, usual: Durability) -> Inside<Connection> {
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
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", usual.pragma())?;
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

fn open_reader(path: &Path) -> Sql<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> Sql<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn tables(connection: &Connection) -> Sql<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use rusqlite::ffi;

    use super::*;

    fn database(place: &tempfile::TempDir) -> Database {
        let dir = DataDir::new(place.path());
        dir.create().unwrap();
        Database::open(&dir, &dir.ledger(), Schema::Ledger).unwrap()
    }

    fn failure(code: i32) -> Fault {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }

    fn names(database: &Database) -> i64 {
        let count =
            |view: &Tx<'_>| Ok(view.query_row("SELECT count(*) FROM names", [], |row| row.get(0))?);
        database.read(count).unwrap()
    }

    /// Adds a row and then says that it failed so, for so many times.
    fn add(database: &Database, code: i32, failures: u32) -> (Result<()>, u32) {
        let runs = Cell::new(0);
        let result = database.write(Durability::Synced, |change| {
            change.execute("INSERT INTO names (text) VALUES ('w1')", [])?;
            runs.set(runs.get() + 1);
            match runs.get() <= failures {
                true => Err(failure(code)),
                false => Ok(()),
            }
        });
        (result, runs.get())
    }

    /// One thread carries everything, and each call waits for what another task does.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn neither_a_read_nor_a_change_holds_up_other_tasks() {
        let place = tempfile::tempdir().unwrap();
        let database = database(&place);
        let others = |_: &Tx<'_>| {
            let (tell, told) = std::sync::mpsc::channel();
            tokio::spawn(async move { tell.send(()) });
            Ok(told.recv_timeout(Duration::from_secs(20)).is_ok())
        };
        let outcome = tokio::spawn(async move {
            let read = database.read(others).unwrap();
            let change = database.write(Durability::Synced, others).unwrap();
            let each = database.each(others).unwrap();
            (read, change, each)
        });
        assert_eq!(outcome.await.unwrap(), (true, true, true));
    }

    #[test]
    fn a_change_that_lost_against_another_is_made_once_more_and_counts_once() {
        let place = tempfile::tempdir().unwrap();
        let database = database(&place);
        let (result, runs) = add(&database, ffi::SQLITE_BUSY_SNAPSHOT, 2);
        result.unwrap();
        assert_eq!((runs, names(&database)), (3, 1));
    }

    #[test]
    fn a_change_that_always_loses_is_given_up_and_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let database = database(&place);
        let (result, runs) = add(&database, ffi::SQLITE_BUSY_SNAPSHOT, u32::MAX);
        assert!(
            matches!(result, Err(LedgerError::Locked { .. })),
            "{result:?}"
        );
        assert_eq!((runs, names(&database)), (MAX_TRIES, 0));
    }

    #[test]
    fn a_change_that_fails_of_itself_is_made_only_once() {
        let place = tempfile::tempdir().unwrap();
        let database = database(&place);
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_FULL, ffi::SQLITE_CONSTRAINT] {
            let (result, runs) = add(&database, code, 1);
            result.unwrap_err();
            assert_eq!((runs, names(&database)), (1, 0), "{code}");
        }
    }
}
