//! The token that a request bears, fetched with the credentials.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request};
use zeroize::Zeroizing;

use super::attempt::credentials_refused;
use super::call::{CallRecord, Note};
use super::credentials_watch::Admission;
use super::exchange::Answer;
use super::oauth::{self, Token};
use super::rate;
use super::send::{Egress, not_sent, place};
use crate::Limits;
use crate::bindings::psa_host::guest::http as wit;

/// Characters kept of why credentials were refused.
const MAX_REFUSAL: usize = 500;
/// The endpoint under which token requests are counted.
const TOKEN_ENDPOINT: &str = "(token)";

impl Egress {
    /// The session's token, fetched if there is none. None: another call is about to find
    /// out whether the credentials are refused.
    pub(super) async fn token(
        &self,
        call: &mut CallRecord,
    ) -> Result<Option<HeaderValue>, wit::SendFailure> {
        let mut kept = self.token.0.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.is_good()) {
            return Ok(Some(token.header.clone()));
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
        match self.watch.admits_token(call.id) {
            Admission::Yes => {}
            Admission::No => return Err(credentials_refused(call)),
            Admission::Later => return Ok(None),
        }
        self.count(TOKEN_ENDPOINT, false, call);
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
            self.watch.refused_for_good(&place(&grant.token_url));
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
        Ok(Some(header))
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
}
