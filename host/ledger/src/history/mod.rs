//! What was changed, by whom and when: append-only, each entry's hash covering the one
//! before it in its [chain](Chain), keyed once the ledger has a key. Written in the transaction of the change
//! itself, so that neither is there without the other.

mod chain;
mod head;
mod verify;

use std::collections::HashMap;

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::db::{
    Column, Optional, Row, Sql, Tx, instant, json as json_column, not_as_written, params, to_json,
};
use crate::error::Inside;
use crate::files::key::{Keys, hmac};
use crate::{Ledger, Result, RunId};

pub(crate) use chain::About;
pub use chain::Chain;
pub use head::{HistoryHead, NoHead};
pub use verify::{Break, BreakCause, Verification};

/// What the last entry of the former chain says.
const CLOSED: &str = "history.closed";

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
            journal.write(change, About::Named(name), what, subject, detail)
        })
    }
}

/// Writes the entries of one transaction.
pub(crate) struct Journal<'a> {
    ledger: &'a Ledger,
    at: Timestamp,
    ends: Option<Ends>,
}

/// Where the chains end that were written to, within the transaction.
struct Ends {
    /// The last entry of all.
    seq: i64,
    heads: HashMap<Chain, [u8; 32]>,
    /// What a chain begins with that has no entry yet.
    first: [u8; 32],
    /// The connection that was written of last: thousands of entries are of one.
    of_connection: Option<(i64, Chain)>,
    keys: Option<Keys>,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(ledger: &'a Ledger, at: Timestamp) -> Self {
        Self {
            ledger,
            at,
            ends: None,
        }
    }

    /// The time of this transaction.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// After a rollback to a savepoint: the chains are read again.
    pub(crate) fn start_over(&mut self) {
        self.ends = None;
    }

    pub(crate) fn who(&self) -> &'a str {
        self.ledger.actor()
    }

    /// Write an entry into the chain of what it is about.
    pub(crate) fn write(
        &mut self,
        change: &Tx<'_>,
        about: About<'_>,
        what: &str,
        subject: &str,
        detail: &Value,
    ) -> Inside<()> {
        let mut ends = match self.ends.take() {
            Some(ends) => ends,
            None => self.open(change)?,
        };
        let chain = match (about, ends.of_connection.take()) {
            (About::Connection(id), Some((known, chain))) if known == id => chain,
            _ => about.chain(change)?,
        };
        if let About::Connection(id) = about {
            ends.of_connection = Some((id, chain.clone()));
        }
        self.append(change, &mut ends, chain, (what, subject, detail))?;
        self.ends = Some(ends);
        Ok(())
    }

    /// Where the chains end. The former one is closed before another one goes on.
    fn open(&self, change: &Tx<'_>) -> Inside<Ends> {
        let mut ends = Ends {
            seq: last(change)?.map_or(0, |head| head.seq),
            heads: HashMap::new(),
            first: [0; 32],
            of_connection: None,
            keys: None,
        };
        let Some(former) = head(change, &Chain::Former)? else {
            return Ok(ends);
        };
        let closed: bool = change
            .prepare("SELECT what = ?2 FROM history WHERE seq = ?1")?
            .query_row(params![former.seq, CLOSED], |row| row.get(0))?;
        ends.first = former.hash;
        if !closed {
            let detail =
                json!({ "goes_on": "one chain for each channel, one for the installation" });
            let entry = (CLOSED, "", &detail);
            self.append(change, &mut ends, Chain::Former, entry)?;
            if let Some(hash) = ends.heads.get(&Chain::Former) {
                ends.first = *hash;
            }
        }
        Ok(ends)
    }

    fn append(
        &self,
        change: &Tx<'_>,
        ends: &mut Ends,
        chain: Chain,
        (what, subject, detail): (&str, &str, &Value),
    ) -> Inside<()> {
        // Asked again until there is one: this very transaction may bind it.
        if ends.keys.is_none() {
            ends.keys = self.ledger.inner.keyring.existing(change)?;
        }
        let prev = match ends.heads.get(&chain) {
            Some(prev) => *prev,
            None => head(change, &chain)?.map_or(ends.first, |head| head.hash),
        };
        let kept = chain.kept();
        let detail = to_json(detail)?;
        let entry = Entry {
            prev: &prev,
            seq: ends.seq + 1,
            chain: &kept,
            at: self.at.as_microsecond(),
            who: self.who(),
            what,
            subject,
            detail: &detail,
        };
        let hash = entry.hash(ends.keys.as_ref());
        change
            .prepare(
                "INSERT INTO history
                     (seq, at, who, what, subject, detail, keyed, prev, hash, chain)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                entry.seq,
                entry.at,
                entry.who,
                entry.what,
                entry.subject,
                entry.detail,
                ends.keys.is_some(),
                entry.prev,
                hash,
                entry.chain,
            ])?;
        ends.seq += 1;
        ends.heads.insert(chain, hash);
        Ok(())
    }
}

/// What a hash covers.
struct Entry<'a> {
    prev: &'a [u8; 32],
    seq: i64,
    /// As it is kept: empty in the former chain.
    chain: &'a str,
    at: i64,
    who: &'a str,
    what: &'a str,
    subject: &'a str,
    detail: &'a str,
}

impl Entry<'_> {
    /// HMAC-SHA-256 under the history key, or SHA-256 before there is one. Over: the
    /// label, `prev`, `seq` and `at` as eight bytes big-endian, then each text with its
    /// length as eight bytes before it. In the former chain the label is another one, and
    /// the chain is none of the texts.
    fn hash(&self, keys: Option<&Keys>) -> [u8; 32] {
        let former = self.chain.is_empty();
        let mut bytes = match former {
            true => b"psa-host history v1".to_vec(),
            false => b"psa-host history v2".to_vec(),
        };
        bytes.extend_from_slice(self.prev);
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        let texts = [self.chain, self.who, self.what, self.subject, self.detail];
        for text in texts.into_iter().skip(usize::from(former)) {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        match keys {
            Some(keys) => hmac(&keys.history, &[&bytes]),
            None => Sha256::digest(&bytes).into(),
        }
    }
}

/// The last entry of a chain.
fn head(view: &Tx<'_>, chain: &Chain) -> Inside<Option<HistoryHead>> {
    Ok(view
        .prepare("SELECT seq, hash, chain FROM history WHERE chain = ?1 ORDER BY seq DESC LIMIT 1")?
        .query_row([chain.kept()], head_row)
        .optional()?)
}

/// The last entry of all.
fn last(view: &Tx<'_>) -> Inside<Option<HistoryHead>> {
    Ok(view
        .prepare("SELECT seq, hash, chain FROM history ORDER BY seq DESC LIMIT 1")?
        .query_row([], head_row)
        .optional()?)
}

fn head_row(row: &Row<'_>) -> Sql<HistoryHead> {
    Ok(HistoryHead {
        seq: row.get(0)?,
        hash: row.get(1)?,
        chain: chain_of(row)?,
    })
}

fn chain_of(row: &Row<'_>) -> Sql<Chain> {
    let column = "chain".place(row)?;
    let kept: String = row.get(column)?;
    Chain::from_kept(&kept).map_err(|error| not_as_written(column, error))
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
