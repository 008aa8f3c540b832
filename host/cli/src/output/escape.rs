//! Hostile text made harmless for a terminal: nothing moves the cursor, colours the
//! screen or turns a line around; what would is shown as its code.

use std::borrow::Cow;

use psa_host_sandbox::is_mischief;

/// The text on one line, with only characters that show themselves.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_mischief) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_mischief(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_shows_its_codes_and_acts_on_nothing() {
        let cases = [
            ("plain ünï 漢字 🙂", "plain ünï 漢字 🙂"),
            ("red\u{1b}[31m", "red\\u{1b}[31m"),
            ("a\nb\r\nc\td", "a b  c d"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("c1\u{9b}31m", "c1\\u{9b}31m"),
            ("Ac\u{2060}me\u{3164}", "Ac\\u{2060}me\\u{3164}"),
            ("bell\u{7}", "bell\\u{7}"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected);
        }
    }
}
