//! What PSAs refused, counted for each line and target over all runs, and a person's word
//! that it counts no more.

use std::collections::HashMap;

use psa_host_billing::{LineId, TenantKey, Units};
use serde_json::json;

use crate::adjustments::intents_read::record;
use crate::db::{Sql, params};
use crate::history::chain::About;
use crate::{IntentState, Ledger, Refusal, Result};

/// The last rejections of a line in a row, all of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejections {
    /// What it was to have.
    pub target: Units,
    /// How many.
    pub times: usize,
    /// What the PSA said last.
    pub words: String,
}

impl Ledger {
    /// The rejections of each line since something else became of its adjustments, since its
    /// target changed, and since a person lifted them.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn rejections(&self, tenant: &TenantKey) -> Result<HashMap<LineId, Rejections>> {
        self.read(|view| {
            let mut lines = view.prepare(
                "SELECT DISTINCT line FROM intents
                 WHERE tenant = ?1 AND state = 'rejected' AND refusal IS NOT NULL",
            )?;
            let lines: Vec<String> = lines
                .query_map([tenant.as_str()], |row| row.get(0))?
                .collect::<Sql<_>>()?;
            let mut of_line = view.prepare(&format!(
                "{} WHERE tenant = ?1 AND line = ?2 AND state NOT IN ('not-sent', 'intended')
                 ORDER BY id DESC",
                crate::adjustments::intents_read::SELECT
            ))?;
            let mut found = HashMap::new();
            for line in lines {
                let mut last: Option<Rejections> = None;
                for intent in of_line.query_map(params![tenant.as_str(), line], record)? {
                    let intent = intent?;
                    let refused = matches!(intent.refusal, Some(Refusal::Rejected(_)));
                    if !refused || intent.state != IntentState::Rejected || intent.lifted {
                        break;
                    }
                    let target = intent.intent.target;
                    match &mut last {
                        None => {
                            last = Some(Rejections {
                                target,
                                times: 1,
                                words: intent.words.unwrap_or_default(),
                            });
                        }
                        Some(last) if last.target == target => last.times += 1,
                        Some(_) => break,
                    }
                }
                if let (Some(last), Ok(line)) = (last, line.parse()) {
                    found.insert(line, last);
                }
            }
            Ok(found)
        })
    }

    /// Let the rejections of these lines count no more: their changes are sent again.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn lift_rejections(&self, tenant: &TenantKey, lines: &[LineId], why: &str) -> Result<()> {
        self.write(|change, journal| {
            for line in lines {
                change
                    .prepare(
                        "UPDATE intents SET lifted_at = ?3
                         WHERE tenant = ?1 AND line = ?2 AND state = 'rejected'
                             AND lifted_at IS NULL",
                    )?
                    .execute(params![
                        tenant.as_str(),
                        line.as_str(),
                        journal.at().as_microsecond()
                    ])?;
                let detail = json!({ "tenant": tenant, "why": why });
                journal.write(
                    change,
                    About::Line(tenant, line),
                    "line.rejections-lifted",
                    line.as_str(),
                    &detail,
                )?;
            }
            Ok(())
        })
    }
}
