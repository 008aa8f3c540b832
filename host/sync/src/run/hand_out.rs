//! The last look before a request leaves, after every wait: is it still the day, was the
//! line read just now, does everything stand that the change was planned from, does nobody
//! want to stop? Only then does the ledger count it as handed out.

use std::sync::{Arc, Mutex, PoisonError};

use psa_host_billing::{Hold, HoldCode};
use psa_host_ledger::{DecisionsAt, HandedOut, IntentId, Ledger, LedgerError, RunLease};
use psa_host_sandbox::{CallError, CallErrorKind, WriteGate};

use super::day::Day;
use super::stop::Stop;
use super::work::ReadAt;

/// Why a request was not let out. Nothing of it has left.
#[derive(Debug)]
pub(super) enum Withheld {
    /// Its line was read too long ago: it is read again.
    TooLate,
    /// For good, in this run.
    Held(Hold),
    /// The ledger cannot say that it leaves.
    Ledger(LedgerError),
}

/// Where one request is.
#[derive(Debug)]
enum State {
    Waiting,
    Out,
    Withheld(Option<Withheld>),
}

/// The gate of one request.
pub(super) struct HandOut {
    pub ledger: Ledger,
    pub run: RunLease,
    pub intent: IntentId,
    pub planned: DecisionsAt,
    pub read_at: ReadAt,
    pub day: Day,
    pub stop: Arc<Stop>,
    state: Mutex<State>,
}

impl HandOut {
    pub fn new(
        (ledger, run, intent): (&Ledger, RunLease, IntentId),
        planned: DecisionsAt,
        read_at: ReadAt,
        day: &Day,
        stop: &Arc<Stop>,
    ) -> Self {
        Self {
            ledger: ledger.clone(),
            run,
            intent,
            planned,
            read_at,
            day: day.clone(),
            stop: Arc::clone(stop),
            state: Mutex::new(State::Waiting),
        }
    }

    /// Let it out no more. False: it is out already.
    pub fn close(&self, why: Withheld) -> bool {
        let mut state = self.state();
        match *state {
            State::Waiting => {
                *state = State::Withheld(Some(why));
                true
            }
            State::Withheld(_) => true,
            State::Out => false,
        }
    }

    /// Why it was withheld; none where it is out, or was never asked for.
    pub fn withheld(&self) -> Option<Withheld> {
        match &mut *self.state() {
            State::Withheld(why) => why.take(),
            State::Waiting | State::Out => None,
        }
    }

    /// Whether it is out, and counts as sent.
    pub fn is_out(&self) -> bool {
        matches!(*self.state(), State::Out)
    }

    fn look(&self) -> Result<(), Withheld> {
        if let Some(hold) = self.day.over() {
            return Err(Withheld::Held(hold));
        }
        if let Some(hold) = self.stop.hold() {
            return Err(Withheld::Held(hold));
        }
        if !self.read_at.is_good(self.ledger.now()) {
            return Err(Withheld::TooLate);
        }
        let out = self.ledger.hand_out(self.run, self.intent, self.planned);
        match out.map_err(Withheld::Ledger)? {
            HandedOut::Yes => Ok(()),
            HandedOut::Changed(what) => {
                let message = format!("the {what} was changed after this run had planned from it");
                Err(Withheld::Held(Hold::new(
                    HoldCode::DecisionChanged,
                    message,
                )))
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteGate for HandOut {
    fn may_leave(&self) -> Result<(), CallError> {
        // Held while looking: whoever closes the gate meanwhile learns what came of it.
        let mut state = self.state();
        if !matches!(*state, State::Waiting) {
            return Err(withheld());
        }
        match self.look() {
            Ok(()) => {
                *state = State::Out;
                Ok(())
            }
            Err(why) => {
                *state = State::Withheld(Some(why));
                Err(withheld())
            }
        }
    }
}

/// For the plugin; the run asks the gate itself.
fn withheld() -> CallError {
    CallError {
        kind: CallErrorKind::Gone,
        message: "the request was not let out".to_owned(),
        psa_words: None,
        fix: None,
        plugin_advice: None,
    }
}
