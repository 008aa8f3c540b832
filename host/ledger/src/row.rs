//! Taking rows apart: text of the database back into ids, dates and instants.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::Units;
use rusqlite::types::Type;
use rusqlite::{Row, RowIndex};

use crate::error::{Fault, Inside};

/// A column that is parsed from text.
pub(crate) fn parsed<T>(row: &Row<'_>, column: impl RowIndex + Copy) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let index = column.idx(row.as_ref())?;
    let text = row.get_ref(index)?.as_str().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

/// A column that is parsed from text, or null.
pub(crate) fn parsed_opt<T>(
    row: &Row<'_>,
    column: impl RowIndex + Copy,
) -> rusqlite::Result<Option<T>>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let index = column.idx(row.as_ref())?;
    if row.get_ref(index)? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    parsed(row, index).map(Some)
}

/// Units, which have no `FromStr` of their own.
pub(crate) fn units_opt(
    row: &Row<'_>,
    column: impl RowIndex + Copy,
) -> rusqlite::Result<Option<Units>> {
    let index = column.idx(row.as_ref())?;
    let text = row.get_ref(index)?.as_str_or_null()?;
    text.map(|text| {
        Units::parse(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
        })
    })
    .transpose()
}

/// Units that must be there.
pub(crate) fn units(row: &Row<'_>, column: impl RowIndex + Copy) -> rusqlite::Result<Units> {
    units_opt(row, column)?.ok_or_else(|| missing(row, column))
}

/// A null where a value belongs.
fn missing(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Error {
    let index = column.idx(row.as_ref()).unwrap_or_default();
    rusqlite::Error::InvalidColumnType(index, "null".to_owned(), Type::Null)
}

/// A civil date.
pub(crate) fn date(row: &Row<'_>, column: impl RowIndex + Copy) -> rusqlite::Result<Date> {
    parsed(row, column)
}

/// A civil date, or null.
pub(crate) fn date_opt(
    row: &Row<'_>,
    column: impl RowIndex + Copy,
) -> rusqlite::Result<Option<Date>> {
    parsed_opt(row, column)
}

/// Microseconds since 1970.
pub(crate) fn instant(row: &Row<'_>, column: impl RowIndex + Copy) -> rusqlite::Result<Timestamp> {
    instant_opt(row, column)?.ok_or_else(|| missing(row, column))
}

/// Microseconds since 1970, or null.
pub(crate) fn instant_opt(
    row: &Row<'_>,
    column: impl RowIndex + Copy,
) -> rusqlite::Result<Option<Timestamp>> {
    let index = column.idx(row.as_ref())?;
    let micros: Option<i64> = row.get(index)?;
    micros
        .map(|micros| {
            Timestamp::from_microsecond(micros).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, Box::new(error))
            })
        })
        .transpose()
}

/// JSON text of a column that this ledger wrote.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: impl RowIndex + Copy,
) -> rusqlite::Result<T> {
    let index = column.idx(row.as_ref())?;
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

/// JSON text of a value whose serialisation cannot fail.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Inside<String> {
    serde_json::to_string(value).map_err(|error| Fault::Row(error.to_string()))
}

/// A word that this release does not know.
#[derive(Debug)]
pub struct UnknownWord(pub(crate) String);

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown word {:?}", self.0)
    }
}

impl std::error::Error for UnknownWord {}

/// An enum that is kept as a word: `as_str` and its inverse from one list.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// As it is kept and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::row::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::row::UnknownWord(other.to_owned())),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;
