//! What the brakes on change have let pass already ([`Passed`]), so that nothing is counted
//! twice and a day's runs are added up.

use jiff::civil::Date;
use psa_host_billing::plan::{Passed, PassedChange};
use psa_host_billing::{ConnectionName, Units, UnitsChange, parse_decimal};

use crate::connections::must_exist;
use crate::db::{Optional, Row, Sql, Tx, date, not_as_written, params, parsed, units};
use crate::error::Inside;
use crate::{Ledger, Result, RunLease};

impl Ledger {
    /// What has passed in a connection before a run on this day.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound); a damaged database.
    pub fn passed(&self, name: &ConnectionName, day: Date) -> Result<Passed> {
        self.read(|view| {
            let connection = must_exist(view, name)?;
            let first_look: Option<Units> = view
                .prepare("SELECT units FROM first_looks WHERE connection = ?1 AND day = ?2")?
                .query_row(params![connection, day.to_string()], |row| units(row, 0))
                .optional()?;
            let mut rows = view.prepare(
                "SELECT line, account, effective, change, day, on_day
                 FROM passed_changes WHERE connection = ?1",
            )?;
            let changes = rows
                .query_map([connection], passed_change)?
                .collect::<Sql<_>>()?;
            Ok(Passed::new(day, first_look, changes))
        })
    }

    /// Keep how many units a run found in all, unless an earlier one of the day has.
    ///
    /// # Errors
    /// [`LedgerError::RunState`](crate::LedgerError::RunState); a failing database.
    pub fn look_first(&self, lease: RunLease, day: Date, units: Units) -> Result<()> {
        self.write(|change, _| {
            let connection = lease.posting(change)?.connection;
            change
                .prepare(
                    "INSERT INTO first_looks (connection, day, units) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET day = excluded.day, units = excluded.units
                     WHERE day <> excluded.day",
                )?
                .execute(params![connection, day.to_string(), units.to_string()])?;
            Ok(())
        })
    }

    /// Keep what a run without a brake has planned, and forget what can matter no more:
    /// changes of days that are over.
    ///
    /// # Errors
    /// [`LedgerError::RunState`](crate::LedgerError::RunState); a failing database.
    pub fn pass(&self, lease: RunLease, day: Date, passing: &[PassedChange]) -> Result<()> {
        self.write(|change, _| {
            let connection = lease.posting(change)?.connection;
            forget(change, connection, day)?;
            let rows = passing.iter().map(|passed| {
                Ok([
                    connection.into(),
                    passed.line.as_str().into(),
                    passed.effective.into(),
                    passed.account.as_str().into(),
                    passed.change.get().to_string().into(),
                    passed.day.into(),
                    passed.on_day.get().to_string().into(),
                ])
            });
            change.insert_rows(
                "INSERT OR REPLACE INTO passed_changes
                     (connection, line, effective, account, change, day, on_day)
                 VALUES :rows",
                rows,
            )?;
            Ok(())
        })
    }
}

fn forget(change: &Tx<'_>, connection: i64, day: Date) -> Inside<()> {
    change
        .prepare(
            "DELETE FROM passed_changes WHERE connection = ?1 AND day < ?2 AND effective < ?2",
        )?
        .execute(params![connection, day.to_string()])?;
    Ok(())
}

fn passed_change(row: &Row<'_>) -> Sql<PassedChange> {
    Ok(PassedChange {
        line: parsed(row, 0)?,
        account: parsed(row, 1)?,
        effective: date(row, 2)?,
        change: units_change(row, 3)?,
        day: date(row, 4)?,
        on_day: units_change(row, 5)?,
    })
}

fn units_change(row: &Row<'_>, column: usize) -> Sql<UnitsChange> {
    let text: String = row.get(column)?;
    match parse_decimal(&text) {
        Some(number) => Ok(number.into()),
        None => {
            let why = format!("{text:?} is no change of units");
            Err(not_as_written(column, why))
        }
    }
}
