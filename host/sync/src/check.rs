//! Testing a connection, and the status that its list shows.

use std::borrow::Cow;

use psa_host_billing::{ConnectionName, ErrorCode, TenantKey};
use psa_host_ledger::{
    CheckOutcome, Connection, CredentialsRefusal, DESCRIPTION_FORM, TenantDecision,
};
use psa_host_sandbox::{CheckReport, Depth, FindingVerdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Problem, rule};
use crate::fields::Values;
use crate::wiring::{OpenConnection, not_approved};
use crate::{Access, Error, Power, Purpose, Result};

/// What a check found.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct CheckView {
    /// Of which connection.
    pub connection: ConnectionName,
    /// `Connected`, or what is wrong.
    pub status: String,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// The PSA instance.
    pub tenant: Option<TenantKey>,
    /// The PSA instance, for a person.
    pub tenant_label: Option<String>,
    /// Each permission that was tried.
    pub findings: Vec<FindingView>,
    /// Requests in the present window by everybody, as the PSA counts them.
    pub usage: Option<UsageView>,
    /// How many requests the check took.
    pub requests: u64,
    /// What the plugin tried that it may not.
    pub incidents: Vec<IncidentView>,
}

/// Something that was tried.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct FindingView {
    /// What.
    pub subject: String,
    /// `proven`, `refused` or `unproven`.
    pub verdict: Cow<'static, str>,
    /// Why.
    pub detail: String,
}

/// How much of the PSA's limit is used.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct UsageView {
    /// Requests used.
    pub used: u32,
    /// Requests allowed.
    pub limit: u32,
    /// In so many seconds.
    pub window_seconds: u32,
}

/// What a plugin tried that it may not.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct IncidentView {
    /// Stable code.
    pub code: Cow<'static, str>,
    /// Which call it was in.
    pub during: Cow<'static, str>,
    /// What happened.
    pub message: String,
    /// What a person can do.
    pub fix: Option<String>,
    /// How often.
    pub times: u32,
}

impl CheckView {
    fn of(name: &ConnectionName) -> Self {
        Self {
            connection: name.clone(),
            status: String::new(),
            problem: None,
            tenant: None,
            tenant_label: None,
            findings: Vec::new(),
            usage: None,
            requests: 0,
            incidents: Vec::new(),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_connected(&self) -> bool {
        self.problem.is_none()
    }

    /// Whether some permission is refused.
    pub fn has_refusals(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.verdict == "refused")
    }
}

impl Access {
    /// Test a connection with all its permissions, and keep what it says as its status.
    /// A connection that is not ready (not approved, a secret missing) or that the PSA
    /// refuses is an answer, with the problem in it.
    ///
    /// # Errors
    /// No such connection; a failing database.
    pub async fn check_connection(&self, name: &ConnectionName) -> Result<CheckView> {
        self.may_on(name, Power::Read)?;
        self.connection(name)?;
        let mut view = CheckView::of(name);
        let open = self.open_connection(name, Purpose::Look).await;
        let error = self.try_check(name, open, &mut view).await.err();
        let code = match &error {
            Some(error) => Some(error.code()),
            None if view.has_refusals() => Some(ErrorCode::Permission),
            None => None,
        };
        view.status = match (&error, code) {
            // Not the connection's: whoever calls next may do it right.
            (Some(error), Some(code)) if is_callers(error) => status_of(code.as_str()).to_owned(),
            (_, code) => self.keep_status(name, code)?,
        };
        view.problem = error.map(|error| error.problem());
        Ok(view)
    }

    /// Test a connection with other settings and secrets than it has, and keep nothing of
    /// it, neither what the PSA says of them nor the connection's status.
    pub(crate) async fn check_new_credentials(
        &self,
        name: &ConnectionName,
        values: &Values,
    ) -> Result<CheckView> {
        let mut view = CheckView::of(name);
        let open = self.open_with(name, values).await;
        let error = self.try_check(name, open, &mut view).await.err();
        view.status = match &error {
            Some(error) => status_of(error.code().as_str()).to_owned(),
            None if view.has_refusals() => status_of("permission").to_owned(),
            None => CONNECTED.to_owned(),
        };
        view.problem = error.map(|error| {
            let mut problem = error.problem();
            let fix = problem.fix.take().unwrap_or_default();
            problem.fix = Some(
                format!(
                    "{fix} Nothing was changed: the secrets from before stay in use. To put others \
                     in their place without a check: `psa-host connection set {name} --secret \
                     KEY=@FILE`."
                )
                .trim()
                .to_owned(),
            );
            problem
        });
        Ok(view)
    }

    /// Keep what is wrong with a connection (with none: nothing) as the status that its
    /// list shows, and give its words.
    pub(crate) fn keep_status(
        &self,
        name: &ConnectionName,
        code: Option<ErrorCode>,
    ) -> Result<String> {
        let status = code.map_or(CONNECTED, |code| status_of(code.as_str()));
        let status = status.to_owned();
        let outcome = CheckOutcome {
            status: status.clone(),
            code: code.map(|code| code.to_string()),
            at: self.now(),
        };
        self.ledger().record_check(name, &outcome)?;
        Ok(status)
    }

    async fn try_check(
        &self,
        name: &ConnectionName,
        open: Result<OpenConnection>,
        view: &mut CheckView,
    ) -> Result<()> {
        let open = open?;
        let answer = open.reader.check(Depth::Full).await;
        view.requests = open.session.requests().total;
        view.incidents = open.session.incidents().iter().map(incident).collect();
        let report: CheckReport = answer.map_err(|error| Error::Call {
            connection: name.to_string(),
            error: Box::new(error),
        })?;
        view.tenant_label = Some(report.tenant_label);
        view.findings = report
            .findings
            .into_iter()
            .map(|finding| FindingView {
                subject: finding.subject,
                verdict: match finding.verdict {
                    FindingVerdict::Proven => "proven",
                    FindingVerdict::Refused => "refused",
                    FindingVerdict::Unproven => "unproven",
                }
                .into(),
                detail: finding.detail,
            })
            .collect();
        view.usage = report.usage.map(|usage| UsageView {
            used: usage.used,
            limit: usage.limit,
            window_seconds: usage.window_seconds,
        });
        // The ledger first: a key that is somebody else's must not reach their budget.
        let bound = self.ledger().bind_tenant(name, &report.tenant)?;
        open.session.bind_tenant(&bound.tenant);
        view.tenant = Some(bound.tenant);
        Ok(())
    }

    /// Let refused credentials be tried once more: somebody put them right in the PSA.
    ///
    /// # Errors
    /// No such connection.
    pub fn retry_credentials(&self, name: &ConnectionName) -> Result<()> {
        self.may_on(name, Power::Manage)?;
        let connection = self.ledger().connection(name)?;
        // The same credentials are right everywhere or nowhere.
        for other in self.refused_like(&connection)? {
            self.ledger().retry_credentials(&other.name)?;
        }
        Ok(self.ledger().retry_credentials(name)?)
    }

    /// Other connections with the same credentials, which were refused to them.
    pub(crate) fn refused_like(&self, connection: &Connection) -> Result<Vec<Connection>> {
        let mut others = self.ledger().connections()?;
        others.retain(|other| {
            other.refusal.is_some()
                && other.name != connection.name
                && other.plugin == connection.plugin
                && other.settings == connection.settings
                && other.secret_fields == connection.secret_fields
        });
        if others.is_empty() || connection.secret_fields.is_empty() {
            return Ok(Vec::new());
        }
        let secrets = self.ledger().connection_secrets(&connection.name)?;
        let mut alike = Vec::new();
        for other in others {
            if self.ledger().connection_secrets(&other.name)? == secrets {
                alike.push(other);
            }
        }
        Ok(alike)
    }

    /// Say what a tenant key means that a connection's plugin reported and that is known
    /// from another plugin or channel.
    ///
    /// # Errors
    /// No such connection; nothing to say anything about; no reason given.
    pub fn decide_tenant(
        &self,
        name: &ConnectionName,
        decision: &TenantDecision,
        as_of: Option<&ConnectionName>,
        why: &str,
    ) -> Result<TenantKey> {
        self.may_on(name, Power::Operate)?;
        self.connection(name)?;
        if let Some(other) = as_of {
            self.connection(other)?;
        }
        if why.trim().is_empty() {
            let fix = "Say with --why how you know.";
            return Err(rule(ErrorCode::WhyMissing, "no reason is given", fix));
        }
        Ok(self.ledger().decide_tenant(name, decision, as_of, why)?)
    }
}

impl Access {
    /// The PSA refused these credentials before, to this connection or another one that has
    /// the same, and nobody has said since that they are right.
    pub(crate) fn refuse_refused_anywhere(&self, connection: &Connection) -> Result<()> {
        refuse_refused(connection)?;
        for other in self.refused_like(connection)? {
            if let Some(refusal) = &other.refusal {
                return Err(refused_before(&connection.name, refusal));
            }
        }
        Ok(())
    }
}

/// The PSA refused these credentials before, and nobody has said since that they are right.
fn refuse_refused(connection: &Connection) -> Result<()> {
    match &connection.refusal {
        None => Ok(()),
        Some(refusal) => Err(refused_before(&connection.name, refusal)),
    }
}

fn refused_before(name: &ConnectionName, refusal: &CredentialsRefusal) -> Error {
    let problem = Problem::new(
        ErrorCode::Authentication,
        format!(
            "connection {name}: its credentials were refused at {}, and nothing is sent with them \
             again until somebody says so",
            refusal.at
        ),
        format!(
            "Give new ones with `psa-host connection rotate {name}`. Where they were put right in \
             the PSA (a user unlocked): `psa-host connection check {name} --retry`."
        ),
    );
    Error::Rule(match refusal.words.as_str() {
        "" => problem,
        words => problem.because(words),
    })
}

pub(crate) fn incident(incident: &psa_host_sandbox::Incident) -> IncidentView {
    IncidentView {
        code: incident.code.as_str().into(),
        during: incident.during.as_str().into(),
        message: incident.message.clone(),
        fix: incident.fix.clone(),
        times: incident.times,
    }
}

const CONNECTED: &str = "Connected";

/// Whether a problem is one of whoever calls, with their key file, their proxy or their
/// permissions on this computer, and says nothing of the connection.
fn is_callers(error: &Error) -> bool {
    use psa_host_ledger::LedgerError as Ledger;
    match error {
        Error::Ledger(
            Ledger::KeyInsideData { .. }
            | Ledger::KeyExposed { .. }
            | Ledger::KeyMalformed { .. }
            | Ledger::MissingKey { .. }
            | Ledger::WrongKey { .. }
            | Ledger::NoKeyPlace
            | Ledger::Permission { .. }
            | Ledger::ReadOnly { .. }
            | Ledger::DiskFull { .. }
            | Ledger::Io { .. },
        )
        | Error::Sandbox(_) => true,
        Error::Rule(problem) => {
            let code = problem.code.as_str();
            code.starts_with("file-") || matches!(code, "proxy-invalid" | "ca-file-invalid")
        }
        _ => false,
    }
}

/// The status that a list shows for a problem's code.
fn status_of(code: &str) -> &'static str {
    match code {
        "authentication" => "Credentials refused",
        "permission" => "Permission missing",
        "not-approved" => "Not approved",
        "setting-missing" => "Not set up",
        "setting-unknown" | "setting-invalid" => "Setting wrong",
        "host-not-granted" => "Host not granted",
        "loopback-not-enabled" => "Loopback not enabled",
        "transient" => "Unreachable",
        "tls-failed" => "No secure connection",
        code if code.starts_with("certificate-") => "Certificate refused",
        code if code.starts_with("proxy-") => "Proxy refused",
        "rate-limited" | "budget-parked" => "Request limit reached",
        "tenant-changed" => "Another PSA instance",
        "tenant-claimed" => "Tenant to be confirmed",
        "key-missing" => "Key missing",
        "key-wrong" => "Wrong key",
        "key-exposed" => "Key exposed",
        "key-malformed" => "Key damaged",
        "plugin-version" => "Needs a new file",
        code if code.starts_with("plugin-") => "Plugin failed",
        _ => "Check failed",
    }
}

/// What the list shows now: what is plain without asking the PSA goes before what the
/// last check said.
pub(crate) fn status_now(
    connection: &Connection,
    plugin: &psa_host_ledger::Plugin,
) -> (String, Option<String>) {
    if connection.paused {
        return ("Paused".to_owned(), Some("connection-paused".to_owned()));
    }
    let sha256 = connection.kept_on.as_ref().unwrap_or(&plugin.sha256);
    let file = plugin.file(sha256);
    if file.is_some_and(|file| file.form < DESCRIPTION_FORM) {
        let code = "plugin-version";
        return (status_of(code).to_owned(), Some(code.to_owned()));
    }
    if file.is_none_or(|file| file.approval.is_none()) {
        let code = not_approved(&plugin.name).code().to_string();
        return (status_of(&code).to_owned(), Some(code));
    }
    if connection.refusal.is_some() {
        let code = "authentication";
        return (status_of(code).to_owned(), Some(code.to_owned()));
    }
    match &connection.last_check {
        None => ("Not checked".to_owned(), Some("not-checked".to_owned())),
        // Approved since, another file, other credentials: the check is out of date.
        Some(check)
            if matches!(
                check.code.as_deref(),
                Some("not-approved" | "plugin-version" | "authentication")
            ) =>
        {
            ("Not checked".to_owned(), Some("not-checked".to_owned()))
        }
        Some(check) => {
            let status = check.code.as_deref().map_or(CONNECTED, status_of);
            (status.to_owned(), check.code.clone())
        }
    }
}
