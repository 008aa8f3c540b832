//! The key that secrets are under. It lies in a file outside the data directory, so
//! that a copy of the data alone opens nothing; the ledger keeps its fingerprint, so
//! that a wrong key is told apart from damage.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::db::{Optional, Tx};
use crate::error::{Fault, Inside};
use crate::mutex::lock;
use crate::{LedgerError, Result};

/// Where the key file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// This file.
    File(PathBuf),
    /// `$XDG_CONFIG_HOME/psa-host/key`, else `~/.config/psa-host/key`.
    Default,
}

/// Larger than any text of a key; no more of the file is read.
const MAX_KEY_FILE: u64 = 1024;

/// 32 bytes that are wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// What is derived from the key file.
#[derive(Clone)]
pub(crate) struct Keys {
    /// Seals secrets.
    pub(crate) sealing: Key,
    /// Chains the history.
    pub(crate) history: Key,
    pub(crate) fingerprint: String,
}

impl Keys {
    /// One key for each purpose: the key file's 32 random bytes as an HMAC key over a label.
    /// That is HKDF's second half for a single block, but for the block's number after the
    /// label; a crate that adds it would make other keys than those that sealed the secrets and
    /// chained the histories there are.
    fn derive(master: &[u8; 32]) -> Self {
        let fingerprint = hmac(master, &[b"psa-host key fingerprint v1"]);
        Self {
            sealing: Zeroizing::new(hmac(master, &[b"psa-host sealing v1"])),
            history: Zeroizing::new(hmac(master, &[b"psa-host history v1"])),
            fingerprint: hex::encode(&fingerprint[..8]),
        }
    }
}

/// The key to verify the history with.
pub(crate) struct Verifying {
    pub(crate) keys: Keys,
    /// Whether it is the key that the ledger names as its own.
    pub(crate) as_the_ledger_says: bool,
}

/// HMAC-SHA-256 over parts.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // As HMAC itself pads a key that is shorter than the hash's block.
    let mut padded = Zeroizing::new([0u8; 64]);
    padded[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&(*padded).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The key file and, once it was needed, what it holds.
pub(crate) struct Keyring {
    path: Option<PathBuf>,
    data: PathBuf,
    loaded: Mutex<Option<Keys>>,
}

impl Keyring {
    pub(crate) fn new(source: &KeySource, data: &Path) -> Result<Self> {
        let path = match source {
            KeySource::File(path) => Some(path.clone()),
            KeySource::Default => default_path(),
        };
        if let Some(key) = &path {
            refuse_inside(key, data)?;
        }
        Ok(Self {
            path,
            data: data.to_owned(),
            loaded: Mutex::default(),
        })
    }

    /// The ledger's key, or none where no secret was ever kept.
    pub(crate) fn existing(&self, ledger: &Tx<'_>) -> Inside<Option<Keys>> {
        let Some(expected) = fingerprint(ledger)? else {
            return Ok(None);
        };
        if let Some(keys) = lock(&self.loaded).as_ref()
            && keys.fingerprint == expected
        {
            return Ok(Some(keys.clone()));
        }
        let path = self.path()?;
        let Some(master) = read(path)? else {
            return Err(LedgerError::MissingKey {
                key: path.to_owned(),
                fingerprint: expected,
            }
            .into());
        };
        let keys = Keys::derive(&master);
        if keys.fingerprint != expected {
            return Err(LedgerError::WrongKey {
                key: path.to_owned(),
                found: keys.fingerprint,
                expected,
            }
            .into());
        }
        *lock(&self.loaded) = Some(keys.clone());
        Ok(Some(keys))
    }

    /// The key to verify the history with: the one in the key file, where the ledger or
    /// the history's own word (`bound`) names it. The ledger's word can be gone or changed
    /// while the history's still stands; `as_the_ledger_says` tells.
    pub(crate) fn to_verify(&self, ledger: &Tx<'_>, bound: Option<&str>) -> Inside<Verifying> {
        let said = fingerprint(ledger)?;
        let path = self.path()?;
        let Some(master) = read(path)? else {
            return Err(LedgerError::MissingKey {
                key: path.to_owned(),
                fingerprint: said
                    .or_else(|| bound.map(str::to_owned))
                    .unwrap_or_else(|| "nobody knows which".to_owned()),
            }
            .into());
        };
        let keys = Keys::derive(&master);
        let as_the_ledger_says = said.as_deref() == Some(&keys.fingerprint);
        let as_the_history_says = bound == Some(&keys.fingerprint);
        match said.or_else(|| bound.map(str::to_owned)) {
            Some(expected) if !as_the_ledger_says && !as_the_history_says => {
                Err(LedgerError::WrongKey {
                    key: path.to_owned(),
                    found: keys.fingerprint,
                    expected,
                }
                .into())
            }
            _ => Ok(Verifying {
                keys,
                as_the_ledger_says,
            }),
        }
    }

    /// The ledger's key. Where no secret was ever kept: the one in the key file, made
    /// if there is none, and bound to this ledger. The flag says that it was bound now.
    pub(crate) fn needed(&self, change: &Tx<'_>) -> Inside<(Keys, bool)> {
        if let Some(keys) = self.existing(change)? {
            return Ok((keys, false));
        }
        let orphans: i64 =
            change.query_row("SELECT count(*) FROM secrets", [], |row| row.get(0))?;
        if orphans > 0 {
            let why = "it has secrets, but not which key they are under".to_owned();
            return Err(Fault::Row(why));
        }
        let path = self.path()?;
        let master = match read(path)? {
            Some(master) => master,
            None => make(path, &self.data)?,
        };
        let keys = Keys::derive(&master);
        change.execute(
            "INSERT INTO meta (name, value) VALUES ('key-fingerprint', ?1)",
            [&keys.fingerprint],
        )?;
        *lock(&self.loaded) = Some(keys.clone());
        Ok((keys, true))
    }

    fn path(&self) -> Result<&Path> {
        self.path.as_deref().ok_or(LedgerError::NoKeyPlace)
    }
}

/// Which key the ledger says it is under.
pub(crate) fn fingerprint(ledger: &Tx<'_>) -> Inside<Option<String>> {
    Ok(ledger
        .prepare("SELECT value FROM meta WHERE name = 'key-fingerprint'")?
        .query_row([], |row| row.get(0))
        .optional()?)
}

fn default_path() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let config = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(config.join("psa-host").join("key"))
}

/// Compare real paths, so that no link leads inside.
fn refuse_inside(key: &Path, data: &Path) -> Result<()> {
    let real_data = fs::canonicalize(data).map_err(|error| LedgerError::io(data, &error))?;
    if real(key).starts_with(&real_data) {
        return Err(LedgerError::KeyInsideData {
            key: key.to_owned(),
            data: data.to_owned(),
        });
    }
    Ok(())
}

/// The real path of what may not exist yet: that of its nearest ancestor, and the rest.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
        if let Ok(found) = fs::canonicalize(&plain) {
            plain = found;
        }
    }
    plain
}

fn read(path: &Path) -> Result<Option<Key>> {
    let at = |error: std::io::Error| LedgerError::io(path, &error);
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(at)?,
    };
    let about = file.metadata().map_err(at)?;
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(LedgerError::KeyExposed {
            key: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(128));
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_KEY_FILE), &mut text)
        .map_err(at)?;
    parse(&text)
        .map(Some)
        .ok_or_else(|| LedgerError::KeyMalformed {
            key: path.to_owned(),
        })
}

fn parse(text: &[u8]) -> Option<Key> {
    let text = text.trim_ascii();
    let mut key = Key::default();
    if text.len() == 64 {
        hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
        return Some(key);
    }
    for alphabet in [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        let mut bytes = Zeroizing::new([0u8; 48]);
        if alphabet.decode_slice(text, bytes.as_mut_slice()).ok() == Some(32) {
            key.copy_from_slice(&bytes[..32]);
            return Some(key);
        }
    }
    None
}

/// Whole and with mode 0600, or not at all; and never over a file that is there.
fn make(path: &Path, data: &Path) -> Result<Key> {
    let at = |error: &std::io::Error| LedgerError::io(path, error);
    // The parent of a bare file name is the empty path.
    let dir = path
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| at(&error))?;
    refuse_inside(path, data)?;
    let mut key = Key::default();
    getrandom::fill(key.as_mut_slice()).map_err(|error| LedgerError::Io {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let mut text = Zeroizing::new(hex::encode(key.as_slice()));
    text.push('\n');
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|error| at(&error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| at(&error))?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            fs::File::open(dir)
                .and_then(|dir| dir.sync_all())
                .map_err(|error| at(&error))?;
            Ok(key)
        }
        // Another process was faster: its key it is.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| at(&error.error))
        }
        Err(error) => Err(at(&error.error)),
    }
}
