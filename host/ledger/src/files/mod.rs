//! What lies beside the database: the data directory, the key, locks.

pub(crate) mod access;
pub(crate) mod boot;
pub(crate) mod data_dir;
pub(crate) mod key;
pub(crate) mod lock;
pub(crate) mod run_locks;
