//! The rules that an MSP set for a connection.

use psa_host_billing::ConnectionName;
use psa_host_billing::rules::Rules;
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Optional, json as json_column, params, to_json};
use crate::history::chain::About;
use crate::{Ledger, Result};

impl Ledger {
    /// A connection's rules; the defaults where nobody set any.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound); a damaged database.
    pub fn rules(&self, name: &ConnectionName) -> Result<Rules> {
        self.read(|view| {
            let id = must_exist(view, name)?;
            let rules = view
                .prepare("SELECT rules FROM rules WHERE connection = ?1")?
                .query_row([id], |row| json_column(row, "rules"))
                .optional()?;
            Ok(rules.unwrap_or_default())
        })
    }

    /// Set all of a connection's rules. The same again changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound).
    pub fn set_rules(&self, name: &ConnectionName, rules: &Rules) -> Result<()> {
        let before = self.rules(name)?;
        if before == *rules {
            return Ok(());
        }
        self.write(|change, journal| {
            let id = must_exist(change, name)?;
            change.execute(
                "INSERT INTO rules (connection, rules) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET rules = excluded.rules",
                params![id, to_json(rules)?],
            )?;
            let detail = json!({ "from": before, "to": rules });
            journal.write(
                change,
                About::Named(name),
                "rules.set",
                name.as_str(),
                &detail,
            )
        })
    }

    /// Whether limits were added to a connection by an upgrade and no report has said so
    /// yet. Asked by a run that says it now.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound); a failing database.
    pub fn say_limits_added(&self, name: &ConnectionName) -> Result<bool> {
        let to_say = self.read(|view| {
            let id = must_exist(view, name)?;
            let row = view
                .prepare("SELECT 1 FROM limits_added WHERE connection = ?1 AND said <> 'report'")?
                .query_row([id], |_| Ok(()))
                .optional()?;
            Ok(row.is_some())
        })?;
        if to_say {
            self.write(|change, _| {
                let id = must_exist(change, name)?;
                change.execute(
                    "UPDATE limits_added SET said = 'report' WHERE connection = ?1",
                    [id],
                )?;
                Ok(())
            })?;
        }
        Ok(to_say)
    }
}
