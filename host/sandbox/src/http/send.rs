//! A guest's request from its first check to its answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};
use tokio_util::sync::CancellationToken;
use url::Url;
use zeroize::Zeroizing;

use super::attempt::Attempt;
use super::auth::Credentials;
use super::call::{CallRecord, Note, Write};
use super::checked::Checked;
use super::credentials_watch::CredentialsWatch;
use super::exchange::{Answer, Clients, Failure};
use super::oauth::TokenKeeper;
use super::policy::{Policy, Reach};
use super::request_count::RequestCount;
use super::routes::RouteKind;
use super::secrets::Secrets;
use super::{Network, Refusal, Resolver, rate};
use crate::bindings::psa_host::guest::http as wit;
use crate::budget::{self, Budget};
use crate::incident::Incidents;
use crate::refusal::Refuses;
use crate::waits::Waits;
use crate::{Clock, Description, IncidentCode, Limits, Phase};

/// A longer pause is a mistake in a header.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// What an egress is made of.
pub(crate) struct Setup {
    pub policy: Policy,
    pub credentials: Credentials,
    /// Shared by all sessions with these credentials.
    pub watch: Arc<CredentialsWatch>,
    pub secrets: Vec<Zeroizing<String>>,
    pub resolver: Option<Arc<dyn Resolver>>,
    pub network: Network,
    pub budget: Arc<Budget>,
    /// Takes turns with the tenant's other ones.
    pub connection: Arc<str>,
    pub limits: Arc<Limits>,
    pub clock: Clock,
    pub incidents: Arc<Incidents>,
}

/// A session's way out.
#[derive(Debug)]
pub(crate) struct Egress {
    pub policy: Policy,
    pub(super) credentials: Credentials,
    pub(super) declared_names: Vec<HeaderName>,
    pub(super) secrets: Secrets,
    pub(super) token: TokenKeeper,
    pub(super) watch: Arc<CredentialsWatch>,
    pub(super) clients: Clients,
    budget: RwLock<Arc<Budget>>,
    pub(super) terms: budget::Terms,
    counts: Mutex<RequestCount>,
    pub(super) waits: Arc<Waits>,
    /// Cancelled: requests wait for nothing but one another.
    pub hurry: CancellationToken,
    pub(super) connection: Arc<str>,
    pub(super) limits: Arc<Limits>,
    pub(super) clock: Clock,
    incidents: Arc<Incidents>,
}

impl Egress {
    pub(crate) fn new(description: &Description, setup: Setup) -> Self {
        let Setup {
            policy,
            credentials,
            watch,
            secrets,
            resolver,
            network,
            budget,
            connection,
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
            watch,
            clients: Clients::new(resolver, network, &limits),
            budget: RwLock::new(budget),
            terms: budget::Terms {
                window: description.limits.window,
                at_once: description.limits.at_once_per_endpoint,
                patience: limits.budget_wait,
                write: false,
            },
            counts: Mutex::default(),
            waits: Arc::default(),
            hurry: CancellationToken::new(),
            connection,
            limits,
            clock,
            incidents,
        }
    }

    pub(crate) fn counts(&self) -> RequestCount {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn waits(&self) -> &Arc<Waits> {
        &self.waits
    }

    /// One request is about to be sent.
    pub(super) fn count(&self, endpoint: &str, write: bool, call: &mut CallRecord) {
        call.requests += 1;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total += 1;
        counts.writes += u64::from(write);
        count(&mut counts.by_endpoint, endpoint);
    }

    pub(crate) fn budget(&self) -> Arc<Budget> {
        Arc::clone(&self.budget.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_budget(&self, budget: Arc<Budget>) {
        *self.budget.write().unwrap_or_else(PoisonError::into_inner) = budget;
    }

    pub(crate) fn credentials_watch(&self) -> &CredentialsWatch {
        &self.watch
    }

    /// Send one request for the guest.
    pub(crate) async fn send(
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
        let Attempt { mut answer, token } =
            self.attempt(&checked, authenticate, &place, call).await?;
        if write {
            call.write = Write::Answered {
                status: answer.status,
                refuses: Refuses::of(&description.refusals, answer.status, &answer.body),
            };
        }
        let renewable = answer.status == 401 && !write && authenticate;
        if let Some(refused) = token.filter(|_| renewable) {
            self.token.forget(&refused).await;
            let again = self.attempt(&checked, authenticate, &place, call);
            answer = again.await?.answer;
        }
        call.saw_limit |= matches!(answer.status, 429 | 503);
        match authenticate {
            true => {
                if let Some(asked) = self.watch.answered(&place, answer.status, call.id) {
                    call.in_question = Some(match write {
                        true => asked.of_a_write(),
                        false => asked,
                    });
                }
            }
            false => self.watch.told(&answer.body, call.id),
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
    pub(super) fn heed_rate_of(&self, status: u16, headers: &HeaderMap, unsaid: Duration) {
        if let Some(pause) = rate::asked_pause(status, headers, self.clock.now(), unsaid) {
            self.pause(pause);
        }
    }

    /// Nothing is sent to this tenant for a while.
    pub(crate) fn pause(&self, time: Duration) {
        if let Err(failure) = self.budget().pause(time.min(LONGEST_PAUSE)) {
            tracing::warn!(%failure, "a pause could not be kept for other processes");
        }
    }

    pub(super) fn incident(
        &self,
        code: IncidentCode,
        during: Phase,
        message: &str,
        fix: Option<&str>,
    ) {
        self.incidents.record(code, during, message, fix);
    }

    pub(super) fn refused(&self, refusal: Refusal, call: &mut CallRecord) -> wit::SendFailure {
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

    pub(super) fn failed(
        &self,
        failure: Failure,
        url: &Url,
        call: &mut CallRecord,
    ) -> wit::SendFailure {
        let sent = failure.may_have_left();
        let host = url.host_str().unwrap_or_default();
        let (kind, message) = match failure {
            Failure::Forbidden(message) => {
                return self.refused(Refusal::new(IncidentCode::AddressRefused, message), call);
            }
            Failure::Fault(fault, words) => {
                let message = format!("{host} cannot be reached: {} ({words})", fault.what());
                call.note = Some(Note::NoConnection(fault, message.clone()));
                (wit::SendFailureKind::Unreachable, message)
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
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

pub(super) fn not_sent(kind: wit::SendFailureKind, message: String) -> wit::SendFailure {
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
