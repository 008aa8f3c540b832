//! Where an intended adjustment can be, and where it can go from there. Pure: the
//! database keeps what this allows.

use crate::db::UnknownWord;

/// Sends of one change that may have left this machine, at most, until a person looks. A
/// second one only after the line was read and the first had not been applied. It counts
/// for one intent, and over all intents of the same line, units and date.
pub const MAX_SENDS: u32 = 2;

/// Where an intended adjustment is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownWord, parse_err_fn = UnknownWord::new)]
pub enum IntentState {
    /// Written down; nothing has left.
    Intended,
    /// Bytes may have left; no answer yet, or this process died.
    Sending,
    /// The PSA said yes; not yet read back.
    Accepted,
    /// The PSA said no. The end.
    Rejected,
    /// Nobody knows whether it was applied.
    Doubtful,
    /// The host is sure that no byte left. May be sent.
    NotSent,
    /// Read back at its target. The end.
    Confirmed,
    /// Read back at its baseline: it was not applied. May be sent once more.
    NotApplied,
    /// A person must look. Stays in the way of other adjustments of its line.
    Held,
}

impl IntentState {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The open states as an SQL list; the index `one_open_intent` has the same.
pub(crate) const OPEN_STATES: &str = "'intended', 'sending', 'accepted', 'doubtful', 'held'";

impl IntentState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Intended,
        Self::Sending,
        Self::Accepted,
        Self::Rejected,
        Self::Doubtful,
        Self::NotSent,
        Self::Confirmed,
        Self::NotApplied,
        Self::Held,
    ];

    /// Whether something is not settled: no other adjustment of the line may begin.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::Intended | Self::Sending | Self::Accepted | Self::Doubtful | Self::Held
        )
    }

    /// Whether the PSA may have applied it.
    pub fn may_be_applied(self) -> bool {
        matches!(
            self,
            Self::Sending | Self::Accepted | Self::Doubtful | Self::Confirmed | Self::Held
        )
    }

    /// Whether an intent may go from here to there.
    pub fn may_become(self, to: Self) -> bool {
        use IntentState::{
            Accepted, Confirmed, Doubtful, Held, Intended, NotApplied, NotSent, Rejected, Sending,
        };
        match self {
            Intended => matches!(to, Sending | NotSent | NotApplied | Held),
            // Back, where it was only marked. Straight to a resolution: after a crash there
            // is no answer to come.
            Sending => matches!(
                to,
                Intended | Accepted | Doubtful | NotSent | Confirmed | NotApplied | Held
            ),
            // Accepted and yet not applied happens: the answer came from a cache, or a
            // person undid it.
            Accepted => matches!(to, Confirmed | NotApplied | Held),
            // What the PSA refused is in doubt until its line was read.
            Doubtful => matches!(to, Rejected | Confirmed | NotApplied | Held),
            NotSent | NotApplied => matches!(to, Sending),
            // By a person, or by a later reading that is clear.
            Held => matches!(to, Confirmed | NotApplied | Held),
            Rejected | Confirmed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x`: the row's state may become the column's.
    const TABLE: &str = "
                    intended sending accepted rejected doubtful not-sent confirmed not-applied held
        intended        .       x       .        .        .        x        .          x        x
        sending         x       .       x        .        x        x        x          x        x
        accepted        .       .       .        .        .        .        x          x        x
        rejected        .       .       .        .        .        .        .          .        .
        doubtful        .       .       .        x        .        .        x          x        x
        not-sent        .       x       .        .        .        .        .          .        .
        confirmed       .       .       .        .        .        .        .          .        .
        not-applied     .       x       .        .        .        .        .          .        .
        held            .       .       .        .        .        .        x          x        x
    ";

    #[test]
    fn an_intent_goes_only_where_the_table_says() {
        let mut rows = TABLE.lines().filter(|line| !line.trim().is_empty());
        let columns: Vec<IntentState> = rows
            .next()
            .unwrap()
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        assert_eq!(columns, IntentState::ALL);
        let mut seen = 0;
        for row in rows {
            let mut cells = row.split_whitespace();
            let from: IntentState = cells.next().unwrap().parse().unwrap();
            for (to, cell) in columns.iter().zip(cells) {
                assert_eq!(from.may_become(*to), cell == "x", "{from} to {to}");
                seen += 1;
            }
        }
        assert_eq!(seen, 81);
    }

    #[test]
    fn the_sql_list_names_the_open_states() {
        let open: Vec<String> = IntentState::ALL
            .iter()
            .filter(|state| state.is_open())
            .map(|state| format!("'{state}'"))
            .collect();
        assert_eq!(open.join(", "), OPEN_STATES);
    }

    #[test]
    fn nothing_that_may_be_applied_is_sent_again_without_being_read() {
        for state in IntentState::ALL {
            if state.may_be_applied() {
                assert!(!state.may_become(IntentState::Sending), "{state}");
            }
        }
    }
}
