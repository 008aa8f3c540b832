//! Rows of the database as connections.

use std::collections::{BTreeMap, BTreeSet};

use super::secrets::{self, Owner};
use super::{CheckOutcome, Connection, CredentialsRefusal};
use crate::db::{Row, Sql, Tx, instant, instant_opt, parsed, parsed_opt};
use crate::error::Inside;
use crate::ids::SnapshotId;

pub(super) fn connection(row: &Row<'_>) -> Sql<Connection> {
    let status: Option<String> = row.get("check_status")?;
    let last_check = match status {
        None => None,
        Some(status) => Some(CheckOutcome {
            status,
            code: row.get("check_code")?,
            at: instant(row, "checked_at")?,
        }),
    };
    Ok(Connection {
        name: parsed(row, "name")?,
        plugin: row.get("plugin")?,
        kept_on: row.get("kept_on")?,
        channel: parsed(row, "channel")?,
        time_zone: row.get("time_zone")?,
        settings: BTreeMap::new(),
        secret_fields: BTreeSet::new(),
        tenant: parsed_opt(row, "tenant")?,
        paused: row.get("paused")?,
        credentials_version: row.get("credentials_version")?,
        refusal: match instant_opt(row, "refused_at")? {
            None => None,
            Some(at) => Some(CredentialsRefusal {
                at,
                words: row
                    .get::<Option<String>>("refused_words")?
                    .unwrap_or_default(),
            }),
        },
        created_at: instant(row, "created_at")?,
        last_check,
        last_snapshot: row.get::<Option<i64>>("last_snapshot")?.map(SnapshotId),
    })
}

pub(super) fn complete(view: &Tx<'_>, mut connection: Connection) -> Inside<Connection> {
    let owner = Owner::Connection(connection.name.as_str());
    let (settings, fields) = (
        secrets::settings(view, owner)?,
        secrets::fields(view, owner)?,
    );
    connection.settings = settings;
    connection.secret_fields = fields;
    Ok(connection)
}
