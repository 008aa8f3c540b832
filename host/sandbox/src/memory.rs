//! Memory that instances have together: of one session, and of the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that several instances may take together.
#[derive(Debug, Clone)]
pub(crate) struct MemoryPool {
    taken: Arc<AtomicUsize>,
    most: usize,
}

impl MemoryPool {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let room = |taken: usize| Some(taken.saturating_add(bytes)).filter(|sum| *sum <= self.most);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
            .is_ok()
    }
}

/// What one instance has taken of its pools; given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pools: Vec<MemoryPool>,
    bytes: usize,
}

impl Taken {
    pub(crate) fn of(pools: Vec<MemoryPool>) -> Self {
        Self { pools, bytes: 0 }
    }

    /// Take more, or say which pool has no room, in bytes.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), usize> {
        for (n, pool) in self.pools.iter().enumerate() {
            if !pool.take(bytes) {
                for earlier in &self.pools[..n] {
                    earlier.taken.fetch_sub(bytes, Ordering::Relaxed);
                }
                return Err(pool.most);
            }
        }
        self.bytes += bytes;
        Ok(())
    }

    /// What was taken.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        for pool in &self.pools {
            pool.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_share_a_pool_and_give_back_what_they_had() {
        let (all, one) = (MemoryPool::new(100), MemoryPool::new(60));
        let mut first = Taken::of(vec![all.clone(), one.clone()]);
        let mut other = Taken::of(vec![all.clone()]);
        assert_eq!(first.grow(60), Ok(()));
        assert_eq!(first.grow(1), Err(60));
        assert_eq!(other.grow(40), Ok(()));
        assert_eq!(other.grow(1), Err(100));
        drop(first);
        assert_eq!(other.grow(60), Ok(()));
    }
}
