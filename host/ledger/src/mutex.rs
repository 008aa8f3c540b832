//! Taking a lock that another thread may have let go of by a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic elsewhere leaves no half-made change: its transaction was rolled back.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
