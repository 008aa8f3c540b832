//! What was changed, by whom and when: append-only, each entry's hash covering the one
//! before it, keyed once the ledger has a key. Written in the transaction of the change
//! itself, so that neither is there without the other.

mod head;
mod verify;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::Inside;
use crate::key::{Keys, hmac};
use crate::row::{instant, json, to_json};
use crate::{Ledger, Result, RunId};

pub use head::{HistoryHead, NoHead};
pub use verify::{Break, BreakCause, Verification};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// Counts from 1, without holes.
    pub seq: i64,
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
    /// The hash of this entry and, through `prev`, of all before it.
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
}

impl Ledger {
    /// Entries after `after` (0: from the first), oldest first, at most `limit`.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history(&self, after: i64, limit: u32) -> Result<Vec<HistoryEvent>> {
        self.read(|view| {
            let mut rows =
                view.prepare_cached("SELECT * FROM history WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            Ok(rows
                .query_map(params![after, limit], event)?
                .collect::<rusqlite::Result<_>>()?)
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
        } = *filter;
        let order = if after.is_some() { "ASC" } else { "DESC" };
        self.read(|view| {
            let mut rows = view.prepare_cached(&format!(
                "SELECT * FROM history
                 WHERE (?1 IS NULL OR seq > ?1)
                   AND (?2 IS NULL OR instr(subject, ?2) > 0
                        OR json_extract(detail, '$.connection') = ?2)
                   AND (?3 IS NULL OR instr(what, ?3) > 0)
                 ORDER BY seq {order} LIMIT ?4"
            ))?;
            let mut events = rows
                .query_map(params![after, subject, what, limit], event)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            if after.is_none() {
                events.reverse();
            }
            Ok(events)
        })
    }

    /// The end of the chain; none before the first change.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history_head(&self) -> Result<Option<HistoryHead>> {
        self.read(|view| Ok(head(view)?))
    }

    /// The chain as it stood after a run's own last entry, which says that it ended; of a
    /// run that has not ended, as it stands now.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history_head_of_run(&self, run: RunId) -> Result<Option<HistoryHead>> {
        self.read(|view| {
            let ended = view
                .prepare_cached(
                    "SELECT seq, hash FROM history WHERE subject = ?1 AND what = 'run.ended'
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([run.to_string()], head_row)
                .optional()?;
            match ended {
                Some(head) => Ok(Some(head)),
                None => Ok(head(view)?),
            }
        })
    }

    /// Write an entry about a change that is not the ledger's own.
    ///
    /// # Errors
    /// A failing or damaged database; a key that is missing or wrong.
    pub fn record_event(&self, what: &str, subject: &str, detail: &Value) -> Result<()> {
        self.write(|change, journal| journal.write(change, what, subject, detail))
    }
}

/// Writes the entries of one transaction.
pub(crate) struct Journal<'a> {
    ledger: &'a Ledger,
    at: Timestamp,
    chain: Option<Chain>,
}

struct Chain {
    head: HistoryHead,
    keys: Option<Keys>,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(ledger: &'a Ledger, at: Timestamp) -> Self {
        Self {
            ledger,
            at,
            chain: None,
        }
    }

    /// The time of this transaction.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// After a rollback to a savepoint: the chain is read again.
    pub(crate) fn start_over(&mut self) {
        self.chain = None;
    }

    pub(crate) fn who(&self) -> &'a str {
        self.ledger.actor()
    }

    pub(crate) fn write(
        &mut self,
        change: &Connection,
        what: &str,
        subject: &str,
        detail: &Value,
    ) -> Inside<()> {
        let mut chain = match self.chain.take() {
            Some(chain) => chain,
            None => Chain {
                head: head(change)?.unwrap_or(HistoryHead::BEFORE_THE_FIRST),
                keys: None,
            },
        };
        // Asked again until there is one: this very transaction may bind it.
        if chain.keys.is_none() {
            chain.keys = self.ledger.inner.keyring.existing(change)?;
        }
        let detail = to_json(detail)?;
        let entry = Entry {
            prev: &chain.head.hash,
            seq: chain.head.seq + 1,
            at: self.at.as_microsecond(),
            who: self.who(),
            what,
            subject,
            detail: &detail,
        };
        let hash = entry.hash(chain.keys.as_ref());
        change
            .prepare_cached(
                "INSERT INTO history (seq, at, who, what, subject, detail, keyed, prev, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                entry.seq,
                entry.at,
                entry.who,
                entry.what,
                entry.subject,
                entry.detail,
                chain.keys.is_some(),
                entry.prev,
                hash,
            ])?;
        chain.head = HistoryHead {
            seq: entry.seq,
            hash,
        };
        self.chain = Some(chain);
        Ok(())
    }
}

/// What a hash covers.
struct Entry<'a> {
    prev: &'a [u8; 32],
    seq: i64,
    at: i64,
    who: &'a str,
    what: &'a str,
    subject: &'a str,
    detail: &'a str,
}

impl Entry<'_> {
    /// HMAC-SHA-256 under the history key, or SHA-256 before there is one. Over: the
    /// label, `prev`, `seq` and `at` as eight bytes big-endian, then each text with its
    /// length as eight bytes before it.
    fn hash(&self, keys: Option<&Keys>) -> [u8; 32] {
        let mut bytes = b"psa-host history v1".to_vec();
        bytes.extend_from_slice(self.prev);
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        for text in [self.who, self.what, self.subject, self.detail] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        match keys {
            Some(keys) => hmac(&keys.history, &[&bytes]),
            None => Sha256::digest(&bytes).into(),
        }
    }
}

fn head(view: &Connection) -> rusqlite::Result<Option<HistoryHead>> {
    view.prepare_cached("SELECT seq, hash FROM history ORDER BY seq DESC LIMIT 1")?
        .query_row([], head_row)
        .optional()
}

fn head_row(row: &Row<'_>) -> rusqlite::Result<HistoryHead> {
    Ok(HistoryHead {
        seq: row.get(0)?,
        hash: row.get(1)?,
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<HistoryEvent> {
    Ok(HistoryEvent {
        seq: row.get("seq")?,
        at: instant(row, "at")?,
        who: row.get("who")?,
        what: row.get("what")?,
        subject: row.get("subject")?,
        detail: json(row, "detail")?,
        keyed: row.get("keyed")?,
        hash: row.get("hash")?,
    })
}
