//! A mapping file held against what is mapped: what would be new, changed or removed,
//! with each row checked on both sides; then, where that is wanted, done.

use std::collections::{BTreeMap, HashSet};

use psa_host_billing::{ConnectionName, ErrorCode, NoteCode};
use psa_host_ledger::{Connection, Mapping, MappingKey, Mappings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Problem, rule};
use crate::imports::Refusals;
use crate::progress::Watch;
use crate::{Access, Note, Power, Purpose, Result, Source};

use super::file::contradictions::refuse_contradictions;
use super::file::one_to_one::one_to_one;
use super::file::psa_side::PsaSide;
use super::file::{Read, Row, read};
use super::rows::CoroSide;
use super::{MappingKind, call};

/// What becomes of one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It has another partner, metric or contract.
    Changed,
    /// It goes.
    Removed,
}

/// One mapping that does not stay as it is.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct MapChange {
    /// What becomes of it.
    pub change: Change,
    /// Which kind.
    pub kind: MappingKind,
    /// The workspace or the module.
    pub coro_id: String,
    /// The account, the service with its metric, or the contract that it has.
    pub old: Option<String>,
    /// The one it gets.
    pub new: Option<String>,
}

/// A file against what is mapped; nothing is written yet.
#[derive(Debug, JsonSchema, Serialize)]
pub struct MapDifference<'a> {
    /// What would not stay as it is, by kind and id.
    pub changes: Vec<MapChange>,
    /// Rows that are there like this.
    pub unchanged: usize,
    /// Rows refused, each with its place, in the order of the file.
    pub refused: Refusals,
    /// What a person should know.
    pub notes: Vec<Note>,
    #[serde(skip)]
    rows: Vec<Row<'a>>,
    #[serde(skip)]
    remove: Vec<MappingKey>,
    #[serde(skip)]
    replace: bool,
}

impl MapDifference<'_> {
    /// How many mappings go, or get another account or service.
    pub fn lost(&self) -> usize {
        self.remove.len()
    }

    fn count(&self, change: Change) -> usize {
        self.changes
            .iter()
            .filter(|one| one.change == change)
            .count()
    }
}

/// What an import did.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct MapImported {
    /// Whether the good rows were kept.
    pub applied: bool,
    /// Rows that were new, or would have been.
    pub new: usize,
    /// Rows that were there.
    pub same: usize,
    /// Mappings that are others now: metric, contract, and with `replace` the partner.
    pub changed: usize,
    /// Mappings that went, because the file does not have them.
    pub removed: usize,
    /// Each of them.
    pub changes: Vec<MapChange>,
    /// Rows refused, each with its place.
    pub refused: Vec<Problem>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

impl Access {
    /// Hold a mapping file against what is mapped, with each row checked on both sides.
    /// With `replace` the file is all there shall be: what it lacks goes, and what it
    /// has otherwise is changed. Writes nothing.
    ///
    /// # Errors
    /// A file that cannot be read at all, or with `replace` has no row; no such
    /// connection; a PSA that does not answer. Bad rows are in the report.
    pub async fn compare_mappings<'a>(
        &self,
        name: &ConnectionName,
        source: &'a Source,
        replace: bool,
        watch: Watch<'_>,
    ) -> Result<MapDifference<'a>> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let present = self.ledger().mappings(name)?;
        let read = read(source, &present)?;
        if replace && read.rows.is_empty() && read.refused.is_empty() {
            return Err(rule(
                ErrorCode::NothingToMap,
                format!(
                    "{} has no mapping, so that --replace would remove all",
                    source.name
                ),
                "Check that this is the right file, or remove mappings with `psa-host map remove`.",
            ));
        }
        self.compare_rows(&connection, &present, read, replace, watch)
            .await
    }

    pub(super) async fn compare_rows<'a>(
        &self,
        connection: &Connection,
        present: &Mappings,
        mut read: Read<'a>,
        replace: bool,
        watch: Watch<'_>,
    ) -> Result<MapDifference<'a>> {
        // Before anything else is: a row that is refused later says what it says.
        refuse_contradictions(&mut read);
        let Read {
            mut rows,
            refused,
            notes,
            ..
        } = read;
        let name = &connection.name;
        let mut found = MapDifference {
            changes: Vec::new(),
            unchanged: 0,
            refused,
            notes,
            rows: Vec::new(),
            remove: Vec::new(),
            replace,
        };
        let coro = CoroSide::of(self, connection)?;
        found.keep_good(&mut rows, |row| match &row.mapping {
            Mapping::Account(mapping) => coro.workspace(&mapping.workspace).map(|()| None),
            Mapping::Service(mapping) => coro.module(&mapping.module),
            Mapping::Contract(pin) => coro.workspace(&pin.workspace).map(|()| None),
        });
        // With `replace` nothing that is mapped now stands in a row's way.
        let nothing = Mappings::default();
        let standing = if replace { &nothing } else { present };
        if !rows.is_empty() {
            let open = self.open_connection(name, Purpose::Look).await?;
            let today = self.today(connection)?;
            let psa = PsaSide::read(&open.reader, &rows, standing, today, watch).await;
            let psa = psa.map_err(|error| call(name, error))?;
            found.keep_good(&mut rows, |row| psa.check(row).map(|()| None));
        }
        found.keep_good(&mut rows, |row| same_metric(row, standing).map(|()| None));
        let mut one_to_one = one_to_one(standing);
        found.keep_good(&mut rows, |row| one_to_one.take(row).map(|()| None));
        // The same row twice is one.
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(key_of(&row.mapping)));
        found.rows = rows;
        found.against(present);
        Ok(found)
    }

    /// Do what a difference says. Without `partial` a refused row keeps all others from
    /// being written; what replaces is always written whole or not at all.
    ///
    /// # Errors
    /// A mapping to remove that somebody else removed meanwhile.
    pub fn apply_mappings(
        &self,
        name: &ConnectionName,
        mut difference: MapDifference<'_>,
        partial: bool,
    ) -> Result<MapImported> {
        self.may_on(name, Power::Map)?;
        let partial = partial && !difference.replace;
        let mut applied = false;
        if partial || difference.refused.is_empty() {
            let rows = std::mem::take(&mut difference.rows);
            let mappings: Vec<Mapping> = rows.iter().map(|row| row.mapping.clone()).collect();
            let report = match difference.replace {
                true => self
                    .ledger()
                    .replace_mappings(name, &difference.remove, &mappings)?,
                false => self.ledger().map_all(name, &mappings, partial)?,
            };
            applied = report.applied;
            for (row, result) in rows.iter().zip(report.rows) {
                // Another connection of the same tenant has it.
                if let Err(error) = result {
                    let problem = crate::Error::from(error).problem();
                    let problem = row.place.of(problem);
                    difference.refused.push(row.place.at(), problem);
                    let (kind, id, _) = shown(&row.mapping);
                    difference
                        .changes
                        .retain(|one| (one.kind, &one.coro_id) != (kind, &id));
                }
            }
        }
        Ok(MapImported {
            applied,
            new: difference.count(Change::Added),
            same: difference.unchanged,
            changed: difference.count(Change::Changed),
            removed: difference.count(Change::Removed),
            changes: difference.changes,
            refused: difference.refused.into_problems(),
            notes: difference.notes,
        })
    }

    /// Import mappings in one go. Each row is checked on both sides; with `partial` the
    /// good ones are kept, without it all or none.
    ///
    /// # Errors
    /// As [`Access::compare_mappings`].
    pub async fn import_mappings(
        &self,
        name: &ConnectionName,
        source: &Source,
        partial: bool,
        watch: Watch<'_>,
    ) -> Result<MapImported> {
        self.may_on(name, Power::Map)?;
        let difference = self.compare_mappings(name, source, false, watch).await?;
        self.apply_mappings(name, difference, partial)
    }
}

impl<'a> MapDifference<'a> {
    /// Drop the rows that fail a check, and report them.
    fn keep_good(
        &mut self,
        rows: &mut Vec<Row<'a>>,
        mut check: impl FnMut(&Row<'a>) -> Result<Option<Note>, Problem>,
    ) {
        rows.retain(|row| match check(row) {
            Ok(note) => {
                self.notes.extend(note);
                true
            }
            Err(problem) => {
                self.refused.push(row.place.at(), row.place.of(problem));
                false
            }
        });
    }

    /// What the good rows change of what is there.
    fn against(&mut self, present: &Mappings) {
        let mut left: BTreeMap<(MappingKind, String), String> = shown_all(present);
        for row in &self.rows {
            let (kind, coro_id, new) = shown(&row.mapping);
            let old = left.remove(&(kind, coro_id.clone()));
            if old.as_ref() == Some(&new) {
                self.unchanged += 1;
                continue;
            }
            if self.replace && old.is_some() {
                self.remove.extend(key_to_remove(&row.mapping, present));
            }
            let change = match old {
                Some(_) => Change::Changed,
                None => Change::Added,
            };
            self.changes.push(MapChange {
                change,
                kind,
                coro_id,
                old,
                new: Some(new),
            });
        }
        if self.replace {
            for ((kind, coro_id), old) in left {
                // An id that was stored is one.
                self.remove.extend(kind.key(&coro_id));
                self.changes.push(MapChange {
                    change: Change::Removed,
                    kind,
                    coro_id,
                    old: Some(old),
                    new: None,
                });
            }
        }
        if self.replace && !self.remove.is_empty() {
            let message = "lines that were posted for mappings that go or change keep their \
                           units in the PSA: correct them there";
            self.notes
                .push(Note::new(NoteCode::MayLeaveOrphans, message));
        }
        self.changes
            .sort_by(|a, b| (a.kind, &a.coro_id).cmp(&(b.kind, &b.coro_id)));
    }
}

/// A metric decides what is billed: a file that has another changes it only where it was
/// asked to replace.
fn same_metric(row: &Row<'_>, standing: &Mappings) -> Result<(), Problem> {
    let Mapping::Service(pair) = &row.mapping else {
        return Ok(());
    };
    let was = standing.services.iter().find(|was| {
        was.module == pair.module && was.service == pair.service && was.metric != pair.metric
    });
    let Some(was) = was else { return Ok(()) };
    Err(Problem::new(
        ErrorCode::MetricAlreadyMapped,
        format!(
            "module {} is counted by {} now, and the file says {}",
            pair.module, was.metric, pair.metric
        ),
        "Correct the row; or change the metric with `psa-host map service … --metric`, or all \
         mappings to those of the file with --replace.",
    ))
}

/// Where the partner is another, the mapping is removed before it is made again; a
/// metric and a pinned contract are changed in place.
fn key_to_remove(mapping: &Mapping, present: &Mappings) -> Option<MappingKey> {
    match mapping {
        Mapping::Account(pair) => Some(MappingKey::Account(pair.workspace.clone())),
        Mapping::Service(pair) => {
            let was = present
                .services
                .iter()
                .find(|was| was.module == pair.module);
            let other = was.is_some_and(|was| was.service != pair.service);
            other.then(|| MappingKey::Service(pair.module.clone()))
        }
        Mapping::Contract(_) => None,
    }
}

/// Kind, Coro's side, and the partner as it is shown.
fn shown(mapping: &Mapping) -> (MappingKind, String, String) {
    match mapping {
        Mapping::Account(pair) => (
            MappingKind::Account,
            pair.workspace.to_string(),
            pair.account.to_string(),
        ),
        Mapping::Service(pair) => (
            MappingKind::Service,
            pair.module.to_string(),
            format!("{} by {}", pair.service, pair.metric),
        ),
        Mapping::Contract(pin) => (
            MappingKind::Contract,
            pin.workspace.to_string(),
            pin.contract.to_string(),
        ),
    }
}

fn shown_all(present: &Mappings) -> BTreeMap<(MappingKind, String), String> {
    let accounts = present.accounts.iter().cloned().map(Mapping::Account);
    let services = present.services.iter().cloned().map(Mapping::Service);
    let contracts = present.contracts.iter().cloned().map(Mapping::Contract);
    accounts
        .chain(services)
        .chain(contracts)
        .map(|mapping| {
            let (kind, coro_id, partner) = shown(&mapping);
            ((kind, coro_id), partner)
        })
        .collect()
}

fn key_of(mapping: &Mapping) -> (MappingKind, String) {
    let (kind, coro_id, _) = shown(mapping);
    (kind, coro_id)
}

#[cfg(test)]
mod tests;
