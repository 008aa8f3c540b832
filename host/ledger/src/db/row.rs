//! Taking rows apart: text of the database back into ids, dates and instants.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::Units;
use rusqlite::types::{FromSql, Type, ValueRef};

use super::{Sql, not_as_written};
use crate::error::{Fault, Inside};

/// A row of what was selected.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r>(&'r rusqlite::Row<'r>);

/// By place or by name. By place where there are many rows: names are looked up in each.
pub(crate) trait Column: Copy {
    /// Its place.
    fn place(self, row: &Row<'_>) -> Sql<usize>;
}

impl Column for usize {
    fn place(self, _: &Row<'_>) -> Sql<usize> {
        Ok(self)
    }
}

impl Column for &str {
    fn place(self, row: &Row<'_>) -> Sql<usize> {
        row.0.as_ref().column_index(self)
    }
}

impl<'r> Row<'r> {
    pub(super) fn of(row: &'r rusqlite::Row<'r>) -> Self {
        Self(row)
    }

    /// A column of a type that the database knows.
    pub(crate) fn get<T: FromSql>(&self, column: impl Column) -> Sql<T> {
        self.0.get(column.place(self)?)
    }

    /// The text of a column; none where it is anything else.
    pub(crate) fn text(&self, column: impl Column) -> Option<&'r str> {
        match self.value(column)? {
            ValueRef::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The whole number of a column; none where it is anything else.
    pub(crate) fn whole(&self, column: impl Column) -> Option<i64> {
        match self.value(column)? {
            ValueRef::Integer(whole) => Some(whole),
            _ => None,
        }
    }

    /// The bytes of a column; none where it is anything else.
    pub(crate) fn bytes(&self, column: impl Column) -> Option<&'r [u8]> {
        match self.value(column)? {
            ValueRef::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn value(&self, column: impl Column) -> Option<ValueRef<'r>> {
        let place = column.place(self).ok()?;
        self.0.get_ref(place).ok()
    }

    fn is_null(&self, place: usize) -> Sql<bool> {
        Ok(self.0.get_ref(place)? == ValueRef::Null)
    }
}

/// A column that is parsed from text.
pub(crate) fn parsed<T>(row: &Row<'_>, column: impl Column) -> Sql<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let index = column.place(row)?;
    let text = row.0.get_ref(index)?.as_str();
    let text = text.map_err(|error| not_as_written(index, error))?;
    text.parse().map_err(|error| not_as_written(index, error))
}

/// A column that is parsed from text, or null.
pub(crate) fn parsed_opt<T>(row: &Row<'_>, column: impl Column) -> Sql<Option<T>>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let index = column.place(row)?;
    if row.is_null(index)? {
        return Ok(None);
    }
    parsed(row, index).map(Some)
}

/// Units, which have no `FromStr` of their own.
pub(crate) fn units_opt(row: &Row<'_>, column: impl Column) -> Sql<Option<Units>> {
    let index = column.place(row)?;
    let text = row.0.get_ref(index)?.as_str_or_null()?;
    text.map(|text| Units::parse(text).map_err(|error| not_as_written(index, error)))
        .transpose()
}

/// Units that must be there.
pub(crate) fn units(row: &Row<'_>, column: impl Column) -> Sql<Units> {
    units_opt(row, column)?.ok_or_else(|| missing(row, column))
}

/// A null where a value belongs.
fn missing(row: &Row<'_>, column: impl Column) -> rusqlite::Error {
    let index = column.place(row).unwrap_or_default();
    rusqlite::Error::InvalidColumnType(index, "null".to_owned(), Type::Null)
}

/// A civil date.
pub(crate) fn date(row: &Row<'_>, column: impl Column) -> Sql<Date> {
    parsed(row, column)
}

/// A civil date, or null.
pub(crate) fn date_opt(row: &Row<'_>, column: impl Column) -> Sql<Option<Date>> {
    parsed_opt(row, column)
}

/// Microseconds since 1970.
pub(crate) fn instant(row: &Row<'_>, column: impl Column) -> Sql<Timestamp> {
    instant_opt(row, column)?.ok_or_else(|| missing(row, column))
}

/// Microseconds since 1970, or null.
pub(crate) fn instant_opt(row: &Row<'_>, column: impl Column) -> Sql<Option<Timestamp>> {
    let index = column.place(row)?;
    let micros: Option<i64> = row.get(index)?;
    micros
        .map(|micros| {
            Timestamp::from_microsecond(micros).map_err(|error| not_as_written(index, error))
        })
        .transpose()
}

/// JSON text of a column that this ledger wrote.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: impl Column) -> Sql<T> {
    let index = column.place(row)?;
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| not_as_written(index, error))
}

/// JSON text of a value whose serialisation cannot fail.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Inside<String> {
    serde_json::to_string(value).map_err(|error| Fault::Row(error.to_string()))
}

/// A word that this release does not know.
#[derive(Debug)]
pub struct UnknownWord(pub(crate) String);

impl UnknownWord {
    pub(crate) fn new(word: &str) -> Self {
        Self(word.to_owned())
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown word {:?}", self.0)
    }
}

impl std::error::Error for UnknownWord {}
