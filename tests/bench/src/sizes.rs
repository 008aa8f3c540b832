//! How much is measured.

use std::time::Duration;

use crate::tenant::Shape;

/// The latency at which most targets hold: what a PSA's answer takes at the least.
pub const LATENCY: Duration = Duration::from_millis(20);

/// Sizes of all parts.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// The tenant on which Wasm and native are compared.
    pub comparison: Shape,
    /// Adjustments in each leg of the comparison.
    pub adjustments: usize,
    /// Turns of each leg.
    pub rounds: usize,
    /// Instances made.
    pub instances: usize,
    /// Starts of the program.
    pub starts: usize,
    /// The tenant of the large sync.
    pub sync: Shape,
    /// An MSP as most are.
    pub typical: Shape,
    /// The tenant whose contracts run for a short and for a long term.
    pub terms: Shape,
}

impl Sizes {
    /// What the targets are about.
    pub fn full() -> Self {
        Self {
            comparison: Shape {
                companies: 1_000,
                lines_each: 6,
                changes: 0,
                months: 12,
            },
            adjustments: 300,
            rounds: 5,
            instances: 1_000,
            starts: 15,
            sync: Shape {
                companies: 10_000,
                lines_each: 6,
                changes: 3_000,
                months: 12,
            },
            typical: Shape {
                companies: 200,
                lines_each: 6,
                changes: 200,
                months: 12,
            },
            terms: Shape {
                companies: 1_000,
                lines_each: 6,
                changes: 0,
                months: 3,
            },
        }
    }

    /// As little as shows that it works.
    pub fn quick() -> Self {
        Self {
            comparison: Shape {
                companies: 20,
                lines_each: 3,
                changes: 0,
                months: 12,
            },
            adjustments: 6,
            rounds: 1,
            instances: 20,
            starts: 2,
            sync: Shape {
                companies: 40,
                lines_each: 3,
                changes: 12,
                months: 12,
            },
            typical: Shape {
                companies: 20,
                lines_each: 3,
                changes: 12,
                months: 12,
            },
            terms: Shape {
                companies: 20,
                lines_each: 3,
                changes: 0,
                months: 3,
            },
        }
    }
}
