//! A person's word on an adjustment of which the line itself cannot tell what became.

use psa_host_billing::LineId;
use psa_host_ledger::{Resolution, RunId};
use serde_json::json;

use crate::error::rule;
use crate::{Host, Result};

/// What a person found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect: the line's units are right as they are.
    Confirmed,
    /// It did not take effect: the next run may plan it anew.
    NotApplied,
}

impl Host {
    /// Settle one open adjustment of a run.
    ///
    /// # Errors
    /// No such run; no open adjustment of this line in it; the tenant is being synced.
    pub fn resolve(&self, run: RunId, line: &LineId, verdict: Verdict) -> Result<()> {
        let stored = self.ledger().run(run)?;
        let _lock = match &stored.tenant {
            Some(tenant) => Some(
                self.ledger()
                    .tenant_lock(tenant, &format!("run resolve {run}"))?,
            ),
            None => None,
        };
        let open = self
            .ledger()
            .run_intents(run)?
            .into_iter()
            .find(|intent| &intent.intent.key.line == line && intent.state.is_open());
        let Some(intent) = open else {
            return Err(rule(
                "nothing-to-resolve",
                format!("run {run} has no adjustment of line {line} whose outcome is open"),
                format!("See `psa-host run show {run}` for lines that are doubtful or held."),
            ));
        };
        let resolution = match verdict {
            Verdict::Confirmed => Resolution::Confirmed,
            Verdict::NotApplied => Resolution::NotApplied,
        };
        let evidence = json!({ "by": self.options().actor, "at": self.now() });
        Ok(self
            .ledger()
            .resolve(&[(intent.id, resolution, evidence)])?)
    }
}
