//! What became of an adjustment: the plugin's word held against what the host saw.

use crate::bindings::exports::psa_host::connector::connector::Outcome;
use crate::http::Write;
use crate::{CallError, CallErrorKind, IncidentCode};

/// What became of an adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posting {
    /// The PSA answered that it did it. Still to be read back.
    Accepted {
        /// The PSA's reference, where it gives one.
        reference: Option<String>,
    },
    /// The PSA certainly did not do it, in its own words.
    Rejected {
        /// Hostile text, bounded.
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
pub(crate) fn judge(said: Result<Outcome, CallError>, write: Write) -> Judged {
    let left = !matches!(write, Write::Nothing | Write::NotSent);
    let doubtful = |why: String| (Posting::Doubtful { why }, None);
    match said {
        Ok(Outcome::Accepted(reference)) => match write {
            Write::Answered(200..=299) => {
                let reference = reference.map(|text| crate::text::name(&text));
                (Posting::Accepted { reference }, None)
            }
            Write::Answered(status) => {
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
        // A write without a whole answer cannot have been rejected for certain.
        Ok(Outcome::Rejected(said)) if write == Write::Left => doubtful(format!(
            "the plugin says rejected, but no whole answer of the PSA came: {}",
            crate::text::words(&said.words)
        )),
        Ok(Outcome::Rejected(said)) => {
            let words = crate::text::words(&said.words);
            (Posting::Rejected { words }, None)
        }
        Ok(Outcome::Unknown(why)) if left => doubtful(crate::text::words(&why)),
        Ok(Outcome::Unknown(why)) => {
            let text = format!("no write was sent: {}", crate::text::words(&why));
            (
                Posting::NotSent(CallError::new(CallErrorKind::Transient, text)),
                None,
            )
        }
        Err(error) if left => doubtful(match write {
            Write::Answered(status) => format!("{error} (the PSA answered {status})"),
            _ => error.message,
        }),
        Err(error) => (Posting::NotSent(error), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::psa_host::connector::connector::{RefusalKind, Rejection};

    const WRITES: [Write; 5] = [
        Write::Nothing,
        Write::NotSent,
        Write::Left,
        Write::Answered(200),
        Write::Answered(500),
    ];

    fn row(said: &dyn Fn() -> Result<Outcome, CallError>) -> [&'static str; 5] {
        WRITES.map(|write| match judge(said(), write).0 {
            Posting::Accepted { .. } => "accepted",
            Posting::Rejected { .. } => "rejected",
            Posting::Doubtful { .. } => "doubtful",
            Posting::NotSent(_) => "not sent",
        })
    }

    #[test]
    fn the_hosts_record_decides_and_never_the_plugins_word_alone() {
        let failed = || Err(CallError::new(CallErrorKind::Trapped, "trap"));
        // In order: nothing asked, no connection, left without answer, 200, 500.
        assert_eq!(
            row(&|| Ok(Outcome::Accepted(None))),
            ["not sent", "not sent", "doubtful", "accepted", "doubtful"]
        );
        assert_eq!(
            row(&|| Ok(Outcome::Rejected(Rejection {
                kind: RefusalKind::Other,
                words: String::new(),
            }))),
            ["rejected", "rejected", "doubtful", "rejected", "rejected"]
        );
        assert_eq!(
            row(&|| Ok(Outcome::Unknown(String::new()))),
            ["not sent", "not sent", "doubtful", "doubtful", "doubtful"]
        );
        assert_eq!(
            row(&failed),
            ["not sent", "not sent", "doubtful", "doubtful", "doubtful"]
        );
    }

    #[test]
    fn a_lie_about_a_write_is_an_incident() {
        let incident = |write| {
            judge(Ok(Outcome::Accepted(None)), write)
                .1
                .map(|(code, _)| code)
        };
        assert_eq!(incident(Write::Answered(201)), None);
        for write in [
            Write::Nothing,
            Write::NotSent,
            Write::Left,
            Write::Answered(409),
        ] {
            assert_eq!(
                incident(write),
                Some(IncidentCode::AcceptedWithoutWrite),
                "{write:?}"
            );
        }
    }
}
