//! Records by id, with indexes on the references that clients ask by.
//!
//! Benchmarks hold tens of thousands of lines and a million unit rows: a query
//! with `in` on an indexed field must not look at every record.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::row::Record;
use crate::schema::{Entity, Field};

/// The records of one entity.
#[derive(Debug)]
pub struct Table<R> {
    rows: BTreeMap<i64, R>,
    indexes: Vec<(&'static Field, HashMap<i64, Vec<i64>>)>,
}

impl<R: Record> Table<R> {
    /// An empty table; fields in `indexed` that the entity lacks are ignored.
    pub fn new(entity: Entity, indexed: &[&str]) -> Self {
        let indexes = indexed
            .iter()
            .filter_map(|name| entity.fields().get(name))
            .map(|field| (field, HashMap::new()))
            .collect();
        Self {
            rows: BTreeMap::new(),
            indexes,
        }
    }

    /// One record.
    pub fn get(&self, id: i64) -> Option<&R> {
        self.rows.get(&id)
    }

    /// All records, id ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.values()
    }

    /// Records with an id above `after`, id ascending.
    pub fn after(&self, after: i64) -> impl DoubleEndedIterator<Item = &R> {
        self.rows
            .range((Bound::Excluded(after), Bound::Unbounded))
            .map(|(_, r)| r)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The largest id, 0 without records.
    pub fn last_id(&self) -> i64 {
        self.rows.keys().next_back().copied().unwrap_or(0)
    }

    /// Adds or replaces a record.
    pub fn insert(&mut self, row: R) {
        self.remove(row.id());
        self.index(&row, true);
        self.rows.insert(row.id(), row);
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: i64) -> Option<R> {
        let row = self.rows.remove(&id)?;
        self.index(&row, false);
        Some(row)
    }

    /// Changes a record in place; `None` if it does not exist.
    pub fn update<T>(&mut self, id: i64, change: impl FnOnce(&mut R) -> T) -> Option<T> {
        let mut row = self.remove(id)?;
        let result = change(&mut row);
        self.insert(row);
        Some(result)
    }

    /// Changes a record without looking at its references, which must stay.
    pub(crate) fn get_mut(&mut self, id: i64) -> Option<&mut R> {
        self.rows.get_mut(&id)
    }

    /// Ids by an indexed field; `None` if the field has no index.
    pub fn ids_by(&self, field: &str, key: i64) -> Option<&[i64]> {
        let (_, index) = self.indexes.iter().find(|(f, _)| f.name == field)?;
        Some(index.get(&key).map_or(&[], Vec::as_slice))
    }

    /// Records by an indexed field, id ascending; none if the field has no index.
    pub fn by(&self, field: &str, key: i64) -> impl Iterator<Item = &R> {
        self.ids_by(field, key)
            .unwrap_or(&[])
            .iter()
            .filter_map(|id| self.rows.get(id))
    }

    fn index(&mut self, row: &R, add: bool) {
        for (field, index) in &mut self.indexes {
            let Some(key) = row.cell(field).int() else {
                continue;
            };
            let ids = index.entry(key).or_default();
            match (ids.binary_search(&row.id()), add) {
                (Err(at), true) => ids.insert(at, row.id()),
                (Ok(at), false) => {
                    ids.remove(at);
                }
                _ => {}
            }
        }
    }
}
