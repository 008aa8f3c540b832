//! So many requests at once on one endpoint of one tenant, over all processes.
//!
//! Within the process connections take turns (`turns.rs`); between processes there is one
//! lock file for each slot, locked by the operating system, so that a slot is free again
//! when its process dies, however it dies. Only where another process holds every slot does
//! anybody have to look again and again.
//!
//! A slot is held for one exchange, which ends with its time limit at the latest: a server
//! that does not answer holds it no longer than that.
//!
//! Between processes nobody is in charge of the order. So that a busy one does not take each
//! slot again in the instant in which it frees it, whoever has to look keeps a mark
//! locked meanwhile, and one that frees a slot while there is such a mark leaves it alone
//! for longer than a look takes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::turns::{Turn, Turns};

/// Pauses between looks for a slot that another process holds.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(20);
/// How long a freed slot is left to another process that looks for one.
const LEFT_TO_OTHERS: Duration = Duration::from_millis(40);

#[derive(Debug)]
pub(super) struct Slots {
    turns: Arc<Turns>,
    files: Mutex<Files>,
}

#[derive(Debug)]
struct Files {
    /// Those of the slots that this process does not hold.
    free: Vec<File>,
    /// Locked together by every process that looks for a slot.
    mark: File,
    /// Requests of this process that look for one.
    looking: usize,
    /// Until then a free slot is another process's.
    left_until: Option<Instant>,
}

/// A slot in use; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    file: Option<File>,
    slots: Arc<Slots>,
    _turn: Turn,
}

/// A request that looks for a slot; no more when dropped.
struct Looking<'s>(&'s Slots);

impl Slots {
    /// `count` slots in files beginning with `name`.
    pub(super) fn open(dir: &Path, name: &str, count: u32) -> io::Result<Self> {
        let open = |part: String| {
            let path = dir.join(format!("{name}-{part}.lock"));
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
        };
        let files = (0..count).map(|n| open(n.to_string()));
        let free: Vec<File> = files.collect::<io::Result<_>>()?;
        Ok(Self {
            turns: Turns::new(free.len()),
            files: Mutex::new(Files {
                free,
                mark: open("looking".to_owned())?,
                looking: 0,
                left_until: None,
            }),
        })
    }

    /// Wait for a slot. Connections of this process take turns.
    pub(super) async fn take(self: &Arc<Self>, connection: &Arc<str>) -> io::Result<Slot> {
        let turn = self.turns.take(connection).await;
        let turn = turn.map_err(io::Error::other)?;
        let slot = |file| Slot {
            file: Some(file),
            slots: Arc::clone(self),
            _turn: turn,
        };
        if let Some(file) = self.lock_one()? {
            return Ok(slot(file));
        }
        let _looking = Looking::begin(self)?;
        let mut pause = FIRST_LOOK;
        loop {
            tokio::time::sleep(pause).await;
            if let Some(file) = self.lock_one()? {
                return Ok(slot(file));
            }
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    fn lock_one(&self) -> io::Result<Option<File>> {
        let mut files = self.files();
        if files.left_until.is_some_and(|until| Instant::now() < until) {
            return Ok(None);
        }
        for n in 0..files.free.len() {
            match files.free[n].try_lock() {
                Ok(()) => return Ok(Some(files.free.swap_remove(n))),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Whether another process looks for a slot. Not known while this one looks itself:
    /// then others hold slots too, and all look alike.
    fn others_look(&self) -> bool {
        if self.looking > 0 {
            return false;
        }
        match self.mark.try_lock() {
            // Only looked at. A lock that stays would be taken for somebody who looks.
            Ok(()) => self.mark.unlock().is_err(),
            Err(_) => true,
        }
    }
}

impl<'s> Looking<'s> {
    fn begin(slots: &'s Slots) -> io::Result<Self> {
        let mut files = slots.files();
        if files.looking == 0 {
            match files.mark.try_lock_shared() {
                // Somebody looks at the mark just now: it is not seen this once.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        files.looking += 1;
        Ok(Self(slots))
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        let mut files = self.0.files();
        files.looking -= 1;
        if files.looking == 0 {
            // Where it cannot be unlocked, others are more polite than they need be.
            let _ = files.mark.unlock();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // A lock that cannot be released here is released when the file is closed.
        if file.unlock().is_ok() {
            let mut files = self.slots.files();
            files.free.push(file);
            if files.others_look() {
                files.left_until = Some(Instant::now() + LEFT_TO_OTHERS);
            }
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
        let connection = Arc::from("c");
        let one = here.take(&connection).await.unwrap();
        let _two = there.take(&connection).await.unwrap();
        assert!(here.lock_one().unwrap().is_none());
        assert!(there.lock_one().unwrap().is_none());
        drop(one);
        let _three = there.take(&connection).await.unwrap();
        assert!(here.lock_one().unwrap().is_none());
    }

    #[tokio::test]
    async fn a_freed_slot_is_left_to_another_process_that_looks_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let here = Arc::new(Slots::open(dir.path(), "t", 1).unwrap());
        let there = Arc::new(Slots::open(dir.path(), "t", 1).unwrap());
        let connection: Arc<str> = Arc::from("c");
        let held = here.take(&connection).await.unwrap();
        let mut elsewhere = tokio::spawn({
            let connection = Arc::clone(&connection);
            async move { there.take(&connection).await.unwrap() }
        });
        while !here.files().others_look() {
            tokio::task::yield_now().await;
        }
        drop(held);
        assert!(
            here.lock_one().unwrap().is_none(),
            "it is free, and not ours"
        );
        let got = (&mut elsewhere).await.unwrap();
        let next = here.take(&connection);
        drop(got);
        drop(next.await.unwrap());
        assert_eq!(here.files().looking, 0);
    }
}
