//! The stop of all posting: one switch for the whole installation. It holds in every process
//! that has the data directory open, for what is under way too: the last look before a
//! request leaves sees it.

use jiff::Timestamp;
use serde_json::json;

use crate::db::{Optional, Sql, Tx, instant, params};
use crate::history::chain::About;
use crate::{Ledger, Result};

/// That nothing is posted anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingStop {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// The reason.
    pub why: String,
}

impl Ledger {
    /// Whether posting is stopped.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn posting_stop(&self) -> Result<Option<PostingStop>> {
        self.read(|view| Ok(stop_in(view)?))
    }

    /// Stop all posting. Whether it was not stopped before.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn stop_posting(&self, why: &str) -> Result<bool> {
        self.write(|change, journal| {
            let stopped = change.execute(
                "INSERT INTO posting_stop (only_one, stopped_at, stopped_by, why)
                 VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![journal.at().as_microsecond(), journal.who(), why],
            )?;
            if stopped == 1 {
                let detail = json!({ "why": why });
                journal.write(change, About::Installation, "posting.stopped", "", &detail)?;
            }
            Ok(stopped == 1)
        })
    }

    /// Let be posted again. Whether it was stopped.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn resume_posting(&self, why: &str) -> Result<bool> {
        self.write(|change, journal| {
            let resumed = change.execute("DELETE FROM posting_stop", [])?;
            if resumed == 1 {
                let detail = json!({ "why": why });
                journal.write(change, About::Installation, "posting.resumed", "", &detail)?;
            }
            Ok(resumed == 1)
        })
    }
}

pub(crate) fn stop_in(view: &Tx<'_>) -> Sql<Option<PostingStop>> {
    view.prepare("SELECT stopped_at, stopped_by, why FROM posting_stop")?
        .query_row([], |row| {
            Ok(PostingStop {
                at: instant(row, "stopped_at")?,
                who: row.get("stopped_by")?,
                why: row.get("why")?,
            })
        })
        .optional()
}
