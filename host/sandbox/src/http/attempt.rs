//! One request: it waits for leave, gets its authentication, and is sent.

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Body, Request};

use super::Refusal;
use super::call::{CallRecord, Note, Write};
use super::checked::Checked;
use super::credentials_watch::Admission;
use super::exchange::Answer;
use super::routes::RouteKind;
use super::send::{Egress, not_sent};
use crate::bindings::psa_host::guest::http as wit;
use crate::{CallError, CallErrorKind, IncidentCode, budget};

/// What was sent, and what came back.
pub(super) struct Attempt {
    pub answer: Answer,
    /// The token that it bore.
    pub token: Option<HeaderValue>,
}

impl Egress {
    /// Wait for leave, add the authentication, count, send.
    pub(super) async fn attempt(
        &self,
        checked: &Checked,
        authenticate: bool,
        place: &str,
        call: &mut CallRecord,
    ) -> Result<Attempt, wit::SendFailure> {
        let write = checked.kind == RouteKind::Write;
        let (permit, token) = loop {
            if !authenticate {
                break (self.admit(&checked.endpoint, write, call).await?, None);
            }
            match self.watch.admits(place, call.id) {
                Admission::Yes => {}
                Admission::No => return Err(credentials_refused(call)),
                Admission::Later => {
                    let _waiting = self.waits.wait();
                    self.watch.known(call.id).await;
                    continue;
                }
            }
            let token = match self.credentials.grant {
                None => None,
                Some(_) => match self.token(call).await? {
                    None => continue,
                    token => token,
                },
            };
            let permit = self.admit(&checked.endpoint, write, call).await?;
            // Once more, because others of the same credentials may have been refused while
            // it waited for its turn; and a place is not held while waiting for them.
            match self.watch.begin(place, call.id) {
                Admission::Yes => break (permit, token),
                Admission::No => return Err(credentials_refused(call)),
                Admission::Later => {}
            }
        };
        self.count(&checked.endpoint, write, call);
        let mut request = Request::new(checked.method.clone(), checked.target.url.clone());
        *request.headers_mut() = checked.headers.clone();
        if authenticate {
            self.credentials.add_to(request.headers_mut());
        }
        if let Some(token) = &token {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        *request.body_mut() = checked.body.clone().map(Body::from);
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
            Ok(answer) => Ok(Attempt { answer, token }),
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

    /// Wait for leave to send one request.
    pub(super) async fn admit(
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
        let admitted = {
            let _waiting = self.waits.wait();
            let budget = self.budget();
            budget
                .admit(&self.connection, endpoint, terms, &self.hurry)
                .await
        };
        match admitted {
            Ok(permit) => {
                if let Some(failure) = &permit.unrecorded {
                    let message =
                        format!("requests are not counted for other processes: {failure}");
                    self.incident(IncidentCode::BudgetUnrecorded, call.phase, &message, None);
                }
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
}

/// The credentials were refused before, to this call or another one.
pub(super) fn credentials_refused(call: &mut CallRecord) -> wit::SendFailure {
    let message = "the credentials were refused: nothing more is sent with them".to_owned();
    call.note = Some(Note::Credentials(message.clone()));
    not_sent(wit::SendFailureKind::Denied, message)
}
