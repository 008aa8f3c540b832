//! Tokens of the REST API. Only their hash is kept.

use jiff::Timestamp;
use psa_host_billing::WorkspaceId;
use serde_json::json;

use crate::db::{Optional, Row, Sql, instant, instant_opt, params, to_json};
use crate::history::chain::About;
use crate::{Ledger, LedgerError, Result};

/// Uses of a token within so many seconds are written down once.
const USE_IS_TOLD_AFTER_SECONDS: i64 = 60;

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name, unique in the data directory.
    pub name: String,
    /// Its hash.
    pub hash: [u8; 32],
    /// What its bearer may do, in the caller's words.
    pub role: String,
    /// In which channel workspaces, and below; none: everywhere.
    pub channels: Option<Vec<WorkspaceId>>,
    /// From when on it is of no use.
    pub expires_at: Timestamp,
}

/// A token, without what would let anybody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its name.
    pub name: String,
    /// What its bearer may do.
    pub role: String,
    /// In which channel workspaces; none: everywhere.
    pub channels: Option<Vec<WorkspaceId>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From when on it is of no use.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl Ledger {
    /// Make a token.
    ///
    /// # Errors
    /// [`LedgerError::AlreadyExists`] for its name.
    pub fn add_token(&self, new: &NewToken) -> Result<()> {
        self.write(|change, journal| {
            let channels = new.channels.as_ref().map(to_json).transpose()?;
            let added = change.execute(
                "INSERT INTO api_tokens (name, hash, role, channels, created_at, created_by,
                     expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO NOTHING",
                params![
                    new.name,
                    new.hash,
                    new.role,
                    channels,
                    journal.at().as_microsecond(),
                    journal.who(),
                    new.expires_at.as_microsecond(),
                ],
            )?;
            if added == 0 {
                return Err(LedgerError::AlreadyExists {
                    what: "token",
                    id: new.name.clone(),
                }
                .into());
            }
            let detail = json!({
                "role": new.role, "channels": new.channels, "expires_at": new.expires_at,
            });
            journal.write(
                change,
                About::Installation,
                "token.added",
                &new.name,
                &detail,
            )
        })
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        self.read(|view| {
            let mut rows = view.prepare("SELECT * FROM api_tokens ORDER BY name")?;
            Ok(rows.query_map([], token)?.collect::<Sql<_>>()?)
        })
    }

    /// Take a token away.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn remove_token(&self, name: &str) -> Result<()> {
        self.write(|change, journal| {
            let removed = change.execute("DELETE FROM api_tokens WHERE name = ?1", [name])?;
            if removed == 0 {
                return Err(LedgerError::NotFound {
                    what: "token",
                    id: name.to_owned(),
                }
                .into());
            }
            journal.write(
                change,
                About::Installation,
                "token.removed",
                name,
                &json!({}),
            )
        })
    }

    /// The token with a hash, where there is one that may still be used; its use is noted.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn use_token(&self, hash: &[u8; 32]) -> Result<Option<TokenRecord>> {
        let found = self.read(|view| {
            Ok(view
                .prepare("SELECT * FROM api_tokens WHERE hash = ?1")?
                .query_row(params![hash], token)
                .optional()?)
        })?;
        let now = self.now();
        let Some(found) = found.filter(|token| now < token.expires_at) else {
            return Ok(None);
        };
        let long_ago = found
            .last_used_at
            .is_none_or(|at| now.as_second() - at.as_second() >= USE_IS_TOLD_AFTER_SECONDS);
        if long_ago {
            self.write_unsynced(|change, now| {
                change.execute(
                    "UPDATE api_tokens SET last_used_at = ?2 WHERE name = ?1",
                    params![found.name, now.as_microsecond()],
                )?;
                Ok(())
            })?;
        }
        Ok(Some(found))
    }
}

fn token(row: &Row<'_>) -> Sql<TokenRecord> {
    let channels: Option<String> = row.get("channels")?;
    Ok(TokenRecord {
        name: row.get("name")?,
        role: row.get("role")?,
        channels: match channels {
            Some(_) => Some(crate::db::json(row, "channels")?),
            None => None,
        },
        created_at: instant(row, "created_at")?,
        created_by: row.get("created_by")?,
        expires_at: instant(row, "expires_at")?,
        last_used_at: instant_opt(row, "last_used_at")?,
    })
}
