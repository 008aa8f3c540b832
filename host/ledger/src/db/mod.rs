//! The only place that names the database: SQLite, in one file with a log ahead of it.
//!
//! Thin on purpose: SQL stays with the records it is about, and what those see of the
//! database is a [`Tx`] to run it in, a [`Row`] to take apart, and [`Sql`] errors. Another
//! database is another folder like this one. A test fails where `rusqlite` is named
//! elsewhere.

mod backup;
mod batch;
mod database;
mod error;
mod migrations;
pub(crate) mod names;
mod row;
mod tx;
mod value;

pub(crate) use database::{Database, Durability};
pub(crate) use error::{is_refused, not_as_written};
pub(crate) use migrations::Schema;
pub use row::UnknownWord;
pub(crate) use row::{
    Column, Row, date, date_opt, instant, instant_opt, json, parsed, parsed_opt, to_json, units,
    units_opt,
};
pub(crate) use rusqlite::params;
pub(crate) use tx::{Optional, Tx};
pub(crate) use value::Value;

/// What the database says went wrong.
pub(crate) type DatabaseError = rusqlite::Error;

/// What comes of a statement.
pub(crate) type Sql<T> = rusqlite::Result<T>;
