//! The day that a run was planned for. What was planned yesterday is not sent today:
//! it could fall into another period.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use psa_host_billing::effective::local_day;
use psa_host_billing::{Hold, HoldCode};
use psa_host_ledger::Ledger;

/// The civil date of a run in its connection's zone.
#[derive(Debug, Clone)]
pub(super) struct Day {
    /// None: a person asked for a date, whatever today is.
    date: Option<Date>,
    zone: TimeZone,
    clock: Ledger,
}

impl Day {
    pub fn new(date: Option<Date>, zone: &TimeZone, clock: &Ledger) -> Self {
        Self {
            date,
            zone: zone.clone(),
            clock: clock.clone(),
        }
    }

    /// Why nothing more is sent; none while it is still the same day.
    pub fn over(&self) -> Option<Hold> {
        let planned = self.date?;
        let today = local_day(self.clock.now(), &self.zone);
        if today == planned {
            return None;
        }
        let message =
            format!("planned for {planned}; in the connection's time zone it is {today} now");
        Some(Hold::new(HoldCode::DateChanged, message))
    }
}
