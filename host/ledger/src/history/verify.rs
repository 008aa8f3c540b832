//! Reading the chains back: every entry's hash made again from what the entry says, the
//! hash before it in its chain, and the key. One entry in memory at a time.
//!
//! What is found: any entry that was edited, removed, inserted, moved, put into another
//! chain or written again without the key, and entries made unkeyed. What is not, by the
//! chains alone: a cut at the end of all (a head kept elsewhere finds that), anything done by who holds the key, and
//! anything done before the ledger had a key.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::chain::Chain;
use super::head::HistoryHead;
use super::journal::{CLOSED, Entry};
use crate::db::{Optional, Row, Tx, UnknownWord};
use crate::error::Inside;
use crate::files::key::{Keys, Verifying, fingerprint};
use crate::{Ledger, Result};

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Entries there are.
    pub entries: u64,
    /// Entries that hold, from the first up to the first break.
    pub verified: u64,
    /// How many of those are keyed. With none, who can write the file can write all of it
    /// anew.
    pub keyed: u64,
    /// When the first of those that hold was written.
    pub from: Option<Timestamp>,
    /// When the last of those that hold was written.
    pub to: Option<Timestamp>,
    /// The last entry that holds.
    pub head: Option<HistoryHead>,
    /// The last one that holds of each chain.
    pub heads: Vec<HistoryHead>,
    /// The first break; none: the chain holds.
    pub broken: Option<Break>,
}

/// Where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The first entry that does not hold, or is not there.
    pub seq: i64,
    /// What is wrong with it.
    pub cause: BreakCause,
    /// The same in a sentence.
    pub message: String,
}

/// Why the chain does not hold.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
pub enum BreakCause {
    /// Its number was skipped: one or more entries were removed.
    Missing,
    /// Its number is not one that follows.
    Misplaced,
    /// A column holds what this program never writes there.
    Unreadable,
    /// Its hash is not that of what it says.
    Changed,
    /// It says itself that it follows another entry than the one before it.
    NotLinked,
    /// It is not keyed, and entries are keyed from here or from before on.
    Downgraded,
    /// The chain holds, but the ledger names another key than its history, or none.
    KeyForgotten,
    /// The kept head names an entry past the last one.
    Cut,
    /// The entry that the kept head names has another hash.
    OtherHead,
}

impl BreakCause {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Ledger {
    /// Verify the whole history, in one view that no writer disturbs; with a head that
    /// was kept elsewhere, also that it still has the entry the head names.
    ///
    /// # Errors
    /// The key's own errors ([`LedgerError::MissingKey`], [`LedgerError::WrongKey`] and
    /// the like), which say nothing about the chain; a failing database. A break is no
    /// error: it is in the answer.
    ///
    /// [`LedgerError::MissingKey`]: crate::LedgerError::MissingKey
    /// [`LedgerError::WrongKey`]: crate::LedgerError::WrongKey
    pub fn verify_history(&self, kept: Option<&HistoryHead>) -> Result<Verification> {
        self.read(|view| {
            let verifying = self.key_to_verify(view)?;
            let keys = verifying.as_ref().map(|verifying| &verifying.keys);
            let mut walk = Walk {
                keys,
                last: 0,
                heads: BTreeMap::new(),
                closed: None,
                found: Verification {
                    entries: view
                        .query_row("SELECT count(*) FROM history", [], |row| row.get(0))
                        .map(|count: i64| u64::try_from(count).unwrap_or(0))?,
                    verified: 0,
                    keyed: 0,
                    from: None,
                    to: None,
                    head: None,
                    heads: Vec::new(),
                    broken: None,
                },
            };
            let mut select = view.prepare(
                "SELECT seq, at, who, what, subject, detail, keyed, prev, hash, chain
                 FROM history ORDER BY seq",
            )?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                if let Err(broken) = walk.step(&row, kept) {
                    return Ok(walk.finish(Some(broken)));
                }
            }
            let broken = match walk.cut(kept) {
                Some(broken) => Some(broken),
                None => walk.key_forgotten(view, verifying.as_ref())?,
            };
            Ok(walk.finish(broken))
        })
    }

    /// None where nothing says that there ever was a key.
    fn key_to_verify(&self, view: &Tx<'_>) -> Inside<Option<Verifying>> {
        let bound: Option<String> = view
            .query_row(
                "SELECT detail FROM history WHERE what = 'key.bound' ORDER BY seq LIMIT 1",
                [],
                |row| Ok(row.text(0).map(str::to_owned)),
            )
            .optional()?
            .flatten();
        let bound = bound
            .and_then(|detail| serde_json::from_str::<Value>(&detail).ok())
            .and_then(|detail| Some(detail.get("fingerprint")?.as_str()?.to_owned()));
        let keyed: bool = view.query_row(
            "SELECT EXISTS (SELECT 1 FROM history WHERE keyed <> 0)",
            [],
            |row| row.get(0),
        )?;
        if !keyed && bound.is_none() && fingerprint(view)?.is_none() {
            return Ok(None);
        }
        let keyring = &self.inner.keyring;
        Ok(Some(keyring.to_verify(view, bound.as_deref())?))
    }
}

/// The way along the chains, in the order in which they were written.
struct Walk<'a> {
    keys: Option<&'a Keys>,
    /// The last entry that holds.
    last: i64,
    /// Where each chain ends.
    heads: BTreeMap<Chain, HistoryHead>,
    /// The last entry of the former chain, once it was read.
    closed: Option<[u8; 32]>,
    found: Verification,
}

impl Walk<'_> {
    fn finish(self, broken: Option<Break>) -> Verification {
        Verification {
            broken,
            heads: self.heads.into_values().collect(),
            ..self.found
        }
    }

    /// What an entry of a chain has to follow: the number of an entry, 0 for none, and its
    /// hash. None: no entry of that chain may stand here.
    fn before(&self, chain: &Chain) -> Option<(i64, [u8; 32])> {
        let own = self.heads.get(chain).map(|head| (head.seq, head.hash));
        let former = self.heads.get(&Chain::Former);
        match (chain, former) {
            (Chain::Former, _) if self.closed.is_some() => None,
            // The single chain of versions that knew no other was the first.
            (Chain::Former, None) if self.last > 0 => None,
            (Chain::Former, _) | (_, None) => Some(own.unwrap_or_default()),
            (_, Some(former)) => {
                let closed = self.closed?;
                Some(own.unwrap_or((former.seq, closed)))
            }
        }
    }

    fn step(&mut self, row: &Row<'_>, kept: Option<&HistoryHead>) -> Result<(), Break> {
        let next = self.last + 1;
        let read = Read::of(row).map_err(|why| Break {
            seq: next,
            cause: BreakCause::Unreadable,
            message: format!("entry {next} cannot be read: {why}"),
        })?;
        let entry = read.entry;
        let broken = |cause, message: String| {
            Err(Break {
                seq: next,
                cause,
                message,
            })
        };
        if entry.seq > next {
            let last = entry.seq - 1;
            let message = if last == next {
                format!("entry {next} is missing")
            } else {
                format!("the entries {next} to {last} are missing")
            };
            return broken(BreakCause::Missing, message);
        }
        if entry.seq < next {
            let message = format!(
                "an entry has the number {}, where {next} would follow: it was inserted or \
                 renumbered",
                entry.seq
            );
            return broken(BreakCause::Misplaced, message);
        }
        if !read.keyed && (self.found.keyed > 0 || entry.what == "key.bound") {
            let message = format!(
                "entry {next} is not keyed, though entries are keyed since the ledger has its \
                 key: it was written by something without the key"
            );
            return broken(BreakCause::Downgraded, message);
        }
        let keys = if read.keyed { self.keys } else { None };
        let Some((before, prev)) = self.before(&read.chain) else {
            let message = format!(
                "entry {next} stands in the chain {}, which cannot go on there: the single chain \
                 of earlier versions comes first, and is closed before another one begins",
                read.chain
            );
            return broken(BreakCause::Misplaced, message);
        };
        let hash = Entry {
            prev: &prev,
            ..entry
        }
        .hash(keys);
        let holds = hash == *read.hash;
        if !holds && entry.prev != &prev && entry.hash(keys) == *read.hash {
            let message = format!(
                "entry {next} is intact, but follows another entry than {before}: entries before \
                 it were changed, removed or put in another order"
            );
            return broken(BreakCause::NotLinked, message);
        }
        if !holds {
            let message = format!(
                "entry {next} is not what its hash was made of: it was changed, or it or an \
                 unkeyed entry before it was written anew without the key"
            );
            return broken(BreakCause::Changed, message);
        }
        if entry.prev != &prev {
            let message = format!("the prev of entry {next} was changed");
            return broken(BreakCause::Changed, message);
        }
        if let Some(kept) = kept.filter(|kept| kept.seq == next)
            && (kept.hash != hash || kept.chain != read.chain)
        {
            let message = format!(
                "entry {next} has another hash than the head that was kept: the history was \
                 written anew, or an older copy of it was put back and went on differently"
            );
            return broken(BreakCause::OtherHead, message);
        }
        if read.chain == Chain::Former && entry.what == CLOSED {
            self.closed = Some(hash);
        }
        let head = HistoryHead {
            seq: next,
            hash,
            chain: read.chain,
        };
        self.last = next;
        self.heads.insert(head.chain.clone(), head.clone());
        self.found.verified += 1;
        self.found.keyed += u64::from(read.keyed);
        self.found.from.get_or_insert(read.at);
        self.found.to = Some(read.at);
        self.found.head = Some(head);
        Ok(())
    }

    /// All entries hold: is one missing that the kept head names?
    fn cut(&self, kept: Option<&HistoryHead>) -> Option<Break> {
        let kept = kept.filter(|kept| kept.seq > self.last)?;
        Some(Break {
            seq: self.last + 1,
            cause: BreakCause::Cut,
            message: format!(
                "the head that was kept is of entry {}, but the history ends at entry {}: its \
                 end was cut off, or an older copy was put back",
                kept.seq, self.last
            ),
        })
    }

    /// All entries hold: does the ledger still say which key they are under? Without it
    /// the next entries would not be keyed.
    fn key_forgotten(&self, view: &Tx<'_>, verifying: Option<&Verifying>) -> Inside<Option<Break>> {
        let seq = self.last + 1;
        let broken = |cause, message: &str| {
            Ok(Some(Break {
                seq,
                cause,
                message: message.to_owned(),
            }))
        };
        let Some(verifying) = verifying else {
            let secrets: bool =
                view.query_row("SELECT EXISTS (SELECT 1 FROM secrets)", [], |row| {
                    row.get(0)
                })?;
            if !secrets {
                return Ok(None);
            }
            let message = "the ledger has secrets, but neither it nor its history says under which \
                           key: entries were removed or written anew without the key";
            return broken(BreakCause::KeyForgotten, message);
        };
        if !verifying.as_the_ledger_says {
            let message = "the entries hold, but the ledger itself names another key than they \
                           are under, or none";
            return broken(BreakCause::KeyForgotten, message);
        }
        if self.found.keyed == 0 {
            let message = "the ledger has a key, but no entry is keyed: the history was written \
                           anew without the key, or cut off before the key was there";
            return broken(BreakCause::Downgraded, message);
        }
        Ok(None)
    }
}

/// A row as it stands in the file, taken apart strictly: a `keyed` of 2 or a text that
/// is no UTF-8 is an edit like any other.
struct Read<'a> {
    entry: Entry<'a>,
    chain: Chain,
    at: Timestamp,
    keyed: bool,
    hash: &'a [u8; 32],
}

impl<'a> Read<'a> {
    fn of(row: &'a Row<'_>) -> Result<Self, String> {
        let whole = |name: &str| row.whole(name).ok_or_else(|| wrong(name));
        let text = |name: &str| row.text(name).ok_or_else(|| wrong(name));
        let hash = |name: &str| {
            let bytes = row.bytes(name).unwrap_or_default();
            <&[u8; 32]>::try_from(bytes).map_err(|_| wrong(name))
        };
        let micros = whole("at")?;
        Ok(Self {
            at: Timestamp::from_microsecond(micros)
                .map_err(|_| "its at is no point in time".to_owned())?,
            keyed: match whole("keyed")? {
                0 => false,
                1 => true,
                other => return Err(format!("its keyed is {other}, not 0 or 1")),
            },
            hash: hash("hash")?,
            chain: Chain::from_kept(text("chain")?).map_err(|_| wrong("chain"))?,
            entry: Entry {
                chain: text("chain")?,
                prev: hash("prev")?,
                seq: whole("seq")?,
                at: micros,
                who: text("who")?,
                what: text("what")?,
                subject: text("subject")?,
                detail: text("detail")?,
            },
        })
    }
}

fn wrong(name: &str) -> String {
    format!("its {name} is nothing that psa-host writes there")
}
