//! A failure inside a transaction, on its way out.

use std::path::Path;

use crate::LedgerError;
use crate::db::DatabaseError;

/// What goes wrong inside a transaction, before the file it belongs to is known.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(DatabaseError),
    Ledger(LedgerError),
    /// A row that this release would not have written.
    Row(String),
}

impl Fault {
    pub(crate) fn at(self, path: &Path) -> LedgerError {
        match self {
            Self::Sql(error) => LedgerError::sqlite(path, &error),
            Self::Ledger(error) => error,
            Self::Row(why) => LedgerError::Damaged {
                path: path.to_owned(),
                why,
            },
        }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        Self::Sql(error)
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

pub(crate) type Inside<T> = Result<T, Fault>;
