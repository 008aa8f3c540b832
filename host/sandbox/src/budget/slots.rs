//! So many requests at once on one endpoint of one tenant, over all processes.
//!
//! Within the process a fair semaphore; between processes one lock file for each
//! slot, locked by the operating system, so that a slot is free again when its
//! process dies, however it dies. Only where another process holds every slot does
//! anybody have to look again and again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pauses between looks for a slot that another process holds.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Slots {
    turns: Arc<Semaphore>,
    /// Files of the slots that this process does not hold.
    free: Mutex<Vec<File>>,
}

/// A slot in use; free again when dropped.
#[derive(Debug)]
pub struct Slot {
    file: Option<File>,
    slots: Arc<Slots>,
    _turn: OwnedSemaphorePermit,
}

impl Slots {
    /// `count` slots in files beginning with `name`.
    pub fn open(dir: &Path, name: &str, count: u32) -> io::Result<Self> {
        let open = |n| {
            let path = dir.join(format!("{name}-{n}.lock"));
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
        };
        let files: Vec<File> = (0..count).map(open).collect::<io::Result<_>>()?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(files.len())),
            free: Mutex::new(files),
        })
    }

    /// Wait for a slot.
    pub async fn take(self: &Arc<Self>) -> io::Result<Slot> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let mut pause = FIRST_LOOK;
        loop {
            if let Some(file) = self.lock_one()? {
                return Ok(Slot {
                    file: Some(file),
                    slots: Arc::clone(self),
                    _turn: turn,
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    fn lock_one(&self) -> io::Result<Option<File>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        for n in 0..free.len() {
            match free[n].try_lock() {
                Ok(()) => return Ok(Some(free.swap_remove(n))),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // A lock that cannot be released here is released when the file is closed.
        if file.unlock().is_ok() {
            let mut free = self
                .slots
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            free.push(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_than_so_many_at_once_also_from_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        // Two sets on the same files are what two processes would be.
        let here = Arc::new(Slots::open(dir.path(), "t", 2).unwrap());
        let there = Arc::new(Slots::open(dir.path(), "t", 2).unwrap());
        let one = here.take().await.unwrap();
        let _two = there.take().await.unwrap();
        assert!(here.lock_one().unwrap().is_none());
        assert!(there.lock_one().unwrap().is_none());
        drop(one);
        let _three = there.take().await.unwrap();
        assert!(here.lock_one().unwrap().is_none());
    }
}
