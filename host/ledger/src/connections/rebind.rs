//! A tenant whose key changed, because its vendor moved it: everything that is kept under
//! the former key is kept under the new one, for all connections of the tenant, in one
//! transaction. Whether it is the same PSA a person has said before this is called.

use psa_host_billing::{ConnectionName, LineKey, TenantKey};
use serde_json::{Value, json};

use crate::connections::tenant_claims::{Claimant, is_known, keep_asked, users};
use crate::db::{Optional, Sql, Tx, params, parsed};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::runs::lease;
use crate::{Ledger, LedgerError, Result};

/// Every table with a tenant in it, but the claims, which are about keys, and the leases,
/// which nobody keeps through this. A test compares them with the schema.
pub(crate) const KEPT_BY_TENANT: [&str; 11] = [
    "account_map",
    "connections",
    "decision_changes",
    "due_days",
    "intents",
    "known_accounts",
    "lines",
    "lines_seen",
    "questions",
    "runs",
    "stances",
];

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebound {
    /// What everything is kept under now.
    pub tenant: TenantKey,
    /// The connections that moved.
    pub connections: Vec<ConnectionName>,
    /// Connections that were at the new place already and had only found lines right.
    pub merged: Vec<ConnectionName>,
    /// Mappings of those that said the same as one that moved, and are gone.
    pub same_mappings: u64,
    /// Adjustments that were not settled, and are settled there.
    pub open: u64,
}

impl Ledger {
    /// The tenant that a key would mean for a connection if its tenant moved there.
    ///
    /// # Errors
    /// [`LedgerError::TenantNotChanged`]; [`LedgerError::TenantClaimed`] where another
    /// lineage or channel has the key; [`LedgerError::TenantAdjusted`].
    pub fn rebind_target(
        &self,
        name: &ConnectionName,
        reported: &TenantKey,
    ) -> Result<(TenantKey, TenantKey)> {
        self.write(|change, journal| {
            let claimant = Claimant::of(change, name)?;
            match target(change, journal, &claimant, (name, reported))? {
                Ok((from, to)) => {
                    refuse_adjusted(change, &to)?;
                    Ok(Ok((from, to)))
                }
                // Kept as asked about, so that an operator can say something.
                Err(refusal) => Ok(Err(refusal)),
            }
        })?
    }

    /// Lines that are known of a tenant: those of adjustments, and those that the last runs
    /// found right.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn known_lines(&self, tenant: &TenantKey) -> Result<Vec<LineKey>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT line, contract, service, account FROM lines WHERE tenant = ?1
                 UNION
                 SELECT r.line, r.contract, r.service, r.account FROM run_lines AS r
                 JOIN lines_seen AS s ON s.tenant = ?1 AND s.line = r.line
                 WHERE r.contract IS NOT NULL AND r.service IS NOT NULL AND r.account IS NOT NULL
                     AND r.run IN (SELECT max(id) FROM runs
                                   WHERE tenant = ?1 AND ending = 'done' GROUP BY connection_id)
                     AND NOT EXISTS (SELECT 1 FROM lines AS l
                                     WHERE l.tenant = ?1 AND l.line = r.line)
                 ORDER BY line",
            )?;
            let mut lines = rows
                .query_map([tenant.as_str()], |row| {
                    Ok(LineKey {
                        line: parsed(row, 0)?,
                        contract: parsed(row, 1)?,
                        service: parsed(row, 2)?,
                        account: parsed(row, 3)?,
                    })
                })?
                .collect::<Sql<Vec<_>>>()?;
            lines.dedup_by(|a, b| a.line == b.line);
            Ok(lines)
        })
    }

    /// Move a tenant to the key that one of its connections reports. The caller has the
    /// locks of both. `proof` and `why` go into the history.
    ///
    /// # Errors
    /// As [`Ledger::rebind_target`], and where the tenant is not `from` any more; a mapping
    /// that another connection has at the new place otherwise.
    pub fn rebind_tenant(
        &self,
        name: &ConnectionName,
        from: &TenantKey,
        reported: &TenantKey,
        proof: &Value,
    ) -> Result<Rebound> {
        let rebound = self.write(|change, journal| {
            let claimant = Claimant::of(change, name)?;
            let to = match target(change, journal, &claimant, (name, reported))? {
                Ok((now, to)) if now == *from => to,
                Ok((now, _)) => {
                    return Err(LedgerError::TenantChanged {
                        connection: name.to_string(),
                        bound: from.to_string(),
                        reported: now.to_string(),
                    }
                    .into());
                }
                Err(refusal) => return Ok(Err(refusal)),
            };
            refuse_adjusted(change, &to)?;
            // Whoever runs under either key writes no more. In this order: the highest epoch
            // has to stay.
            lease::take(change, journal, &to, None)?;
            lease::give_up(change, from)?;
            let merged = connections_of(change, &to)?;
            let same_mappings = drop_same_mappings(change, (from, &to))?;
            refuse_other_mappings(change, (from, &to))?;
            let connections = connections_of(change, from)?;
            let open = open_adjustments(change, from)?;
            make_way(change, (from, &to))?;
            for table in KEPT_BY_TENANT {
                change.execute(
                    &format!("UPDATE {table} SET tenant = ?2 WHERE tenant = ?1"),
                    [from.as_str(), to.as_str()],
                )?;
            }
            // What the last check said of them was about the former key.
            change.execute(
                "UPDATE connections SET check_status = NULL, check_code = NULL, checked_at = NULL
                 WHERE tenant = ?1 AND check_code = 'tenant-changed'",
                [to.as_str()],
            )?;
            move_claims(change, journal, (from, &to), reported)?;
            let detail = json!({
                "from": from, "to": to, "reported": reported, "connections": connections,
                "merged": merged, "same_mappings": same_mappings, "open_adjustments": open,
                "proof": proof,
            });
            for connection in &connections {
                journal.write(
                    change,
                    About::Named(connection),
                    "tenant.rebound",
                    connection.as_str(),
                    &detail,
                )?;
            }
            Ok(Ok(Rebound {
                tenant: to,
                connections,
                merged,
                same_mappings,
                open,
            }))
        })??;
        self.budget_move(from, &rebound.tenant)?;
        Ok(rebound)
    }
}

/// The tenant of a connection and the one that the key means for it. An inner error is an
/// answer whose question is kept.
fn target(
    change: &Tx<'_>,
    journal: &Journal<'_>,
    claimant: &Claimant,
    (name, reported): (&ConnectionName, &TenantKey),
) -> Inside<Result<(TenantKey, TenantKey)>> {
    let not_changed = |tenant: Option<&TenantKey>| {
        Ok(Err(LedgerError::TenantNotChanged {
            connection: name.to_string(),
            tenant: tenant.map(TenantKey::to_string),
        }))
    };
    let Some(bound) = claimant.bound(change)? else {
        return not_changed(None);
    };
    let meant = claimant.meant(change, reported.as_str())?;
    let to = match meant {
        Some(tenant) => tenant,
        None if *reported == bound => return not_changed(Some(&bound)),
        None if is_known(change, reported.as_str())? => {
            keep_asked(change, journal, claimant, (name, reported))?;
            return Ok(Err(LedgerError::TenantClaimed {
                connection: name.to_string(),
                tenant: reported.to_string(),
                by: users(change, reported.as_str())?,
            }));
        }
        None => reported.clone(),
    };
    if to == bound {
        return not_changed(Some(&bound));
    }
    Ok(Ok((bound, to)))
}

/// Two ledgers of adjustments cannot be put together: which of them billed a line?
fn refuse_adjusted(view: &Tx<'_>, to: &TenantKey) -> Inside<()> {
    let adjustments: i64 = view.query_row(
        "SELECT max((SELECT count(*) FROM intents WHERE tenant = ?1),
                    (SELECT count(*) FROM lines WHERE tenant = ?1))",
        [to.as_str()],
        |row| row.get(0),
    )?;
    if adjustments == 0 {
        return Ok(());
    }
    Err(LedgerError::TenantAdjusted {
        tenant: to.to_string(),
        adjustments: adjustments.unsigned_abs(),
        by: connections_of(view, to)?
            .iter()
            .map(ConnectionName::to_string)
            .collect(),
    }
    .into())
}

fn connections_of(view: &Tx<'_>, tenant: &TenantKey) -> Inside<Vec<ConnectionName>> {
    Ok(view
        .prepare("SELECT name FROM connections WHERE tenant = ?1 ORDER BY name")?
        .query_map([tenant.as_str()], |row| parsed(row, 0))?
        .collect::<Sql<_>>()?)
}

fn open_adjustments(view: &Tx<'_>, tenant: &TenantKey) -> Inside<u64> {
    let open: i64 = view.query_row(
        &format!(
            "SELECT count(*) FROM intents WHERE tenant = ?1 AND state IN ({})",
            crate::adjustments::transition::OPEN_STATES
        ),
        [tenant.as_str()],
        |row| row.get(0),
    )?;
    Ok(open.unsigned_abs())
}

/// A connection that was added after the move has often been mapped the same way. The one
/// with pins, decisions and adjustments keeps the pair.
fn drop_same_mappings(change: &Tx<'_>, (from, to): (&TenantKey, &TenantKey)) -> Inside<u64> {
    let dropped = change.execute(
        "DELETE FROM account_map WHERE tenant = ?2 AND EXISTS (
             SELECT 1 FROM account_map AS moved WHERE moved.tenant = ?1
                 AND moved.workspace = account_map.workspace
                 AND moved.account = account_map.account)",
        [from.as_str(), to.as_str()],
    )?;
    Ok(dropped as u64)
}

fn refuse_other_mappings(view: &Tx<'_>, (from, to): (&TenantKey, &TenantKey)) -> Inside<()> {
    let other = view
        .query_row(
            "SELECT there.workspace, there.account, c.name, moved.workspace = there.workspace
             FROM account_map AS there JOIN connections AS c ON c.id = there.connection
             JOIN account_map AS moved ON moved.tenant = ?1
                 AND (moved.workspace = there.workspace OR moved.account = there.account)
             WHERE there.tenant = ?2 ORDER BY there.workspace LIMIT 1",
            [from.as_str(), to.as_str()],
            |row| {
                let (workspace, account, connection) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let of_workspace: bool = row.get(3)?;
                Ok(match of_workspace {
                    true => LedgerError::WorkspaceAlreadyMapped {
                        workspace,
                        account,
                        connection,
                    },
                    false => LedgerError::AccountAlreadyMapped {
                        workspace,
                        account,
                        connection,
                    },
                })
            },
        )
        .optional()?;
    other.map_or(Ok(()), |refusal| Err(refusal.into()))
}

/// Where both tenants have a row of one line or account, one of the two goes: what was seen
/// last, what was decided last, the earlier day that is due.
fn make_way(change: &Tx<'_>, (from, to): (&TenantKey, &TenantKey)) -> Inside<()> {
    for sql in [
        // What was seen before a change of the line was confirmed is no news.
        "DELETE FROM lines_seen WHERE tenant = ?2 AND EXISTS (
             SELECT 1 FROM lines AS l WHERE l.tenant = ?1 AND l.line = lines_seen.line
                 AND l.confirmed_at >= lines_seen.seen_at)",
        "DELETE FROM lines_seen WHERE tenant = ?2 AND EXISTS (
             SELECT 1 FROM lines_seen AS o WHERE o.tenant = ?1 AND o.line = lines_seen.line
                 AND o.seen_at >= lines_seen.seen_at)",
        "DELETE FROM lines_seen WHERE tenant = ?1 AND EXISTS (
             SELECT 1 FROM lines_seen AS o WHERE o.tenant = ?2 AND o.line = lines_seen.line)",
        "DELETE FROM known_accounts WHERE tenant = ?2 AND account IN (
             SELECT account FROM known_accounts WHERE tenant = ?1)",
        "DELETE FROM stances WHERE tenant = ?2 AND EXISTS (
             SELECT 1 FROM stances AS o WHERE o.tenant = ?1 AND o.line = stances.line
                 AND o.at >= stances.at)",
        "DELETE FROM stances WHERE tenant = ?1 AND EXISTS (
             SELECT 1 FROM stances AS o WHERE o.tenant = ?2 AND o.line = stances.line)",
        "DELETE FROM due_days WHERE tenant = ?2 AND EXISTS (
             SELECT 1 FROM due_days AS o WHERE o.tenant = ?1 AND o.line = due_days.line
                 AND o.due <= due_days.due)",
        "DELETE FROM due_days WHERE tenant = ?1 AND EXISTS (
             SELECT 1 FROM due_days AS o WHERE o.tenant = ?2 AND o.line = due_days.line)",
        "UPDATE questions SET state = 'superseded'
         WHERE tenant = ?2 AND state IN ('waiting', 'granted', 'rejected') AND EXISTS (
             SELECT 1 FROM questions AS o WHERE o.tenant = ?1 AND o.line = questions.line
                 AND o.state IN ('waiting', 'granted', 'rejected'))",
    ] {
        change.execute(sql, [from.as_str(), to.as_str()])?;
    }
    Ok(())
}

/// Whoever meant the former tenant means the new one by the new key. The former key means
/// nothing any more: whoever still reports it is refused, and a stranger who gets it from
/// the vendor is a stranger.
fn move_claims(
    change: &Tx<'_>,
    journal: &Journal<'_>,
    (from, to): (&TenantKey, &TenantKey),
    reported: &TenantKey,
) -> Inside<()> {
    change.execute(
        "INSERT INTO tenant_claims (reported, lineage, channel, tenant, asked_by, how, why, who, at)
         SELECT ?3, lineage, channel, ?2, min(asked_by), 'rebound', NULL, ?4, ?5
         FROM tenant_claims WHERE tenant = ?1 GROUP BY lineage, channel
         ON CONFLICT DO UPDATE SET tenant = excluded.tenant, asked_by = excluded.asked_by,
             how = excluded.how, why = NULL, who = excluded.who, at = excluded.at
         WHERE tenant IS NULL",
        params![
            from.as_str(),
            to.as_str(),
            reported.as_str(),
            journal.who(),
            journal.at().as_microsecond()
        ],
    )?;
    change.execute(
        "DELETE FROM tenant_claims WHERE tenant = ?1",
        [from.as_str()],
    )?;
    Ok(())
}
