//! What was sent, counted for people.

use std::collections::BTreeMap;

/// How many requests were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestCount {
    /// All of them, tokens included.
    pub total: u64,
    /// Those to write routes.
    pub writes: u64,
    /// By the endpoint that a route names; by `(host)` where none does.
    pub by_endpoint: BTreeMap<String, u64>,
}
