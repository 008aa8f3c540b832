//! A count as files write it. Spreadsheets and programs that calculate in fractions write
//! 1015 as `1015.0`, people as `1,015`; each is read exactly or not at all.

use super::{Accepted, Cleaned, Doubt};

/// What a count is.
pub(crate) const COUNT_FIX: &str =
    "A count is a whole number from 0 to 4294967295; leave it out where it is not known.";

/// Why a text is no count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoCount {
    NotANumber,
    Negative,
    Fraction,
    TooMuch,
    /// `1,015`: a thousand and fifteen, or a little more than one.
    Ambiguous,
    /// `1.2E+07`: what a spreadsheet shows of a number that it has no room for.
    Shortened,
}

impl NoCount {
    /// The rule that it breaks.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::NotANumber => "which is not a number",
            Self::Negative => "which is negative",
            Self::Fraction => "which is not a whole number",
            Self::TooMuch => "which is more than a count can be",
            Self::Ambiguous => "which is thousands in some countries and a fraction in others",
            Self::Shortened => {
                "which a spreadsheet writes of a long number, without its last digits"
            }
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Shortened => Doubt::MayBeRounded.as_str(),
            _ => "bad-count",
        }
    }

    pub(crate) fn fix(self) -> &'static str {
        match self {
            Self::Ambiguous => "Write it without separators.",
            Self::Shortened => {
                "Format the column as a number without decimals and save the file again. If the \
                 count really is round, add `--accept may-be-rounded`."
            }
            _ => COUNT_FIX,
        }
    }
}

/// A JSON number. Programs write it in full, so that any that is whole is exact.
pub(crate) fn of_json(text: &str) -> Result<u32, NoCount> {
    let (sign, text) = signed(text);
    let (number, exponent) = scientific(text)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    exact(sign, whole, fraction, exponent)
}

/// A cell of a CSV file; none: it is empty.
pub(crate) fn of_cell(
    text: &str,
    accepted: Accepted,
    cleaned: &mut Cleaned,
) -> Result<Option<u32>, NoCount> {
    // No-break spaces set thousands apart.
    let plain = text.replace(['\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}'], " ");
    let plain = cleaned.text(&plain).map_err(|_| NoCount::NotANumber)?;
    if plain.is_empty() {
        return Ok(None);
    }
    let (sign, number) = signed(&plain);
    if let Ok((mantissa, exponent @ Some(_))) = scientific(number) {
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let count = exact(sign, whole, fraction, exponent)?;
        return match accepted.has(Doubt::MayBeRounded) {
            true => Ok(Some(count)),
            false => Err(NoCount::Shortened),
        };
    }
    let Number {
        whole,
        fraction,
        grouped,
    } = taken_apart(number)?;
    let count = exact(sign, &whole, &fraction, None)?;
    cleaned.grouped += usize::from(grouped);
    Ok(Some(count))
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// Mantissa and exponent.
fn scientific(text: &str) -> Result<(&str, Option<i64>), NoCount> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Ok((text, None));
    };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoCount::NotANumber);
    }
    // One that does not fit is far beyond any count, up or down.
    let most = if exponent.starts_with('-') {
        i64::MIN / 2
    } else {
        i64::MAX / 2
    };
    Ok((mantissa, Some(exponent.parse().unwrap_or(most))))
}

/// Digits around a decimal point that stands `exponent` places further on, as a whole
/// number. No arithmetic in fractions: they round.
fn exact(
    negative: bool,
    whole: &str,
    fraction: &str,
    exponent: Option<i64>,
) -> Result<u32, NoCount> {
    let of_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !of_digits(whole) || !of_digits(fraction) {
        return Err(NoCount::NotANumber);
    }
    if negative {
        return Err(NoCount::Negative);
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let leading = i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX);
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    // Digits before the point, of those that count.
    let places = length
        .saturating_add(exponent.unwrap_or(0))
        .saturating_sub(leading);
    let places = usize::try_from(places).map_err(|_| NoCount::Fraction)?;
    let behind = significant.get(places..).unwrap_or_default();
    if places == 0 || behind.bytes().any(|digit| digit != b'0') {
        return Err(NoCount::Fraction);
    }
    if places > 10 {
        return Err(NoCount::TooMuch);
    }
    let before = significant.get(..places).unwrap_or(significant);
    format!("{before:0<places$}")
        .parse()
        .map_err(|_| NoCount::TooMuch)
}

struct Number {
    whole: String,
    fraction: String,
    grouped: bool,
}

/// Take a number apart whose thousands may be set apart and whose decimal sign may be a
/// point or a comma.
fn taken_apart(text: &str) -> Result<Number, NoCount> {
    let apart = |c: char| matches!(c, ' ' | '\'' | '\u{2019}');
    let times = |wanted: char| text.matches(wanted).count();
    let spaced = text.contains(apart);
    let (decimal, group) = match (times('.'), times(',')) {
        (0, 0) => (None, None),
        (1, 0) | (0, 1) => {
            let sign = if times('.') == 1 { '.' } else { ',' };
            let (before, behind) = text.split_once(sign).unwrap_or((text, ""));
            let like_thousands =
                (1..=3).contains(&before.len()) && !before.starts_with('0') && behind.len() == 3;
            if like_thousands && !spaced {
                return Err(numeric(text, NoCount::Ambiguous));
            }
            (Some(sign), None)
        }
        (_, 0) => (None, Some('.')),
        (0, _) => (None, Some(',')),
        // Both: the last one is the decimal sign, and the other sets thousands apart.
        (points, commas) => {
            let point_last = text.rfind('.') > text.rfind(',');
            match (point_last, points, commas) {
                (true, 1, _) => (Some('.'), Some(',')),
                (false, _, 1) => (Some(','), Some('.')),
                _ => return Err(NoCount::NotANumber),
            }
        }
    };
    let (whole, fraction) = match decimal {
        Some(sign) => text.split_once(sign).unwrap_or((text, "")),
        None => (text, ""),
    };
    let grouped = group.is_some() || spaced;
    if grouped && !is_grouped(whole, |c| Some(c) == group || (group.is_none() && apart(c))) {
        return Err(NoCount::NotANumber);
    }
    let sets_apart = |c: &char| Some(*c) == group || apart(*c);
    Ok(Number {
        whole: whole.chars().filter(|c| !sets_apart(c)).collect(),
        fraction: fraction.to_owned(),
        grouped,
    })
}

/// One to three digits, and then three at a time.
fn is_grouped(text: &str, separates: impl Fn(char) -> bool) -> bool {
    let mut signs = text.chars().filter(|c| !c.is_ascii_digit());
    let first = signs.next();
    if first.is_some_and(|first| !separates(first)) || signs.any(|sign| Some(sign) != first) {
        return false;
    }
    let mut groups = text.split(|c: char| !c.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
}

/// The reason, if it is a number at all.
fn numeric(text: &str, why: NoCount) -> NoCount {
    let only = text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    if only { why } else { NoCount::NotANumber }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_exactly_or_refused_with_the_true_cause() {
        use NoCount::{Ambiguous, Fraction, Negative, NotANumber, Shortened, TooMuch};
        for (text, count) in [
            ("", Ok(None)),
            ("\u{200b}", Ok(None)),
            ("0", Ok(Some(0))),
            ("007", Ok(Some(7))),
            ("1015", Ok(Some(1015))),
            ("1015.0", Ok(Some(1015))),
            ("1015,00", Ok(Some(1015))),
            ("0.000", Ok(Some(0))),
            ("10\u{200b}15", Ok(Some(1015))),
            ("\u{feff}1015\u{a0}", Ok(Some(1015))),
            ("1\u{a0}015", Ok(Some(1015))),
            ("1 015,0", Ok(Some(1015))),
            ("1'015", Ok(Some(1015))),
            ("1\u{202f}015\u{202f}000", Ok(Some(1_015_000))),
            ("1,015,000", Ok(Some(1_015_000))),
            ("1.015.000", Ok(Some(1_015_000))),
            ("1,015.0", Ok(Some(1015))),
            ("1.015,0", Ok(Some(1015))),
            ("4294967295", Ok(Some(u32::MAX))),
            ("4294967296", Err(TooMuch)),
            ("99999999999999999999999999", Err(TooMuch)),
            ("1,015", Err(Ambiguous)),
            ("1.015", Err(Ambiguous)),
            ("12.000", Err(Ambiguous)),
            ("1015.5", Err(Fraction)),
            ("0,500", Err(Fraction)),
            ("-3", Err(Negative)),
            ("-3.5", Err(Negative)),
            ("1.2E+07", Err(Shortened)),
            ("1,2E+07", Err(Shortened)),
            ("1E2", Err(Shortened)),
            ("1.25E+01", Err(Fraction)),
            ("1E+99", Err(TooMuch)),
            ("1,01,5", Err(NotANumber)),
            ("1,015 000", Err(NotANumber)),
            ("1 01", Err(NotANumber)),
            ("1.0.1,0", Err(NotANumber)),
            ("twelve", Err(NotANumber)),
            ("12 users", Err(NotANumber)),
            ("1a,015", Err(NotANumber)),
            (".", Err(NotANumber)),
            (".5", Err(NotANumber)),
            ("E5", Err(NotANumber)),
            ("\u{661}\u{662}", Err(NotANumber)),
        ] {
            let read = of_cell(text, Accepted::default(), &mut Cleaned::default());
            assert_eq!(read, count, "{text:?}");
        }
        let accepted = Accepted::of(&[Doubt::MayBeRounded]);
        let round = of_cell("1.2E+07", accepted, &mut Cleaned::default());
        assert_eq!(round, Ok(Some(12_000_000)));
    }

    #[test]
    fn numbers_of_programs_are_whole_or_refused() {
        use NoCount::{Fraction, Negative, NotANumber, TooMuch};
        for (text, count) in [
            ("1015", Ok(1015)),
            ("1015.0", Ok(1015)),
            ("12.000", Ok(12)),
            ("1.2E+07", Ok(12_000_000)),
            ("1e2", Ok(100)),
            ("1500e-2", Ok(15)),
            ("0e999999999999999999999", Ok(0)),
            ("2.5", Err(Fraction)),
            ("1.00000000000000000000000000000000000001", Err(Fraction)),
            ("15e-1", Err(Fraction)),
            ("1e-999999999999999999999", Err(Fraction)),
            ("1e999999999999999999999", Err(TooMuch)),
            ("4294967296.0", Err(TooMuch)),
            ("-3", Err(Negative)),
            ("true", Err(NotANumber)),
            ("\"12\"", Err(NotANumber)),
            ("[1]", Err(NotANumber)),
        ] {
            assert_eq!(of_json(text), count, "{text}");
        }
    }
}
