//! Trials as the history has them.

use jiff::Timestamp;
use psa_host_billing::ConnectionName;
use psa_host_billing::trial::TrialDifference;
use psa_host_ledger::HistoryFilter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TrialOutcome;
use crate::{Access, Result};

/// A trial as the history has it.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct TrialRecord {
    /// By whom.
    pub who: String,
    /// When.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub when: Timestamp,
    /// By connection.
    pub connections: Vec<RecordedTrial>,
}

/// One connection's part of it.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct RecordedTrial {
    /// The connection.
    pub connection: ConnectionName,
    /// How it went.
    pub outcome: TrialOutcome,
    /// In what it differs.
    pub differences: Vec<TrialDifference>,
    /// Why it was refused or not tried.
    pub problem: Option<String>,
}

impl Access {
    /// How the last trial of a file went.
    pub(in crate::plugins) fn last_trial(
        &self,
        name: &str,
        sha256: &str,
    ) -> Result<Option<TrialRecord>> {
        let filter = HistoryFilter {
            subject: Some(name),
            what: Some("plugin.tried"),
            ..HistoryFilter::default()
        };
        let events = self.ledger().history_matching(&filter, 100)?;
        let last = events
            .into_iter()
            .rfind(|event| event.subject == name && event.detail["sha256"] == sha256);
        Ok(last.map(|event| {
            let connections = event.detail["connections"].as_array();
            let connections = connections.into_iter().flatten();
            TrialRecord {
                connections: connections
                    .filter_map(|one| {
                        Some(RecordedTrial {
                            connection: serde_json::from_value(one["connection"].clone()).ok()?,
                            outcome: serde_json::from_value(one["outcome"].clone()).ok()?,
                            differences: serde_json::from_value(one["differences"].clone()).ok()?,
                            problem: one["problem"]["message"].as_str().map(str::to_owned),
                        })
                    })
                    .collect(),
                who: event.who,
                when: event.at,
            }
        }))
    }
}
