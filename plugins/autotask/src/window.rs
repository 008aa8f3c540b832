//! The days that unit rows are read for.

use psa_connector_sdk::{Date, Error, invalid};

/// From `start` on: up to `horizon` for a plan, without one to the end.
///
/// Autotask keeps a row for every billing period up to the contract's end [DOC], so that
/// reading all of them costs the more the longer contracts run. A plan needs the few
/// between the day it plans for and the end of the next period: with a horizon only rows
/// that begin on or before it are asked for, and a reading costs the same for a contract
/// of 25 months as for one of three.
///
/// What comes back is then a **window**, cut between rows and never through one:
/// - each row is whole, so the first may begin before `start` and the last may end after
///   `horizon`;
/// - what comes after the last row is not known. It is not the end of the line, not the
///   contract's end and not zero units: only a reading without a horizon tells these, and
///   finds gaps, contradictions and pending changes beyond it;
/// - a line none of whose rows meets the window is unreadable in it, and says so. It may
///   well have rows later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub start: Date,
    pub horizon: Option<Date>,
}

impl Window {
    /// Everything from `start` on.
    pub(crate) fn whole(start: Date) -> Self {
        Self {
            start,
            horizon: None,
        }
    }

    pub(crate) fn new(start: Date, horizon: Option<Date>) -> Result<Self, Error> {
        match horizon {
            Some(horizon) if horizon < start => Err(invalid(format!(
                "units from {start} to {horizon}: the horizon lies before the start"
            ))),
            _ => Ok(Self { start, horizon }),
        }
    }
}
