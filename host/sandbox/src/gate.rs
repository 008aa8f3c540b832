//! The last word before a write leaves.

use crate::CallError;

/// Asked once for each write, when everything else is done: authenticated, within the
/// budget, its turn come. Waits inside the host can be long, so nothing that was true when
/// `adjust` was called need be true now.
pub trait WriteGate: Send + Sync {
    /// Whether the write may leave now. After `Ok` it counts as sent. Called where it may
    /// wait for a disk.
    ///
    /// # Errors
    /// Why it may not: no byte of it leaves.
    fn may_leave(&self) -> Result<(), CallError>;
}
