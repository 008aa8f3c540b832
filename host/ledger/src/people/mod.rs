//! Who may come in from outside.

pub(crate) mod tokens;
