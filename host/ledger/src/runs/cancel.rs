//! Asking a run of another process to stop. The request stands in the run's own row; the run
//! looks for it while it is under way, and what comes of it is in how the run ended.

use jiff::Timestamp;
use serde_json::json;

use crate::db::{Optional, Tx, instant, params};
use crate::error::Inside;
use crate::history::chain::About;
use crate::ids::RunId;
use crate::runs::must_run;
use crate::{Ledger, Result};

/// That somebody asked a run to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Ledger {
    /// Ask a run to stop. An earlier request is returned, and stands.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound);
    /// [`LedgerError::RunState`](crate::LedgerError::RunState) if it is over.
    pub fn request_cancel(&self, id: RunId) -> Result<Option<CancelRequest>> {
        self.write(|change, journal| {
            let connection = must_run(change, id)?;
            if let Some(earlier) = find(change, id)? {
                return Ok(Some(earlier));
            }
            change.execute(
                "UPDATE runs SET cancel_asked_at = ?2, cancel_asked_by = ?3 WHERE id = ?1",
                params![id.0, journal.at().as_microsecond(), journal.who()],
            )?;
            journal.write(
                change,
                About::Connection(connection),
                "run.cancel-requested",
                &id.to_string(),
                &json!({}),
            )?;
            Ok(None)
        })
    }

    /// That somebody asked this run to stop.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn cancel_request(&self, id: RunId) -> Result<Option<CancelRequest>> {
        self.read(|view| find(view, id))
    }
}

fn find(view: &Tx<'_>, id: RunId) -> Inside<Option<CancelRequest>> {
    let found = view
        .prepare("SELECT cancel_asked_by, cancel_asked_at FROM runs WHERE id = ?1")?
        .query_row([id.0], |row| {
            let by: Option<String> = row.get("cancel_asked_by")?;
            Ok(match by {
                Some(by) => Some(CancelRequest {
                    by,
                    at: instant(row, "cancel_asked_at")?,
                }),
                None => None,
            })
        })
        .optional()?;
    found.ok_or_else(|| id.not_found().into())
}
