//! Finding a connection by its name.

use psa_host_billing::{ConnectionName, TenantKey};

use crate::LedgerError;
use crate::db::{Optional, Tx, parsed_opt};
use crate::error::{Fault, Inside};

/// The number of a connection.
pub(crate) fn id_of(view: &Tx<'_>, name: &ConnectionName) -> Inside<Option<i64>> {
    Ok(view
        .prepare("SELECT id FROM connections WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?)
}

/// The number of a connection that must be there.
pub(crate) fn must_exist(view: &Tx<'_>, name: &ConnectionName) -> Inside<i64> {
    id_of(view, name)?.ok_or_else(|| unknown(name))
}

/// Which tenant a connection is bound to.
pub(crate) fn tenant_of(view: &Tx<'_>, id: i64) -> Inside<Option<TenantKey>> {
    Ok(view
        .prepare("SELECT tenant FROM connections WHERE id = ?1")?
        .query_row([id], |row| parsed_opt(row, "tenant"))?)
}

pub(super) fn unknown(name: &ConnectionName) -> Fault {
    LedgerError::NotFound {
        what: "connection",
        id: name.to_string(),
    }
    .into()
}
