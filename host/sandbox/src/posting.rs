//! What became of an adjustment: the plugin's word held against what the host saw.

use psa_host_billing::RejectionKind;

use crate::http::Write;
use crate::{CallError, CallErrorKind, IncidentCode};

/// What the plugin says became of an adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The PSA did it; its reference.
    Accepted(Option<String>),
    /// The PSA refused it, and every word of it was recognised.
    Rejected { kind: RejectionKind, words: String },
    /// It cannot tell.
    Unknown(String),
}

/// What became of an adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posting {
    /// The PSA answered that it did it. Still to be read back.
    Accepted {
        /// The PSA's reference, where it gives one.
        reference: Option<String>,
    },
    /// The PSA refused it in a form that the plugin declares. Still to be read back.
    Rejected {
        /// Why.
        kind: RejectionKind,
        /// Its own words: hostile text, bounded.
        words: String,
    },
    /// The PSA asked for a pause (429). Believed to come before anything is done, but nobody
    /// has published a proof.
    RateLimited {
        /// Its own words: hostile text, bounded.
        words: String,
    },
    /// A write may have left and nobody knows what became of it.
    Doubtful {
        /// Why.
        why: String,
    },
    /// No byte of a write left: nothing has happened.
    NotSent(CallError),
}

type Judged = (Posting, Option<(IncidentCode, &'static str)>);

/// Judge. The host's record decides whether something may have happened; the plugin's
/// word only tells apart what the record leaves open.
pub(crate) fn judge(said: Result<Said, CallError>, write: Write) -> Judged {
    if let Write::Answered { status: 429, .. } = write {
        let words = match said {
            Ok(Said::Accepted(_)) => "the PSA answered 429".to_owned(),
            Ok(Said::Rejected { words, .. } | Said::Unknown(words)) => crate::text::words(&words),
            Err(error) => error.message,
        };
        return (Posting::RateLimited { words }, None);
    }
    let left = !matches!(write, Write::Nothing | Write::NotSent);
    let doubtful = |why: String| (Posting::Doubtful { why }, None);
    match said {
        Ok(Said::Accepted(reference)) => match write {
            Write::Answered {
                status: 200..=299, ..
            } => {
                let reference = reference.map(|text| crate::text::name(&text));
                (Posting::Accepted { reference }, None)
            }
            Write::Answered { status, .. } => {
                let why = format!("the plugin says accepted, but the PSA answered {status}");
                let message =
                    "the plugin said accepted of a write that the PSA answered with an error";
                let incident = (IncidentCode::AcceptedWithoutWrite, message);
                (Posting::Doubtful { why }, Some(incident))
            }
            Write::Left => {
                let why = "the plugin says accepted, but no whole answer of the PSA came";
                let message = "the plugin said accepted of a write without an answer";
                let incident = (IncidentCode::AcceptedWithoutWrite, message);
                (
                    Posting::Doubtful {
                        why: why.to_owned(),
                    },
                    Some(incident),
                )
            }
            Write::Nothing | Write::NotSent => {
                let text = "the plugin says accepted, but no write was sent";
                let error = CallError::new(CallErrorKind::BadAnswer, text)
                    .with_fix("This is a defect of the plugin; ask its author.");
                (
                    Posting::NotSent(error),
                    Some((IncidentCode::AcceptedWithoutWrite, text)),
                )
            }
        },
        Ok(Said::Rejected { kind, words }) => {
            let words = crate::text::words(&words);
            match write {
                Write::Answered { refuses, .. } if refuses.as_declared(kind) => {
                    (Posting::Rejected { kind, words }, None)
                }
                Write::Answered { status, .. } => doubtful(format!(
                    "the plugin says rejected, but the PSA answered {status} in no form in which \
                     it refuses: {words}"
                )),
                // A write without a whole answer cannot have been rejected for certain.
                Write::Left => doubtful(format!(
                    "the plugin says rejected, but no whole answer of the PSA came: {words}"
                )),
                Write::Nothing | Write::NotSent => {
                    let text = format!("the plugin rejected it before anything was sent: {words}");
                    let error = CallError::new(CallErrorKind::Rejected, text);
                    (Posting::NotSent(error), None)
                }
            }
        }
        Ok(Said::Unknown(why)) if left => doubtful(crate::text::words(&why)),
        Ok(Said::Unknown(why)) => {
            let text = format!("no write was sent: {}", crate::text::words(&why));
            (
                Posting::NotSent(CallError::new(CallErrorKind::Transient, text)),
                None,
            )
        }
        Err(error) if left => doubtful(match write {
            Write::Answered { status, .. } => format!("{error} (the PSA answered {status})"),
            _ => error.message,
        }),
        Err(error) => (Posting::NotSent(error), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refuses;

    fn answered(status: u16, as_declared: bool) -> Write {
        Write::Answered {
            status,
            refuses: if as_declared {
                Refuses::every_kind()
            } else {
                Refuses::default()
            },
        }
    }

    fn writes() -> [Write; 9] {
        [
            Write::Nothing,
            Write::NotSent,
            Write::Left,
            answered(200, false),
            answered(500, true),
            answered(504, false),
            answered(405, false),
            answered(415, false),
            answered(429, true),
        ]
    }

    fn row(said: &dyn Fn() -> Result<Said, CallError>) -> [&'static str; 9] {
        writes().map(|write| match judge(said(), write).0 {
            Posting::Accepted { .. } => "accepted",
            Posting::Rejected { .. } => "rejected",
            Posting::Doubtful { .. } => "doubtful",
            Posting::RateLimited { .. } => "limited",
            Posting::NotSent(_) => "not sent",
        })
    }

    #[test]
    fn the_hosts_record_decides_and_never_the_plugins_word_alone() {
        let failed = || Err(CallError::new(CallErrorKind::Trapped, "trap"));
        let rejected = || {
            Ok(Said::Rejected {
                kind: RejectionKind::Other,
                words: String::new(),
            })
        };
        // In order: nothing asked, no connection, left without answer, 200, 500 in a declared
        // form, 504, 405 and 415 in none, 429.
        let (none, doubt) = ("not sent", "doubtful");
        assert_eq!(
            row(&|| Ok(Said::Accepted(None))),
            [
                none, none, doubt, "accepted", doubt, doubt, doubt, doubt, "limited"
            ]
        );
        assert_eq!(
            row(&rejected),
            [
                none, none, doubt, doubt, "rejected", doubt, doubt, doubt, "limited"
            ]
        );
        assert_eq!(
            row(&|| Ok(Said::Unknown(String::new()))),
            [
                none, none, doubt, doubt, doubt, doubt, doubt, doubt, "limited"
            ]
        );
        assert_eq!(
            row(&failed),
            [
                none, none, doubt, doubt, doubt, doubt, doubt, doubt, "limited"
            ]
        );
    }

    #[test]
    fn a_lie_about_a_write_is_an_incident() {
        let incident = |write| {
            judge(Ok(Said::Accepted(None)), write)
                .1
                .map(|(code, _)| code)
        };
        assert_eq!(incident(answered(201, false)), None);
        for write in [
            Write::Nothing,
            Write::NotSent,
            Write::Left,
            answered(409, true),
        ] {
            assert_eq!(
                incident(write),
                Some(IncidentCode::AcceptedWithoutWrite),
                "{write:?}"
            );
        }
    }
}
