//! Which tenant is meant by the key that a plugin reports. A key is a claim: it counts
//! within one lineage (files approved as successors of one another) and one channel. Who
//! else reports it would share the tenant's lock, budget and lines, and is refused until an
//! operator says *same* or *different*.

use psa_host_billing::{ConnectionName, TenantKey, WorkspaceId};
use serde_json::json;

use crate::connections::{must_exist, tenant_of};
use crate::db::{Optional, Sql, Tx, params, parsed, parsed_opt};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;
use crate::{Ledger, LedgerError, Result, mapping};

/// What an operator says of a key that somebody else reports too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantDecision {
    /// The very tenant that is known: its lock, budget and lines are shared.
    Same,
    /// Another PSA that happens to have the same key.
    Different,
}

/// What binding a tenant did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantBinding {
    /// The tenant that the reported key means. It is what everything is kept under.
    pub tenant: TenantKey,
    /// Whether the connection was bound just now.
    pub first: bool,
}

/// The longest part of a reported key that is kept in the name of a different tenant: with
/// what follows it stays within the length of a key.
const KEPT_OF_KEY: usize = 160;

/// Who reports: the plugin's lineage and the channel of a connection.
pub(crate) struct Claimant {
    id: i64,
    lineage: i64,
    channel: String,
}

impl Claimant {
    pub(crate) fn of(view: &Tx<'_>, name: &ConnectionName) -> Inside<Self> {
        let id = must_exist(view, name)?;
        Ok(view.query_row(
            "SELECT c.id, p.lineage, c.channel FROM connections AS c
             JOIN plugins AS p ON p.name = c.plugin WHERE c.id = ?1",
            [id],
            |row| {
                Ok(Self {
                    id: row.get(0)?,
                    lineage: row.get(1)?,
                    channel: row.get(2)?,
                })
            },
        )?)
    }

    /// The tenant that the connection is bound to.
    pub(crate) fn bound(&self, view: &Tx<'_>) -> Inside<Option<TenantKey>> {
        tenant_of(view, self.id)
    }

    /// The tenant that a key means for it; none: not said yet.
    pub(crate) fn meant(&self, view: &Tx<'_>, reported: &str) -> Inside<Option<TenantKey>> {
        let found = view
            .prepare(
                "SELECT tenant FROM tenant_claims
                 WHERE reported = ?1 AND lineage = ?2 AND channel = ?3",
            )?
            .query_row(params![reported, self.lineage, self.channel], |row| {
                parsed_opt(row, "tenant")
            })
            .optional()?;
        Ok(found.flatten())
    }
}

impl Ledger {
    /// Bind the tenant that a check reported. Never rebound by itself: mappings are ids of
    /// one PSA instance and mean something else in another.
    ///
    /// # Errors
    /// [`LedgerError::TenantChanged`]; [`LedgerError::TenantClaimed`] where another lineage
    /// or channel has the key; a mapping conflict with another connection of the tenant.
    pub fn bind_tenant(
        &self,
        name: &ConnectionName,
        reported: &TenantKey,
    ) -> Result<TenantBinding> {
        self.write(|change, journal| {
            let claimant = Claimant::of(change, name)?;
            let bound = tenant_of(change, claimant.id)?;
            let meant = claimant.meant(change, reported.as_str())?;
            if let Some(bound) = bound {
                if meant.as_ref().unwrap_or(reported) == &bound {
                    return Ok(Ok(TenantBinding {
                        tenant: bound,
                        first: false,
                    }));
                }
                return Err(LedgerError::TenantChanged {
                    connection: name.to_string(),
                    bound: bound.to_string(),
                    reported: reported.to_string(),
                }
                .into());
            }
            let tenant = match meant {
                Some(tenant) => tenant,
                None if is_known(change, reported.as_str())? => {
                    keep_asked(change, journal, &claimant, (name, reported))?;
                    return Ok(Err(LedgerError::TenantClaimed {
                        connection: name.to_string(),
                        tenant: reported.to_string(),
                        by: users(change, reported.as_str())?,
                    }));
                }
                None => {
                    let tenant = Some(reported);
                    claim(
                        change,
                        journal,
                        &claimant,
                        (name, reported),
                        tenant,
                        "first",
                        None,
                    )?;
                    reported.clone()
                }
            };
            change.execute(
                "UPDATE connections SET tenant = ?2 WHERE id = ?1",
                params![claimant.id, tenant.as_str()],
            )?;
            mapping::bind_accounts(change, claimant.id, &tenant)?;
            let detail = json!({ "tenant": tenant, "reported": reported });
            journal.write(
                change,
                About::Named(name),
                "connection.bound",
                name.as_str(),
                &detail,
            )?;
            Ok(Ok(TenantBinding {
                tenant,
                first: true,
            }))
        })?
    }

    /// Say what the key means that a connection reported and that was refused. Gives the
    /// tenant that it means from now on.
    ///
    /// # Errors
    /// [`LedgerError::NothingClaimed`]; [`LedgerError::SeveralTenants`] where `as_of` has to
    /// name a connection whose tenant is meant.
    pub fn decide_tenant(
        &self,
        name: &ConnectionName,
        decision: &TenantDecision,
        as_of: Option<&ConnectionName>,
        why: &str,
    ) -> Result<TenantKey> {
        self.write(|change, journal| {
            let claimant = Claimant::of(change, name)?;
            let reported: Option<TenantKey> = change
                .query_row(
                    "SELECT reported FROM tenant_claims
                     WHERE lineage = ?1 AND channel = ?2 AND tenant IS NULL AND asked_by = ?3
                     ORDER BY at DESC LIMIT 1",
                    params![claimant.lineage, claimant.channel, name.as_str()],
                    |row| parsed(row, "reported"),
                )
                .optional()?;
            let Some(reported) = reported else {
                return Err(LedgerError::NothingClaimed {
                    connection: name.to_string(),
                }
                .into());
            };
            let (tenant, how, what) = match decision {
                TenantDecision::Different => {
                    (unused(change, &reported)?, "different", "tenant.different")
                }
                TenantDecision::Same => {
                    let known = tenants_of(change, reported.as_str())?;
                    let wanted = match as_of {
                        Some(other) => tenant_of(change, must_exist(change, other)?)?,
                        None => None,
                    };
                    let tenant = match (known.as_slice(), wanted) {
                        (known, Some(wanted)) if known.contains(&wanted) => wanted,
                        ([only], None) => only.clone(),
                        _ => {
                            return Err(LedgerError::SeveralTenants {
                                tenant: reported.to_string(),
                                by: users(change, reported.as_str())?,
                            }
                            .into());
                        }
                    };
                    (tenant, "same", "tenant.same")
                }
            };
            let pair = (name, &reported);
            claim(
                change,
                journal,
                &claimant,
                pair,
                Some(&tenant),
                how,
                Some(why),
            )?;
            let detail = json!({ "reported": reported, "tenant": tenant, "why": why });
            journal.write(change, About::Named(name), what, name.as_str(), &detail)?;
            Ok(tenant)
        })
    }

    /// Record why a workspace may be mapped in a second tenant of its channel, through this
    /// connection.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn allow_second_tenant(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
        why: &str,
    ) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            change.execute(
                "INSERT INTO second_tenants (connection, workspace, why, who, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET why = excluded.why, who = excluded.who,
                     at = excluded.at",
                params![
                    id,
                    workspace.as_str(),
                    why,
                    journal.who(),
                    journal.at().as_microsecond()
                ],
            )?;
            let detail = json!({ "workspace": workspace, "why": why });
            journal.write(
                change,
                About::Named(name),
                "mapping.second-tenant",
                name.as_str(),
                &detail,
            )
        })
    }
}

/// Keep that somebody reports a key that is known from elsewhere, so that an operator can
/// say something about it.
pub(crate) fn keep_asked(
    change: &Tx<'_>,
    journal: &Journal<'_>,
    claimant: &Claimant,
    pair: (&ConnectionName, &TenantKey),
) -> Inside<()> {
    claim(change, journal, claimant, pair, None, "asked", None)
}

fn claim(
    change: &Tx<'_>,
    journal: &Journal<'_>,
    claimant: &Claimant,
    (name, reported): (&ConnectionName, &TenantKey),
    tenant: Option<&TenantKey>,
    how: &str,
    why: Option<&str>,
) -> Inside<()> {
    change.execute(
        "INSERT INTO tenant_claims (reported, lineage, channel, tenant, asked_by, how, why, who, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET tenant = excluded.tenant, asked_by = excluded.asked_by,
             how = excluded.how, why = excluded.why, who = excluded.who, at = excluded.at",
        params![
            reported.as_str(),
            claimant.lineage,
            claimant.channel,
            tenant.map(TenantKey::as_str),
            name.as_str(),
            how,
            why,
            journal.who(),
            journal.at().as_microsecond()
        ],
    )?;
    Ok(())
}

/// Whether somebody's tenant has this key, as it was reported or as it is kept.
pub(crate) fn is_known(view: &Tx<'_>, key: &str) -> Inside<bool> {
    Ok(!tenants_of(view, key)?.is_empty())
}

fn tenants_of(view: &Tx<'_>, key: &str) -> Inside<Vec<TenantKey>> {
    Ok(view
        .prepare(
            "SELECT DISTINCT tenant FROM tenant_claims
             WHERE tenant IS NOT NULL AND (reported = ?1 OR tenant = ?1) ORDER BY tenant",
        )?
        .query_map([key], |row| parsed(row, "tenant"))?
        .collect::<Sql<_>>()?)
}

/// The connections of the tenants that a key may mean, with their plugins and channels.
pub(crate) fn users(view: &Tx<'_>, key: &str) -> Inside<Vec<String>> {
    Ok(view
        .prepare(
            "SELECT c.name || ' (plugin ' || c.plugin || ', channel ' || c.channel || ')'
             FROM connections AS c WHERE c.tenant IN (
                 SELECT tenant FROM tenant_claims
                 WHERE tenant IS NOT NULL AND (reported = ?1 OR tenant = ?1))
             ORDER BY c.name",
        )?
        .query_map([key], |row| row.get(0))?
        .collect::<Sql<_>>()?)
}

/// A name for another tenant of the same key that nobody has.
fn unused(view: &Tx<'_>, reported: &TenantKey) -> Inside<TenantKey> {
    let kept: String = reported
        .as_str()
        .char_indices()
        .take_while(|(at, c)| at + c.len_utf8() <= KEPT_OF_KEY)
        .map(|(_, c)| c)
        .collect();
    for n in 2_u32.. {
        let key = format!("{kept} (different {n})");
        if !is_known(view, &key)? {
            return TenantKey::new(&key)
                .map_err(|error| crate::error::Fault::Row(format!("{key:?}: {error}")));
        }
    }
    Err(crate::error::Fault::Row(format!(
        "no name is left for another tenant {reported}"
    )))
}
