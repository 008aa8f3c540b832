//! Which chain of the history an entry stands in: that of the channel it is about, so that
//! a report shows the head of what concerns its own customers; else the installation's.
//!
//! Entries are numbered through all chains without holes, and each hash covers the hash
//! before it in its own chain: a chain holds by itself, and what was taken out of one
//! shows as a hole in the numbers of all.

use std::fmt;
use std::str::FromStr;

use psa_host_billing::{ConnectionName, LineId, TenantKey, WorkspaceId};
use serde::{Serialize, Serializer};

use crate::db::{Optional, Tx, UnknownWord, params};
use crate::error::Inside;

/// A chain of the history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// The single one of versions before there were several. Closed.
    Former,
    /// Of what concerns no channel: plugins, the key, the operator.
    Installation,
    /// Of what concerns one channel workspace.
    Channel(WorkspaceId),
}

const INSTALLATION: &str = "installation";
const CHANNEL: &str = "channel/";
const FORMER: &str = "former";

impl Chain {
    /// As it stands in the database and in the hashes.
    pub(crate) fn kept(&self) -> String {
        match self {
            Self::Former => String::new(),
            other => other.to_string(),
        }
    }

    pub(crate) fn from_kept(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "" => Ok(Self::Former),
            FORMER => Err(UnknownWord(text.to_owned())),
            other => other.parse(),
        }
    }
}

/// `installation`, `channel/ID`, or `former`.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Former => f.pad(FORMER),
            Self::Installation => f.pad(INSTALLATION),
            Self::Channel(id) => f.pad(&format!("{CHANNEL}{id}")),
        }
    }
}

impl FromStr for Chain {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            FORMER => return Ok(Self::Former),
            INSTALLATION => return Ok(Self::Installation),
            _ => {}
        }
        let id = text.strip_prefix(CHANNEL);
        let id = id.and_then(|id| WorkspaceId::new(id).ok());
        let id = id.ok_or_else(|| UnknownWord(text.to_owned()))?;
        Ok(Self::Channel(id))
    }
}

impl schemars::JsonSchema for Chain {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Chain".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl Serialize for Chain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an entry is about, from which its chain follows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About<'a> {
    Installation,
    Channel(&'a WorkspaceId),
    /// Also of one that is gone by now: then of the installation.
    Connection(i64),
    /// As [`About::Connection`], by its name.
    Named(&'a ConnectionName),
    Question(i64),
    /// Of the connection whose line it is, else of one of the tenant's.
    Line(&'a TenantKey, &'a LineId),
}

impl About<'_> {
    pub(crate) fn chain(self, view: &Tx<'_>) -> Inside<Chain> {
        let channel = match self {
            Self::Installation => None,
            Self::Channel(id) => return Ok(Chain::Channel(id.clone())),
            Self::Connection(id) => channel_of(view, id)?,
            Self::Named(name) => view
                .prepare("SELECT channel FROM connections WHERE name = ?1")?
                .query_row([name.as_str()], |row| row.get(0))
                .optional()?,
            Self::Question(id) => view
                .prepare(
                    "SELECT c.channel FROM questions AS q
                     JOIN connections AS c ON c.id = q.connection_id WHERE q.id = ?1",
                )?
                .query_row([id], |row| row.get(0))
                .optional()?,
            Self::Line(tenant, line) => view
                .prepare(
                    "SELECT c.channel FROM connections AS c
                     LEFT JOIN lines AS l ON l.connection = c.id AND l.tenant = ?1 AND l.line = ?2
                     WHERE l.line IS NOT NULL OR c.tenant = ?1
                     ORDER BY l.line IS NULL, c.id LIMIT 1",
                )?
                .query_row(params![tenant.as_str(), line.as_str()], |row| row.get(0))
                .optional()?,
        };
        let channel: Option<String> = channel;
        Ok(match channel.map(WorkspaceId::new) {
            Some(Ok(id)) => Chain::Channel(id),
            _ => Chain::Installation,
        })
    }
}

fn channel_of(view: &Tx<'_>, connection: i64) -> Inside<Option<String>> {
    Ok(view
        .prepare("SELECT channel FROM connections WHERE id = ?1")?
        .query_row([connection], |row| row.get(0))
        .optional()?)
}
