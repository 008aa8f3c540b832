//! What stands in the way of a mapping: one workspace is one account, within a connection
//! and within everything that writes to the same PSA instance.

use psa_host_billing::TenantKey;

use super::pairs::AccountMapping;
use crate::LedgerError;
use crate::db::{Optional, Sql, Tx, params, parsed};
use crate::error::Inside;

/// Who stands in the way of this pair, within the connection or its tenant.
pub(super) fn account_conflict(
    view: &Tx<'_>,
    connection: i64,
    tenant: Option<&str>,
    pair: &AccountMapping,
) -> Inside<Option<LedgerError>> {
    for (column, id) in [
        ("workspace", pair.workspace.as_str()),
        ("account", pair.account.as_str()),
    ] {
        let other = view
            .prepare(&format!(
                "SELECT m.workspace, m.account, c.name
                 FROM account_map AS m JOIN connections AS c ON c.id = m.connection
                 WHERE m.{column} = ?3 AND (m.connection = ?1 OR m.tenant = ?2)
                     AND NOT (m.connection = ?1 AND m.workspace = ?4 AND m.account = ?5)
                 ORDER BY m.connection = ?1 DESC LIMIT 1"
            ))?
            .query_row(
                params![
                    connection,
                    tenant,
                    id,
                    pair.workspace.as_str(),
                    pair.account.as_str()
                ],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        if let Some((workspace, account, connection)) = other {
            return Ok(Some(if column == "workspace" {
                LedgerError::WorkspaceAlreadyMapped {
                    workspace,
                    account,
                    connection,
                }
            } else {
                LedgerError::AccountAlreadyMapped {
                    account,
                    workspace,
                    connection,
                }
            }));
        }
    }
    second_tenant(view, connection, tenant, pair)
}

/// A workspace is billed in one tenant of its channel: in two it would be billed twice,
/// unless somebody said why it is to be.
fn second_tenant(
    view: &Tx<'_>,
    connection: i64,
    tenant: Option<&str>,
    pair: &AccountMapping,
) -> Inside<Option<LedgerError>> {
    let other: Option<(String, String)> = view
        .prepare(
            "SELECT o.name, m.tenant FROM account_map AS m
             JOIN connections AS o ON o.id = m.connection
             JOIN connections AS c ON c.id = ?1 AND c.channel = o.channel
             WHERE m.workspace = ?3 AND m.connection <> ?1 AND m.tenant <> ?2
                 AND NOT EXISTS (SELECT 1 FROM second_tenants AS s
                                 WHERE s.connection = ?1 AND s.workspace = ?3)
             ORDER BY o.name LIMIT 1",
        )?
        .query_row(
            params![connection, tenant, pair.workspace.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(
        other.map(|(connection, tenant)| LedgerError::WorkspaceInTwoTenants {
            workspace: pair.workspace.to_string(),
            connection,
            tenant,
        }),
    )
}

/// Make a connection's account mappings count for its whole tenant, now that it is
/// known.
pub(crate) fn bind_accounts(change: &Tx<'_>, id: i64, tenant: &TenantKey) -> Inside<()> {
    let pairs = change
        .prepare("SELECT workspace, account FROM account_map WHERE connection = ?1")?
        .query_map([id], |row| {
            Ok(AccountMapping {
                workspace: parsed(row, "workspace")?,
                account: parsed(row, "account")?,
            })
        })?
        .collect::<Sql<Vec<_>>>()?;
    for pair in &pairs {
        if let Some(refusal) = account_conflict(change, id, Some(tenant.as_str()), pair)? {
            return Err(refusal.into());
        }
    }
    change.execute(
        "UPDATE account_map SET tenant = ?2 WHERE connection = ?1",
        params![id, tenant.as_str()],
    )?;
    Ok(())
}
