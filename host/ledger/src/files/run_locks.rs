//! A lock file for each run of this process, so that others see whether it is alive: the
//! operating system lets go of it however the process ends.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::ids::RunId;
use crate::mutex::lock;
use crate::{LedgerError, Result};

#[derive(Debug)]
pub(crate) struct RunLocks {
    folder: PathBuf,
    held: Mutex<HashMap<RunId, File>>,
}

impl RunLocks {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            held: Mutex::default(),
        }
    }

    fn path(&self, id: RunId) -> PathBuf {
        self.folder.join(format!("run-{id}.lock"))
    }

    pub(crate) fn hold(&self, id: RunId) -> Result<()> {
        let path = self.path(id);
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| LedgerError::io(&path, &error))?;
        file.lock()
            .map_err(|error| LedgerError::io(&path, &error))?;
        lock(&self.held).insert(id, file);
        Ok(())
    }

    /// Of a run that was not begun after all. The file stays: by now the number may be that
    /// of another process's run, whose lock it is.
    pub(crate) fn drop_lock(&self, id: RunId) {
        let held = lock(&self.held).remove(&id);
        if let Some(file) = held {
            // By name: closing it is not enough while a child that is just being started has
            // it open too.
            let _ = file.unlock();
        }
    }

    /// The file goes too; where that fails it is only clutter.
    pub(crate) fn release(&self, id: RunId) {
        self.drop_lock(id);
        let _ = std::fs::remove_file(self.path(id));
    }

    /// A dead run's lock can be had. Shared, so that two who look do not take each
    /// other for the run.
    pub(crate) fn is_alive(&self, id: RunId) -> Result<bool> {
        if lock(&self.held).contains_key(&id) {
            return Ok(true);
        }
        let path = self.path(id);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other.map_err(|error| LedgerError::io(&path, &error))?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(LedgerError::io(&path, &error)),
        }
    }
}
