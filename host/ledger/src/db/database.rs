//! One database: one writer at a time, many readers.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{Schema, Sql, Tx, backup};
use crate::error::{Fault, Inside};
use crate::files::data_dir::DataDir;
use crate::open::lock;
use crate::{LedgerError, Result};

/// How long a writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

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

/// An open database. The functions it runs may run more than once: what they do besides
/// is to be done after they return.
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
    pub(crate) fn read<T>(&self, verb: impl FnOnce(&Tx<'_>) -> Inside<T>) -> Result<T> {
        let idle = lock(&self.idle_readers).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => open_reader(&self.path).map_err(|error| self.at(error.into()))?,
        };
        let result = (|| {
            let view = reader.transaction()?;
            verb(&Tx::on(&view))
        })();
        let mut readers = lock(&self.idle_readers);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(reader);
        }
        drop(readers);
        result.map_err(|fault| self.at(fault))
    }

    /// Change in one transaction, or not at all.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        verb: impl FnOnce(&Tx<'_>) -> Inside<T>,
    ) -> Result<T> {
        let outcome = away_from_async_work(|| {
            let mut writer = lock(&self.writer);
            writer.set(durability)?;
            change(&mut writer.connection, verb)
        });
        outcome.map_err(|fault| self.at(fault))
    }

    /// Statements, each a transaction of its own.
    pub(crate) fn each<T>(&self, verb: impl FnOnce(&Tx<'_>) -> Inside<T>) -> Result<T> {
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

/// A change waits for the disk, and up to [`BUSY_TIMEOUT`] for another process. On a thread
/// that carries asynchronous work, that work goes to another thread for so long. Reads wait
/// for nobody and stay where they are: each such move costs some microseconds.
fn away_from_async_work<T>(work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // No runtime, or one with a single thread, as tests have it.
        _ => work(),
    }
}

fn change<T>(writer: &mut Connection, verb: impl FnOnce(&Tx<'_>) -> Inside<T>) -> Inside<T> {
    let change = Transaction::new(writer, TransactionBehavior::Immediate)?;
    let value = verb(&Tx::on(&change))?;
    change.commit()?;
    Ok(value)
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
