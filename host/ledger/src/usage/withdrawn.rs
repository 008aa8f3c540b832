//! Snapshots that a person withdrew, because their counts are wrong. They stay, so that
//! what was posted from them can be explained, and nothing is counted from them again.

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use serde_json::json;

use super::{Snapshot, must_exist, snapshot};
use crate::connections;
use crate::db::{Optional, Row, Sql, instant_opt, params};
use crate::history::chain::About;
use crate::ids::SnapshotId;
use crate::{Ledger, LedgerError, Result};

/// That a snapshot was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema, serde::Serialize)]
pub struct Withdrawal {
    /// When.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The reason.
    pub why: String,
}

impl Ledger {
    /// Withdraw a snapshot for good: it is not the newest of its channel any more, and not
    /// looked back on.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`]; [`LedgerError::SnapshotWithdrawn`] if it was already.
    pub fn withdraw_snapshot(&self, id: SnapshotId, why: &str) -> Result<()> {
        self.write(|change, journal| {
            let known = must_exist(change, id)?;
            if known.withdrawn.is_some() {
                return Err(LedgerError::SnapshotWithdrawn {
                    snapshot: id.to_string(),
                }
                .into());
            }
            change.execute(
                "UPDATE snapshots SET withdrawn_at = ?2, withdrawn_by = ?3, withdrawn_why = ?4
                 WHERE id = ?1",
                params![id.0, journal.at().as_microsecond(), journal.who(), why],
            )?;
            let detail = json!({
                "channel": known.channel, "taken_at": known.taken_at.to_string(), "why": why,
            });
            journal.write(
                change,
                About::Channel(&known.channel),
                "usage.withdrawn",
                &id.to_string(),
                &detail,
            )
        })
    }

    /// The newest snapshot that a connection was billed by and that was not withdrawn since.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection.
    pub fn last_used_snapshot(&self, connection: &ConnectionName) -> Result<Option<Snapshot>> {
        self.read(|view| {
            let id = connections::must_exist(view, connection)?;
            // A run that was braked or failed has not billed by its snapshot.
            Ok(view
                .prepare(
                    "SELECT * FROM snapshots
                     WHERE withdrawn_at IS NULL AND (
                         id = (SELECT last_snapshot FROM connections WHERE id = ?1)
                         OR id IN (SELECT snapshot FROM runs
                                   WHERE connection_id = ?1 AND NOT dry_run
                                       AND ending IN ('done', 'parked')))
                     ORDER BY taken_at DESC, id DESC LIMIT 1",
                )?
                .query_row([id], snapshot)
                .optional()?)
        })
    }
}

pub(super) fn withdrawal(row: &Row<'_>) -> Sql<Option<Withdrawal>> {
    let Some(at) = instant_opt(row, "withdrawn_at")? else {
        return Ok(None);
    };
    Ok(Some(Withdrawal {
        at,
        by: row.get("withdrawn_by")?,
        why: row.get("withdrawn_why")?,
    }))
}
