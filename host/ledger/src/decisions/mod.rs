//! What people decide: rules, answers to questions, stances on lines, what is set aside.

pub(crate) mod limits_added;
pub(crate) mod questions;
pub(crate) mod rules;
pub(crate) mod set_asides;
pub(crate) mod stances;
