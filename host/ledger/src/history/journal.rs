//! Writing entries: those of one transaction, each into the chain of what it is about.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::chain::{About, Chain};
use super::head::HistoryHead;
use crate::db::{Column, Optional, Row, Sql, Tx, not_as_written, params, to_json};
use crate::error::Inside;
use crate::files::key::{Keyring, Keys, hmac};

/// What the last entry of the former chain says.
pub(super) const CLOSED: &str = "history.closed";

/// Writes the entries of one transaction.
pub(crate) struct Journal<'a> {
    who: &'a str,
    keyring: &'a Keyring,
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
    pub(crate) fn new(who: &'a str, keyring: &'a Keyring, at: Timestamp) -> Self {
        Self {
            who,
            keyring,
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
        self.who
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
            ends.keys = self.keyring.existing(change)?;
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
pub(super) struct Entry<'a> {
    pub(super) prev: &'a [u8; 32],
    pub(super) seq: i64,
    /// As it is kept: empty in the former chain.
    pub(super) chain: &'a str,
    pub(super) at: i64,
    pub(super) who: &'a str,
    pub(super) what: &'a str,
    pub(super) subject: &'a str,
    pub(super) detail: &'a str,
}

impl Entry<'_> {
    /// HMAC-SHA-256 under the history key, or SHA-256 before there is one. Over: the
    /// label, `prev`, `seq` and `at` as eight bytes big-endian, then each text with its
    /// length as eight bytes before it. In the former chain the label is another one, and
    /// the chain is none of the texts.
    pub(super) fn hash(&self, keys: Option<&Keys>) -> [u8; 32] {
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
pub(super) fn head(view: &Tx<'_>, chain: &Chain) -> Inside<Option<HistoryHead>> {
    Ok(view
        .prepare("SELECT seq, hash, chain FROM history WHERE chain = ?1 ORDER BY seq DESC LIMIT 1")?
        .query_row([chain.kept()], head_row)
        .optional()?)
}

/// The last entry of all.
pub(super) fn last(view: &Tx<'_>) -> Inside<Option<HistoryHead>> {
    Ok(view
        .prepare("SELECT seq, hash, chain FROM history ORDER BY seq DESC LIMIT 1")?
        .query_row([], head_row)
        .optional()?)
}

pub(super) fn head_row(row: &Row<'_>) -> Sql<HistoryHead> {
    Ok(HistoryHead {
        seq: row.get(0)?,
        hash: row.get(1)?,
        chain: chain_of(row)?,
    })
}

pub(super) fn chain_of(row: &Row<'_>) -> Sql<Chain> {
    let column = "chain".place(row)?;
    let kept: String = row.get(column)?;
    Chain::from_kept(&kept).map_err(|error| not_as_written(column, error))
}
