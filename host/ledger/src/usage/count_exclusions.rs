//! Users or devices that are not billed, by somebody's decision. Never deleted: what was
//! taken back stays with the time of it.

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use psa_host_billing::count::CountExclusion;
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Row, Sql, date_opt, instant, instant_opt, params, parsed};
use crate::history::chain::About;
use crate::ids::ExclusionId;
use crate::mapping::MetricWord;
use crate::{Ledger, Result};

/// An exclusion that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExclusionRecord {
    /// Its number.
    pub id: ExclusionId,
    /// What is excluded.
    pub exclusion: CountExclusion,
    /// When it was made.
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// When it was taken back; none: it was not.
    pub removed_at: Option<Timestamp>,
}

impl Ledger {
    /// Exclude some of a pair's users or devices.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound) for a connection that is not there.
    pub fn add_count_exclusion(
        &self,
        connection: &ConnectionName,
        new: &CountExclusion,
    ) -> Result<ExclusionId> {
        self.write(|change, journal| {
            let owner = must_exist(change, connection)?;
            let id = change
                .prepare(
                    "INSERT INTO count_exclusions (connection, workspace, module, metric, count,
                         owner, why, since, until, added_at, added_by)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .insert(params![
                    owner,
                    new.workspace.as_str(),
                    new.module.as_str(),
                    new.metric.to_string(),
                    new.count,
                    new.owner,
                    new.why,
                    new.since.map(|day| day.to_string()),
                    new.until.map(|day| day.to_string()),
                    journal.at().as_microsecond(),
                    journal.who(),
                ])?;
            let id = ExclusionId(id);
            let detail = json!({ "id": id.to_string(), "exclusion": new });
            journal.write(
                change,
                About::Named(connection),
                "count.exclusion-added",
                connection.as_str(),
                &detail,
            )?;
            Ok(id)
        })
    }

    /// Take an exclusion back.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound) for one that the connection does not have, or not any
    /// more.
    pub fn remove_count_exclusion(
        &self,
        connection: &ConnectionName,
        id: ExclusionId,
    ) -> Result<()> {
        self.write(|change, journal| {
            let owner = must_exist(change, connection)?;
            let removed = change.execute(
                "UPDATE count_exclusions SET removed_at = ?3
                 WHERE connection = ?1 AND id = ?2 AND removed_at IS NULL",
                params![owner, id.0, journal.at().as_microsecond()],
            )?;
            if removed == 0 {
                return Err(id.not_found().into());
            }
            let detail = json!({ "id": id.to_string() });
            let what = "count.exclusion-removed";
            journal.write(
                change,
                About::Named(connection),
                what,
                connection.as_str(),
                &detail,
            )
        })
    }

    /// The exclusions of a connection, in the order they were made; those taken back
    /// too where `removed` says so.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn count_exclusions(
        &self,
        connection: &ConnectionName,
        removed: bool,
    ) -> Result<Vec<ExclusionRecord>> {
        self.read(|view| {
            let owner = must_exist(view, connection)?;
            let found = view
                .prepare(
                    "SELECT * FROM count_exclusions
                     WHERE connection = ?1 AND (?2 OR removed_at IS NULL) ORDER BY id",
                )?
                .query_map(params![owner, removed], record)?
                .collect::<Sql<_>>()?;
            Ok(found)
        })
    }
}

fn record(row: &Row<'_>) -> Sql<ExclusionRecord> {
    Ok(ExclusionRecord {
        id: ExclusionId(row.get("id")?),
        exclusion: CountExclusion {
            workspace: parsed(row, "workspace")?,
            module: parsed(row, "module")?,
            metric: parsed::<MetricWord>(row, "metric")?.0,
            count: row.get("count")?,
            owner: row.get("owner")?,
            why: row.get("why")?,
            since: date_opt(row, "since")?,
            until: date_opt(row, "until")?,
        },
        added_at: instant(row, "added_at")?,
        added_by: row.get("added_by")?,
        removed_at: instant_opt(row, "removed_at")?,
    })
}
