//! Secrets at rest: XChaCha20-Poly1305, each ciphertext bound to the place it was put,
//! so that a row moved to another connection or field does not open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, Zeroizing};

use crate::db::{Sql, Tx, params};
use crate::error::{Fault, Inside};
use crate::files::key::{Key, Keyring};
use crate::history::chain::About;
use crate::history::journal::Journal;

/// A secret text. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Take a text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for the header it goes into, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Whose settings and secrets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner<'a> {
    Plugin(&'a str),
    Connection(&'a str),
}

impl Owner<'_> {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Plugin(_) => "plugin",
            Self::Connection(_) => "connection",
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Plugin(name) | Self::Connection(name) => name,
        }
    }
}

const NONCE: usize = 24;

/// Lengths first, so that no two places read the same.
fn place(owner: Owner<'_>, field: &str) -> Vec<u8> {
    let mut place = b"psa-host secret v1".to_vec();
    for part in [owner.kind(), owner.name(), field] {
        place.extend_from_slice(&(part.len() as u64).to_be_bytes());
        place.extend_from_slice(part.as_bytes());
    }
    place
}

fn seal(key: &Key, owner: Owner<'_>, field: &str, secret: &Secret) -> Inside<Vec<u8>> {
    let mut nonce = [0u8; NONCE];
    let failed = |why: String| Fault::Row(format!("sealing failed: {why}"));
    getrandom::fill(&mut nonce).map_err(|error| failed(error.to_string()))?;
    let payload = Payload {
        msg: secret.expose().as_bytes(),
        aad: &place(owner, field),
    };
    let sealed = XChaCha20Poly1305::new(&(**key).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|error| failed(error.to_string()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn unseal(key: &Key, owner: Owner<'_>, field: &str, sealed: &[u8]) -> Option<Secret> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    let payload = Payload {
        msg: sealed,
        aad: &place(owner, field),
    };
    let bytes = XChaCha20Poly1305::new(&(**key).into())
        .decrypt(&XNonce::from(*nonce), payload)
        .ok()?;
    match String::from_utf8(bytes) {
        Ok(text) => Some(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

/// Keep these, over what was under the same fields.
pub(crate) fn put(
    change: &Tx<'_>,
    journal: &mut Journal<'_>,
    keyring: &Keyring,
    owner: Owner<'_>,
    secrets: &BTreeMap<String, Secret>,
) -> Inside<()> {
    if secrets.is_empty() {
        return Ok(());
    }
    let (keys, bound_now) = keyring.needed(change)?;
    if bound_now {
        let detail = serde_json::json!({ "fingerprint": keys.fingerprint });
        journal.write(change, About::Installation, "key.bound", "", &detail)?;
    }
    for (field, secret) in secrets {
        change.execute(
            "INSERT INTO secrets (kind, owner, field, sealed, set_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET sealed = excluded.sealed, set_at = excluded.set_at",
            params![
                owner.kind(),
                owner.name(),
                field,
                seal(&keys.sealing, owner, field, secret)?,
                journal.at().as_microsecond(),
            ],
        )?;
    }
    Ok(())
}

/// All secrets of an owner.
pub(crate) fn all(
    view: &Tx<'_>,
    keyring: &Keyring,
    owner: Owner<'_>,
) -> Inside<BTreeMap<String, Secret>> {
    let mut rows =
        view.prepare("SELECT field, sealed FROM secrets WHERE kind = ?1 AND owner = ?2")?;
    let sealed = rows
        .query_map([owner.kind(), owner.name()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Sql<Vec<(String, Vec<u8>)>>>()?;
    if sealed.is_empty() {
        return Ok(BTreeMap::new());
    }
    let damaged = |field: &str| {
        let (kind, name) = (owner.kind(), owner.name());
        Fault::Row(format!(
            "the secret {field:?} of {kind} {name:?} does not open"
        ))
    };
    let Some(keys) = keyring.existing(view)? else {
        return Err(damaged(&sealed[0].0));
    };
    sealed
        .into_iter()
        .map(|(field, sealed)| {
            let secret =
                unseal(&keys.sealing, owner, &field, &sealed).ok_or_else(|| damaged(&field))?;
            Ok((field, secret))
        })
        .collect()
}

/// Which secrets an owner has; needs no key.
pub(crate) fn fields(view: &Tx<'_>, owner: Owner<'_>) -> Inside<BTreeSet<String>> {
    let mut rows = view.prepare("SELECT field FROM secrets WHERE kind = ?1 AND owner = ?2")?;
    Ok(rows
        .query_map([owner.kind(), owner.name()], |row| row.get(0))?
        .collect::<Sql<_>>()?)
}

/// An owner's settings.
pub(crate) fn settings(view: &Tx<'_>, owner: Owner<'_>) -> Inside<BTreeMap<String, String>> {
    let mut rows =
        view.prepare("SELECT field, value FROM settings WHERE kind = ?1 AND owner = ?2")?;
    Ok(rows
        .query_map([owner.kind(), owner.name()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Sql<_>>()?)
}

/// Set (or with none, remove) settings.
pub(crate) fn set(
    change: &Tx<'_>,
    owner: Owner<'_>,
    settings: &BTreeMap<String, Option<String>>,
) -> Inside<()> {
    for (field, value) in settings {
        match value {
            Some(value) => change.execute(
                "INSERT INTO settings (kind, owner, field, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
                [owner.kind(), owner.name(), field, value],
            )?,
            None => change.execute(
                "DELETE FROM settings WHERE kind = ?1 AND owner = ?2 AND field = ?3",
                [owner.kind(), owner.name(), field],
            )?,
        };
    }
    Ok(())
}

/// Drop all settings and secrets of an owner.
pub(crate) fn forget(change: &Tx<'_>, owner: Owner<'_>) -> Inside<()> {
    for table in ["settings", "secrets"] {
        change.execute(
            &format!("DELETE FROM {table} WHERE kind = ?1 AND owner = ?2"),
            [owner.kind(), owner.name()],
        )?;
    }
    Ok(())
}
