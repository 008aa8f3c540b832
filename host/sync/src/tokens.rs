//! Tokens of the REST API: who comes in with one, and as whom.

use std::fmt::Write;

use jiff::Timestamp;
use psa_host_billing::{ErrorCode, WorkspaceId};
use psa_host_ledger::{NewToken, TokenRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::rule;
use crate::{Access, Actor, Host, Power, Result, Role, Scope};

/// So that a token is known for one where it should not lie (in a log, in a repository).
const PREFIX: &str = "psah_";

/// 256 bits: nobody guesses one, so a fast hash of it is enough to keep.
const RANDOM_BYTES: usize = 32;

const LONGEST_NAME: usize = 64;

/// A token as it is listed.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct TokenView {
    /// Its name.
    pub name: String,
    /// `viewer`, `mapper`, `approver`, `admin` or `operator`.
    pub role: String,
    /// In which channel workspaces, and what lies below; none: everywhere.
    pub channels: Option<Vec<WorkspaceId>>,
    /// When it was made.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From when on it is of no use.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub expires_at: Timestamp,
    /// Whether that has come.
    pub expired: bool,
    /// When it was last used, to the minute.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub last_used_at: Option<Timestamp>,
}

/// A token that was just made: the only time that it can be seen.
#[derive(Clone, JsonSchema, Serialize, Deserialize)]
pub struct TokenMade {
    /// To be sent as `Authorization: Bearer …`.
    pub secret: String,
    /// What it is good for.
    pub token: TokenView,
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMade")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Make a token. Nobody gives more than they have: only the operator makes tokens for
    /// everything.
    ///
    /// # Errors
    /// The name is taken or none, the end is not in the future, a channel is not there.
    pub fn add_token(
        &self,
        name: &str,
        role: Role,
        channels: Option<Vec<WorkspaceId>>,
        expires_at: Timestamp,
    ) -> Result<TokenMade> {
        self.may(Power::Operate)?;
        check_name(name)?;
        if expires_at <= self.now() {
            let message = format!("a token that ends at {expires_at} could never be used");
            return Err(rule(
                ErrorCode::BadToken,
                message,
                "Give an end in the future.",
            ));
        }
        if role == Role::Operator && channels.is_some() {
            return Err(rule(
                ErrorCode::BadToken,
                "an operator acts everywhere, and the token is to act in some channels",
                "Leave out the channels, or give the role `admin`.",
            ));
        }
        for channel in channels.iter().flatten() {
            if self.ledger().workspace(channel)?.is_none() {
                return Err(crate::access::unseen("workspace", channel));
            }
        }
        let secret = new_secret()?;
        self.ledger().add_token(&NewToken {
            name: name.to_owned(),
            hash: hash_of(&secret),
            role: role.to_string(),
            channels,
            expires_at,
        })?;
        let tokens = self.tokens()?;
        let token = tokens.into_iter().find(|token| token.name == name);
        let token = token.ok_or_else(|| crate::access::unseen("token", name))?;
        Ok(TokenMade { secret, token })
    }

    /// All tokens.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn tokens(&self) -> Result<Vec<TokenView>> {
        self.may(Power::Operate)?;
        let now = self.now();
        let tokens = self.ledger().tokens()?;
        Ok(tokens.into_iter().map(|token| view(token, now)).collect())
    }

    /// Take a token away: from now on nobody comes in with it.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn remove_token(&self, name: &str) -> Result<()> {
        self.may(Power::Operate)?;
        Ok(self.ledger().remove_token(name)?)
    }
}

impl Host {
    /// Who comes in with a token; none: it is none, or of no use any more.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn bearer(&self, secret: &str) -> Result<Option<Actor>> {
        if !secret.starts_with(PREFIX) {
            return Ok(None);
        }
        let found = self.ledger().use_token(&hash_of(secret))?;
        let Some(TokenRecord {
            name,
            role,
            channels,
            ..
        }) = found
        else {
            return Ok(None);
        };
        // A role of a newer release is none that is known here.
        let role = Role::ALL
            .into_iter()
            .find(|known| known.to_string() == role);
        let scope = channels.map_or(Scope::Everything, Scope::Channels);
        Ok(role.map(|role| Actor::new(format!("token:{name}"), role, scope)))
    }
}

fn view(token: TokenRecord, now: Timestamp) -> TokenView {
    TokenView {
        name: token.name,
        role: token.role,
        channels: token.channels,
        created_at: token.created_at,
        created_by: token.created_by,
        expires_at: token.expires_at,
        expired: token.expires_at <= now,
        last_used_at: token.last_used_at,
    }
}

fn hash_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn new_secret() -> Result<String> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("the system gives no random bytes: {error}");
        rule(ErrorCode::NoRandomness, message, "Do it again.")
    })?;
    let mut secret = PREFIX.to_owned();
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(secret, "{byte:02x}");
    }
    Ok(secret)
}

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(fits) {
        return Ok(());
    }
    let short: String = name.chars().take(LONGEST_NAME).collect();
    Err(rule(
        ErrorCode::BadToken,
        format!("{short:?} is no name for a token"),
        format!("Give 1 to {LONGEST_NAME} letters, digits, hyphens, underscores and full stops."),
    ))
}
