//! A person's word on an adjustment of which the line itself cannot tell what became.

use std::collections::BTreeSet;

use psa_host_billing::LineId;
use psa_host_ledger::{IntentRecord, Resolution, RunId};
use serde_json::json;

use crate::error::rule;
use crate::{Access, Power, Result};

/// What a person found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect: the line's units are right as they are.
    Confirmed,
    /// It did not take effect: the next run may plan it anew.
    NotApplied,
}

impl Access {
    /// Settle open adjustments of a run: all of these lines, or none.
    ///
    /// # Errors
    /// No such run; no open adjustment of one of the lines in it; the tenant is being synced.
    pub fn resolve(&self, run: RunId, lines: &[LineId], verdict: Verdict) -> Result<()> {
        self.may(Power::Approve)?;
        let stored = self.run_seen(run)?;
        let _lock = match &stored.tenant {
            Some(tenant) => Some(
                self.ledger()
                    .tenant_lock(tenant, &format!("run resolve {run}"))?,
            ),
            None => None,
        };
        let mut open: Vec<IntentRecord> = self.ledger().run_intents(run)?;
        open.retain(|intent| intent.state.is_open());
        let resolution = match verdict {
            Verdict::Confirmed => Resolution::Confirmed,
            Verdict::NotApplied => Resolution::NotApplied,
        };
        let evidence = json!({ "by": self.actor().who(), "at": self.now() });
        let wanted: BTreeSet<&LineId> = lines.iter().collect();
        let mut resolutions = Vec::with_capacity(wanted.len());
        for line in wanted {
            let of_line = |intent: &&IntentRecord| &intent.intent.key.line == line;
            let Some(intent) = open.iter().find(of_line) else {
                return Err(rule(
                    "nothing-to-resolve",
                    format!(
                        "run {run} has no adjustment of line {line} whose outcome is open; none \
                         of the lines was resolved"
                    ),
                    format!("See `psa-host run show {run}` for lines that are doubtful or held."),
                ));
            };
            resolutions.push((intent.id, resolution.clone(), evidence.clone()));
        }
        let lease = self.ledger().take_up(run)?;
        Ok(self.ledger().resolve(lease, &resolutions)?)
    }
}
