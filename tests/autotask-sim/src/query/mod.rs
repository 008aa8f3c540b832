//! Queries: read strictly, answered from the indexes, written without detours.

pub(crate) mod filter;
pub(crate) mod pages;
pub(crate) mod parse;
pub(crate) mod render;
pub(crate) mod run;

use crate::schema::Field;
use filter::Expr;

/// A query that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// All of these hold.
    pub all: Vec<Expr>,
    /// Rows on a page, 1 to 500.
    pub max: usize,
    /// Fields asked for; `None` is all of them.
    pub include: Option<Vec<&'static Field>>,
}
