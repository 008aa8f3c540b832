//! The newest usage snapshot of a channel, and what stands against counting from it.

use jiff::tz::TimeZone;
use psa_host_billing::brake::{self, Brake, Newest};
use psa_host_billing::rules::BrakeLimits;
use psa_host_billing::{CompleteSnapshot, UsageSnapshot};
use psa_host_ledger::{Connection, Ledger, Snapshot};

use crate::error::rule;
use crate::{Host, Result};

impl Host {
    /// What stands against a snapshot today, whatever day is planned for.
    pub(crate) fn brakes_of_snapshot(
        &self,
        connection: &Connection,
        snapshot: &Snapshot,
        zone: &TimeZone,
        limits: &BrakeLimits,
    ) -> Result<Vec<Brake>> {
        let last_used = self.ledger().last_used_snapshot(&connection.name)?;
        let newest = Newest {
            taken_at: snapshot.taken_at,
            complete: snapshot.complete,
            last_used: last_used.map(|last| last.taken_at),
        };
        Ok(brake::against(&newest, limits, self.now(), zone))
    }
}

/// A snapshot's counts.
pub(crate) fn counts_of(ledger: &Ledger, snapshot: &Snapshot) -> Result<CompleteSnapshot> {
    CompleteSnapshot::new(UsageSnapshot {
        channel: snapshot.channel.clone(),
        taken_at: snapshot.taken_at,
        complete: snapshot.complete,
        items: ledger.usage_items(snapshot.id)?,
    })
    .map_err(|incomplete| {
        let fix = "Import a complete snapshot with `psa-host usage import`.";
        rule("snapshot-incomplete", incomplete.to_string(), fix)
    })
}
