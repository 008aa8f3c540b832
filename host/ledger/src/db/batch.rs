//! Many rows in few statements: a row costs its bytes, not a statement (and, where the
//! database is another machine, not a round trip).

use super::{Tx, Value};
use crate::error::Inside;

/// Rows in one statement. SQLite takes 32,766 values in one, and gains little beyond some
/// dozens of rows.
const ROWS: usize = 64;

/// What [`Tx::insert_rows`] puts the rows in the place of.
const MARK: &str = ":rows";

impl Tx<'_> {
    /// Insert rows with `INSERT INTO … (…) VALUES :rows`, and whatever follows that; how
    /// many rows were changed. A row that cannot be made ends it.
    pub(crate) fn insert_rows<'v, const N: usize>(
        &self,
        insert: &str,
        rows: impl IntoIterator<Item = Inside<[Value<'v>; N]>>,
    ) -> Inside<usize> {
        debug_assert_eq!(insert.matches(MARK).count(), 1, "{insert}");
        let mut full: Vec<Value<'v>> = Vec::with_capacity(ROWS * N);
        let mut many = None;
        let mut changed = 0;
        for row in rows {
            full.extend(row?);
            if full.len() == ROWS * N {
                let many = match &mut many {
                    Some(many) => many,
                    None => many.insert(self.prepare(&insert.replace(MARK, &places(N, ROWS)))?),
                };
                changed += many.execute_values(&full)?;
                full.clear();
            }
        }
        if full.is_empty() {
            return Ok(changed);
        }
        // One by one: a statement for each number of rows would be as many to keep ready.
        let mut one = self.prepare(&insert.replace(MARK, &places(N, 1)))?;
        for row in full.chunks(N) {
            changed += one.execute_values(row)?;
        }
        Ok(changed)
    }
}

/// `(?,?),(?,?)`
fn places(columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
            .unwrap();
        connection
    }

    fn rows(connection: &Connection) -> Vec<(i64, Option<String>)> {
        let mut rows = connection.prepare("SELECT * FROM t ORDER BY id").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_row_is_inserted_once_and_in_order_however_many_there_are() {
        for count in [0, 1, 63, 64, 65, 128, 200] {
            let connection = table();
            let text = |id: i64| (id % 3 > 0).then(|| format!("row {id}"));
            let made = (1..=count).map(|id| Ok([id.into(), text(id).into()]));
            let changed = Tx::on(&connection)
                .insert_rows("INSERT INTO t (id, text) VALUES :rows", made)
                .unwrap();
            assert_eq!(i64::try_from(changed).unwrap(), count);
            let expected: Vec<_> = (1..=count).map(|id| (id, text(id))).collect();
            assert_eq!(rows(&connection), expected);
        }
    }

    #[test]
    fn rows_that_the_statement_passes_over_are_not_counted() {
        let connection = table();
        let twice = (1..=100_i64).chain(1..=100);
        let made = twice.map(|id| Ok([id.into(), "x".into()]));
        let changed = Tx::on(&connection)
            .insert_rows("INSERT OR IGNORE INTO t (id, text) VALUES :rows", made)
            .unwrap();
        assert_eq!((changed, rows(&connection).len()), (100, 100));
    }
}
