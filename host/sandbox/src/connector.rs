//! A running instance of a plugin, as typed calls. Every call is bounded in computing
//! and in wall-clock time, and everything it answers is checked before it is believed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use psa_host_billing::{
    Account, AccountId, Adjustment, Contract, Line, LineKey, RejectionKind, Service, TenantKey,
};
use serde::{Deserialize, Serialize};
use tokio::time::error::Elapsed;

use crate::bindings::exports::psa_host::connector::connector as wit;
use crate::bindings::psa_host::guest::{plugin, types as wit_types};
use crate::engine::InCall;
use crate::guest::{Guest, stop, write_of};
use crate::http::{Note, Write};
use crate::instance::{Instance, too_slow};
use crate::posting::{Posting, Said, judge};
use crate::reading::Reader;
use crate::waits::UnderWay;
use crate::{CallError, CallErrorKind, IncidentCode, Limits, Phase, Session, WriteGate};

/// How much `check` looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only what a run needs to begin.
    Brief,
    /// Each permission as well.
    Full,
}

/// What was found about one permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingVerdict {
    /// It works.
    Proven,
    /// The PSA refused it.
    Refused,
    /// It could not be told.
    Unproven,
}

/// One thing that `check` tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was tried.
    pub subject: String,
    /// How it went.
    pub verdict: FindingVerdict,
    /// Why, for a person.
    pub detail: String,
}

/// Requests as the PSA counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiUsage {
    /// Used in the present window, by everybody.
    pub used: u32,
    /// Allowed in it.
    pub limit: u32,
    /// Its length in seconds.
    pub window_seconds: u32,
}

/// What `check` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The PSA instance behind the credentials.
    pub tenant: TenantKey,
    /// For a person.
    pub tenant_label: String,
    /// Permissions, as far as they could be told.
    pub findings: Vec<Finding>,
    /// Requests as the PSA counts them, where it does.
    pub usage: Option<ApiUsage>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; none: it was the last.
    pub next: Option<String>,
}

/// A second look at chosen lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineReading {
    /// Those asked for that are there.
    pub lines: Vec<Line>,
    /// Others of the same service on the same contracts.
    pub others: Vec<LineKey>,
}

/// A configured instance. One call at a time; several connectors of one session may
/// work side by side. Gone after a trap or a timeout ([`Connector::is_usable`]).
pub struct Connector {
    instance: Option<Instance>,
    session: Arc<Session>,
    /// The write of the last call, by the host's own record.
    write: Write,
    /// A call that was given up by its caller leaves the instance in the middle of it.
    in_call: bool,
    /// For the write of the next call.
    gate: Option<Arc<dyn WriteGate>>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("session", &self.session)
            .field("usable", &self.is_usable())
            .finish_non_exhaustive()
    }
}

/// Make one call: `call!(self, phase, method(arguments))`.
macro_rules! call {
    ($self:ident, $phase:expr, $method:ident($($argument:expr),*)) => {{
        let (turn, wall) = $self.begin($phase)?;
        let Some(instance) = &mut $self.instance else {
            return Err(gone());
        };
        let connector = instance.bindings.psa_host_connector_connector();
        let answer = connector.$method(&mut instance.store, $($argument),*);
        let outcome = tokio::time::timeout(wall, answer).await;
        drop(turn);
        $self.end($phase, wall, outcome)
    }};
}

impl Connector {
    pub(crate) async fn start(session: Arc<Session>) -> Result<Self, CallError> {
        if let Some(error) = session.refused() {
            return Err(error);
        }
        let plugin = session.plugin();
        let guest = Guest::new(
            Some(Arc::clone(&session)),
            Arc::clone(&plugin.shared().limits),
            Arc::clone(session.incident_log()),
            Arc::clone(session.log()),
            vec![session.memory().clone(), plugin.shared().memory.clone()],
            Phase::Configure,
        );
        let name = &plugin.description().name;
        let instance = Instance::start(plugin.shared(), plugin.world(), guest, name).await?;
        let mut connector = Self {
            instance: Some(instance),
            write: Write::Nothing,
            in_call: false,
            gate: None,
            session,
        };
        connector.configure().await?;
        Ok(connector)
    }

    async fn configure(&mut self) -> Result<(), CallError> {
        let settings = self.session.settings().to_vec();
        let answer = call!(self, Phase::Configure, call_configure(&settings))?;
        self.heed(Phase::Configure, answer)
    }

    /// Whether another call can be made: false after a trap, a timeout, or a call that
    /// was given up. Then connect again.
    pub fn is_usable(&self) -> bool {
        self.instance.is_some() && !self.in_call
    }

    /// The session it belongs to.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Test the connection. What the PSA says of its request limit is fed into the
    /// budget.
    ///
    /// # Errors
    /// [`CallError`], here and below.
    pub async fn check(&mut self, depth: Depth) -> Result<CheckReport, CallError> {
        let depth = match depth {
            Depth::Brief => plugin::Depth::Brief,
            Depth::Full => plugin::Depth::Full,
        };
        let answer = call!(self, Phase::Check, call_check(depth))?;
        let said = self.heed(Phase::Check, answer)?;
        let report = self.read(Phase::Check, |reader| reader.check_report(said))?;
        if let Some(usage) = report.usage {
            self.session.note_usage(usage);
        }
        Ok(report)
    }

    /// One page of accounts.
    pub(crate) async fn list_accounts(
        &mut self,
        cursor: Option<&str>,
    ) -> Result<Page<Account>, CallError> {
        let cursor = cursor.map(str::to_owned);
        let answer = call!(
            self,
            Phase::ListAccounts,
            call_list_accounts(cursor.as_ref())
        )?;
        let said = self.heed(Phase::ListAccounts, answer)?;
        self.read(Phase::ListAccounts, |reader| reader.accounts(said))
    }

    /// One page of services.
    pub(crate) async fn list_services(
        &mut self,
        cursor: Option<&str>,
    ) -> Result<Page<Service>, CallError> {
        let cursor = cursor.map(str::to_owned);
        let answer = call!(
            self,
            Phase::ListServices,
            call_list_services(cursor.as_ref())
        )?;
        let said = self.heed(Phase::ListServices, answer)?;
        self.read(Phase::ListServices, |reader| reader.services(said))
    }

    /// One page of these accounts' contracts with their lines, units from the period
    /// that holds `start` to the one that holds `horizon`, or all later ones. At most
    /// `accounts_per_call` accounts.
    pub(crate) async fn list_contracts(
        &mut self,
        accounts: &[AccountId],
        start: Date,
        horizon: Option<Date>,
        cursor: Option<&str>,
    ) -> Result<Page<Contract>, CallError> {
        let ids: Vec<String> = accounts.iter().map(|id| id.as_str().to_owned()).collect();
        let (day, cursor) = (civil(start), cursor.map(str::to_owned));
        let answer = call!(
            self,
            Phase::ListContracts,
            call_list_contracts(&ids, day, horizon.map(civil), cursor.as_ref())
        )?;
        let said = self.heed(Phase::ListContracts, answer)?;
        self.read(Phase::ListContracts, |reader| {
            reader.contracts(said, accounts, horizon)
        })
    }

    /// A second look at these lines, at most `lines_per_call`. One that is not in the
    /// answer is not there any more.
    pub(crate) async fn read_lines(
        &mut self,
        lines: &[LineKey],
        start: Date,
    ) -> Result<LineReading, CallError> {
        let keys: Vec<wit::LineKey> = lines.iter().map(key).collect();
        let day = civil(start);
        let answer = call!(self, Phase::ReadLines, call_read_lines(&keys, day))?;
        let said = self.heed(Phase::ReadLines, answer)?;
        self.read(Phase::ReadLines, |reader| reader.line_reading(said, lines))
    }

    /// Change one line's units, if `gate` lets the write leave when its turn has come. What
    /// became of it is judged by what the host saw leave and come back, not by the plugin's
    /// word alone. `today`: the civil date in the connection's zone.
    pub async fn adjust(
        &mut self,
        adjustment: &Adjustment,
        today: Date,
        gate: Arc<dyn WriteGate>,
    ) -> Posting {
        self.write = Write::Nothing;
        let answer = self.ask_to_adjust(adjustment, today, gate).await;
        let (mut posting, incident) = judge(answer.map(said), self.write);
        if let Some((code, message)) = incident {
            self.incident(code, Phase::Adjust, message);
        }
        if let Write::Answered { status: 401, .. } = self.write {
            // Whatever the plugin calls it: it is about who asks, and says nothing of the line.
            if let Posting::Rejected { kind, .. } = &mut posting {
                *kind = RejectionKind::Credentials;
            }
            // Another address was looked up: this one is a former one.
            if self.session.refused_by().is_none() {
                return posting;
            }
            // No other connector of the session tries the same credentials again.
            let why = match &posting {
                Posting::Rejected { words, .. } => words.clone(),
                _ => "the PSA answered an adjustment with 401".to_owned(),
            };
            let error = CallError::new(CallErrorKind::Authentication, why)
                .with_fix("Correct the connection's secrets, then run `connection check`.");
            self.session.refuse(&error);
        }
        posting
    }

    async fn ask_to_adjust(
        &mut self,
        adjustment: &Adjustment,
        today: Date,
        gate: Arc<dyn WriteGate>,
    ) -> Result<wit::Outcome, CallError> {
        let asked = wit::Adjustment {
            line: key(&adjustment.key),
            baseline: adjustment.baseline.to_string(),
            target: adjustment.target.to_string(),
            effective: civil(adjustment.effective),
        };
        self.gate = Some(gate);
        let answer = call!(self, Phase::Adjust, call_adjust(&asked, civil(today)))?;
        self.heed(Phase::Adjust, answer)
    }

    fn begin(&mut self, phase: Phase) -> Result<((InCall, UnderWay), Duration), CallError> {
        if self.in_call {
            self.instance = None;
        }
        if let Some(error) = self.session.refused() {
            return Err(error);
        }
        let instance = self.instance.as_mut().ok_or_else(gone)?;
        self.in_call = true;
        let (turn, wall) = instance.begin(phase);
        instance.store.data_mut().call.gate = self.gate.take();
        Ok(((turn, self.session.call_under_way()), wall))
    }

    fn end<T>(
        &mut self,
        phase: Phase,
        wall: Duration,
        outcome: Result<wasmtime::Result<T>, Elapsed>,
    ) -> Result<T, CallError> {
        self.in_call = false;
        if let Some(instance) = &mut self.instance {
            self.write = write_of(&instance.store);
            // It had the time to find the credentials good elsewhere.
            instance.store.data_mut().call.in_question = None;
        }
        let plugin = &self.session.plugin().description().name;
        let (code, error) = match outcome {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => match &self.instance {
                Some(instance) => {
                    let stop = stop(&error, plugin, phase, instance.store.data());
                    (stop.code, stop.error)
                }
                None => return Err(gone()),
            },
            Err(Elapsed { .. }) => (IncidentCode::CallTimeLimit, too_slow(plugin, phase, wall)),
        };
        self.incident(code, phase, &error.message);
        // Whatever state the guest is in, nobody will see it again.
        self.instance = None;
        self.heed_refusal(phase);
        Err(error)
    }

    /// A guest's own error, with what the host knows better.
    fn heed<T>(&self, phase: Phase, answer: Result<T, wit_types::Error>) -> Result<T, CallError> {
        self.heed_refusal(phase);
        let said = match answer {
            Ok(answer) => return Ok(answer),
            Err(said) => said,
        };
        let note = self
            .instance
            .as_ref()
            .and_then(|i| i.store.data().call.note.clone());
        let mut error = crate::reading::error(said);
        match note {
            Some(Note::Parked(until)) => {
                error.kind = CallErrorKind::BudgetParked { until };
                error.message = format!(
                    "no request is sent to this tenant before {until}: three quarters of its budget are used, or the PSA asked for a pause"
                );
                error.fix = Some(
                    "Sync again after that. Nothing was sent that is not in the report.".to_owned(),
                );
            }
            Some(Note::Withheld(withheld)) => error = withheld,
            Some(Note::Credentials(message)) => {
                error.kind = CallErrorKind::Authentication;
                error.message = message;
            }
            Some(Note::NoConnection(fault, message)) if error.kind == CallErrorKind::Transient => {
                error.kind = CallErrorKind::NoConnection(fault);
                error.message = message;
                error.fix = Some(fault.fix().to_owned());
            }
            Some(Note::Refused(refusal)) if error.kind == CallErrorKind::Refused => {
                error.message = refusal.message;
                error.fix = refusal.fix.or(error.fix);
            }
            _ => {}
        }
        // What pauses the tenant, for every plugin and process, is an answer that the host
        // saw (http/rate.rs). The guest's word alone ends its call and nothing else; beside
        // such an answer it says for how long, where the PSA said so in its own words.
        let saw_limit = self
            .instance
            .as_ref()
            .is_some_and(|i| i.store.data().call.saw_limit);
        if let (
            CallErrorKind::RateLimited {
                retry_after: Some(time),
            },
            true,
        ) = (&error.kind, saw_limit)
        {
            self.session.pause(*time);
        }
        if error.kind == CallErrorKind::Authentication && phase != Phase::Configure {
            self.session.refuse(&error);
        }
        Err(error)
    }

    /// An answer of 401 that the host saw ends the use of the credentials, whatever the
    /// guest makes of it.
    fn heed_refusal(&self, phase: Phase) {
        if phase == Phase::Configure || self.session.refused().is_some() {
            return;
        }
        if let Some(host) = self.session.refused_by() {
            let text = format!("{host} answered a request with 401: it refused the credentials");
            let error = CallError::new(CallErrorKind::Authentication, text)
                .with_fix("Correct the connection's secrets, then run `connection check`.");
            self.session.refuse(&error);
        }
    }

    fn read<T>(
        &self,
        phase: Phase,
        read: impl FnOnce(&Reader<'_>) -> Result<T, String>,
    ) -> Result<T, CallError> {
        read(&Reader {
            limits: self.limits(),
        })
        .map_err(|problem| {
            let plugin = &self.session.plugin().description().name;
            let text =
                format!("the plugin {plugin} answered `{phase}` against the contract: {problem}");
            self.incident(IncidentCode::BadAnswer, phase, &text);
            CallError::new(CallErrorKind::BadAnswer, text)
                .with_fix("This is a defect of the plugin; ask its author.")
        })
    }

    pub(crate) fn incident(&self, code: IncidentCode, phase: Phase, message: &str) {
        self.session
            .incident_log()
            .record(code, phase, message, None);
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.session.plugin().shared().limits
    }
}

fn said(outcome: wit::Outcome) -> Said {
    match outcome {
        wit::Outcome::Accepted(reference) => Said::Accepted(reference),
        wit::Outcome::Rejected(rejection) => Said::Rejected {
            kind: crate::describe::kind_of_rejection(rejection.kind),
            words: rejection.words,
        },
        wit::Outcome::Unknown(why) => Said::Unknown(why),
    }
}

fn gone() -> CallError {
    let text = "this instance is gone after an earlier failure";
    CallError::new(CallErrorKind::Gone, text).with_fix("Connect again.")
}

fn key(key: &LineKey) -> wit::LineKey {
    wit::LineKey {
        line: key.line.as_str().to_owned(),
        contract: key.contract.as_str().to_owned(),
        service: key.service.as_str().to_owned(),
        account: key.account.as_str().to_owned(),
    }
}

fn civil(date: Date) -> wit_types::CivilDate {
    wit_types::CivilDate {
        year: u16::try_from(date.year()).unwrap_or_default(),
        month: u8::try_from(date.month()).unwrap_or_default(),
        day: u8::try_from(date.day()).unwrap_or_default(),
    }
}
