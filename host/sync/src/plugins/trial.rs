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

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::ConnectionName;
use psa_host_billing::effective::local_day;
use psa_host_billing::trial::{TrialDifference, Tried, in_both};
use psa_host_ledger::{HistoryFilter, LedgerError};
use psa_host_sandbox::IncidentCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::proposal::chosen;
use super::{PluginProposal, PluginView};
use crate::check::incident;
use crate::error::{Problem, rule};
use crate::mapping::zone_of;
use crate::wiring::OnTrial;
use crate::{Error, Host, IncidentView, OpenConnection, Result};

/// So many characters of a hash name what was shown to a person.
const DIGEST: usize = 12;

/// How a candidate did for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionTrial {
    /// The connection.
    pub connection: ConnectionName,
    /// How it went.
    pub outcome: TrialOutcome,
    /// `file`: the file in use, run the same way; `ledger`: what is known from earlier,
    /// because that file does not load or fails.
    pub compared_with: &'static str,
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
#[derive(Debug, Clone, Serialize)]
pub struct PluginTrial {
    /// By connection.
    pub connections: Vec<ConnectionTrial>,
    /// What a second yes has to name: a short hash of the differences; none where there
    /// are none.
    pub digest: Option<String>,
}

/// What became of a yes.
#[derive(Debug, Clone, Serialize)]
pub struct PluginAccepted {
    /// `switched`; `differs`: a second yes is needed, nothing was changed; `refused`: no
    /// connection can move, nothing was changed.
    pub result: &'static str,
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
#[derive(Debug, Clone, Serialize)]
pub struct KeptOn {
    /// `done`; `differs`: a second yes is needed; `refused`: it cannot move. Nothing was
    /// changed in the latter two.
    pub result: &'static str,
    /// The file that the connection has now.
    pub file: String,
    /// How the file was tried; none where it was the connection's already.
    pub trial: Option<PluginTrial>,
}

/// A trial as the history has it.
#[derive(Debug, Clone, Serialize)]
pub struct TrialRecord {
    /// By whom.
    pub who: String,
    /// When.
    pub when: Timestamp,
    /// By connection.
    pub connections: Vec<RecordedTrial>,
}

/// One connection's part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// Which file is tried, beside which.
struct Files<'a> {
    in_use: (&'a str, Vec<String>),
    candidate: (&'a str, &'a [String]),
    /// The candidate was approved before. It is the way back where the file in use cannot
    /// log in: a refusal that only that one met does not close it.
    back: bool,
}

/// What the file in use gave to compare with.
enum Before {
    File(Box<OpenConnection>, Tried),
    Ledger(Tried),
}

impl Host {
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
        let trial = self.try_plugin(proposal).await?;
        let answer = |result, trial, moved, stayed| {
            Ok(PluginAccepted {
                result,
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
                rule("unknown-connection", error.to_string(), "Propose it again.")
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
                    result: if moves { "differs" } else { "refused" },
                    file: from.clone(),
                    trial: Some(tried),
                });
            }
            trial = Some(tried);
        }
        self.ledger().keep_connection_on(name, kept.as_deref())?;
        Ok(KeptOn {
            result: "done",
            file: to.clone(),
            trial,
        })
    }

    /// One connection, beside no other run of its tenant.
    async fn try_for(&self, name: &ConnectionName, files: &Files<'_>) -> Result<ConnectionTrial> {
        let connection = self.connection(name)?;
        let mut trial = ConnectionTrial {
            connection: name.clone(),
            outcome: TrialOutcome::Same,
            compared_with: "file",
            problem: None,
            differences: Vec::new(),
            contracts: 0,
            lines: 0,
            pairs: 0,
            requests: 0,
            incidents: Vec::new(),
        };
        let _lock = match &connection.tenant {
            Some(tenant) => {
                self.refuse_open_adjustments(name, tenant)?;
                match self
                    .ledger()
                    .tenant_lock(tenant, &format!("trial for {name}"))
                {
                    Ok(lock) => Some(lock),
                    Err(error @ LedgerError::TenantBusy { .. }) => {
                        trial.stays(TrialOutcome::Untried, &error.into());
                        return Ok(trial);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => None,
        };
        let as_of = local_day(self.now(), &zone_of(&connection)?);
        let before = match self.before(name, files, as_of, &mut trial).await {
            Ok(before) => before,
            Err(error) if not_now(&error) => {
                trial.stays(TrialOutcome::Untried, &error);
                return Ok(trial);
            }
            Err(error) => return Err(error),
        };
        self.compare(name, files.candidate, as_of, before, &mut trial)
            .await?;
        Ok(trial)
    }

    /// The file in use, run the same way; where it cannot be, what is known.
    async fn before(
        &self,
        name: &ConnectionName,
        files: &Files<'_>,
        as_of: Date,
        trial: &mut ConnectionTrial,
    ) -> Result<Before> {
        let (sha256, hosts) = &files.in_use;
        let file = OnTrial {
            sha256,
            hosts,
            keep_refusal: !files.back,
        };
        let read = match self.open_on_trial(name, file).await {
            Ok(open) => {
                let read = self.try_reading(&open, as_of).await;
                read.map(|tried| (open, tried))
            }
            Err(error) => Err(error),
        };
        match read {
            Ok((open, tried)) => Ok(Before::File(Box::new(open), tried)),
            Err(error) if is_of_this_machine(&error) => Err(error),
            Err(error) if not_now(&error) && !(files.back && error.code() == "authentication") => {
                Err(error)
            }
            // Its own fault, or nobody set it up: all the more reason for another file.
            Err(_) => {
                trial.compared_with = "ledger";
                Ok(Before::Ledger(self.known_of(name)?))
            }
        }
    }

    /// Tenant key, line ids, contracts and last known units.
    fn known_of(&self, name: &ConnectionName) -> Result<Tried> {
        let connection = self.connection(name)?;
        let mut known = Tried::at(connection.tenant.clone());
        let Some(tenant) = &connection.tenant else {
            return Ok(known);
        };
        for line in self.ledger().lines(tenant)? {
            if let (Some(owner), Some(units)) = (&line.connection, line.units)
                && owner == name
            {
                known.known(&line.key, units);
            }
        }
        Ok(known)
    }

    async fn compare(
        &self,
        name: &ConnectionName,
        (sha256, hosts): (&str, &[String]),
        as_of: Date,
        before: Before,
        trial: &mut ConnectionTrial,
    ) -> Result<()> {
        let let_in = matches!(before, Before::File(..));
        let file = OnTrial {
            sha256,
            hosts,
            keep_refusal: !let_in,
        };
        let open = match self.open_on_trial(name, file).await {
            Ok(open) => open,
            Err(error) => return trial.failed(&error, let_in),
        };
        let compared = self.both(&open, as_of, before, trial).await;
        trial.requests += open.session.requests().total;
        trial.incidents = open.session.incidents().iter().map(incident).collect();
        if trial.wrote() {
            trial.differences.clear();
            trial.stays(TrialOutcome::Refused, &wrote(name, sha256));
            return Ok(());
        }
        match compared {
            Ok(()) => Ok(()),
            Err(error) => trial.failed(&error, let_in),
        }
    }

    /// A difference is read again with both before it counts.
    async fn both(
        &self,
        open: &OpenConnection,
        as_of: Date,
        before: Before,
        trial: &mut ConnectionTrial,
    ) -> Result<()> {
        let after = self.try_reading(open, as_of).await?;
        (trial.contracts, trial.lines, trial.pairs) = after.counts();
        match before {
            Before::Ledger(known) => {
                let first = known.differences_from_known(&after);
                if !first.is_empty() {
                    let after = self.try_reading(open, as_of).await?;
                    trial.differences = in_both(&first, known.differences_from_known(&after));
                }
            }
            Before::File(file, before) => {
                let first = before.differences(&after);
                if !first.is_empty() {
                    let before = self.try_reading(&file, as_of).await?;
                    let after = self.try_reading(open, as_of).await?;
                    trial.differences = in_both(&first, before.differences(&after));
                }
                trial.requests += file.session.requests().total;
            }
        }
        if !trial.differences.is_empty() {
            trial.outcome = TrialOutcome::Differs;
        }
        Ok(())
    }

    fn refuse_open_adjustments(
        &self,
        name: &ConnectionName,
        tenant: &psa_host_billing::TenantKey,
    ) -> Result<()> {
        let mut open = 0;
        for intent in self.ledger().open_intents(tenant)? {
            let run = self.ledger().run(intent.run)?;
            open += u64::from(run.connection == *name);
        }
        if open == 0 {
            return Ok(());
        }
        Err(LedgerError::OpenIntents {
            connection: name.to_string(),
            open,
        }
        .into())
    }

    /// How the last trial of a file went.
    pub(super) fn last_trial(&self, name: &str, sha256: &str) -> Result<Option<TrialRecord>> {
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

    /// The candidate could not be run to its end.
    fn failed(&mut self, error: &Error, let_in: bool) -> Result<()> {
        match error.code() {
            // A file that asks for more than is set can be given it only once it is in use,
            // and does nothing until then.
            code @ ("setting-missing" | "setting-invalid" | "host-not-granted") => {
                self.outcome = TrialOutcome::Differs;
                self.differences = vec![TrialDifference {
                    part: "setup".to_owned(),
                    account: None,
                    subject: code.to_owned(),
                    before: None,
                    after: Some(format!("not tried: {error}")),
                }];
            }
            "authentication" if let_in => self.stays(TrialOutcome::Refused, error),
            _ if not_now(error) => self.stays(TrialOutcome::Untried, error),
            _ => self.stays(TrialOutcome::Refused, error),
        }
        Ok(())
    }
}

/// Nothing is said about the file: the PSA, its credentials or the budget are in the way.
fn not_now(error: &Error) -> bool {
    matches!(
        error.code(),
        "authentication" | "transient" | "rate-limited" | "budget-parked" | "tenant-busy"
    )
}

/// The database, or the key of the secrets: nothing can be done before that is right.
fn is_of_this_machine(error: &Error) -> bool {
    matches!(error, Error::Ledger(_) | Error::Sandbox(_))
}

fn wrote(name: &ConnectionName, sha256: &str) -> Error {
    rule(
        "trial-write",
        format!("the file {sha256:.12} tried to write to the PSA of {name} while it was tried"),
        "Nothing was sent. A connector writes in an adjustment only: do not use this file before \
         its author explains.",
    )
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
    let text = serde_json::to_vec(&shown).ok()?;
    let mut digest = hex::encode(Sha256::digest(text));
    digest.truncate(DIGEST);
    Some(digest)
}
