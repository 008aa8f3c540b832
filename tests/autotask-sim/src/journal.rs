//! What was asked and what was answered. Never a secret: only whether one was sent.

use std::collections::{BTreeMap, VecDeque};

use jiff::civil::DateTime;
use serde::Serialize;
use serde_json::Value as Json;

/// One request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Number of the request, from 1.
    pub number: u64,
    /// The tenant's time.
    pub at: DateTime,
    /// Verb.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Entity or other endpoint; empty for an unknown path.
    pub endpoint: &'static str,
    /// Whether any credential header was sent.
    pub credentials: bool,
    /// Whether the credentials were right, where they were looked at.
    pub authenticated: bool,
    /// The request's body, if it was JSON of at most 4 KiB.
    pub body: Option<Json>,
    /// Status sent; 0 while, or if, nothing was answered.
    pub status: u16,
    /// The fault that was played.
    pub fault: Option<String>,
}

/// The journal: the last entries, and counts of all.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    counts: BTreeMap<&'static str, u64>,
    limit: usize,
    last: u64,
}

impl Journal {
    /// A journal that keeps `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            ..Self::default()
        }
    }

    /// Writes down a request and returns its number.
    pub(crate) fn open(&mut self, mut entry: Entry) -> u64 {
        self.last += 1;
        entry.number = self.last;
        *self.counts.entry(entry.endpoint).or_default() += 1;
        self.entries.push_back(entry);
        if self.entries.len() > self.limit {
            self.entries.pop_front();
        }
        self.last
    }

    /// Adds to an entry that is still kept.
    pub(crate) fn amend(&mut self, number: u64, change: impl FnOnce(&mut Entry)) {
        let Some(first) = self.entries.front().map(|e| e.number) else {
            return;
        };
        let place = number
            .checked_sub(first)
            .and_then(|n| usize::try_from(n).ok());
        if let Some(entry) = place.and_then(|n| self.entries.get_mut(n)) {
            change(entry);
        }
    }

    /// The entries kept, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.iter().cloned().collect()
    }

    /// Requests by endpoint since the start.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts
            .iter()
            .map(|(k, v)| ((*k).to_owned(), *v))
            .collect()
    }

    /// Forgets everything but the numbering.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}
