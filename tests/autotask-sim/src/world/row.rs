//! A record of any entity except the unit rows, which have a narrower type of
//! their own because there are so many of them.

use serde_json::{Map, Value as Json};

use super::cell::{Cell, Value};
use crate::schema::{Entity, Field};

/// What the query engine needs of a record.
pub trait Record {
    /// The record's id.
    fn id(&self) -> i64;
    /// The value of one field.
    fn cell(&self, field: &'static Field) -> Cell<'_>;
    /// The value of a user-defined field.
    fn udf(&self, name: &str) -> Option<&str>;
    /// All user-defined fields that have a value.
    fn udfs(&self) -> &[(String, String)];
}

/// A record: the fields that are not null, by their place in the schema.
#[derive(Clone, Debug)]
pub struct Row {
    id: i64,
    cells: Vec<(u16, Value)>,
    udfs: Vec<(String, String)>,
}

impl Row {
    /// A record with nothing but an id.
    pub fn new(id: i64) -> Self {
        Self {
            id,
            cells: Vec::new(),
            udfs: Vec::new(),
        }
    }

    /// Sets one field; `None` makes it null.
    pub fn set(&mut self, field: &Field, value: Option<Value>) {
        if field.name == "id" {
            return;
        }
        match (
            self.cells.binary_search_by_key(&field.index, |(i, _)| *i),
            value,
        ) {
            (Ok(at), Some(value)) => self.cells[at].1 = value,
            (Ok(at), None) => {
                self.cells.remove(at);
            }
            (Err(at), Some(value)) => self.cells.insert(at, (field.index, value)),
            (Err(_), None) => {}
        }
    }

    /// Sets what `json` names and leaves the rest, as PATCH does.
    pub fn merge(&mut self, entity: Entity, json: &Map<String, Json>) -> Result<(), String> {
        for (name, value) in json {
            if name.eq_ignore_ascii_case("userDefinedFields") {
                self.udfs = read_udfs(value)?;
                continue;
            }
            let field = entity
                .fields()
                .get(name)
                .ok_or_else(|| format!("{name} is not a field of {}", entity.singular()))?;
            let value = Value::read(field, value)?;
            self.set(field, value);
        }
        Ok(())
    }

    /// The value of a field by name; a name the entity lacks is null.
    pub fn get(&self, entity: Entity, name: &str) -> Cell<'_> {
        entity
            .fields()
            .get(name)
            .map_or(Cell::Null, |f| self.cell(f))
    }
}

fn read_udfs(json: &Json) -> Result<Vec<(String, String)>, String> {
    let refused = || "userDefinedFields: expected a list of {name, value}".to_owned();
    if json.is_null() {
        return Ok(Vec::new());
    }
    let mut udfs = Vec::new();
    for item in json.as_array().ok_or_else(refused)? {
        let name = item
            .get("name")
            .and_then(Json::as_str)
            .ok_or_else(refused)?;
        if let Some(value) = item.get("value").and_then(Json::as_str) {
            udfs.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(udfs)
}

impl Record for Row {
    fn id(&self) -> i64 {
        self.id
    }

    fn cell(&self, field: &'static Field) -> Cell<'_> {
        if field.name == "id" {
            return Cell::Int(self.id);
        }
        match self.cells.binary_search_by_key(&field.index, |(i, _)| *i) {
            Ok(at) => self.cells[at].1.cell(),
            Err(_) => Cell::Null,
        }
    }

    fn udf(&self, name: &str) -> Option<&str> {
        self.udfs
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    fn udfs(&self) -> &[(String, String)] {
        &self.udfs
    }
}
