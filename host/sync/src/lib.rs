//! Everything a command or the REST API does, as typed calls: plugins, imports,
//! connections, mappings, validation, and the run itself. Reads go through the
//! sandbox, decisions through billing, state through the ledger; here they meet.
//!
//! A [`Host`] is one open data directory. Its calls return values or an [`Error`]
//! with a stable code and a fix; nothing here prints.

#![forbid(unsafe_code)]

mod error;
mod host;
mod progress;
mod reading;
mod wiring;

pub use error::{Error, Problem, Result};
pub use host::{Host, HostOptions};
pub use progress::{Activity, Progress, Watch, unwatched};
pub use reading::{AccountContracts, Reader};
pub use wiring::{OpenConnection, Purpose};
