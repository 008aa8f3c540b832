//! From an intent that is marked as sending to a request that leaves. Marking is durable
//! and done for many at once; handing out is the last look before the bytes leave, one
//! request each, and so cheap that no request waits for the disk.
//!
//! An attempt counts when it is handed out. Its record is not synced: it outlives this
//! process, and may be lost with the power. So an intent that is still marked was never
//! handed out if the machine has not been started anew since; else it counts as handed out.

use crate::adjustments::intent::IntentRecord;
use crate::adjustments::intents_read::find;
use crate::db::{Optional, Tx, params};
use crate::error::Inside;
use crate::files::boot::this_boot;
use crate::ids::IntentId;
use crate::schedules::stop::stop_in;
use crate::{IntentState, Ledger, LedgerError, Result, RunLease};

/// The name of a boot that nobody knows: never that of any later process.
const NO_BOOT: &str = "unknown";

/// How far people's decisions had come when something was planned from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecisionsAt(i64);

/// Whether a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOut {
    /// It may, and counts as sent from here on.
    Yes,
    /// What it was planned from was changed since: what, as it stands in a sentence.
    Changed(&'static str),
}

/// As the stop of all posting stands in a message.
const STOP: &str = "stop of all posting";

/// What may have been changed. The words of the triggers that write it down.
const CHANGES: [&str; 12] = [
    "mapping",
    "chosen contract",
    "bundle",
    "rules",
    "pause",
    "set-aside",
    "count policy",
    "count exclusion",
    "decision about the line",
    "approval",
    "snapshot",
    STOP,
];

/// The boot that an intent is marked in.
pub(crate) fn mark_of_boot() -> &'static str {
    this_boot().unwrap_or(NO_BOOT)
}

impl Ledger {
    /// How far people's decisions have come. Asked before a plan reads them.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn decisions_at(&self) -> Result<DecisionsAt> {
        self.read(|view| {
            let seq = view.query_row(
                "SELECT coalesce(max(seq), 0) FROM decision_changes",
                [],
                |row| row.get(0),
            )?;
            Ok(DecisionsAt(seq))
        })
    }

    /// Hand a request out: the last thing before it leaves. Refused where its run is over,
    /// where somebody has taken its tenant since, or where what it was planned from has changed.
    ///
    /// # Errors
    /// [`LedgerError::RunState`], [`LedgerError::LeaseLost`], [`LedgerError::WrongTransition`] unless it is marked as
    /// sending and not handed out.
    pub fn hand_out(
        &self,
        lease: RunLease,
        id: IntentId,
        planned: DecisionsAt,
    ) -> Result<HandedOut> {
        self.write_unsynced(|change, now| {
            let held = lease.posting(change)?;
            // Whenever it was made: a plan that was made after it knows nothing of it.
            if stop_in(change)?.is_some() {
                return Ok(HandedOut::Changed(STOP));
            }
            if let Some(what) = changed_since(change, held.connection, id, planned)? {
                return Ok(HandedOut::Changed(what));
            }
            let handed_out = change
                .prepare(
                    "UPDATE intents SET attempt = attempt + 1, marked_in = NULL, sending_at = ?3
                     WHERE id = ?1 AND run = ?2 AND state = 'sending' AND marked_in IS NOT NULL",
                )?
                .execute(params![id.0, held.run.0, now.as_microsecond()])?;
            if handed_out == 1 {
                return Ok(HandedOut::Yes);
            }
            Err(LedgerError::WrongTransition {
                intent: id.0,
                from: find(change, id)?.state.as_str(),
                to: IntentState::Sending.as_str(),
            }
            .into())
        })
    }

    /// Take back that these are about to be sent: nothing of them has left. They may be
    /// marked again.
    ///
    /// # Errors
    /// [`LedgerError::WrongTransition`] for one that was handed out.
    pub fn unmark(&self, lease: RunLease, intents: &[IntentId]) -> Result<()> {
        if intents.is_empty() {
            return Ok(());
        }
        self.write(|change, _| {
            let held = lease.settling(change)?;
            for id in intents {
                let unmarked = change
                    .prepare(
                        "UPDATE intents SET state = 'intended', marked_in = NULL,
                             sending_at = NULL
                         WHERE id = ?1 AND tenant = ?2 AND state = 'sending'
                             AND marked_in IS NOT NULL",
                    )?
                    .execute(params![id.0, held.tenant()])?;
                if unmarked == 0 {
                    return Err(LedgerError::WrongTransition {
                        intent: id.0,
                        from: find(change, *id)?.state.as_str(),
                        to: IntentState::Intended.as_str(),
                    }
                    .into());
                }
            }
            Ok(())
        })
    }

    /// Count those as handed out that were marked before the machine was started anew: if
    /// they were, the record was lost with the power.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn presume_handed_out(&self, lease: RunLease, intents: &[IntentId]) -> Result<()> {
        if intents.is_empty() {
            return Ok(());
        }
        self.write(|change, _| {
            let held = lease.settling(change)?;
            for id in intents {
                change
                    .prepare(
                        "UPDATE intents SET attempt = attempt + 1, marked_in = NULL
                         WHERE id = ?1 AND tenant = ?3 AND state = 'sending'
                             AND marked_in IS NOT NULL AND marked_in IS NOT ?2",
                    )?
                    .execute(params![id.0, this_boot(), held.tenant()])?;
            }
            Ok(())
        })
    }
}

impl IntentRecord {
    /// Marked as sending and certainly never handed out: no byte of it has left.
    pub fn is_only_marked(&self) -> bool {
        let marked = self.marked_in.as_deref();
        self.state == IntentState::Sending && marked.is_some() && marked == this_boot()
    }
}

/// What was changed that this intent was planned from.
fn changed_since(
    view: &Tx<'_>,
    connection: i64,
    id: IntentId,
    planned: DecisionsAt,
) -> Inside<Option<&'static str>> {
    let what: Option<String> = view
        .prepare(
            "SELECT what FROM decision_changes AS changed, intents
             WHERE changed.seq > ?1 AND intents.id = ?3
                 AND (changed.connection IS NULL OR changed.connection = ?2)
                 AND (changed.workspace IS NULL OR changed.workspace = intents.workspace)
                 AND (changed.module IS NULL OR changed.module = intents.module)
                 AND (changed.tenant IS NULL OR changed.tenant = intents.tenant)
                 AND (changed.line IS NULL OR changed.line = intents.line)
             ORDER BY changed.seq LIMIT 1",
        )?
        .query_row(params![planned.0, connection, id.0], |row| row.get(0))
        .optional()?;
    Ok(what.map(|what| {
        let known = CHANGES.into_iter().find(|known| *known == what);
        known.unwrap_or("what it was planned from")
    }))
}
