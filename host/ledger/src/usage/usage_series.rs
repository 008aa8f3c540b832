//! What chosen workspaces used over some time: for what looks back on more than the
//! newest snapshot. Read by workspace, so that a month of 10,000 workspaces is never in
//! memory whole.

use std::collections::HashMap;

use jiff::Timestamp;
use psa_host_billing::{ModuleId, WorkspaceId};

use crate::db::{Optional, Tx, params};
use crate::error::Inside;
use crate::usage::disagree;
use crate::{Ledger, Result};

/// Counts of chosen pairs in the snapshots of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageSeries {
    /// The instants of the snapshots, earliest first.
    pub taken_at: Vec<Timestamp>,
    /// Each pair's counts, in the order of the snapshots. A pair that no snapshot has is
    /// not in it.
    pub pairs: HashMap<(WorkspaceId, ModuleId), Vec<SeriesCount>>,
}

/// One pair in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesCount {
    /// The snapshot's place in [`UsageSeries::taken_at`].
    pub snapshot: usize,
    /// Protected users; none: the source did not say.
    pub users: Option<u32>,
    /// Protected devices; none: the source did not say.
    pub devices: Option<u32>,
}

impl Ledger {
    /// Counts of all pairs of these workspaces and modules, in the snapshots of a channel
    /// taken from `since` to `until`, both included, that a run could have gone by: those
    /// that are complete, not all zero and not withdrawn. Of several of one instant that
    /// count the same the one imported last is taken; where they count otherwise, none.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn usage_series(
        &self,
        channel: &WorkspaceId,
        (since, until): (Timestamp, Timestamp),
        workspaces: &[&WorkspaceId],
        modules: &[&ModuleId],
    ) -> Result<UsageSeries> {
        self.read(|view| {
            let mut series = UsageSeries::default();
            let workspaces = numbered(view, workspaces, |id| id.as_str())?;
            let modules: HashMap<i64, &ModuleId> = numbered(view, modules, |id| id.as_str())?
                .into_iter()
                .collect();
            let mut select = view.prepare(
                "SELECT module, users, devices FROM usage_items
                 WHERE snapshot = ?1 AND workspace = ?2",
            )?;
            for (at, (snapshot, taken_at)) in
                usable(view, channel, since, until)?.into_iter().enumerate()
            {
                series.taken_at.push(taken_at);
                for (number, workspace) in &workspaces {
                    let mut rows = select.query(params![snapshot, number])?;
                    while let Some(row) = rows.next()? {
                        let Some(module) = modules.get(&row.get(0)?) else {
                            continue;
                        };
                        let pair = ((*workspace).clone(), (*module).clone());
                        series.pairs.entry(pair).or_default().push(SeriesCount {
                            snapshot: at,
                            users: row.get(1)?,
                            devices: row.get(2)?,
                        });
                    }
                }
            }
            Ok(series)
        })
    }
}

/// Snapshots that may be looked back on, earliest first.
fn usable(
    view: &Tx<'_>,
    channel: &WorkspaceId,
    since: Timestamp,
    until: Timestamp,
) -> Inside<Vec<(i64, Timestamp)>> {
    let mut select = view.prepare(
        "SELECT id, taken_at FROM snapshots AS s
         WHERE channel = ?1 AND taken_at BETWEEN ?2 AND ?3 AND complete
             AND withdrawn_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM snapshots AS later
                             WHERE later.channel = s.channel AND later.taken_at = s.taken_at
                                 AND later.withdrawn_at IS NULL
                                 AND later.id > s.id)
             AND EXISTS (SELECT 1 FROM usage_items
                         WHERE snapshot = s.id AND (users > 0 OR devices > 0))
         ORDER BY taken_at",
    )?;
    let span = params![
        channel.as_str(),
        since.as_microsecond(),
        until.as_microsecond()
    ];
    let found = select.query_map(span, |row| Ok((row.get(0)?, crate::db::instant(row, 1)?)))?;
    let mut usable = Vec::new();
    for found in found {
        let (id, taken_at): (i64, Timestamp) = found?;
        if !is_disputed(view, channel, id, taken_at)? {
            usable.push((id, taken_at));
        }
    }
    Ok(usable)
}

/// Whether another snapshot of the same instant counts otherwise than this one, which is
/// complete.
fn is_disputed(view: &Tx<'_>, channel: &WorkspaceId, id: i64, taken_at: Timestamp) -> Inside<bool> {
    let mut select = view.prepare(
        "SELECT id, complete FROM snapshots
         WHERE channel = ?1 AND taken_at = ?2 AND withdrawn_at IS NULL AND id <> ?3",
    )?;
    let of_instant = params![channel.as_str(), taken_at.as_microsecond(), id];
    let mut others = select.query(of_instant)?;
    while let Some(other) = others.next()? {
        if disagree(view, (id, true), (other.get(0)?, other.get(1)?))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ids with the numbers they are kept under; one that was never counted has none.
fn numbered<'a, T>(
    view: &Tx<'_>,
    ids: &[&'a T],
    text: fn(&T) -> &str,
) -> Inside<Vec<(i64, &'a T)>> {
    let mut select = view.prepare("SELECT id FROM names WHERE text = ?1")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let number = select.query_row([text(id)], |row| row.get(0)).optional()?;
        found.extend(number.map(|number| (number, *id)));
    }
    Ok(found)
}
