//! Taking a wrong snapshot out of the counts.

use psa_host_ledger::SnapshotId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sentence::sentence;
use crate::{Access, Power, Result, SnapshotView};

/// What a withdrawal did.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The snapshot, with who withdrew it and why.
    pub snapshot: SnapshotView,
    /// What its channel is counted from now; none: nothing is left.
    pub newest: Option<SnapshotView>,
}

impl Access {
    /// Take a snapshot out of the counts for good. It stays, so that what was posted from
    /// it can be explained, and is never planned from or looked back on again.
    ///
    /// # Errors
    /// No such snapshot; withdrawn already; a reason that is none.
    pub fn withdraw_usage(&self, id: SnapshotId, why: &str) -> Result<Withdrawn> {
        self.may(Power::Manage)?;
        let why = sentence("why", why)?;
        self.snapshot_view(id)?;
        self.ledger().withdraw_snapshot(id, &why)?;
        let snapshot = self.snapshot_view(id)?;
        let newest = self.ledger().latest_snapshot(&snapshot.channel)?;
        Ok(Withdrawn {
            newest: newest.map(|found| self.viewed(found)).transpose()?,
            snapshot,
        })
    }
}
