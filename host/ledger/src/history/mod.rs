//! What was changed, by whom and when: append-only, each entry's hash covering the one
//! before it in its [chain](Chain), keyed once the ledger has a key. Written in the transaction of the change
//! itself, so that neither is there without the other.

pub(crate) mod chain;
mod head;
pub(crate) mod journal;
mod verify;

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use serde_json::Value;

use crate::connections::must_exist;
use crate::db::{Optional, Row, Sql, instant, json as json_column, params};
use crate::ids::RunId;
use crate::{Ledger, Result};

use chain::About;
pub use chain::Chain;
pub use head::{HistoryHead, NoHead};
use journal::{chain_of, head, head_row, last};
pub use verify::{Break, BreakCause, Verification};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// Counts from 1 through all chains, without holes.
    pub seq: i64,
    /// The chain it stands in.
    pub chain: Chain,
    /// When.
    pub at: Timestamp,
    /// Who, as given by [`Ledger::with_actor`].
    pub who: String,
    /// What, as `thing.verb` (`connection.added`).
    pub what: String,
    /// Which thing.
    pub subject: String,
    /// More about it. Never a secret.
    pub detail: Value,
    /// Whether the hash is keyed.
    pub keyed: bool,
    /// The hash of this entry and, through `prev`, of all before it in its chain.
    pub hash: [u8; 32],
}

/// Which entries to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct HistoryFilter<'a> {
    /// Only entries after this one; none: the last ones there are.
    pub after: Option<i64>,
    /// Only entries whose subject has this text in it, or that were made for the
    /// connection of this name.
    pub subject: Option<&'a str>,
    /// Only entries whose `what` has this text in it.
    pub what: Option<&'a str>,
    /// Only entries of this chain.
    pub chain: Option<&'a Chain>,
}

impl Ledger {
    /// Entries after `after` (0: from the first), oldest first, at most `limit`.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history(&self, after: i64, limit: u32) -> Result<Vec<HistoryEvent>> {
        self.read(|view| {
            let mut rows =
                view.prepare("SELECT * FROM history WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            Ok(rows
                .query_map(params![after, limit], event)?
                .collect::<Sql<_>>()?)
        })
    }

    /// The entries a person asks for, oldest first, at most `limit`: the first ones after
    /// `filter.after`, or with none the last ones there are.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history_matching(
        &self,
        filter: &HistoryFilter<'_>,
        limit: u32,
    ) -> Result<Vec<HistoryEvent>> {
        let HistoryFilter {
            after,
            subject,
            what,
            chain,
        } = *filter;
        let order = if after.is_some() { "ASC" } else { "DESC" };
        self.read(|view| {
            let mut rows = view.prepare(&format!(
                "SELECT * FROM history
                 WHERE (?1 IS NULL OR seq > ?1)
                   AND (?2 IS NULL OR instr(subject, ?2) > 0
                        OR json_extract(detail, '$.connection') = ?2)
                   AND (?3 IS NULL OR instr(what, ?3) > 0)
                   AND (?5 IS NULL OR chain = ?5)
                 ORDER BY seq {order} LIMIT ?4"
            ))?;
            let mut events = rows
                .query_map(
                    params![after, subject, what, limit, chain.map(Chain::kept)],
                    event,
                )?
                .collect::<Sql<Vec<_>>>()?;
            if after.is_none() {
                events.reverse();
            }
            Ok(events)
        })
    }

    /// The last entry, whichever chain it stands in; none before the first change.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history_head(&self) -> Result<Option<HistoryHead>> {
        self.read(last)
    }

    /// The chain of a run's channel as it stood after the run's own last entry, which says
    /// that it ended; of a run that has not ended, as it stands now.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history_head_of_run(&self, run: RunId) -> Result<Option<HistoryHead>> {
        self.read(|view| {
            let of_run = view
                .prepare(
                    "SELECT seq, hash, chain, what FROM history
                     WHERE subject = ?1 AND what IN ('run.begun', 'run.ended')
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([run.to_string()], |row| {
                    Ok((head_row(row)?, row.get::<String>(3)? == "run.ended"))
                })
                .optional()?;
            match of_run {
                Some((head, true)) => Ok(Some(head)),
                Some((begun, false)) => head(view, &begun.chain),
                None => Ok(None),
            }
        })
    }

    /// Write an entry about a change that is not the ledger's own and concerns no channel.
    ///
    /// # Errors
    /// A failing or damaged database; a key that is missing or wrong.
    pub fn record_event(&self, what: &str, subject: &str, detail: &Value) -> Result<()> {
        self.write(|change, journal| {
            journal.write(change, About::Installation, what, subject, detail)
        })
    }

    /// Write an entry about a change that is not the ledger's own, into the chain of a
    /// connection's channel.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound); as [`Ledger::record_event`].
    pub fn record_event_of(
        &self,
        name: &ConnectionName,
        what: &str,
        subject: &str,
        detail: &Value,
    ) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            journal.write(change, About::Connection(id), what, subject, detail)
        })
    }
}

fn event(row: &Row<'_>) -> Sql<HistoryEvent> {
    Ok(HistoryEvent {
        seq: row.get("seq")?,
        chain: chain_of(row)?,
        at: instant(row, "at")?,
        who: row.get("who")?,
        what: row.get("what")?,
        subject: row.get("subject")?,
        detail: json_column(row, "detail")?,
        keyed: row.get("keyed")?,
        hash: row.get("hash")?,
    })
}
