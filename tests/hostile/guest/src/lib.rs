//! A hostile plugin: one component for all tests, whose misdeed is chosen by a script
//! in its setting `script` and, for `describe` (which comes before any setting), by a
//! mark in the file that the tests overwrite.
//!
//! As a native library it is nothing but the words of the scripts, so that tests and
//! guest cannot drift apart.

mod disguise;
mod script;

#[cfg(target_family = "wasm")]
mod act;
#[cfg(target_family = "wasm")]
mod answer;
#[cfg(target_family = "wasm")]
mod description;
#[cfg(target_family = "wasm")]
mod plugin;

pub use disguise::{Disguise, MARK_BYTES, MARK_START};
pub use script::{Act, Answer, Ask, Export, HostCall, Said, Script, Text};

#[cfg(target_family = "wasm")]
psa_connector_sdk::export_connector!(plugin::Hostile);
