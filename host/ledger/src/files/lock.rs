//! One writer per tenant, and one daemon per data directory: operating-system locks that die
//! with their process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use psa_host_billing::TenantKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Ledger, LedgerError, Result};

/// The right to write to a tenant; given back when dropped, or when the process ends
/// in whatever way.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub struct TenantLock {
    file: File,
}

/// The right to be the daemon of a data directory.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub struct DaemonLock {
    _lock: TenantLock,
}

/// What stands in a lock file, for whom it keeps out.
#[derive(Serialize, Deserialize)]
struct Holder {
    tenant: String,
    pid: u32,
    who: String,
    since: Timestamp,
}

/// More of a lock file is not read.
const MAX_LOCK_FILE: u64 = 4096;

impl Drop for TenantLock {
    /// What is left in the file would only mislead. The lock is given back by name: a child
    /// that this process is just starting has the file open too, until it is another program,
    /// and would hold the lock for so long.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

impl Ledger {
    /// Take a tenant, or say who has it. `who` is for those it keeps out (`sync acme`).
    /// Does not wait.
    ///
    /// # Errors
    /// [`LedgerError::TenantBusy`], also when this very process has it.
    pub fn tenant_lock(&self, tenant: &TenantKey, who: &str) -> Result<TenantLock> {
        let path = self.tenant_lock_path(tenant);
        let taken = self.take_lock(&path, tenant.as_str(), who)?;
        taken.ok_or_else(|| busy(tenant, &path))
    }

    /// Be the daemon of this data directory, or say who is. Does not wait.
    ///
    /// # Errors
    /// [`LedgerError::DaemonRuns`].
    pub fn daemon_lock(&self) -> Result<DaemonLock> {
        let path = self.dir().locks().join("daemon.lock");
        match self.take_lock(&path, "", "serve")? {
            Some(lock) => Ok(DaemonLock { _lock: lock }),
            None => Err(LedgerError::DaemonRuns {
                pid: read_holder(&path).map_or(0, |holder| holder.pid),
            }),
        }
    }

    /// None: somebody has it.
    fn take_lock(&self, path: &Path, tenant: &str, who: &str) -> Result<Option<TenantLock>> {
        let at = |error: &std::io::Error| LedgerError::io(path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| at(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(at(&error)),
        }
        let holder = Holder {
            tenant: tenant.to_string(),
            pid: std::process::id(),
            who: who.to_owned(),
            since: self.now(),
        };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&text))
            .map_err(|error| at(&error))?;
        Ok(Some(TenantLock { file }))
    }

    /// By hash: a tenant's key is the PSA's text and may hold anything. The file stays:
    /// removing it would let two processes lock two files of one name.
    fn tenant_lock_path(&self, tenant: &TenantKey) -> PathBuf {
        let hash = hex::encode(Sha256::digest(tenant.as_str()));
        self.dir()
            .locks()
            .join(format!("tenant-{}.lock", &hash[..32]))
    }
}

fn busy(tenant: &TenantKey, path: &Path) -> LedgerError {
    let holder = read_holder(path);
    LedgerError::TenantBusy {
        tenant: tenant.to_string(),
        pid: holder.as_ref().map_or(0, |holder| holder.pid),
        since: holder.as_ref().map(|holder| holder.since),
        who: holder.map_or_else(|| "another process".to_owned(), |holder| holder.who),
    }
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_LOCK_FILE)
        .read_to_end(&mut text)
        .ok()?;
    serde_json::from_slice(&text).ok()
}
