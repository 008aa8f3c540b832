//! What must not come back to the guest of one session: the connection's secrets, every
//! token that was got with them, and which of these the guest has shown to know.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use zeroize::Zeroizing;

use super::redact::{Masked, Redactor};

/// Tokens remembered, the present one among them: a day of renewals, three of a kind each
/// hour, would need more; what a server echoes is one of the last.
const MOST_TOKENS: usize = 48;

/// A session's secrets.
pub(super) struct Secrets(RwLock<Known>);

struct Known {
    own: Vec<Masked>,
    tokens: VecDeque<Masked>,
    next_id: u32,
    redactor: Arc<Redactor>,
    /// Those that the guest wrote into a request of its own.
    written: Arc<BTreeSet<u32>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    pub(super) fn new(own: Vec<Zeroizing<String>>) -> Self {
        let own: Vec<Masked> = (0..)
            .zip(own)
            .map(|(id, value)| Masked { id, value })
            .collect();
        Self(RwLock::new(Known {
            next_id: u32::try_from(own.len()).unwrap_or(u32::MAX),
            redactor: Arc::new(Redactor::new(&own)),
            own,
            tokens: VecDeque::new(),
            written: Arc::default(),
        }))
    }

    /// Tokens that were just got. Former ones stay: a server may echo them late.
    pub(super) fn remember(&self, tokens: impl IntoIterator<Item = Zeroizing<String>>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for value in tokens {
            if known.tokens.iter().any(|token| token.value == value) {
                continue;
            }
            let id = known.next_id;
            known.next_id = id.saturating_add(1);
            known.tokens.push_back(Masked { id, value });
            if known.tokens.len() > MOST_TOKENS {
                known.tokens.pop_front();
            }
        }
        known.redactor = Arc::new(Redactor::new(known.own.iter().chain(&known.tokens)));
    }

    /// Look at what the guest is about to send. True where it wrote a secret into it that
    /// it had not written before.
    pub(super) fn written_in<'t>(&self, texts: impl IntoIterator<Item = &'t [u8]>) -> bool {
        let (redactor, written) = self.present();
        let mut found = BTreeSet::new();
        for text in texts {
            found.extend(redactor.known_by(text));
        }
        if found.is_subset(&written) {
            return false;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known.written).extend(found);
        true
    }

    /// Replace what the guest does not know; whether there was any.
    pub(super) fn redact(&self, text: &mut Vec<u8>) -> bool {
        let (redactor, written) = self.present();
        redactor.redact(text, &written)
    }

    /// Replace every secret in what people read.
    pub(super) fn redact_for_people(&self, text: &mut String) {
        self.present().0.redact_text(text, &BTreeSet::new());
    }

    fn present(&self) -> (Arc<Redactor>, Arc<BTreeSet<u32>>) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&known.redactor), Arc::clone(&known.written))
    }
}
