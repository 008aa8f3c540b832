//! The numbers by which records are known, and how people see them: `r-000123`.

use std::fmt;
use std::str::FromStr;

use crate::LedgerError;

/// A number with its letter; the zeros may be left out where one is typed.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) i64);

        impl $name {
            pub(crate) fn not_found(self) -> LedgerError {
                not_found($what, self.to_string())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!($prefix, "{:06}"), self.0))
            }
        }

        impl FromStr for $name {
            type Err = LedgerError;
            fn from_str(text: &str) -> Result<Self, LedgerError> {
                let number = number_after($prefix, text);
                number.map(Self).ok_or_else(|| not_found($what, text.to_owned()))
            }
        }
    };
}

number!(
    /// A run's number, shown as `r-000123`.
    RunId, "r-", "run"
);
number!(
    /// A usage snapshot's number, shown as `u-000123`.
    SnapshotId, "u-", "usage snapshot"
);
number!(
    /// A question's number, shown as `q-000123`.
    QuestionId, "q-", "question"
);
number!(
    /// A count exclusion's number, shown as `e-000123`.
    ExclusionId, "e-", "exclusion"
);

/// An intent's number. People know an adjustment by its run and line, so it has no letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntentId(pub(crate) i64);

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn not_found(what: &'static str, id: String) -> LedgerError {
    LedgerError::NotFound { what, id }
}

fn number_after(prefix: &str, text: &str) -> Option<i64> {
    let digits = text.strip_prefix(prefix)?;
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_with_its_letter_and_read_with_or_without_the_zeros() {
        assert_eq!(RunId(123).to_string(), "r-000123");
        for (text, number) in [
            ("r-000123", Some(123)),
            ("r-123", Some(123)),
            ("u-000123", None),
            ("r-", None),
            ("r--1", None),
            ("r-+1", None),
            ("r-99999999999999999999", None),
        ] {
            let read: Result<RunId, _> = text.parse();
            assert_eq!(read.ok().map(|id| id.0), number, "{text}");
        }
    }
}
