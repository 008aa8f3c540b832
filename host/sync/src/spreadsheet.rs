//! Cells that no spreadsheet calculates. A program that opens a CSV file may separate it
//! by other characters than the file was written with. Then a formula begins in the
//! middle of a cell (`Acme;=1+1`), and our quotes do not hold it back: a quote counts only
//! at the start of what that program takes for a cell.

use std::borrow::Cow;

/// What a spreadsheet calculates where a cell begins with it; the last four are the
/// full-width forms.
const FORMULA: [char; 8] = [
    '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// What may separate cells or rows. The comma is not among them: a cell that has one is
/// quoted, which holds wherever commas separate.
const SEPARATORS: [char; 10] = [
    ';', '\t', '|', '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
];

/// A cell with an apostrophe wherever a formula could begin, and wherever
/// [`as_meant`] would take one off that is not ours.
pub(crate) fn harmless(cell: &str) -> Cow<'_, str> {
    let begins = |text: &str| text.starts_with('\'') || begins_formula(text);
    if !begins(cell) && !cell.contains(SEPARATORS) {
        return Cow::Borrowed(cell);
    }
    let mut written = String::with_capacity(cell.len() + 2);
    if cell.starts_with(SEPARATORS) {
        written.push('\'');
    }
    for part in cell.split_inclusive(SEPARATORS) {
        if begins(part) {
            written.push('\'');
        }
        written.push_str(part);
    }
    Cow::Owned(written)
}

/// What was meant by a cell: without the apostrophes of [`harmless`]. At the start any
/// one goes, because people write it there to make a number a text.
pub(crate) fn as_meant(cell: &str) -> Cow<'_, str> {
    let rest = cell.strip_prefix('\'').unwrap_or(cell);
    if !rest.contains(SEPARATORS) {
        return Cow::Borrowed(rest);
    }
    let mut meant = String::with_capacity(rest.len());
    for (at, part) in rest.split_inclusive(SEPARATORS).enumerate() {
        let marked = part
            .strip_prefix('\'')
            .filter(|behind| at > 0 && (behind.starts_with('\'') || begins_formula(behind)));
        meant.push_str(marked.unwrap_or(part));
    }
    Cow::Owned(meant)
}

/// Behind quotes and spaces, which some programs pass over.
fn begins_formula(text: &str) -> bool {
    let passed_over = ['"', ' ', '\u{a0}', '\u{3000}'];
    text.trim_start_matches(passed_over).starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_apostrophe_stands_wherever_a_formula_could_begin() {
        for (cell, written) in [
            ("", ""),
            ("Acme", "Acme"),
            ("Acme, =1", "Acme, =1"),
            ("a=1+1", "a=1+1"),
            ("well-known; a-b", "well-known; a-b"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            (" =1", "' =1"),
            ("\"=1\"", "'\"=1\""),
            ("'=1", "''=1"),
            ("Acme;=1+1", "Acme;'=1+1"),
            ("Acme; \"=1+1", "Acme;' \"=1+1"),
            ("Acme;;@x;y", "Acme;;'@x;y"),
            ("Acme|-1", "Acme|'-1"),
            ("Acme\t+1", "Acme\t'+1"),
            ("Acme\n=1\r\n=2\r=3", "Acme\n'=1\r\n'=2\r'=3"),
            ("Acme\u{2028}=1", "Acme\u{2028}'=1"),
            ("\t=1", "'\t'=1"),
            ("a;'b", "a;''b"),
        ] {
            assert_eq!(harmless(cell), written, "{cell:?}");
            assert_eq!(as_meant(&harmless(cell)), cell, "{cell:?}");
        }
    }

    #[test]
    fn what_a_person_wrote_keeps_its_apostrophes_but_the_first() {
        for (cell, meant) in [
            ("'00042", "00042"),
            ("O'Neil", "O'Neil"),
            ("a;'b", "a;'b"),
            ("''x", "'x"),
        ] {
            assert_eq!(as_meant(cell), meant);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_no_part_of_it_begins_a_formula(
            cell in r#"[ab;|'"=+@ \t\n\r-]{0,12}"#
        ) {
            let written = harmless(&cell).into_owned();
            prop_assert_eq!(as_meant(&written), cell);
            for part in written.split(SEPARATORS) {
                let part = part.trim_matches(['"', ' ']);
                prop_assert!(!part.starts_with(['=', '+', '-', '@']), "{:?}", written);
            }
        }
    }
}
