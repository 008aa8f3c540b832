//! The newest usage snapshot of a channel, and what stands against counting from it.

use jiff::tz::TimeZone;
use psa_host_billing::brake::{self, Brake, Newest};
use psa_host_billing::rules::BrakeLimits;
use psa_host_billing::{CompleteSnapshot, SnapshotError, UsageSnapshot};
use psa_host_ledger::{Connection, Snapshot, SnapshotId};

use crate::{Host, Result};

/// The snapshot a run goes by.
pub(crate) struct Counts {
    pub id: SnapshotId,
    pub complete: CompleteSnapshot,
}

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

    /// Take a snapshot's counts, if it is complete.
    pub(crate) fn counts_of(
        &self,
        snapshot: &Snapshot,
    ) -> Result<std::result::Result<Counts, SnapshotError>> {
        let items = if snapshot.complete {
            self.ledger().usage_items(snapshot.id)?
        } else {
            vec![]
        };
        let complete = CompleteSnapshot::new(UsageSnapshot {
            channel: snapshot.channel.clone(),
            taken_at: snapshot.taken_at,
            complete: snapshot.complete,
            items,
        });
        Ok(complete.map(|complete| Counts {
            id: snapshot.id,
            complete,
        }))
    }
}
