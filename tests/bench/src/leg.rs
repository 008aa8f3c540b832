//! The work that is done twice, by the connector in its sandbox and by the same code
//! compiled natively: everything a run reads of a tenant, then adjustments with a look
//! at their lines before and after.
//!
//! Both do it the way a run does: two instances side by side, each with one request at
//! a time, half of the accounts and half of the adjustments for each.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::used::Used;

/// How many instances work side by side: what the Autotask connector declares.
pub const INSTANCES: usize = 2;

/// What a leg is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Of the tenant.
    pub base_url: String,
    /// The connector's file.
    pub connector: PathBuf,
    /// A folder that all legs share: compiled plugins stay there.
    pub folder: PathBuf,
    pub today: Date,
    /// Adjustments, all instances together.
    pub adjustments: usize,
}

/// What a leg did.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Done {
    pub used: Used,
    pub accounts: usize,
    pub services: usize,
    pub lines: usize,
    pub adjusted: usize,
    /// Lines that stood at their target when they were read again.
    pub confirmed: usize,
}

/// What one instance did with its half.
#[derive(Debug, Clone, Copy, Default)]
pub struct Half {
    pub lines: usize,
    pub adjusted: usize,
    pub confirmed: usize,
}

/// `count` of the entries, evenly spread.
pub fn spread<T>(entries: Vec<T>, count: usize) -> Vec<T> {
    let every = (entries.len() / count.max(1)).max(1);
    entries.into_iter().step_by(every).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_are_spread_over_all() {
        assert_eq!(spread((0..10).collect(), 3), [0, 3, 6]);
        assert_eq!(spread(vec![1, 2], 5), [1, 2]);
    }
}
