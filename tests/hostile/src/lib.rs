//! Hostile plugins, and what it takes to let them loose: one sandbox for all tests,
//! servers that misbehave, names that lead where they should not.
//!
//! Each test lets one plugin do its worst, looks for the incident that names it, and
//! then sees that [`the_next_connection_works`]. How long something takes is asserted
//! nowhere: that a limit held is told by its code.

// This crate is for tests, where a value that is missing is a failed test.
#![allow(clippy::unwrap_used)]

mod component;
mod installation;
mod names;
mod next;
mod server;
mod world;

pub use component::{connector_in_world, contract, disguised, guest_package, hostile, with_module};
pub use hostile_guest as guest;
pub use installation::Installation;
pub use names::{name_of, names_of};
pub use next::the_next_connection_works;
pub use server::{Received, Reply, Server, answer, json};
pub use world::{
    Hostile, SECRET, Tenant, Unleashed, incident_codes, limits, line_key, lines, load, posted, run,
    sandbox_in, sandbox_with, whole,
};
