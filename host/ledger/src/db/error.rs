//! What the database says went wrong, in the ledger's own words.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;
use rusqlite::types::Type;

use crate::LedgerError;
use crate::error::Fault;
use crate::files::access;

/// A value of a column that this release would not have written.
pub(crate) fn not_as_written(
    column: usize,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}

/// Whether a row was refused because the schema does not allow it beside those there are.
pub(crate) fn is_refused(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Whether the transaction as a whole has come too late and may be made once more: it was
/// rolled back because others were quicker, not because of what is in it. (A wait for a
/// lock that took too long is not among them: that has been waited for already.)
pub(super) fn is_worth_another_try(fault: &Fault) -> bool {
    let Fault::Sql(rusqlite::Error::SqliteFailure(error, _)) = fault else {
        return false;
    };
    matches!(
        error.extended_code,
        ffi::SQLITE_BUSY_SNAPSHOT | ffi::SQLITE_BUSY_RECOVERY | ffi::SQLITE_ABORT_ROLLBACK
    )
}

impl LedgerError {
    /// A failure of the database in this file.
    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotALedger {
                path,
                why: "it is not an SQLite database".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, why },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            // Also where only a file beside it is another user's.
            Some(ErrorCode::ReadOnly) => match access::refused(&path) {
                Some(refused) => Self::permission(refused),
                None => Self::ReadOnly { path },
            },
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                Self::permission(access::refused(&path).unwrap_or(path))
            }
            // SQLite says neither that the disk is full where it makes room for its log or
            // the index of it.
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) if is_full(&path) => {
                Self::DiskFull { path }
            }
            Some(ErrorCode::CannotOpen) => match std::fs::File::open(&path) {
                Err(error) => Self::io(&path, &error),
                Ok(_) => match access::refused(&path) {
                    Some(refused) => Self::permission(refused),
                    None => Self::Io { path, why },
                },
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(_) => Self::Io { path, why },
            // A value of a row that this release would not have written.
            None => Self::Damaged { path, why },
        }
    }
}

/// Whether nothing more can be written beside a file: tried, because no other sign counts
/// quotas and reserved blocks too.
fn is_full(path: &Path) -> bool {
    use std::io::{ErrorKind, Write};
    let Some(folder) = path.parent() else {
        return false;
    };
    let written = tempfile::tempfile_in(folder).and_then(|mut file| {
        // As much as SQLite asks for at once.
        file.write_all(&[1; 64 * 1024])?;
        file.sync_all()
    });
    written.is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        )
    })
}
