//! What ends the sending of a run: somebody who wants to stop, several doubtful answers in a
//! row, or a failure that concerns every line. Shared by all who send.

use std::sync::{Arc, Mutex, PoisonError};

use psa_host_billing::{Hold, HoldCode};

use super::cancel::Cancel;
use super::report::Notice;

/// Doubtful answers in a row after which nothing more is sent: one is an accident,
/// several are an outage.
const DOUBTS_THAT_STOP: usize = 3;

/// Whether to go on.
#[derive(Debug, Default)]
pub(super) struct Stop {
    cancel: Arc<Cancel>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    /// Doubtful answers since the last certain one.
    doubts: usize,
    /// The PSA asked for a pause: one request at a time from now on.
    limited: bool,
    /// Why nothing more is sent.
    hold: Option<Hold>,
}

/// An answer, as far as it says whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Certain,
    Doubtful,
    /// 429.
    Limited,
}

impl Stop {
    pub fn new(cancel: Arc<Cancel>) -> Self {
        Self {
            cancel,
            inside: Mutex::default(),
        }
    }

    /// An answer came.
    pub fn heard(&self, heard: AnswerKind) {
        let mut inside = self.inside();
        match heard {
            AnswerKind::Certain => inside.doubts = 0,
            AnswerKind::Doubtful => inside.doubts += 1,
            AnswerKind::Limited => {
                inside.doubts += 1;
                inside.limited = true;
            }
        }
        if inside.doubts < DOUBTS_THAT_STOP || inside.hold.is_some() {
            return;
        }
        inside.hold = Some(match heard {
            AnswerKind::Limited => Hold::new(
                HoldCode::RunParked,
                format!(
                    "the PSA asked for a pause, and the last {DOUBTS_THAT_STOP} adjustments in a \
                     row have no certain outcome"
                ),
            ),
            _ => Hold::new(
                HoldCode::RunStopped,
                format!("{DOUBTS_THAT_STOP} adjustments in a row had no certain outcome"),
            ),
        });
    }

    /// Nothing more is sent, for this reason.
    pub fn all(&self, hold: Hold) {
        self.inside().hold.get_or_insert(hold);
    }

    /// Why nothing more is sent; none while all is well.
    pub fn hold(&self) -> Option<Hold> {
        if self.cancel.is_cancelled() {
            return Some(self.cancel.hold());
        }
        self.inside().hold.clone()
    }

    /// What the run says of it at its end.
    pub fn notice(&self) -> Option<Notice> {
        match self.cancel.is_cancelled() {
            true => Some(self.cancel.notice()),
            false => self.inside().hold.clone().map(Notice::from),
        }
    }

    /// Why an adjustment was not sent where somebody stopped the run.
    pub fn cancelled_hold(&self) -> Hold {
        self.cancel.hold()
    }

    /// Whether requests go one at a time, because the PSA asked for a pause.
    pub fn one_at_a_time(&self) -> bool {
        self.inside().limited
    }

    /// When somebody wants to stop.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn three_doubts_in_a_row_stop_and_a_certain_answer_begins_anew() {
        let code = |heard: &[AnswerKind]| {
            let stop = Stop::default();
            for heard in heard {
                stop.heard(*heard);
            }
            stop.hold().map(|hold| hold.code)
        };
        use AnswerKind::{Certain, Doubtful, Limited};
        assert_eq!(code(&[Doubtful, Doubtful]), None);
        assert_eq!(code(&[Doubtful, Doubtful, Certain, Doubtful]), None);
        assert_eq!(code(&[Doubtful; 3]), Some(HoldCode::RunStopped));
        assert_eq!(code(&[Limited; 3]), Some(HoldCode::RunParked));
        assert_eq!(code(&[Limited, Limited, Certain, Limited]), None);
        let stop = Stop::default();
        assert!(!stop.one_at_a_time());
        stop.heard(Limited);
        stop.heard(Certain);
        assert!(stop.one_at_a_time());
    }

    #[test]
    fn who_cancels_is_heard_first() {
        let token = CancellationToken::new();
        let stop = Stop::new(Arc::new(Cancel::of(&token, "cli:ann")));
        stop.all(Hold::new(HoldCode::RunStopped, "credentials"));
        assert_eq!(
            stop.hold().map(|hold| hold.code),
            Some(HoldCode::RunStopped)
        );
        token.cancel();
        assert_eq!(
            stop.hold().map(|hold| hold.code),
            Some(HoldCode::RunCancelled)
        );
    }
}
