//! Units that somebody else changed in the PSA: a person decides once, for a line. What
//! is decided about certain units is used up by the next change of the line; a pin stays
//! until it is released.

use serde::{Deserialize, Serialize};

use crate::Units;

/// What a person decided for a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stance", rename_all = "kebab-case")]
pub enum Stance {
    /// The PSA's units are right for the present count: they stay until the count
    /// changes. Then the new count is posted.
    Adopt {
        /// Units on the line when it was decided.
        units: Units,
        /// Units that the counts asked for then.
        target: Units,
    },
    /// The counts are right: exactly these foreign units may be overwritten.
    Overwrite {
        /// Units on the line when it was decided.
        units: Units,
    },
    /// The line stays as it is in the PSA, whatever the counts, until it is released.
    Pin {
        /// Why.
        why: String,
    },
}

/// What a stance makes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It is left as it is.
    Leave,
    /// It is planned, and these units are nobody's surprise.
    Plan,
    /// It is planned, and units that were not confirmed are still a foreign edit.
    Compare,
}

impl Stance {
    /// What it makes of a line with these units, where the counts ask for that target.
    pub fn treatment(&self, units: Units, target: Option<Units>) -> Treatment {
        match self {
            Self::Pin { .. } => Treatment::Leave,
            Self::Overwrite { units: seen } if *seen == units => Treatment::Plan,
            Self::Adopt {
                units: seen,
                target: then,
            } if *seen == units => {
                if target == Some(*then) {
                    Treatment::Leave
                } else {
                    Treatment::Plan
                }
            }
            // Changed once more since: a new surprise.
            _ => Treatment::Compare,
        }
    }

    /// Whether a confirmed change of the line uses it up: it was about the units from
    /// before, and the same units made again are a new surprise.
    pub fn is_used_up_by_a_change(&self) -> bool {
        match self {
            Self::Adopt { .. } | Self::Overwrite { .. } => true,
            Self::Pin { .. } => false,
        }
    }

    /// As it stands in lists.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Adopt { .. } => "adopt",
            Self::Overwrite { .. } => "overwrite",
            Self::Pin { .. } => "pin",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_decision_holds_for_the_units_it_was_made_for() {
        let adopt = Stance::Adopt {
            units: 7.into(),
            target: 11.into(),
        };
        let overwrite = Stance::Overwrite { units: 7.into() };
        let pin = Stance::Pin {
            why: "a gift".into(),
        };
        let table = [
            (
                "adopted, and the count is the same",
                &adopt,
                7,
                11,
                Treatment::Leave,
            ),
            (
                "adopted, and the count has changed",
                &adopt,
                7,
                12,
                Treatment::Plan,
            ),
            (
                "adopted, and changed again in the PSA",
                &adopt,
                8,
                11,
                Treatment::Compare,
            ),
            ("to be overwritten", &overwrite, 7, 11, Treatment::Plan),
            (
                "to be overwritten, and changed again",
                &overwrite,
                8,
                11,
                Treatment::Compare,
            ),
            ("pinned", &pin, 7, 11, Treatment::Leave),
            (
                "pinned, and changed in the PSA",
                &pin,
                99,
                11,
                Treatment::Leave,
            ),
        ];
        for (case, stance, units, target, expected) in table {
            let units: u32 = units;
            let target: u32 = target;
            assert_eq!(
                stance.treatment(units.into(), Some(target.into())),
                expected,
                "{case}"
            );
        }
    }

    proptest! {
        /// A decision is about the units that a person saw: with any others nothing but a pin
        /// still counts, and an adopted line is planned only for another count.
        #[test]
        fn a_decision_never_covers_units_that_nobody_looked_at(
            seen in 0_u32..5, count in 0_u32..5, now in 0_u32..5, target in prop::option::of(0_u32..5),
        ) {
            let target = target.map(Units::from);
            let adopt = Stance::Adopt { units: seen.into(), target: count.into() };
            let overwrite = Stance::Overwrite { units: seen.into() };
            let pin = Stance::Pin { why: "a gift".into() };
            prop_assert_eq!(pin.treatment(now.into(), target), Treatment::Leave);
            for stance in [&adopt, &overwrite] {
                let then = stance.treatment(now.into(), target);
                prop_assert_eq!(then == Treatment::Compare, seen != now);
            }
            if adopt.treatment(now.into(), target) == Treatment::Leave {
                prop_assert_eq!(target, Some(count.into()));
            }
        }
    }
}
