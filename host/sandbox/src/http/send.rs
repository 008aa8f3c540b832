//! A guest's request from its first check to its answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Request};
use url::Url;
use zeroize::Zeroizing;

use super::auth::Credentials;
use super::call::{CallRecord, Note, Write};
use super::checked::Checked;
use super::credentials_watch::CredentialsWatch;
use super::exchange::{Answer, Clients, Failure};
use super::oauth::{self, Token, TokenKeeper};
use super::policy::{Policy, Reach};
use super::routes::RouteKind;
use super::secrets::Secrets;
use super::{Refusal, Resolver, rate};
use crate::bindings::psa_host::guest::http as wit;
use crate::budget::{self, Budget};
use crate::incident::Incidents;
use crate::refusal::Refuses;
use crate::session::RequestCount;
use crate::{CallError, CallErrorKind, Clock, Description, IncidentCode, Limits, Phase};

/// A longer pause is a mistake in a header.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);
/// Characters kept of why credentials were refused.
const MAX_REFUSAL: usize = 500;
/// The endpoint under which token requests are counted.
const TOKEN_ENDPOINT: &str = "(token)";

/// What an egress is made of.
pub(crate) struct Setup {
    pub policy: Policy,
    pub credentials: Credentials,
    pub secrets: Vec<Zeroizing<String>>,
    pub resolver: Option<Arc<dyn Resolver>>,
    pub budget: Arc<Budget>,
    pub limits: Arc<Limits>,
    pub clock: Clock,
    pub incidents: Arc<Incidents>,
}

/// A session's way out.
#[derive(Debug)]
pub(crate) struct Egress {
    pub policy: Policy,
    credentials: Credentials,
    pub(super) declared_names: Vec<HeaderName>,
    secrets: Secrets,
    token: TokenKeeper,
    watch: CredentialsWatch,
    clients: Clients,
    budget: RwLock<Arc<Budget>>,
    terms: budget::Terms,
    counts: Mutex<RequestCount>,
    waited: Mutex<Duration>,
    pub(super) limits: Arc<Limits>,
    clock: Clock,
    incidents: Arc<Incidents>,
}

impl Egress {
    pub fn new(description: &Description, setup: Setup) -> Self {
        let Setup {
            policy,
            credentials,
            secrets,
            resolver,
            budget,
            limits,
            clock,
            incidents,
        } = setup;
        Self {
            policy,
            credentials,
            declared_names: Credentials::declared_names(&description.authentication),
            secrets: Secrets::new(secrets),
            token: TokenKeeper::default(),
            watch: CredentialsWatch::default(),
            clients: Clients::new(resolver, &limits),
            budget: RwLock::new(budget),
            terms: budget::Terms {
                window: description.limits.window,
                at_once: description.limits.at_once_per_endpoint,
                patience: limits.budget_wait,
                write: false,
            },
            counts: Mutex::default(),
            waited: Mutex::default(),
            limits,
            clock,
            incidents,
        }
    }

    pub fn counts(&self) -> RequestCount {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn budget(&self) -> Arc<Budget> {
        Arc::clone(&self.budget.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set_budget(&self, budget: Arc<Budget>) {
        *self.budget.write().unwrap_or_else(PoisonError::into_inner) = budget;
    }

    pub fn credentials_watch(&self) -> &CredentialsWatch {
        &self.watch
    }

    /// Send one request for the guest.
    pub async fn send(
        &self,
        description: &Description,
        request: wit::Request,
        call: &mut CallRecord,
    ) -> Result<wit::Response, wit::SendFailure> {
        let authenticate = request.authenticate;
        let checked = match self.check(description, request, call) {
            Ok(checked) => checked,
            Err(refusal) => return Err(self.refused(refusal, call)),
        };
        self.note_guess(&checked, call);
        let write = checked.kind == RouteKind::Write;
        if write {
            call.write = Write::NotSent;
        }
        let place = place(&checked.target.url);
        if authenticate && !self.watch.admits(&place) {
            let message = "the credentials were refused: nothing more is sent with them".to_owned();
            call.note = Some(Note::Credentials(message.clone()));
            return Err(not_sent(wit::SendFailureKind::Denied, message));
        }
        let mut answer = self.attempt(&checked, authenticate, call).await?;
        if write {
            call.write = Write::Answered {
                status: answer.status,
                refuses: Refuses::of(&description.refusals, answer.status, &answer.body),
            };
        }
        let renewable = answer.status == 401 && !write && authenticate;
        if renewable && self.credentials.grant.is_some() {
            *self.token.0.lock().await = None;
            answer = self.attempt(&checked, authenticate, call).await?;
        }
        call.saw_limit |= matches!(answer.status, 429 | 503);
        match authenticate {
            true => self.watch.answered(&place, answer.status),
            false => self.watch.told(&answer.body),
        }
        Ok(self.hand_over(answer, &checked, call))
    }

    /// A secret that the guest writes itself: from then on nothing tells it whether the
    /// value is right, but people are told.
    fn note_guess(&self, checked: &Checked, call: &CallRecord) {
        let headers = checked.headers.iter();
        let headers = headers.flat_map(|(name, value)| [name.as_ref(), value.as_bytes()]);
        let texts = [checked.target.url.as_str().as_bytes()]
            .into_iter()
            .chain(headers)
            .chain(checked.body.as_deref());
        if self.secrets.written_in(texts) {
            let message = "the plugin wrote the value of a secret of this connection into a request of its own: it knows it, or guessed it";
            let fix = "Change the secret, and do not use this plugin before its author explains.";
            self.incident(IncidentCode::SecretKnown, call.phase, message, Some(fix));
        }
    }

    /// Count, wait for leave, add the authentication, send.
    async fn attempt(
        &self,
        checked: &Checked,
        authenticate: bool,
        call: &mut CallRecord,
    ) -> Result<Answer, wit::SendFailure> {
        let mut headers = checked.headers.clone();
        if authenticate {
            self.credentials.add_to(&mut headers);
            if self.credentials.grant.is_some() {
                let token = self.token(call).await?;
                headers.insert(AUTHORIZATION, token);
            }
        }
        let mut request = Request::new(checked.method.clone(), checked.target.url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = checked.body.clone().map(Body::from);
        let write = checked.kind == RouteKind::Write;
        let permit = self.admit(&checked.endpoint, write, call).await?;
        if write {
            self.let_out(call).await?;
            // Set before sending: whatever stops us from here on, it may have left.
            call.write = Write::Left;
        }
        let outcome = self
            .clients
            .exchange(checked.target.reach, request, checked.time, &self.limits)
            .await;
        drop(permit);
        match outcome {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                if write && !failure.may_have_left() {
                    call.write = Write::NotSent;
                }
                Err(self.failed(failure, &checked.target.url, call))
            }
        }
    }

    /// Ask whoever handed the write out whether it may still leave.
    async fn let_out(&self, call: &mut CallRecord) -> Result<(), wit::SendFailure> {
        let Some(gate) = call.gate.clone() else {
            return Ok(());
        };
        let asked = tokio::task::spawn_blocking(move || gate.may_leave()).await;
        let withheld = match asked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(ended) => CallError::new(CallErrorKind::Gone, ended.to_string()),
        };
        let message = withheld.message.clone();
        call.note = Some(Note::Withheld(withheld));
        Err(not_sent(wit::SendFailureKind::Denied, message))
    }

    async fn admit(
        &self,
        endpoint: &str,
        write: bool,
        call: &mut CallRecord,
    ) -> Result<budget::Permit, wit::SendFailure> {
        let run_total = self.counts().total;
        if call.requests >= self.limits.requests_a_call || run_total >= self.limits.requests_a_run {
            let message = format!(
                "more than {} requests in one call, or {} in one run",
                self.limits.requests_a_call, self.limits.requests_a_run
            );
            return Err(self.refused(Refusal::new(IncidentCode::TooManyRequests, message), call));
        }
        let terms = budget::Terms {
            write,
            ..self.terms
        };
        let begun = std::time::Instant::now();
        let admitted = self.budget().admit(endpoint, terms).await;
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        match admitted {
            Ok(permit) => {
                if let Some(failure) = &permit.unrecorded {
                    let message =
                        format!("requests are not counted for other processes: {failure}");
                    self.incident(IncidentCode::BudgetUnrecorded, call.phase, &message, None);
                }
                call.requests += 1;
                let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                counts.total += 1;
                counts.writes += u64::from(write);
                count(&mut counts.by_endpoint, endpoint);
                Ok(permit)
            }
            Err(budget::Refused::Parked(until)) => {
                call.note = Some(Note::Parked(until));
                let wait = until.duration_since(self.clock.now()).as_secs().max(1);
                Err(wit::SendFailure {
                    kind: wit::SendFailureKind::Budget,
                    message: format!(
                        "no request is sent to this tenant before {until}: three quarters of its budget are used, or the PSA asked for a pause"
                    ),
                    may_have_been_sent: false,
                    retry_after_seconds: Some(u32::try_from(wait).unwrap_or(u32::MAX)),
                })
            }
            Err(budget::Refused::Slots(error)) => {
                let message = format!("the folder for request slots cannot be used: {error}");
                tracing::error!(%error, "request slots");
                Err(not_sent(wit::SendFailureKind::Unreachable, message))
            }
        }
    }

    /// The session's token, fetched if there is none.
    async fn token(&self, call: &mut CallRecord) -> Result<HeaderValue, wit::SendFailure> {
        let mut kept = self.token.0.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.is_good()) {
            return Ok(token.header.clone());
        }
        let Some(grant) = &self.credentials.grant else {
            return Err(not_sent(
                wit::SendFailureKind::Denied,
                "no token is declared".to_owned(),
            ));
        };
        let reach = match self.policy.reach(&grant.token_url) {
            Ok(reach) => reach,
            Err(refusal) => return Err(self.refused(refusal, call)),
        };
        let mut request = Request::new(Method::POST, grant.token_url.clone());
        let kind = HeaderValue::from_static(grant.content_type);
        request.headers_mut().insert(CONTENT_TYPE, kind);
        *request.body_mut() = Some(Body::from(grant.body.as_str().to_owned()));
        let permit = self.admit(TOKEN_ENDPOINT, false, call).await?;
        let limits = Limits {
            response_body: self.limits.response_body.min(oauth::LONGEST_ANSWER),
            ..(*self.limits).clone()
        };
        let time = limits.exchange_time;
        let outcome = self.clients.exchange(reach, request, time, &limits).await;
        drop(permit);
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(failure) => {
                let mut failure = self.failed(failure, &grant.token_url, call);
                // The guest's own request was not sent, whatever became of this one.
                failure.may_have_been_sent = false;
                return Err(failure);
            }
        };
        self.heed_rate_of(answer.status, &answer.headers, rate::DEFAULT_PAUSE);
        if answer.status == 400 || answer.status == 401 || answer.status == 403 {
            return Err(self.token_refused(&answer, call));
        }
        if answer.status != 200 {
            let message = format!("the token endpoint answered {}", answer.status);
            return Err(not_sent(wit::SendFailureKind::Broken, message));
        }
        let body = Zeroizing::new(std::mem::take(&mut answer.body));
        let broken = |message| not_sent(wit::SendFailureKind::Broken, message);
        self.secrets
            .remember(oauth::tokens_in(&body).map_err(broken)?);
        let token = Token::read(&body).map_err(broken)?;
        let header = token.header.clone();
        *kept = Some(token);
        Ok(header)
    }

    /// The credentials were refused. Why is for people: the guest has no business with what
    /// the token endpoint says.
    fn token_refused(&self, answer: &Answer, call: &mut CallRecord) -> wit::SendFailure {
        let status = answer.status;
        let message = format!("the token endpoint refused the credentials ({status})");
        self.secrets
            .remember(oauth::tokens_in(&answer.body).unwrap_or_default());
        let mut words = oauth::refusal_words(&answer.body);
        self.secrets.redact_for_people(&mut words);
        let words = crate::text::clean(words.trim(), MAX_REFUSAL);
        call.note = Some(Note::Credentials(match words.as_str() {
            "" => message.clone(),
            words => format!("{message}: {words}"),
        }));
        not_sent(wit::SendFailureKind::Denied, message)
    }

    /// Clean an answer and give it to the guest.
    fn hand_over(&self, answer: Answer, checked: &Checked, call: &CallRecord) -> wit::Response {
        let Answer {
            status,
            headers,
            mut body,
        } = answer;
        let unsaid = match checked.kind {
            RouteKind::Write => rate::PAUSE_OF_A_WRITE,
            RouteKind::Read => rate::DEFAULT_PAUSE,
        };
        self.heed_rate_of(status, &headers, unsaid);
        if checked.target.reach == Reach::Loopback {
            self.policy.learn(&body);
        }
        let mut echoed = self.secrets.redact(&mut body);
        let headers = headers
            .iter()
            // A session cookie is a credential too.
            .filter(|(name, _)| !name.as_str().starts_with("set-cookie"))
            .map(|(name, value)| {
                let mut clean = |bytes: &[u8]| {
                    // Before it becomes text: Latin-1 would be lost, and the rest shown.
                    let mut bytes = bytes.to_vec();
                    echoed |= self.secrets.redact(&mut bytes);
                    String::from_utf8_lossy(&bytes).into_owned()
                };
                (clean(name.as_ref()), clean(value.as_bytes()))
            })
            .collect::<Vec<_>>();
        if echoed {
            let message = "an answer held a secret of this connection; it was replaced";
            self.incident(IncidentCode::SecretEchoed, call.phase, message, None);
        }
        if (300..400).contains(&status) {
            let location = headers.iter().find(|(name, _)| name == "location");
            if let Some((_, location)) = location {
                let mut message =
                    format!("an answer points to {location}; redirects are not followed");
                self.secrets.redact_for_people(&mut message);
                self.incident(
                    IncidentCode::RedirectNotFollowed,
                    call.phase,
                    &message,
                    None,
                );
            }
        }
        wit::Response {
            status,
            headers,
            body,
        }
    }

    /// Pause the tenant where the PSA asks for it; for `unsaid` where it does not say how
    /// long.
    fn heed_rate_of(&self, status: u16, headers: &HeaderMap, unsaid: Duration) {
        if let Some(pause) = rate::asked_pause(status, headers, self.clock.now(), unsaid) {
            self.pause(pause);
        }
    }

    /// Nothing is sent to this tenant for a while.
    pub fn pause(&self, time: Duration) {
        if let Err(failure) = self.budget().pause(time.min(LONGEST_PAUSE)) {
            tracing::warn!(%failure, "a pause could not be kept for other processes");
        }
    }

    fn incident(&self, code: IncidentCode, during: Phase, message: &str, fix: Option<&str>) {
        self.incidents.record(code, during, message, fix);
    }

    fn refused(&self, refusal: Refusal, call: &mut CallRecord) -> wit::SendFailure {
        self.incident(
            refusal.code,
            call.phase,
            &refusal.message,
            refusal.fix.as_deref(),
        );
        let message = match &refusal.fix {
            Some(fix) => format!("{}: {fix}", refusal.message),
            None => refusal.message.clone(),
        };
        call.note = Some(Note::Refused(refusal));
        not_sent(wit::SendFailureKind::Denied, message)
    }

    fn failed(&self, failure: Failure, url: &Url, call: &mut CallRecord) -> wit::SendFailure {
        let sent = failure.may_have_left();
        let host = url.host_str().unwrap_or_default();
        let (kind, message) = match failure {
            Failure::Forbidden(message) => {
                return self.refused(Refusal::new(IncidentCode::AddressRefused, message), call);
            }
            Failure::Unreachable(why) => (
                wit::SendFailureKind::Unreachable,
                format!("{host} cannot be reached: {why}"),
            ),
            Failure::Broken(why) => (
                wit::SendFailureKind::Broken,
                format!("the connection to {host} broke: {why}"),
            ),
            Failure::TimedOut(time) => {
                let message = format!("{host} did not answer whole within {time:?}");
                self.incident(IncidentCode::ResponseTooSlow, call.phase, &message, None);
                (wit::SendFailureKind::TimedOut, message)
            }
            Failure::TooLarge(why) => {
                let message = format!("{host}: {why}");
                self.incident(IncidentCode::ResponseTooLarge, call.phase, &message, None);
                (wit::SendFailureKind::TooLarge, message)
            }
        };
        wit::SendFailure {
            kind,
            message,
            may_have_been_sent: sent,
            retry_after_seconds: None,
        }
    }
}

/// Host and, where it is not https's own, port: what an answer would name.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn not_sent(kind: wit::SendFailureKind, message: String) -> wit::SendFailure {
    wit::SendFailure {
        kind,
        message,
        may_have_been_sent: false,
        retry_after_seconds: None,
    }
}

fn count(by_endpoint: &mut BTreeMap<String, u64>, endpoint: &str) {
    const MOST: usize = 200;
    if let Some(n) = by_endpoint.get_mut(endpoint) {
        *n += 1;
    } else {
        let name = if by_endpoint.len() < MOST {
            endpoint
        } else {
            "(others)"
        };
        *by_endpoint.entry(name.to_owned()).or_default() += 1;
    }
}
