//! Lines that fit the terminal.

use std::borrow::Cow;
use std::io::IsTerminal;

/// Narrower is no terminal that a person reads on.
const NARROWEST: u16 = 40;

/// Stands for a space that no line is broken at.
const WHOLE: char = '\u{a0}';

/// How wide standard output is: what `COLUMNS` says where it is set (and exported), else
/// the terminal; none where it is no terminal.
pub(super) fn of_terminal() -> Option<u16> {
    let told = std::env::var("COLUMNS").ok();
    let told = told.and_then(|text| text.parse().ok());
    let seen = || {
        let terminal = std::io::stdout().is_terminal();
        terminal
            .then(|| comfy_table::Table::new().width())
            .flatten()
    };
    told.or_else(seen).filter(|width| *width >= NARROWEST)
}

/// The text in lines that fit, those after the first further in. What stands between
/// backticks is to be copied, so it is never broken.
pub(super) fn wrapped(text: &str, width: Option<u16>) -> Cow<'_, str> {
    let Some(width) = width else {
        return Cow::Borrowed(text);
    };
    let width = usize::from(width);
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let begin = text.len() - text.trim_start().len();
    let (first, rest) = (" ".repeat(begin), " ".repeat(begin + 2));
    let options = textwrap::Options::new(width)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    let lines = textwrap::wrap(&with_whole_commands(&text[begin..]), options).join("\n");
    Cow::Owned(lines.replace(WHOLE, " "))
}

/// Spaces between backticks as spaces that do not break.
fn with_whole_commands(text: &str) -> String {
    let mut within = false;
    text.chars()
        .map(|c| {
            within ^= c == '`';
            match c {
                ' ' if within => WHOLE,
                c => c,
            }
        })
        .collect()
}

/// `ws-17 (Acme)`; the id alone where nothing else is known or it is called by its id.
pub fn named(id: impl ToString, name: Option<&str>) -> String {
    let id = id.to_string();
    match name {
        Some(name) if name != id && !name.is_empty() => format!("{id} ({name})"),
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_below_and_what_can_be_pasted_stays_whole() {
        let text = "  fix: Map it with `psa-host map account acme ws-17 ACCOUNT`, then sync again.";
        assert_eq!(
            wrapped(text, Some(50)),
            "  fix: Map it with\n    `psa-host map account acme ws-17 ACCOUNT`,\n    then sync again."
        );
        assert_eq!(wrapped(text, None), text);
        assert_eq!(wrapped("short", Some(50)), "short");
    }

    #[test]
    fn a_name_stands_beside_its_id_where_it_says_more() {
        assert_eq!(named("ws-17", Some("Acme")), "ws-17 (Acme)");
        assert_eq!(named("edr", Some("edr")), "edr");
        assert_eq!(named("ws-17", None), "ws-17");
    }
}
