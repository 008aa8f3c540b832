//! Credentials are refused once. After an answer of 401 nothing more is sent with them in
//! this session, because PSAs lock a user after a few failures.
//!
//! One thing looks the same: a PSA that moved a tenant to another zone answers the former
//! address with 401. So one more request may go, to another granted host that an answer to a
//! request *without* credentials named after the refusal. If that is refused too, it is the
//! credentials; if not, they are good, and the former address is simply no longer theirs.

use std::sync::{Mutex, PoisonError};

/// The most of an answer that is searched for a host: a zone lookup is some hundred bytes.
const SEARCHED: usize = 64 << 10;

/// What is known of a session's credentials.
#[derive(Debug, Default)]
pub(crate) struct CredentialsWatch(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// No answer refused them.
    #[default]
    Good,
    /// This host refused them, and these answers to requests without them came since.
    Refused { by: String, told: Vec<String> },
    /// The one request to another host is under way.
    LastTry { by: String, at: String },
    /// Refused for good.
    Over { by: String },
}

impl CredentialsWatch {
    /// Whether a request with the credentials may go to a host.
    pub fn admits(&self, host: &str) -> bool {
        let mut state = self.lock();
        match &*state {
            State::Good => true,
            State::Refused { by, told }
                if by != host && told.iter().any(|answer| names(answer, host)) =>
            {
                *state = State::LastTry {
                    by: by.clone(),
                    at: host.to_owned(),
                };
                true
            }
            // A wrong answer is the end of it; anything else must come from the one try.
            State::Refused { .. } | State::LastTry { .. } | State::Over { .. } => false,
        }
    }

    /// An answer to a request with the credentials.
    pub fn answered(&self, host: &str, status: u16) {
        let mut state = self.lock();
        let refused = status == 401;
        let next = match &*state {
            State::Good if refused => State::Refused {
                by: host.to_owned(),
                told: Vec::new(),
            },
            State::LastTry { at, .. } if at == host && refused => State::Over {
                by: host.to_owned(),
            },
            State::LastTry { at, .. } if at == host => State::Good,
            _ => return,
        };
        *state = next;
    }

    /// An answer to a request without the credentials.
    pub fn told(&self, body: &[u8]) {
        if let State::Refused { told, .. } = &mut *self.lock() {
            let text = String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]);
            // A lookup is one answer or two; more are a search for a host to go to.
            if told.len() < 4 {
                told.push(text.to_ascii_lowercase());
            }
        }
    }

    /// Whether a lookup since the refusal named another address than the one that refused.
    pub fn may_be_moved(&self) -> bool {
        match &*self.lock() {
            State::Refused { by, told } => told.iter().any(|answer| !names(answer, by)),
            _ => false,
        }
    }

    /// The host that refused the credentials, as things stand.
    pub fn refused_by(&self) -> Option<String> {
        match &*self.lock() {
            State::Good => None,
            State::Refused { by, .. } | State::LastTry { by, .. } | State::Over { by } => {
                Some(by.clone())
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a text names a host, and not one that only ends or begins like it.
fn names(text: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    text.match_indices(&host).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + host.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_refusal_nothing_more_goes_with_the_credentials() {
        let watch = CredentialsWatch::default();
        assert!(watch.admits("a.example"));
        watch.answered("a.example", 200);
        watch.answered("a.example", 401);
        assert!(!watch.admits("a.example"));
        assert!(!watch.admits("b.example"), "nobody named it");
        assert_eq!(watch.refused_by().as_deref(), Some("a.example"));
    }

    #[test]
    fn one_request_goes_to_another_host_that_a_lookup_named_and_its_answer_decides() {
        for (status, good) in [(200, true), (500, true), (401, false)] {
            let watch = CredentialsWatch::default();
            watch.told(b"https://early.example/");
            watch.answered("a.example", 401);
            watch.told(br#"{"url":"https://B.example/rest"}"#);
            assert!(!watch.admits("early.example"), "named before the refusal");
            assert!(watch.admits("b.example"));
            assert!(!watch.admits("b.example"), "one request, not two");
            watch.answered("b.example", status);
            assert_eq!(watch.refused_by().is_none(), good, "{status}");
            assert_eq!(watch.admits("b.example"), good, "{status}");
        }
    }

    #[test]
    fn a_lookup_that_names_the_same_address_again_tells_of_no_move() {
        let watch = CredentialsWatch::default();
        assert!(!watch.may_be_moved());
        watch.answered("a.example", 401);
        assert!(!watch.may_be_moved(), "nothing was looked up");
        watch.told(br#"{"url":"https://a.example/rest"}"#);
        assert!(!watch.may_be_moved());
        watch.told(br#"{"url":"https://b.example/rest"}"#);
        assert!(watch.may_be_moved());
        assert!(watch.admits("b.example"));
        assert!(!watch.may_be_moved(), "it is being tried");
    }

    #[test]
    fn a_host_is_named_whole() {
        assert!(names("see https://b.example/x", "b.example"));
        for text in [
            "https://xb.example/",
            "b.example.evil",
            "a.b.example",
            "b.example:8443",
        ] {
            assert!(!names(text, "b.example"), "{text}");
        }
    }
}
