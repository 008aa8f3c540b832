//! Who may write to a tenant, as the ledger itself knows it.
//!
//! The operating system's lock ([`TenantLock`](crate::TenantLock)) keeps two processes of
//! one machine apart, as long as both see the same lock file and neither is taken for
//! dead. The lease is what counts where that fails: each run that begins takes the tenant
//! with a new epoch, and every verb of a run looks, in its own transaction, whether its
//! epoch is still there. A process that was stopped, and whose tenant somebody took
//! meanwhile, wakes up to [`LedgerError::LeaseLost`]: it writes nothing more, and the
//! request that it was about to hand out does not leave.
//!
//! A verb cannot forget to look: what it calls to write wants a [`Held`], which only a
//! look gives; and a test compares the verbs that take a [`RunLease`] with its own list.

use psa_host_billing::TenantKey;

use crate::LedgerError;
use crate::db::{Optional, Tx, instant, params};
use crate::error::{Fault, Inside};
use crate::files::boot::this_boot;
use crate::history::journal::Journal;
use crate::ids::RunId;

/// The right of a run to write: what [`Ledger::begin_run`](crate::Ledger::begin_run) gives, and what every verb of
/// the run takes. Of a dry run it gives no right to post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLease {
    run: RunId,
    /// None: a dry run, which takes no tenant.
    epoch: Option<i64>,
}

/// That a lease was looked at, in the transaction that is under way.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) run: RunId,
    pub(crate) connection: i64,
    tenant: Option<String>,
    ended: bool,
    dry_run: bool,
}

impl RunLease {
    /// The run.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Of a run that has just begun; with its tenant, where it is to post.
    pub(crate) fn begin(
        change: &Tx<'_>,
        journal: &Journal<'_>,
        run: RunId,
        tenant: Option<&TenantKey>,
    ) -> Inside<Self> {
        let epoch = tenant.map(|tenant| take(change, journal, tenant, Some(run)));
        Ok(Self {
            run,
            epoch: epoch.transpose()?,
        })
    }

    /// Of whoever settles by hand what a run left open: the tenant is no run's then.
    pub(crate) fn by_hand(
        change: &Tx<'_>,
        journal: &Journal<'_>,
        run: RunId,
        tenant: Option<&TenantKey>,
    ) -> Inside<Self> {
        let epoch = tenant.map(|tenant| take(change, journal, tenant, None));
        Ok(Self {
            run,
            epoch: epoch.transpose()?,
        })
    }

    /// Still this run's; it may be over.
    pub(crate) fn held(self, change: &Tx<'_>) -> Inside<Held> {
        let held = change
            .prepare(
                "SELECT connection_id, ending IS NOT NULL, dry_run,
                     (SELECT tenant FROM run_leases WHERE epoch = ?2)
                 FROM runs WHERE id = ?1",
            )?
            .query_row(params![self.run.0, self.epoch], |row| {
                Ok(Held {
                    run: self.run,
                    connection: row.get(0)?,
                    ended: row.get(1)?,
                    dry_run: row.get(2)?,
                    tenant: row.get(3)?,
                })
            })
            .optional()?
            .ok_or_else(|| self.run.not_found())?;
        if self.epoch.is_some() && held.tenant.is_none() {
            return Err(lost(change, self.run)?);
        }
        Ok(held)
    }

    /// Still this run's, which goes on.
    pub(crate) fn in_run(self, change: &Tx<'_>) -> Inside<Held> {
        let held = self.held(change)?;
        match held.ended {
            true => Err(refused(self.run, "is over")),
            false => Ok(held),
        }
    }

    /// Still this run's, which goes on and may post.
    pub(crate) fn posting(self, change: &Tx<'_>) -> Inside<Held> {
        let held = self.in_run(change)?;
        held.refuse_dry()?;
        Ok(held)
    }

    /// Still this run's, or that of whoever settles what the run left open.
    pub(crate) fn settling(self, change: &Tx<'_>) -> Inside<Held> {
        let held = self.held(change)?;
        match held.tenant {
            Some(_) => Ok(held),
            None => Err(refused(self.run, "has not taken the tenant")),
        }
    }

    /// Note that whoever has it is at work.
    pub(crate) fn renew(self, change: &Tx<'_>, journal: &Journal<'_>) -> Inside<()> {
        change
            .prepare("UPDATE run_leases SET renewed = ?2 WHERE epoch = ?1")?
            .execute(params![self.epoch, journal.at().as_microsecond()])?;
        Ok(())
    }
}

impl Held {
    /// The tenant that the run has taken.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn refuse_dry(&self) -> Inside<()> {
        match self.dry_run {
            true => Err(refused(self.run, "is a dry run and posts nothing")),
            false => Ok(()),
        }
    }

    /// Nothing of another tenant is written under this lease.
    pub(crate) fn of(&self, tenant: &str) -> Inside<()> {
        match self.tenant.as_deref() == Some(tenant) {
            true => Ok(()),
            false => Err(refused(self.run, "has taken another tenant")),
        }
    }
}

/// Take a tenant from whoever has it. The epoch is returned.
pub(crate) fn take(
    change: &Tx<'_>,
    journal: &Journal<'_>,
    tenant: &TenantKey,
    run: Option<RunId>,
) -> Inside<i64> {
    let epoch = change
        .prepare(
            "INSERT INTO run_leases (tenant, epoch, run, who, process, boot, since, renewed)
             SELECT ?1, coalesce(max(epoch), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?6 FROM run_leases
             WHERE true
             ON CONFLICT DO UPDATE SET epoch = excluded.epoch, run = excluded.run,
                 who = excluded.who, process = excluded.process, boot = excluded.boot,
                 since = excluded.since, renewed = excluded.renewed
             RETURNING epoch",
        )?
        .query_row(
            params![
                tenant.as_str(),
                run.map(|run| run.0),
                journal.who(),
                std::process::id(),
                this_boot(),
                journal.at().as_microsecond(),
            ],
            |row| row.get(0),
        )?;
    Ok(epoch)
}

/// There is no such tenant any more.
pub(crate) fn give_up(change: &Tx<'_>, tenant: &TenantKey) -> Inside<()> {
    change.execute(
        "DELETE FROM run_leases WHERE tenant = ?1",
        [tenant.as_str()],
    )?;
    Ok(())
}

/// By whom the tenant of a run was taken.
fn lost(view: &Tx<'_>, run: RunId) -> Inside<Fault> {
    let taken = view
        .prepare(
            "SELECT l.tenant, l.who, l.run, l.since FROM runs AS r
             JOIN run_leases AS l ON l.tenant = r.tenant WHERE r.id = ?1",
        )?
        .query_row([run.0], |row| {
            let by: Option<i64> = row.get(2)?;
            Ok(LedgerError::LeaseLost {
                run: run.to_string(),
                tenant: row.get(0)?,
                by: match by {
                    Some(by) => format!("run {} of {}", RunId(by), row.get::<String>(1)?),
                    None => row.get(1)?,
                },
                since: instant(row, 3)?,
            })
        })?;
    Ok(taken.into())
}

fn refused(run: RunId, why: &'static str) -> Fault {
    LedgerError::RunState {
        run: run.to_string(),
        why,
    }
    .into()
}
