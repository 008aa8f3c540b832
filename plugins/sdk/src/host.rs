//! What a connector may ask of the outside.

use crate::{Level, Request, Response, SendFailure, StorageError};

/// The outside, as `http`, `storage` and `log` of `wit/guest` describe it.
///
/// In the component it is psa-host. A native program brings its own; it then also has
/// to add the authentication that `describe` declared, where a request asks for it.
pub trait Host {
    fn send(&self, request: &Request) -> Result<Response, SendFailure>;

    fn storage_get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError>;

    fn storage_put(&self, key: &str, value: &[u8]) -> Result<(), StorageError>;

    fn storage_delete(&self, key: &str) -> Result<(), StorageError>;

    /// Keys that begin with `prefix`, in order.
    fn storage_list(&self, prefix: &str) -> Result<Vec<String>, StorageError>;

    /// False where the present value is not `expected`: nothing changed then.
    fn storage_compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StorageError>;

    fn log(&self, level: Level, message: &str);
}
