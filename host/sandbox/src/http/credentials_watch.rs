//! Credentials are refused once. After an answer of 401 nothing more is sent with them, by no
//! instance of any connection of this process that has the same ones, because PSAs lock a
//! user after a few failures. What is under way by then comes to its end: so many requests
//! as may go at once.
//!
//! One thing looks the same: a PSA that moved a tenant to another zone answers the former
//! address with 401. So the call that was refused may make one more request, to another
//! granted host that an answer to a request *without* credentials named after the refusal.
//! If that is refused too, it is the credentials; if not, they are good, and the former
//! address is simply no longer theirs. Until that call has ended everybody else waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

/// The most of an answer that is searched for a host: a zone lookup is some hundred bytes.
const SEARCHED: usize = 64 << 10;

/// One call of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallId(u64);

impl CallId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The credentials in use in this process.
#[derive(Debug, Default)]
pub(crate) struct CredentialsWatches(Mutex<HashMap<Whose, Weak<CredentialsWatch>>>);

/// Within which data (by its budget's store), and a digest of the credentials.
type Whose = (usize, [u8; 32]);

impl CredentialsWatches {
    /// One object for all sessions with the same credentials.
    pub(crate) fn of(&self, whose: Whose) -> Arc<CredentialsWatch> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = all.get(&whose).and_then(Weak::upgrade) {
            return watch;
        }
        all.retain(|_, watch| watch.strong_count() > 0);
        let watch = Arc::<CredentialsWatch>::default();
        all.insert(whose, Arc::downgrade(&watch));
        watch
    }
}

/// What is known of some credentials.
#[derive(Debug, Default)]
pub(crate) struct CredentialsWatch(watch::Sender<State>);

#[derive(Debug, Default)]
enum State {
    /// No answer refused them.
    #[default]
    Good,
    /// This host refused them to this call, and these answers to requests without them came
    /// since.
    Refused {
        by: String,
        told: Vec<String>,
        call: CallId,
    },
    /// The one request to another host is under way.
    LastTry {
        by: String,
        at: String,
        call: CallId,
    },
    /// Refused for good.
    Over { by: String },
}

/// Whether a request with the credentials may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Yes,
    No,
    /// As soon as another call has found out whether they are refused.
    Later,
}

/// The call's refusal stands when this is dropped, unless it found the credentials good
/// elsewhere.
#[derive(Debug)]
pub(crate) struct InQuestion {
    watch: Arc<CredentialsWatch>,
    call: CallId,
    /// A write is not repeated elsewhere: what a lookup named is tried by a later call.
    write: bool,
}

impl InQuestion {
    /// It was a write that was refused.
    #[must_use]
    pub(crate) fn of_a_write(mut self) -> Self {
        self.write = true;
        self
    }
}

impl CredentialsWatch {
    /// Whether a call may send a request with the credentials to a host.
    pub(crate) fn admits(&self, host: &str, call: CallId) -> Admission {
        self.0.borrow().admits(host, call)
    }

    /// The same, and it is about to be sent.
    pub(crate) fn begin(&self, host: &str, call: CallId) -> Admission {
        let mut admission = Admission::Yes;
        self.0.send_if_modified(|state| {
            admission = state.admits(host, call);
            match state {
                State::Refused { by, .. } if admission == Admission::Yes => {
                    *state = State::LastTry {
                        by: std::mem::take(by),
                        at: host.to_owned(),
                        call,
                    };
                    true
                }
                _ => false,
            }
        });
        admission
    }

    /// Whether a call may ask for a token.
    pub(crate) fn admits_token(&self, call: CallId) -> Admission {
        match &*self.0.borrow() {
            State::Good => Admission::Yes,
            State::Refused { call: of, .. } | State::LastTry { call: of, .. } if *of == call => {
                Admission::Yes
            }
            State::Refused { .. } | State::LastTry { .. } => Admission::Later,
            State::Over { .. } => Admission::No,
        }
    }

    /// Wait until no other call is about to find out.
    pub(crate) async fn known(&self, call: CallId) {
        let mut changes = self.0.subscribe();
        let known = |state: &State| match state {
            State::Good | State::Over { .. } => true,
            State::Refused { call: of, .. } | State::LastTry { call: of, .. } => *of == call,
        };
        // It fails only where the sender is gone, which is this.
        let _ = changes.wait_for(known).await;
    }

    /// An answer to a request with the credentials.
    #[must_use]
    pub(crate) fn answered(
        self: &Arc<Self>,
        host: &str,
        status: u16,
        call: CallId,
    ) -> Option<InQuestion> {
        let refused = status == 401;
        let mut in_question = false;
        self.0.send_if_modified(|state| {
            let next = match state {
                State::Good if refused => {
                    in_question = true;
                    State::Refused {
                        by: host.to_owned(),
                        told: Vec::new(),
                        call,
                    }
                }
                State::LastTry { at, call: of, .. } if at == host && *of == call => match refused {
                    true => State::Over {
                        by: host.to_owned(),
                    },
                    false => State::Good,
                },
                _ => return false,
            };
            *state = next;
            true
        });
        in_question.then(|| InQuestion {
            watch: Arc::clone(self),
            call,
            write: false,
        })
    }

    /// The token endpoint refused them: there is nothing to find out.
    pub(crate) fn refused_for_good(&self, host: &str) {
        self.0.send_replace(State::Over {
            by: host.to_owned(),
        });
    }

    /// An answer to a call's request without the credentials.
    pub(crate) fn told(&self, body: &[u8], to: CallId) {
        self.0.send_if_modified(|state| {
            if let State::Refused { told, call, .. } = state
                && *call == to
                // A lookup is one answer or two; more are a search for a host to go to.
                && told.len() < 4
            {
                let text = String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]);
                told.push(text.to_ascii_lowercase());
            }
            false
        });
    }

    /// The host that refused the credentials for good.
    pub(crate) fn refused_by(&self) -> Option<String> {
        match &*self.0.borrow() {
            State::Over { by } => Some(by.clone()),
            _ => None,
        }
    }
}

impl State {
    fn admits(&self, host: &str, asking: CallId) -> Admission {
        match self {
            Self::Good => Admission::Yes,
            Self::Refused { call, .. } | Self::LastTry { call, .. } if *call != asking => {
                Admission::Later
            }
            Self::Refused { by, told, .. }
                if by != host && told.iter().any(|answer| names(answer, host)) =>
            {
                Admission::Yes
            }
            Self::Refused { .. } | Self::LastTry { .. } | Self::Over { .. } => Admission::No,
        }
    }
}

impl Drop for InQuestion {
    fn drop(&mut self) {
        self.watch.0.send_if_modified(|state| match state {
            // Nothing more is written after such an answer; whatever is read next asks there,
            // and is in question itself where that refuses it too.
            State::Refused { by, told, call }
                if self.write && *call == self.call && moved(told, by) =>
            {
                *state = State::Good;
                true
            }
            State::Refused { by, call, .. } | State::LastTry { by, call, .. }
                if *call == self.call =>
            {
                *state = State::Over {
                    by: std::mem::take(by),
                };
                true
            }
            _ => false,
        });
    }
}

/// Whether what was looked up names another address, and not the one that refused.
fn moved(told: &[String], by: &str) -> bool {
    let elsewhere = |answer: &String| answer.contains("://") && !names(answer, by);
    told.iter().any(elsewhere)
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
        let (watch, call) = (Arc::<CredentialsWatch>::default(), CallId::next());
        assert_eq!(watch.begin("a.example", call), Admission::Yes);
        assert!(watch.answered("a.example", 200, call).is_none());
        let in_question = watch.answered("a.example", 401, call);
        assert_eq!(watch.begin("a.example", call), Admission::No);
        assert_eq!(
            watch.begin("b.example", call),
            Admission::No,
            "nobody named it"
        );
        drop(in_question);
        assert_eq!(watch.begin("a.example", CallId::next()), Admission::No);
        assert_eq!(watch.admits_token(call), Admission::No);
        assert_eq!(watch.refused_by().as_deref(), Some("a.example"));
    }

    #[test]
    fn one_request_goes_to_another_host_that_a_lookup_named_and_its_answer_decides() {
        for (status, good) in [(200, true), (500, true), (401, false)] {
            let (watch, call) = (Arc::<CredentialsWatch>::default(), CallId::next());
            watch.told(b"https://early.example/", call);
            let in_question = watch.answered("a.example", 401, call);
            watch.told(br#"{"url":"https://B.example/rest"}"#, call);
            assert_eq!(
                watch.begin("early.example", call),
                Admission::No,
                "named before the refusal"
            );
            assert_eq!(watch.begin("b.example", call), Admission::Yes);
            assert_eq!(
                watch.begin("b.example", call),
                Admission::No,
                "one request, not two"
            );
            assert!(watch.answered("b.example", status, call).is_none());
            drop(in_question);
            assert_eq!(watch.refused_by().is_none(), good, "{status}");
            let admitted = watch.begin("b.example", call) == Admission::Yes;
            assert_eq!(admitted, good, "{status}");
        }
    }

    #[tokio::test]
    async fn others_wait_until_the_refused_call_has_found_out() {
        for good in [true, false] {
            let (watch, call) = (Arc::<CredentialsWatch>::default(), CallId::next());
            let other = CallId::next();
            let in_question = watch.answered("a.example", 401, call);
            assert_eq!(watch.admits("a.example", other), Admission::Later);
            assert_eq!(watch.admits_token(other), Admission::Later);
            watch.told(b"https://c.example/", other);
            watch.told(b"https://b.example/", call);
            assert_eq!(watch.begin("c.example", call), Admission::No);
            if good {
                assert_eq!(watch.begin("b.example", call), Admission::Yes);
                assert!(watch.answered("b.example", 200, call).is_none());
            }
            drop(in_question);
            watch.known(other).await;
            let admitted = watch.admits("a.example", other) == Admission::Yes;
            assert_eq!(admitted, good);
        }
    }

    #[test]
    fn sessions_with_the_same_credentials_share_what_is_known_of_them() {
        let watches = CredentialsWatches::default();
        let one = watches.of((1, [7; 32]));
        assert!(Arc::ptr_eq(&one, &watches.of((1, [7; 32]))));
        assert!(!Arc::ptr_eq(&one, &watches.of((1, [8; 32]))));
        assert!(!Arc::ptr_eq(&one, &watches.of((2, [7; 32]))));
    }

    #[test]
    fn a_write_refused_by_a_former_address_leaves_the_credentials_good() {
        for (told, write, good) in [
            (r#"{"url":"https://b.example/rest"}"#, true, true),
            // A read asks there by itself, and did not.
            (r#"{"url":"https://b.example/rest"}"#, false, false),
            (r#"{"url":"https://a.example/rest"}"#, true, false),
            (r#"{"errors":["not determined"]}"#, true, false),
        ] {
            let watch = Arc::<CredentialsWatch>::default();
            let call = CallId::next();
            let asked = watch.answered("a.example", 401, call).expect("a question");
            watch.told(told.as_bytes(), call);
            drop(match write {
                true => asked.of_a_write(),
                false => asked,
            });
            assert_eq!(watch.refused_by().is_none(), good, "{told} {write}");
        }
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
