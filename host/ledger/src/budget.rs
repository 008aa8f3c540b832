//! Requests spent, by scope (a tenant) and minute, shared by all processes; what the
//! PSA says that everybody used; and until when it asked us to wait. In a database of
//! its own, without waiting for the disk: losing the last second costs nobody money.

use jiff::Timestamp;
use psa_host_billing::TenantKey;
use serde_json::json;

use crate::db::{Optional, Tx, instant, params};
use crate::error::Inside;
use crate::history::chain::About;
use crate::{Ledger, Result};

/// Minutes after which what was spent is forgotten: longer than any limit's window.
const KEPT: i64 = 48 * 60;

/// What a PSA said of its own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// When.
    pub at: Timestamp,
    /// Used by everybody within its window.
    pub used: u64,
    /// Allowed in its window; 0: it did not say.
    pub allowed: u64,
    /// Spent by us within the same window, when it said so.
    pub own: u64,
}

impl Ledger {
    /// Count requests.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn budget_spend(&self, scope: &str, at: Timestamp, requests: u32) -> Result<()> {
        self.budget(|database| {
            let minute = minute(at);
            let begun = database
                .prepare("SELECT 1 FROM spent WHERE scope = ?1 AND minute = ?2")?
                .exists(params![scope, minute])?;
            if !begun {
                database
                    .prepare("DELETE FROM spent WHERE scope = ?1 AND minute < ?2")?
                    .execute(params![scope, minute - KEPT])?;
            }
            database
                .prepare(
                    "INSERT INTO spent (scope, minute, n) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET n = n + excluded.n",
                )?
                .execute(params![scope, minute, requests])?;
            Ok(())
        })
    }

    /// Requests counted since an instant; the minute it falls into counts whole.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn budget_spent(&self, scope: &str, since: Timestamp) -> Result<u64> {
        self.budget(|database| {
            let spent: i64 = database
                .prepare("SELECT coalesce(sum(n), 0) FROM spent WHERE scope = ?1 AND minute >= ?2")?
                .query_row(params![scope, minute(since)], |row| row.get(0))?;
            Ok(spent.unsigned_abs())
        })
    }

    /// Keep what the PSA said of its own count; an older word does not replace a newer.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn budget_observe(&self, scope: &str, observed: Observed) -> Result<()> {
        self.budget(|database| {
            let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            database
                .prepare(
                    "INSERT INTO observed (scope, at, used, own, allowed)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET at = excluded.at, used = excluded.used,
                         own = excluded.own, allowed = excluded.allowed
                     WHERE excluded.at >= at",
                )?
                .execute(params![
                    scope,
                    observed.at.as_microsecond(),
                    whole(observed.used),
                    whole(observed.own),
                    whole(observed.allowed)
                ])?;
            Ok(())
        })
    }

    /// What the PSA last said.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn budget_observed(&self, scope: &str) -> Result<Option<Observed>> {
        self.budget(|database| {
            Ok(database
                .prepare("SELECT at, used, own, allowed FROM observed WHERE scope = ?1")?
                .query_row([scope], |row| {
                    Ok(Observed {
                        at: instant(row, "at")?,
                        used: row.get::<i64>("used")?.unsigned_abs(),
                        own: row.get::<i64>("own")?.unsigned_abs(),
                        allowed: row.get::<i64>("allowed")?.unsigned_abs(),
                    })
                })
                .optional()?)
        })
    }

    /// Send nothing before `until` (Retry-After); an earlier end does not shorten it.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn budget_pause(&self, scope: &str, until: Timestamp) -> Result<()> {
        self.budget(|database| {
            database
                .prepare(
                    "INSERT INTO paused (scope, until) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
                )?
                .execute(params![scope, until.as_microsecond()])?;
            Ok(())
        })
    }

    /// Until when nothing is to be sent; none: it may.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn budget_paused(&self, scope: &str) -> Result<Option<Timestamp>> {
        let now = self.now();
        self.budget(|database| {
            let until = database
                .prepare("SELECT until FROM paused WHERE scope = ?1")?
                .query_row([scope], |row| instant(row, "until"))
                .optional()?;
            Ok(until.filter(|until| *until > now))
        })
    }

    /// Count under a new key what a tenant has spent, and wait there as long as it was asked
    /// to. What the PSA said of its own count it says anew.
    pub(crate) fn budget_move(&self, from: &TenantKey, to: &TenantKey) -> Result<()> {
        let (from, to) = (format!("tenant:{from}"), format!("tenant:{to}"));
        self.budget(|database| {
            for sql in [
                "INSERT INTO spent (scope, minute, n)
                 SELECT ?2, minute, n FROM spent WHERE scope = ?1
                 ON CONFLICT DO UPDATE SET n = n + excluded.n",
                "INSERT INTO paused (scope, until) SELECT ?2, until FROM paused WHERE scope = ?1
                 ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
            ] {
                database.execute(sql, [&from, &to])?;
            }
            for table in ["spent", "paused", "observed"] {
                database.execute(&format!("DELETE FROM {table} WHERE scope = ?1"), [&from])?;
            }
            Ok(())
        })
    }

    /// Take back a pause that the PSA asked for: a person knows better. Kept in the history
    /// before it counts.
    ///
    /// # Errors
    /// A failing disk or database.
    pub fn budget_lift(&self, scope: &str, why: &str) -> Result<Option<Timestamp>> {
        let Some(until) = self.budget_paused(scope)? else {
            return Ok(None);
        };
        self.write(|change, journal| {
            let detail = json!({ "until": until, "why": why });
            journal.write(change, About::Installation, "budget.lifted", scope, &detail)
        })?;
        self.budget(|database| {
            database.execute("DELETE FROM paused WHERE scope = ?1", [scope])?;
            Ok(())
        })?;
        Ok(Some(until))
    }

    /// Each statement is a transaction of its own.
    fn budget<T>(&self, verb: impl Fn(&Tx<'_>) -> Inside<T>) -> Result<T> {
        self.inner.budget.each(verb)
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}
