//! What a connector may ask of the outside.

use crate::{Level, Request, Response, SendFailure, StorageError};

/// The outside, as `http`, `storage` and `log` of `wit/guest` describe it.
///
/// In the component it is psa-host. A native program brings its own; it then also has
/// to add the authentication that `describe` declared, where a request asks for it.
pub trait Host {
    /// Sends one request and waits for the whole answer. Any status is an answer; redirects
    /// are not followed.
    fn send(&self, request: &Request) -> Result<Response, SendFailure>;

    /// What is stored under a key; none: nothing.
    fn storage_get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// Stores a value, in the place of what was there.
    fn storage_put(&self, key: &str, value: &[u8]) -> Result<(), StorageError>;

    /// Deletes a key; one that is not there is no error.
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

    /// Says something to whoever runs the connection. Never a secret, never a customer's data.
    fn log(&self, level: Level, message: &str);
}
