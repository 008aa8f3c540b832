//! Where things lie in a data directory.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::files::access;
use crate::{LedgerError, Result};

/// A data directory's layout. All of it belongs to the user who runs psa-host alone.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Name it; nothing is made yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Make what is missing, mode 0700.
    pub(crate) fn create(&self) -> Result<()> {
        let there = self.root.try_exists();
        if there.map_err(|error| LedgerError::io(&self.root, &error))? && !self.root.is_dir() {
            return Err(LedgerError::Io {
                path: self.root.clone(),
                why: "it is not a directory".to_owned(),
            });
        }
        for dir in [
            &self.root,
            &self.plugins(),
            &self.cache(),
            &self.slots(),
            &self.locks(),
            &self.backups(),
        ] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .map_err(|error| LedgerError::io(dir, &error))?;
            if *dir == self.root
                && let Some(kind) = access::network_share(dir)
            {
                let path = dir.clone();
                return Err(LedgerError::NetworkShare { path, kind });
            }
            let about = std::fs::metadata(dir).map_err(|error| LedgerError::io(dir, &error))?;
            // What lies there decides what is billed, and is run.
            if about.mode() & 0o002 != 0 {
                return Err(LedgerError::DataExposed {
                    path: dir.clone(),
                    mode: about.mode() & 0o7777,
                });
            }
        }
        Ok(())
    }

    /// Whether there is a ledger in it.
    ///
    /// # Errors
    /// That this user may not look.
    pub fn is_begun(&self) -> Result<bool> {
        let ledger = self.ledger();
        let there = ledger.try_exists();
        there.map_err(|error| LedgerError::io(&self.root, &error))
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ledger's database.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger.sqlite")
    }

    /// Requests spent; may be lost without harm.
    pub fn budget(&self) -> PathBuf {
        self.root.join("budget.sqlite")
    }

    /// `<sha256>.wasm`, one each plugin.
    pub fn plugins(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// The file of a plugin with this hash (hex).
    pub fn plugin(&self, sha256: &str) -> PathBuf {
        self.plugins().join(format!("{sha256}.wasm"))
    }

    /// Compiled plugins; may be emptied at any time.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Lock files that count requests at once.
    pub fn slots(&self) -> PathBuf {
        self.root.join("slots")
    }

    /// Copies of the ledger from before upgrades.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// The copy from before the upgrade from this schema version.
    pub(crate) fn backup(&self, version: i64) -> PathBuf {
        self.backups().join(format!("ledger-v{version}.sqlite"))
    }

    /// Lock files of tenants and runs.
    pub fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }
}
