//! Rows that an import refuses, told in the order of the file, whichever of its checks
//! found them.

use std::ops::Deref;

use serde::{Serialize, Serializer};

use crate::error::Problem;

/// Problems of rows, by their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    places: Vec<u64>,
    problems: Vec<Problem>,
}

impl Refusals {
    /// One more, behind those of the same place.
    pub(crate) fn push(&mut self, place: u64, problem: Problem) {
        let at = self.places.partition_point(|before| *before <= place);
        self.places.insert(at, place);
        self.problems.insert(at, problem);
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl Deref for Refusals {
    type Target = [Problem];
    fn deref(&self) -> &[Problem] {
        &self.problems
    }
}

impl Serialize for Refusals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.problems.serialize(serializer)
    }
}
