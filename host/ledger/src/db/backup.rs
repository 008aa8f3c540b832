//! A copy of the ledger before an upgrade changes its form: what an operator goes back to
//! when the new version does not suit. Made in one piece, on the disk before the first
//! step of the upgrade begins; an upgrade without one is refused.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::Connection;

use crate::error::{Fault, Inside};
use crate::files::data_dir::DataDir;
use crate::{LedgerError, Result};

/// Copy a database of an earlier schema version beside it. One copy a version is kept: an
/// upgrade that is tried again, or made again after going back, replaces its own.
pub(crate) fn before_upgrade(ledger: &Connection, dir: &DataDir, version: i64) -> Inside<()> {
    let to = dir.backup(version);
    let unfinished = to.with_extension("unfinished");
    let result = copy(ledger, &unfinished).map_err(|fault| fault.at(&unfinished));
    if let Err(error) = result.and_then(|()| keep(&unfinished, &to)) {
        let _ = fs::remove_file(&unfinished);
        return Err(LedgerError::NoBackup {
            path: to,
            why: Box::new(error),
        }
        .into());
    }
    Ok(())
}

fn copy(ledger: &Connection, to: &Path) -> Inside<()> {
    // SQLite copies into a file that is empty; it would make one that all can read.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| LedgerError::io(to, &error))?;
    let name = to.to_str().ok_or_else(|| {
        Fault::from(LedgerError::Io {
            path: to.to_owned(),
            why: "its name is no UTF-8".to_owned(),
        })
    })?;
    ledger.execute("VACUUM INTO ?1", [name])?;
    Ok(())
}

/// Under its own name only when it is whole and on the disk.
fn keep(unfinished: &Path, to: &Path) -> Result<()> {
    let at = |error: std::io::Error| LedgerError::io(to, &error);
    File::open(unfinished)
        .and_then(|file| file.sync_all())
        .map_err(at)?;
    fs::rename(unfinished, to).map_err(at)?;
    let folder = to.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at)
}
