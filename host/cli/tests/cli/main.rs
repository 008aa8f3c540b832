//! The real binary: exit statuses, help, completions, the shapes of answers and errors.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod count;
mod errors;
mod help;
mod history;
mod imports;
mod program;
