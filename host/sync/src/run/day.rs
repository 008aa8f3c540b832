//! The day that a run was planned on. What was planned yesterday is not sent today: it
//! could fall into another period, and its snapshot was judged by yesterday.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use psa_host_billing::effective::local_day;
use psa_host_billing::{Hold, HoldCode};
use psa_host_ledger::Ledger;

/// The civil date on which a run began, in its connection's zone. It is the date planned
/// for, unless a person asked for another.
#[derive(Debug, Clone)]
pub(super) struct Day {
    date: Date,
    zone: TimeZone,
    clock: Ledger,
}

impl Day {
    pub fn new(date: Date, zone: &TimeZone, clock: &Ledger) -> Self {
        Self {
            date,
            zone: zone.clone(),
            clock: clock.clone(),
        }
    }

    /// The date.
    pub fn date(&self) -> Date {
        self.date
    }

    /// Why nothing more is sent; none while it is still the same day.
    pub fn over(&self) -> Option<Hold> {
        let planned = self.date;
        let today = local_day(self.clock.now(), &self.zone);
        if today == planned {
            return None;
        }
        let message =
            format!("planned on {planned}; in the connection's time zone it is {today} now");
        Some(Hold::new(HoldCode::DateChanged, message))
    }
}
