//! Hostile plugins, one test each. Every test ends with another connection's run, which
//! must work as if nothing had happened.

// What these share are tests too.
#![allow(clippy::unwrap_used)]

mod addresses;
mod answers;
mod bodies;
mod commands;
mod cpu;
mod egress;
mod headers;
mod loading;
mod log;
mod memory;
mod secrets;
mod side_by_side;
mod storage;
mod tokens;
mod writes;
