//! A transaction and the statements in it.

use std::fmt;

use rusqlite::{CachedStatement, Connection, Params};

use super::{Row, Sql, Value};

/// One transaction: a consistent view, or a change that is made as a whole or not at all.
#[derive(Clone, Copy)]
pub(crate) struct Tx<'c>(&'c Connection);

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

impl<'c> Tx<'c> {
    /// Only where a connection has a transaction under way, or each statement is to be one.
    pub(super) fn on(connection: &'c Connection) -> Self {
        Self(connection)
    }

    /// A statement, ready to run many times. Kept for later transactions.
    pub(crate) fn prepare(&self, sql: &str) -> Sql<Statement<'c>> {
        Ok(Statement(self.0.prepare_cached(sql)?))
    }

    /// Run a statement once; how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Sql<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// The first row of what is selected; an error where there is none, which
    /// [`Optional::optional`] takes for an answer.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        take: impl FnOnce(&Row<'_>) -> Sql<T>,
    ) -> Sql<T> {
        self.prepare(sql)?.query_row(params, take)
    }

    /// Where [`Tx::back_to_mark`] goes back to.
    pub(crate) fn mark(&self) -> Sql<()> {
        self.0.execute_batch("SAVEPOINT mark")
    }

    /// Undo what was changed since the mark.
    pub(crate) fn back_to_mark(&self) -> Sql<()> {
        self.0.execute_batch("ROLLBACK TO mark")
    }
}

/// A statement of a transaction.
pub(crate) struct Statement<'c>(CachedStatement<'c>);

impl Statement<'_> {
    /// Run it; how many rows it changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Sql<usize> {
        self.0.execute(params)
    }

    /// Run it with as many values as it has places for.
    pub(super) fn execute_values(&mut self, values: &[Value<'_>]) -> Sql<usize> {
        self.0.execute(rusqlite::params_from_iter(values))
    }

    /// Run it, where it inserts one row; that row's number.
    pub(crate) fn insert(&mut self, params: impl Params) -> Sql<i64> {
        self.0.insert(params)
    }

    /// Whether it selects anything.
    pub(crate) fn exists(&mut self, params: impl Params) -> Sql<bool> {
        self.0.exists(params)
    }

    /// As [`Tx::query_row`].
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        take: impl FnOnce(&Row<'_>) -> Sql<T>,
    ) -> Sql<T> {
        self.0.query_row(params, |row| take(&Row::of(row)))
    }

    /// All rows, one after another.
    pub(crate) fn query_map<T, F>(&mut self, params: impl Params, take: F) -> Sql<Taken<'_, F>>
    where
        F: FnMut(&Row<'_>) -> Sql<T>,
    {
        let rows = self.0.query(params)?;
        Ok(Taken { rows, take })
    }

    /// All rows, to be asked for one by one.
    pub(crate) fn query(&mut self, params: impl Params) -> Sql<Rows<'_>> {
        Ok(Rows(self.0.query(params)?))
    }
}

/// The rows of a statement.
pub(crate) struct Rows<'s>(rusqlite::Rows<'s>);

impl Rows<'_> {
    /// The next one.
    pub(crate) fn next(&mut self) -> Sql<Option<Row<'_>>> {
        Ok(self.0.next()?.map(Row::of))
    }
}

/// The rows of a statement, each taken apart.
pub(crate) struct Taken<'s, F> {
    rows: rusqlite::Rows<'s>,
    take: F,
}

impl<T, F: FnMut(&Row<'_>) -> Sql<T>> Iterator for Taken<'_, F> {
    type Item = Sql<T>;

    fn next(&mut self) -> Option<Sql<T>> {
        let row = self.rows.next().transpose()?;
        Some(row.and_then(|row| (self.take)(&Row::of(row))))
    }
}

/// No row is an answer too.
pub(crate) trait Optional<T> {
    /// None, where the error says that there was no row.
    fn optional(self) -> Sql<Option<T>>;
}

impl<T> Optional<T> for Sql<T> {
    fn optional(self) -> Sql<Option<T>> {
        rusqlite::OptionalExtension::optional(self)
    }
}
