//! The real binary: exit statuses, help, completions, the shapes of answers and errors.

mod answers;
mod errors;
mod help;
mod program;
