//! Lines of a PSA that this product touches: whose they are, what they were posted
//! for, and how many units were last confirmed on them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::{
    AccountId, ConnectionName, LineId, LineKey, ModuleId, TenantKey, Units, WorkspaceId,
};

use crate::db::{Row, Sql, Tx, date_opt, instant_opt, params, parsed, parsed_opt, units_opt};
use crate::error::Inside;
use crate::runs::lease::Held;
use crate::{Ledger, LedgerError, Result};

/// A line that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRecord {
    /// The PSA instance.
    pub tenant: TenantKey,
    /// The line.
    pub key: LineKey,
    /// Whose it is; none: its connection was removed.
    pub connection: Option<ConnectionName>,
    /// The pair it was last posted for; none: never posted.
    pub posted_for: Option<(WorkspaceId, ModuleId)>,
    /// Units last confirmed.
    pub units: Option<Units>,
    /// From which day those units hold.
    pub effective: Option<Date>,
    /// When they were confirmed.
    pub confirmed_at: Option<Timestamp>,
}

impl Ledger {
    /// All lines known of a tenant, by line id.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn lines(&self, tenant: &TenantKey) -> Result<Vec<LineRecord>> {
        self.read(|view| {
            let mut rows =
                view.prepare(&format!("{SELECT} WHERE l.tenant = ?1 ORDER BY l.line"))?;
            Ok(rows
                .query_map([tenant.as_str()], line)?
                .collect::<Sql<_>>()?)
        })
    }

    /// The account on whose contract each line of a tenant stood when an adjustment of
    /// it was last intended.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn accounts_of_lines(&self, tenant: &TenantKey) -> Result<HashMap<LineId, AccountId>> {
        self.read(|view| {
            let mut rows = view.prepare(
                "SELECT i.line, r.account
                 FROM (SELECT max(id) AS id FROM intents WHERE tenant = ?1 GROUP BY line) AS last
                 JOIN intents AS i ON i.id = last.id
                 JOIN run_lines AS r ON r.run = i.run AND r.row = i.row
                 WHERE r.account IS NOT NULL",
            )?;
            let found = rows.query_map([tenant.as_str()], |row| {
                Ok((parsed(row, "line")?, parsed(row, "account")?))
            })?;
            Ok(found.collect::<Sql<_>>()?)
        })
    }
}

/// Make a line a connection's own.
pub(crate) fn claim(change: &Tx<'_>, held: &Held, tenant: &TenantKey, key: &LineKey) -> Inside<()> {
    let claimed = change
        .prepare(
            "INSERT INTO lines (tenant, line, connection, contract, service, account)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET connection = excluded.connection,
                 contract = excluded.contract, service = excluded.service,
                 account = excluded.account
             WHERE connection IS NULL OR connection = excluded.connection",
        )?
        .execute(params![
            tenant.as_str(),
            key.line.as_str(),
            held.connection,
            key.contract.as_str(),
            key.service.as_str(),
            key.account.as_str()
        ])?;
    if claimed == 1 {
        return Ok(());
    }
    let owner = change
        .prepare(
            "SELECT c.name FROM lines AS l JOIN connections AS c ON c.id = l.connection
             WHERE l.tenant = ?1 AND l.line = ?2",
        )?
        .query_row([tenant.as_str(), key.line.as_str()], |row| row.get(0))?;
    Err(LedgerError::LineClaimed {
        tenant: tenant.to_string(),
        line: key.line.to_string(),
        owner,
    }
    .into())
}

const SELECT: &str =
    "SELECT l.tenant, l.line, l.contract, l.service, l.account, c.name AS connection,
        l.workspace, l.module, l.units, l.effective, l.confirmed_at
    FROM lines AS l LEFT JOIN connections AS c ON c.id = l.connection";

fn line(row: &Row<'_>) -> Sql<LineRecord> {
    let workspace = parsed_opt(row, "workspace")?;
    let module = parsed_opt(row, "module")?;
    Ok(LineRecord {
        tenant: parsed(row, "tenant")?,
        key: LineKey {
            line: parsed(row, "line")?,
            contract: parsed(row, "contract")?,
            service: parsed(row, "service")?,
            account: parsed(row, "account")?,
        },
        connection: parsed_opt(row, "connection")?,
        posted_for: workspace.zip(module),
        units: units_opt(row, "units")?,
        effective: date_opt(row, "effective")?,
        confirmed_at: instant_opt(row, "confirmed_at")?,
    })
}
