//! What an import takes otherwise than it was written, so that a person is told: ids that
//! came as numbers, characters that nobody sees, thousands that are set apart.

use std::borrow::Cow;
use std::collections::BTreeSet;

use psa_host_billing::NoteCode;

use crate::Note;

/// What was cleaned in one file.
#[derive(Debug, Default)]
pub(crate) struct Cleaned {
    /// Ids that came as JSON numbers.
    pub(crate) numbers: usize,
    /// Ids in quotes that had spaces around them.
    pub(crate) spaced: usize,
    /// Texts that lost something.
    texts: usize,
    /// The characters that they lost.
    lost: BTreeSet<char>,
    /// Counts whose thousands were set apart.
    pub(crate) grouped: usize,
    /// Names that had control characters.
    pub(crate) names: Vec<String>,
}

/// Names that a note shows.
const MOST_NAMES: usize = 5;

impl Cleaned {
    /// A text that a program compares: an id, a word, a number. What nobody sees is taken
    /// out of it, and spaces off its ends.
    ///
    /// # Errors
    /// White space inside that looks like a space and is none: whether one was meant would
    /// be a guess.
    pub(crate) fn text<'t>(&mut self, text: &'t str) -> Result<Cow<'t, str>, String> {
        // Almost every text: nothing to look at closely.
        if text.is_ascii() {
            return Ok(Cow::Borrowed(text.trim()));
        }
        let lost = |c: &char| is_invisible(*c);
        let mut clean = Cow::Borrowed(text);
        if text.contains(is_invisible) {
            self.lost.extend(text.chars().filter(lost));
            clean = Cow::Owned(text.chars().filter(|c| !lost(c)).collect());
        }
        let trimmed = clean.trim();
        let ends = clean.chars().filter(|c| is_odd_space(*c)).count();
        let inside = trimmed.chars().find(|c| is_odd_space(*c));
        if let Some(odd) = inside {
            let code = u32::from(odd);
            return Err(format!(
                "has a white space inside that is not the usual one (U+{code:04X})"
            ));
        }
        if ends > 0 {
            self.lost.extend(clean.chars().filter(|c| is_odd_space(*c)));
        }
        self.texts += usize::from(ends > 0 || clean.len() != text.len());
        Ok(match clean {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })
    }

    /// A name without its control characters.
    pub(crate) fn name(&mut self, text: &str) -> String {
        let spaced = text.replace(char::is_control, " ");
        let clean = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
        self.names.push(clean.clone());
        clean
    }

    /// One note of each kind.
    pub(crate) fn notes(self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.numbers > 0 {
            let message = format!("{} ids are numbers; they were taken as text", self.numbers);
            notes.push(Note::new(NoteCode::NumberAsId, message));
        }
        if self.spaced > 0 {
            let message = format!(
                "{} had spaces around them; they were taken without them",
                plural(self.spaced, "id", "ids")
            );
            notes.push(Note::new(NoteCode::CleanedText, message));
        }
        if self.texts > 0 {
            let lost: Vec<String> = self.lost.iter().map(|c| described(*c)).collect();
            let message = format!(
                "{} had characters that nobody sees ({}); they were taken without them",
                plural(self.texts, "value", "values"),
                lost.join(", ")
            );
            notes.push(Note::new(NoteCode::CleanedText, message));
        }
        if self.grouped > 0 {
            let message = format!(
                "{} had thousands set apart; they were taken as whole numbers",
                plural(self.grouped, "count", "counts")
            );
            notes.push(Note::new(NoteCode::CleanedCount, message));
        }
        if !self.names.is_empty() {
            let shown: Vec<String> = self
                .names
                .iter()
                .take(MOST_NAMES)
                .map(|name| short(name))
                .collect();
            let more = self.names.len().saturating_sub(shown.len());
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let message = format!(
                "{} had control characters; they were taken without them: {}{more}",
                plural(self.names.len(), "name", "names"),
                shown.join(", ")
            );
            notes.push(Note::new(NoteCode::CleanedName, message));
        }
        notes
    }
}

fn short(name: &str) -> String {
    let short: String = name.chars().take(40).collect();
    format!("{short:?}")
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Characters that no font shows: zero-width spaces and joiners, marks of direction, byte
/// order marks in the middle of a text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// White space that is neither a plain space nor a control character.
fn is_odd_space(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii()
}

fn described(c: char) -> String {
    let code = u32::from(c);
    let name = match c {
        '\u{200b}' => " zero-width space",
        '\u{feff}' => " byte order mark",
        '\u{a0}' | '\u{202f}' => " no-break space",
        '\u{ad}' => " soft hyphen",
        _ => "",
    };
    format!("U+{code:04X}{name}")
}

/// Whether the title of a column is this name: `PSA ID`, `psa-id` and `PsaId` are `psa_id`.
pub(crate) fn is_column(title: &str, name: &str) -> bool {
    let letters = |text: &str| -> String {
        let letters = text
            .chars()
            .filter(|c| !c.is_whitespace() && !is_invisible(*c) && !matches!(*c, '_' | '-' | '.'));
        letters.flat_map(char::to_lowercase).collect()
    };
    letters(title) == letters(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_taken_out_and_told() {
        for (text, clean, told) in [
            ("ws-17", "ws-17", false),
            ("  ws 17\t", "ws 17", false),
            ("Zoë", "Zoë", false),
            ("ws\u{200b}-17", "ws-17", true),
            ("\u{feff}ws-17\u{200e}", "ws-17", true),
            ("\u{a0}ws-17\u{202f}", "ws-17", true),
        ] {
            let mut cleaned = Cleaned::default();
            assert_eq!(cleaned.text(text).unwrap(), clean, "{text:?}");
            let codes: Vec<&str> = cleaned
                .notes()
                .iter()
                .map(|note| note.code.as_str())
                .collect();
            let expected: &[&str] = if told { &["cleaned-text"] } else { &[] };
            assert_eq!(codes, expected, "{text:?}");
        }
        let inside = Cleaned::default().text("ws\u{a0}17").unwrap_err();
        assert_eq!(
            inside,
            "has a white space inside that is not the usual one (U+00A0)"
        );
    }

    #[test]
    fn titles_of_columns_are_compared_by_their_letters() {
        for title in [
            "psa_id",
            "PSA ID",
            "Psa-Id",
            "PsaId",
            "\u{feff}psa_id",
            "psa\u{a0}id",
        ] {
            assert!(is_column(title, "psa_id"), "{title:?}");
        }
        assert!(!is_column("psa ids", "psa_id"));
        assert!(!is_column("", "psa_id"));
    }
}
