//! The newest usage snapshot of a channel, and what stands against counting from it.

use jiff::tz::TimeZone;
use psa_host_billing::brake::{self, Brake, Newest};
use psa_host_billing::rules::BrakeLimits;
use psa_host_billing::{CompleteSnapshot, UsageSnapshot, WorkspaceId};
use psa_host_ledger::{Connection, Counted, DifferingCount, Disagreement, Ledger, Snapshot};

use crate::error::rule;
use crate::{Access, Result};

impl Access {
    /// The newest snapshot of a channel, to count from it.
    ///
    /// # Errors
    /// Another of the same instant counts otherwise.
    pub(crate) fn snapshot_to_use(&self, channel: &WorkspaceId) -> Result<Option<Snapshot>> {
        let Some(newest) = self.ledger().latest_snapshot(channel)? else {
            return Ok(None);
        };
        match self.disagreeing(&newest)? {
            None => Ok(Some(newest)),
            Some(brake) => Err(rule(brake.code(), brake.message(), fix_of(&brake))),
        }
    }

    /// That another snapshot of the same instant counts otherwise.
    pub(crate) fn disagreeing(&self, snapshot: &Snapshot) -> Result<Option<Brake>> {
        let found = self.ledger().disagreement(snapshot)?;
        Ok(found.map(|found| disagreeing(&found, snapshot)))
    }

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
        let disagreeing = self.disagreeing(snapshot)?;
        let others = brake::against(&newest, limits, self.now(), zone);
        let workspaces = self.ledger().unread_workspaces()?;
        let workspaces = workspaces.map(|unread| Brake::WorkspacesUnread {
            source: unread.source,
            rows: unread.rows,
        });
        let others = workspaces.into_iter().chain(others);
        Ok(disagreeing.into_iter().chain(others).collect())
    }
}

/// That this snapshot and another one of its instant count otherwise.
pub(crate) fn disagreeing(found: &Disagreement, snapshot: &Snapshot) -> Brake {
    Brake::SnapshotsDisagree {
        snapshots: [found.with.id.to_string(), snapshot.id.to_string()],
        taken_at: snapshot.taken_at,
        pairs: found.pairs,
        example: example(found, snapshot),
    }
}

/// What to do about it, as a sentence of its own: nothing in it is about a connection.
pub(crate) fn fix_of(disagreeing: &Brake) -> String {
    let fix = disagreeing.fix("").replacen("withdraw", "Withdraw", 1);
    format!("{fix}.")
}

/// `edr of ws-17 with 12 devices in u-000041 and 14 devices in u-000042`
fn example(found: &Disagreement, newest: &Snapshot) -> String {
    let DifferingCount {
        workspace,
        module,
        counts: [of_newest, of_other],
    } = &found.example;
    let counted = |count: &Option<Counted>| {
        let Some(Counted { users, devices }) = count else {
            return "no count".to_owned();
        };
        let known = [(users, "users"), (devices, "devices")];
        let said: Vec<String> = known
            .into_iter()
            .filter_map(|(count, of)| Some(format!("{} {of}", (*count)?)))
            .collect();
        match said.is_empty() {
            true => "no number".to_owned(),
            false => said.join(", "),
        }
    };
    format!(
        "{module} of {workspace} with {} in {} and {} in {}",
        counted(of_other),
        found.with.id,
        counted(of_newest),
        newest.id
    )
}

/// A snapshot's counts.
pub(crate) fn counts_of(ledger: &Ledger, snapshot: &Snapshot) -> Result<CompleteSnapshot> {
    CompleteSnapshot::new(UsageSnapshot {
        channel: snapshot.channel.clone(),
        taken_at: snapshot.taken_at,
        complete: snapshot.complete,
        items: ledger.usage_items(snapshot.id)?,
        unread: ledger.unread_usage(snapshot.id)?,
    })
    .map_err(|incomplete| {
        let fix = "Import a complete snapshot with `psa-host usage import`.";
        rule("snapshot-incomplete", incomplete.to_string(), fix)
    })
}
