//! The history for people and programs: listed, exported, and verified.

mod export;
mod form;

use std::borrow::Cow;

use jiff::Timestamp;
use psa_host_billing::ErrorCode;
use psa_host_ledger::{Break, Chain, HistoryEvent, HistoryFilter, HistoryHead, Verification};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use export::{ExportForm, Exported};

use crate::error::rule;
use crate::{Access, Power, Result};

/// Which entries to list.
pub type EntryFilter<'a> = HistoryFilter<'a>;

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 through all chains, without holes.
    pub seq: i64,
    /// The chain it stands in: `installation`, `channel/ID`, or `former`.
    pub chain: Chain,
    /// When.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What, as `thing.verb`.
    pub what: String,
    /// Which thing.
    pub subject: String,
    /// More about it.
    pub detail: Value,
    /// Whether the hash is keyed.
    pub keyed: bool,
    /// The hash, as 64 hexadecimal digits.
    pub hash: String,
}

impl From<HistoryEvent> for Entry {
    fn from(event: HistoryEvent) -> Self {
        Self {
            seq: event.seq,
            chain: event.chain,
            at: event.at,
            who: event.who,
            what: event.what,
            subject: event.subject,
            detail: event.detail,
            keyed: event.keyed,
            hash: hex::encode(event.hash),
        }
    }
}

/// What a verification of the whole history found.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct HistoryVerified {
    /// Whether there is no break.
    pub holds: bool,
    /// Entries there are.
    pub entries: u64,
    /// Entries that hold, from the first up to the break.
    pub verified: u64,
    /// How many of those are keyed.
    pub keyed: u64,
    /// When the first of those that hold was written.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub from: Option<Timestamp>,
    /// When the last of those that hold was written.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub to: Option<Timestamp>,
    /// The last entry that holds.
    pub head: Option<HistoryHead>,
    /// The last one that holds of each chain.
    pub heads: Vec<HistoryHead>,
    /// Whether a head kept elsewhere was compared: only with one is a cut at the end
    /// found.
    pub head_compared: bool,
    /// The first break.
    pub broken: Option<Breach>,
}

/// Where the history does not hold.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Breach {
    /// The first entry that does not hold, or is not there.
    pub seq: i64,
    /// Stable word for what is wrong (`missing`, `changed`, …).
    pub cause: Cow<'static, str>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: Cow<'static, str>,
}

impl From<Break> for Breach {
    fn from(broken: Break) -> Self {
        Self {
            seq: broken.seq,
            cause: broken.cause.as_str().into(),
            message: broken.message,
            fix: "Stop syncing, keep a copy of the data directory as it is, compare it with \
                  backups and with the heads in earlier reports, and find out who could write \
                  the file."
                .into(),
        }
    }
}

impl Access {
    /// Verify the whole history; with a head that a report printed, also against it.
    ///
    /// # Errors
    /// A key that is missing or wrong, which says nothing about the history; a failing
    /// database. A break is no error: it is in the answer.
    pub fn verify_history(&self, kept: Option<&HistoryHead>) -> Result<HistoryVerified> {
        self.may(Power::Read)?;
        self.sees_everything("the history")?;
        let Verification {
            entries,
            verified,
            keyed,
            from,
            to,
            head,
            heads,
            broken,
        } = self.ledger().verify_history(kept)?;
        // A folder that was deleted or mistyped must not pass for one whose history holds.
        if entries == 0 && kept.is_none() {
            return Err(rule(
                ErrorCode::NoHistory,
                format!("{} has no history", self.ledger().dir().root().display()),
                "Check --data and PSA_HOST_DATA: a data directory in use has entries.",
            ));
        }
        Ok(HistoryVerified {
            holds: broken.is_none(),
            entries,
            verified,
            keyed,
            from,
            to,
            head,
            heads,
            head_compared: kept.is_some(),
            broken: broken.map(Breach::from),
        })
    }

    /// Entries, oldest first, at most `limit`: the first ones after `filter.after`, or
    /// with none the last ones there are.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn history_entries(&self, filter: &EntryFilter<'_>, limit: u32) -> Result<Vec<Entry>> {
        self.may(Power::Read)?;
        self.sees_everything("the history")?;
        let events = self.ledger().history_matching(filter, limit)?;
        Ok(events.into_iter().map(Entry::from).collect())
    }
}
