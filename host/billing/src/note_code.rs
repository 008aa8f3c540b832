//! Codes of remarks: what a person should know of something that was done all the same. As
//! stable as those of errors; `docs/errors.md` has both lists.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::brake::BrakeCode;

macro_rules! note_codes {
    ($($variant:ident = $code:literal, $meaning:literal;)*) => {
        /// A stable code of a remark. See [`Self::meaning`] for what each says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the meaning stands in the table")]
        pub enum NoteCode {
            $($variant,)*
            /// What the next run will brake for.
            Brake(BrakeCode),
        }

        impl NoteCode {
            /// All that are documented here, in the order of the documentation. Brakes have
            /// a list of their own.
            pub const ALL: &'static [NoteCode] = &[$(NoteCode::$variant,)*];

            /// As it stands in remarks (`unknown-field`).
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Brake(code) => code.as_str(),
                }
            }

            /// What it says, in general.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                    Self::Brake(_) => "The next run will brake for it.",
                }
            }
        }
    };
}

note_codes! {
    CleanedCount = "cleaned-count",
        "Counts had their thousands set apart, and were taken as whole numbers.";
    CleanedName = "cleaned-name",
        "Names had control characters, and were taken without them.";
    CleanedText = "cleaned-text",
        "Ids or values had spaces around them or characters that nobody sees, and were taken without them.";
    ContractNotCovering = "contract-not-covering",
        "The contract that was chosen does not cover the present day: what is billed on it will be held.";
    ExclusionTooLarge = "exclusion-too-large",
        "More is excluded than the newest snapshot counts: the pair will be held.";
    Inactive = "inactive",
        "What was mapped is not active in the PSA: the pair will be held.";
    MayLeaveOrphans = "may-leave-orphans",
        "Mappings went or changed whose lines keep the units that were posted: correct them in the PSA.";
    NamesLeftOut = "names-left-out",
        "The PSA could not be asked for its names, so the file has ids alone.";
    NoCounts = "no-counts",
        "Rows have neither users nor devices: their pairs will be held.";
    NoParent = "no-parent",
        "A child workspace has no parent: it is in no channel's tree, and nobody bills it.";
    NotSafe = "not-safe",
        "Proposals that are no longer safe were left out.";
    NotWhole = "not-whole",
        "The file says itself that it is a page or a part: nothing is posted from it.";
    NumberAsId = "number-as-id",
        "Ids stood as numbers in the file, and were taken as text.";
    ParentOutside = "parent-outside",
        "The parent of a channel is not in the list.";
    UnknownField = "unknown-field",
        "The file has a field that nobody knows; it was not used.";
    UnknownModule = "unknown-module",
        "A module is not known to this version. Its counts are kept; it can be mapped by its id.";
    UnknownStatus = "unknown-status",
        "A workspace has a status that is not known to this version: it is not billed.";
}

impl From<BrakeCode> for NoteCode {
    fn from(code: BrakeCode) -> Self {
        Self::Brake(code)
    }
}

impl fmt::Display for NoteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for NoteCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for NoteCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let named = Self::ALL
            .iter()
            .copied()
            .find(|code| *code == *text.as_str());
        named
            .or_else(|| text.parse().ok().map(Self::Brake))
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no code of a remark")))
    }
}

impl PartialEq<str> for NoteCode {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == text
    }
}

impl PartialEq<&str> for NoteCode {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn every_remark_has_a_code_of_its_own_and_is_read_as_it_is_written() {
        for code in NoteCode::ALL {
            let same = NoteCode::ALL
                .iter()
                .filter(|other| other.as_str() == code.as_str());
            assert_eq!(same.count(), 1, "{code}");
            assert!(code.meaning().ends_with('.'), "{code}");
            let written = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<NoteCode>(&written).unwrap(), *code);
        }
        let brake = NoteCode::from(BrakeCode::WorkspacesUnread);
        let written = serde_json::to_string(&brake).unwrap();
        assert_eq!(serde_json::from_str::<NoteCode>(&written).unwrap(), brake);
        assert!(serde_json::from_str::<NoteCode>("\"no-such-remark\"").is_err());
    }

    #[test]
    fn a_remark_whose_code_is_an_errors_too_says_the_same_fact() {
        let both = |code: &&NoteCode| ErrorCode::named(code.as_str()).is_some();
        let both: Vec<&str> = NoteCode::ALL
            .iter()
            .filter(both)
            .map(|code| code.as_str())
            .collect();
        // What refuses a file of mappings is told of one of counts or workspaces, from which
        // nothing is posted then.
        assert_eq!(both, ["not-whole", "unknown-module"]);
    }
}
