//! A candidate is tried before connections move to it: after the yes and before the
//! switch, for each connection, beside the file in use.
//!
//! ```text
//! file in use: check, read, plan ─┐
//!                                 ├─► differences ─► both once more ─► what is in both
//! candidate:   check, read, plan ─┘
//! ```
//! The candidate runs on a copy of its storage that is thrown away, also where the switch
//! happens: what it stores is worth a few requests, and what it stored while it was watched
//! is no part of what was agreed to.

mod compare;
mod record;

use std::borrow::Cow;

use psa_host_billing::trial::TrialDifference;
use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_sandbox::IncidentCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

pub use record::TrialRecord;

use super::proposal::chosen;
use super::{PluginProposal, PluginView};
use crate::error::{Problem, rule};
use crate::{Access, Error, IncidentView, Power, Result};

/// So many characters of a hash name what was shown to a person.
const DIGEST: usize = 12;

/// How a candidate did for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// As the file in use.
    Same,
    /// Otherwise than the file in use: a person has to say yes to that.
    Differs,
    /// It failed, or did what it may not. The connection stays.
    Refused,
    /// It could not be tried now. The connection stays.
    Untried,
}

/// A candidate's trial for one connection.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ConnectionTrial {
    /// The connection.
    pub connection: ConnectionName,
    /// How it went.
    pub outcome: TrialOutcome,
    /// `file`: the file in use, run the same way; `ledger`: what is known from earlier,
    /// because that file does not load or fails.
    pub compared_with: Cow<'static, str>,
    /// Why it was refused or not tried.
    pub problem: Option<Problem>,
    /// In what it differs.
    pub differences: Vec<TrialDifference>,
    /// Contracts that the candidate read.
    pub contracts: usize,
    /// Lines that it read.
    pub lines: usize,
    /// Mapped pairs that were planned with it.
    pub pairs: usize,
    /// Requests of both files together.
    pub requests: u64,
    /// What the candidate tried that it may not.
    pub incidents: Vec<IncidentView>,
}

/// A candidate's trial for every connection that would move to it.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct PluginTrial {
    /// By connection.
    pub connections: Vec<ConnectionTrial>,
    /// What a second yes has to name: a short hash of the differences; none where there
    /// are none.
    pub digest: Option<String>,
}

/// What became of a yes.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct PluginAccepted {
    /// `switched`; `differs`: a second yes is needed, nothing was changed; `refused`: no
    /// connection can move, nothing was changed.
    pub result: Cow<'static, str>,
    /// The plugin as it is now.
    pub plugin: PluginView,
    /// The trial; without connections where none would move.
    pub trial: PluginTrial,
    /// Connections that moved.
    pub moved: Vec<ConnectionName>,
    /// Connections that are kept on the file that was in use before.
    pub stayed: Vec<ConnectionName>,
}

/// What became of keeping a connection on a file.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct KeptOn {
    /// `done`; `differs`: a second yes is needed; `refused`: it cannot move. Nothing was
    /// changed in the latter two.
    pub result: Cow<'static, str>,
    /// The file that the connection has now.
    pub file: String,
    /// How the file was tried; none where it was the connection's already.
    pub trial: Option<PluginTrial>,
}

/// Which file is tried, beside which.
struct Files<'a> {
    in_use: (&'a str, Vec<String>),
    candidate: (&'a str, &'a [String]),
    /// The candidate was approved before. It is the way back where the file in use cannot
    /// log in: a refusal that only that one met does not close it.
    back: bool,
}

impl Access {
    /// Do what was proposed and agreed to: try the file for each connection that would
    /// move, and move those for which it does as the file in use. `accept` names the
    /// differences that a person has seen and agreed to ([`PluginTrial::digest`]).
    ///
    /// # Errors
    /// The file in use is another one by now; an adjustment of a connection that would
    /// move is not settled. That no connection can move is no error but an answer.
    pub async fn accept_plugin(
        &self,
        proposal: &PluginProposal,
        accept: Option<&str>,
    ) -> Result<PluginAccepted> {
        self.may(Power::Operate)?;
        let trial = self.try_plugin(proposal).await?;
        let answer = |result: &'static str, trial, moved, stayed| {
            Ok(PluginAccepted {
                result: result.into(),
                plugin: self.installed(&proposal.name)?,
                trial,
                moved,
                stayed,
            })
        };
        if trial.connections.iter().any(ConnectionTrial::wrote) {
            return answer("refused", trial, Vec::new(), Vec::new());
        }
        if trial.digest.is_some() && trial.digest.as_deref() != accept {
            return answer("differs", trial, Vec::new(), Vec::new());
        }
        let (moved, stayed): (Vec<&ConnectionTrial>, Vec<_>) = trial
            .connections
            .iter()
            .partition(|tried| matches!(tried.outcome, TrialOutcome::Same | TrialOutcome::Differs));
        let names = |tried: Vec<&ConnectionTrial>| -> Vec<ConnectionName> {
            tried
                .into_iter()
                .map(|one| one.connection.clone())
                .collect()
        };
        let (moved, stayed) = (names(moved), names(stayed));
        if moved.is_empty() && !stayed.is_empty() {
            return answer("refused", trial, Vec::new(), stayed);
        }
        self.switch(proposal, &moved)?;
        answer("switched", trial, moved, stayed)
    }

    /// Put the file into use for these connections; the others that follow the plugin are
    /// kept on the one before.
    pub(super) fn switch(
        &self,
        proposal: &PluginProposal,
        moving: &[ConnectionName],
    ) -> Result<()> {
        let PluginProposal {
            name,
            in_use,
            sha256,
            hosts,
            ..
        } = proposal;
        let plugin = self.ledger().plugin(name)?;
        let granted = plugin.file(sha256).and_then(|file| file.approval.as_ref());
        let new = granted.is_none_or(|approval| approval.hosts != *hosts);
        let hosts = new.then_some(hosts.as_slice());
        Ok(self
            .ledger()
            .switch_plugin(name, in_use, sha256, hosts, moving)?)
    }

    async fn try_plugin(&self, proposal: &PluginProposal) -> Result<PluginTrial> {
        let plugin = self.ledger().plugin(&proposal.name)?;
        let granted = plugin.approval.as_ref();
        let files = Files {
            in_use: (
                &proposal.in_use,
                granted.map_or_else(Vec::new, |approval| approval.hosts.clone()),
            ),
            candidate: (&proposal.sha256, &proposal.hosts),
            back: proposal.approved_before,
        };
        let mut connections = Vec::new();
        for moving in &proposal.connections {
            let name = ConnectionName::new(&moving.name).map_err(|error| {
                rule(
                    ErrorCode::UnknownConnection,
                    error.to_string(),
                    "Propose it again.",
                )
            })?;
            connections.push(self.try_for(&name, &files).await?);
        }
        self.record_trial(&proposal.name, &files, connections)
    }

    fn record_trial(
        &self,
        plugin: &str,
        files: &Files<'_>,
        connections: Vec<ConnectionTrial>,
    ) -> Result<PluginTrial> {
        let trial = PluginTrial {
            digest: digest(&connections),
            connections,
        };
        if !trial.connections.is_empty() {
            let detail = json!({
                "in_use": files.in_use.0, "sha256": files.candidate.0,
                "digest": trial.digest, "connections": trial.connections,
            });
            self.ledger().record_plugin_trial(plugin, &detail)?;
        }
        Ok(trial)
    }

    /// Keep a connection on one approved file of its plugin; with none, let it follow the
    /// file in use again. Where that is another file than it has, it is tried first.
    ///
    /// # Errors
    /// No such connection or file; a file that is not approved; an adjustment that is not
    /// settled.
    pub async fn keep_connection_on(
        &self,
        name: &ConnectionName,
        sha256: Option<&str>,
        accept: Option<&str>,
    ) -> Result<KeptOn> {
        self.may_on(name, Power::Operate)?;
        let connection = self.connection(name)?;
        let plugin = self.ledger().plugin(&connection.plugin)?;
        let kept = match sha256 {
            Some(sha256) => Some(chosen(&plugin, Some(sha256))?.sha256.clone()),
            None => None,
        };
        let hosts_of = |sha256: &str| {
            let file = plugin.file(sha256);
            let approval = file.and_then(|file| file.approval.as_ref());
            approval.map(|approval| approval.hosts.clone())
        };
        let to = kept.as_ref().unwrap_or(&plugin.sha256);
        let from = connection.kept_on.as_ref().unwrap_or(&plugin.sha256);
        let mut trial = None;
        // One that was never approved is refused below, untried.
        if let (true, Some(hosts)) = (from != to, hosts_of(to)) {
            let files = Files {
                in_use: (from, hosts_of(from).unwrap_or_default()),
                candidate: (to, &hosts),
                back: true,
            };
            let tried = vec![self.try_for(name, &files).await?];
            let tried = self.record_trial(&plugin.name, &files, tried)?;
            let moves = tried.connections.iter().all(ConnectionTrial::moves);
            let agreed = tried.digest.is_none() || tried.digest.as_deref() == accept;
            if !moves || !agreed {
                return Ok(KeptOn {
                    result: if moves { "differs" } else { "refused" }.into(),
                    file: from.clone(),
                    trial: Some(tried),
                });
            }
            trial = Some(tried);
        }
        self.ledger().keep_connection_on(name, kept.as_deref())?;
        Ok(KeptOn {
            result: "done".into(),
            file: to.clone(),
            trial,
        })
    }
}

impl ConnectionTrial {
    /// Whether it may move, where its differences are agreed to.
    fn moves(&self) -> bool {
        matches!(self.outcome, TrialOutcome::Same | TrialOutcome::Differs)
    }

    /// Whether the candidate tried to write: then it is for no connection.
    fn wrote(&self) -> bool {
        let writes = [IncidentCode::WriteOutsideAdjust, IncidentCode::SecondWrite];
        let mut incidents = self.incidents.iter();
        incidents.any(|incident| writes.iter().any(|code| code.as_str() == incident.code))
    }

    fn stays(&mut self, outcome: TrialOutcome, error: &Error) {
        self.outcome = outcome;
        self.problem = Some(error.problem());
    }
}

/// Names what a person has seen: all differences of all connections.
fn digest(connections: &[ConnectionTrial]) -> Option<String> {
    let shown: Vec<_> = connections
        .iter()
        .filter(|tried| !tried.differences.is_empty())
        .map(|tried| (tried.connection.to_string(), &tried.differences))
        .collect();
    if shown.is_empty() {
        return None;
    }
    // Differences never become none for want of a way to write them down.
    let text = serde_json::to_vec(&shown).unwrap_or_else(|_| format!("{shown:?}").into_bytes());
    let mut digest = hex::encode(Sha256::digest(text));
    digest.truncate(DIGEST);
    Some(digest)
}
