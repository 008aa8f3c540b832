//! What looks damaged and may be right all the same: a person is asked, because only the
//! person can know. Until then it is refused.

use std::fmt;

/// A question about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The last line has no line end: the file may go on where it came from.
    MayBeCut,
    /// An id looks like a number that a spreadsheet or a program rounded.
    MayBeRounded,
}

impl Doubt {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::MayBeCut, Self::MayBeRounded];

    /// The code of the refusal, and the word that answers it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MayBeCut => "may-be-cut",
            Self::MayBeRounded => "may-be-rounded",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The doubts that a person has answered for one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    cut: bool,
    rounded: bool,
}

impl Accepted {
    pub(crate) fn of(doubts: &[Doubt]) -> Self {
        Self {
            cut: doubts.contains(&Doubt::MayBeCut),
            rounded: doubts.contains(&Doubt::MayBeRounded),
        }
    }

    pub(crate) fn has(self, doubt: Doubt) -> bool {
        match doubt {
            Doubt::MayBeCut => self.cut,
            Doubt::MayBeRounded => self.rounded,
        }
    }
}

/// A spreadsheet keeps 15 digits of a number and writes zeros for the rest.
const EXACT_DIGITS: usize = 15;

/// The largest whole number up to which every program that calculates in floating point
/// (JavaScript, jq, spreadsheets) still knows each one: 2^53 - 1.
const MOST_EXACT: u64 = 9_007_199_254_740_991;

/// What to do about [`doubtful_id`].
pub(crate) const DOUBTFUL_ID_FIX: &str = "Write the whole id, as text (in a spreadsheet, format \
    the cells as text first). If it really is the id, add `--accept may-be-rounded`.";

/// That an id may not be the one that was meant, where nobody said that it is; the code
/// is that of [`Doubt::MayBeRounded`].
pub(crate) fn doubtful_id(text: &str, as_number: bool, accepted: Accepted) -> Option<String> {
    let why = rounded(text, as_number).filter(|_| !accepted.has(Doubt::MayBeRounded))?;
    let short: String = text.chars().take(60).collect();
    Some(format!("{short:?} may not be the whole id: {why}"))
}

fn rounded(text: &str, as_number: bool) -> Option<&'static str> {
    if is_scientific(text) {
        return Some("a spreadsheet writes long numbers like this and drops digits");
    }
    let digits = text.trim_start_matches('0');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let beyond = digits.get(EXACT_DIGITS..).unwrap_or_default();
    if !beyond.is_empty() && beyond.bytes().all(|byte| byte == b'0') {
        return Some("a spreadsheet keeps 15 digits and writes zeros for the others");
    }
    let exact = || {
        digits
            .parse::<u64>()
            .is_ok_and(|number| number <= MOST_EXACT)
    };
    (as_number && !exact()).then_some("many programs round a number that is as long as this")
}

/// `1.01E+05`, `1E+14`, `1,01E+05`. Without a sign (`1E5`) no spreadsheet writes it, and
/// it may well be an id.
fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = match number.split_once(['.', ',']) {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(number),
    };
    mantissa && exponent.strip_prefix(['+', '-']).is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_a_spreadsheet_rounded_are_told_from_those_that_only_look_like_numbers() {
        for (id, text, number) in [
            ("1.01E+05", true, true),
            ("1,01E+05", true, true),
            ("1E+14", true, true),
            ("1e-05", true, true),
            ("9007199254740990", true, true),
            ("9007199254740000", true, true),
            ("123456789012345000000", true, true),
            // As it was, and as a program with floating point wrote it.
            ("9007199254740993", false, true),
            ("9007199254740992", false, true),
            ("9007199254740991", false, false),
            ("900000000000000", false, false),
            ("12000000000", false, false),
            ("0000000000000000", false, false),
            ("00000000000012000", false, false),
            ("1E5", false, false),
            ("12E4F0", false, false),
            ("E+5", false, false),
            ("a1E+05", false, false),
            ("ws-17", false, false),
        ] {
            let asked = |as_number| doubtful_id(id, as_number, Accepted::default()).is_some();
            assert_eq!((asked(false), asked(true)), (text, number), "{id}");
            let accepted = Accepted::of(&[Doubt::MayBeRounded]);
            assert_eq!(doubtful_id(id, true, accepted), None, "{id}");
            let other = Accepted::of(&[Doubt::MayBeCut]);
            assert_eq!(doubtful_id(id, true, other).is_some(), number, "{id}");
        }
    }
}
