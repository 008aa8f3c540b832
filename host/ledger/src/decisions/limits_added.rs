//! An upgrade gave limits to connections that had none. That is said in the history, with
//! the next change that is written, and once in a run's report.

use psa_host_billing::rules::Rules;
use serde_json::json;

use crate::db::{Optional, Sql, Tx, json as json_column};
use crate::error::Inside;
use crate::history::chain::About;
use crate::history::journal::Journal;

/// Whether the history does not know yet.
pub(crate) fn is_news(view: &Tx<'_>) -> Sql<bool> {
    view.query_row(
        "SELECT EXISTS (SELECT 1 FROM limits_added WHERE said = 'nowhere')",
        [],
        |row| row.get(0),
    )
}

/// Write it down, with the rules as they are now.
pub(crate) fn write_down(change: &Tx<'_>, journal: &mut Journal<'_>) -> Inside<()> {
    let connections: Vec<(i64, String)> = change
        .prepare(
            "SELECT c.id, c.name FROM limits_added AS l JOIN connections AS c
                 ON c.id = l.connection
             WHERE l.said = 'nowhere' ORDER BY c.name",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Sql<_>>()?;
    for (id, name) in connections {
        let rules: Option<Rules> = change
            .prepare("SELECT rules FROM rules WHERE connection = ?1")?
            .query_row([id], |row| json_column(row, "rules"))
            .optional()?;
        let rules = rules.unwrap_or_default();
        let detail = json!({
            "connection": name, "by": "upgrade", "approval": rules.approval,
            "brakes": rules.brakes,
        });
        journal.write(
            change,
            About::Connection(id),
            "rules.limits-added",
            &name,
            &detail,
        )?;
        change.execute(
            "UPDATE limits_added SET said = 'history' WHERE connection = ?1",
            [id],
        )?;
    }
    Ok(())
}
