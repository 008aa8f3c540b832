//! A plugin's small store: what keeps it, and the quotas in front.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::bindings::psa_host::guest::storage::StorageError;
use crate::{Limits, StoreFailure};

/// Longest key, in bytes.
const MAX_KEY: usize = 256;
/// Largest value, in bytes.
const MAX_VALUE: usize = 64 << 10;
/// Most keys in one listing.
const MAX_LISTED: usize = 1_000;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// How many keys.
    pub keys: u64,
    /// Keys and values together, in bytes.
    pub bytes: u64,
}

/// What keeps a plugin's values. Whoever makes one scopes it to one plugin and one
/// connection; quotas are enforced before it is asked.
pub trait PluginStorage: Send + Sync + fmt::Debug {
    /// # Errors
    /// [`StoreFailure`] when the store does not answer, here and below.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreFailure>;
    /// Set a value, new or in place of another.
    ///
    /// # Errors
    /// See [`PluginStorage::get`].
    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreFailure>;
    /// Deleting what is not there is no error.
    ///
    /// # Errors
    /// See [`PluginStorage::get`].
    fn delete(&self, key: &str) -> Result<(), StoreFailure>;
    /// Keys with this prefix in order of their bytes, at most `at_most`.
    ///
    /// # Errors
    /// See [`PluginStorage::get`].
    fn list(&self, prefix: &str, at_most: usize) -> Result<Vec<String>, StoreFailure>;
    /// Set (or with none, delete) if the present value is `expected`; whether it was.
    /// One step: nobody comes between looking and writing.
    ///
    /// # Errors
    /// See [`PluginStorage::get`].
    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFailure>;
    /// How much is kept now.
    ///
    /// # Errors
    /// See [`PluginStorage::get`].
    fn usage(&self) -> Result<StorageUsage, StoreFailure>;
}

/// A store that is forgotten with the process: for tests.
#[derive(Debug, Default)]
pub struct InMemoryStorage(Mutex<BTreeMap<String, Vec<u8>>>);

impl InMemoryStorage {
    fn map(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PluginStorage for InMemoryStorage {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreFailure> {
        Ok(self.map().get(key).cloned())
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreFailure> {
        self.map().insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreFailure> {
        self.map().remove(key);
        Ok(())
    }

    fn list(&self, prefix: &str, at_most: usize) -> Result<Vec<String>, StoreFailure> {
        let map = self.map();
        let with_prefix = map
            .range(prefix.to_owned()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix));
        Ok(with_prefix.take(at_most).cloned().collect())
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFailure> {
        let mut map = self.map();
        if map.get(key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        match new {
            Some(new) => map.insert(key.to_owned(), new.to_owned()),
            None => map.remove(key),
        };
        Ok(true)
    }

    fn usage(&self) -> Result<StorageUsage, StoreFailure> {
        let map = self.map();
        let bytes: usize = map.iter().map(|(k, v)| k.len() + v.len()).sum();
        Ok(StorageUsage {
            keys: map.len() as u64,
            bytes: bytes as u64,
        })
    }
}

/// A store with its quotas, shared by a session's instances. The lock keeps two of
/// them from passing the quota check together.
#[derive(Debug)]
pub(crate) struct Storage<'a> {
    pub store: &'a dyn PluginStorage,
    pub limits: &'a Limits,
    pub lock: &'a Mutex<()>,
}

impl Storage<'_> {
    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        check_key(key)?;
        self.store.get(key).map_err(unavailable)
    }

    pub(crate) fn put(&self, key: &str, value: &[u8]) -> Result<(), StorageError> {
        check_key(key)?;
        check_value(value)?;
        let _turn = self.turn();
        let present = self.store.get(key).map_err(unavailable)?;
        self.check_room(key, present.as_deref(), value)?;
        self.store.put(key, value).map_err(unavailable)
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), StorageError> {
        check_key(key)?;
        self.store.delete(key).map_err(unavailable)
    }

    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        check_key(prefix)?;
        self.store.list(prefix, MAX_LISTED).map_err(unavailable)
    }

    pub(crate) fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StorageError> {
        check_key(key)?;
        let _turn = self.turn();
        if let Some(new) = new {
            check_value(new)?;
            self.check_room(key, expected, new)?;
        }
        self.store
            .compare_and_swap(key, expected, new)
            .map_err(unavailable)
    }

    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_room(&self, key: &str, old: Option<&[u8]>, new: &[u8]) -> Result<(), StorageError> {
        let used = self.store.usage().map_err(unavailable)?;
        let gone = old.map_or(0, |old| (key.len() + old.len()) as u64);
        let bytes = used.bytes.saturating_sub(gone) + (key.len() + new.len()) as u64;
        let keys = used.keys + u64::from(old.is_none());
        let Limits {
            storage_bytes: most_bytes,
            storage_keys: most_keys,
            ..
        } = *self.limits;
        if bytes > most_bytes {
            let text = format!("a connection keeps at most {most_bytes} bytes");
            return Err(StorageError::Quota(text));
        }
        if keys > most_keys {
            let text = format!("a connection keeps at most {most_keys} keys");
            return Err(StorageError::Quota(text));
        }
        Ok(())
    }
}

fn unavailable(failure: StoreFailure) -> StorageError {
    tracing::warn!(%failure, "a plugin's store does not answer");
    StorageError::Unavailable("the store did not answer".to_owned())
}

fn check_key(key: &str) -> Result<(), StorageError> {
    if key.len() > MAX_KEY {
        let text = format!(
            "a key has at most {MAX_KEY} bytes, this one has {}",
            key.len()
        );
        return Err(StorageError::TooLarge(text));
    }
    Ok(())
}

fn check_value(value: &[u8]) -> Result<(), StorageError> {
    if value.len() > MAX_VALUE {
        let text = format!(
            "a value has at most {MAX_VALUE} bytes, this one has {}",
            value.len()
        );
        return Err(StorageError::TooLarge(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_quota(test: impl Fn(Storage<'_>)) {
        let limits = Limits {
            storage_bytes: 20,
            storage_keys: 2,
            ..Limits::default()
        };
        test(Storage {
            store: &InMemoryStorage::default(),
            limits: &limits,
            lock: &Mutex::new(()),
        });
    }

    #[test]
    fn a_value_over_the_quota_is_refused_and_the_old_one_stays() {
        with_quota(|storage| {
            storage.put("a", b"0123456789").unwrap();
            assert!(matches!(
                storage.put("a", &[0; 20]),
                Err(StorageError::Quota(_))
            ));
            assert_eq!(storage.get("a").unwrap().unwrap(), b"0123456789");
            storage.put("a", &[0; 19]).unwrap();
        });
    }

    #[test]
    fn keys_are_counted() {
        with_quota(|storage| {
            storage.put("a", b"").unwrap();
            storage.put("b", b"").unwrap();
            assert!(matches!(storage.put("c", b""), Err(StorageError::Quota(_))));
            let swapped = storage.compare_and_swap("c", None, Some(b""));
            assert!(matches!(swapped, Err(StorageError::Quota(_))));
            storage.put("b", b"again").unwrap();
        });
    }

    #[test]
    fn long_keys_and_values_are_refused() {
        with_quota(|storage| {
            let long = "k".repeat(257);
            assert!(matches!(
                storage.put(&long, b""),
                Err(StorageError::TooLarge(_))
            ));
            let big = storage.put("k", &[0; (64 << 10) + 1]);
            assert!(matches!(big, Err(StorageError::TooLarge(_))));
        });
    }

    #[test]
    fn compare_and_swap_changes_only_what_was_expected() {
        with_quota(|storage| {
            assert!(storage.compare_and_swap("a", None, Some(b"1")).unwrap());
            assert!(!storage.compare_and_swap("a", None, Some(b"2")).unwrap());
            assert!(storage.compare_and_swap("a", Some(b"1"), None).unwrap());
            assert_eq!(storage.get("a").unwrap(), None);
        });
    }
}
