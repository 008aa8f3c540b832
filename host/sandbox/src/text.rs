//! Text from a guest, made fit to be kept: bounded, and without anything that would
//! move a cursor, colour a terminal or turn a line around.

/// Characters kept of a name or a title.
pub(crate) const MAX_NAME: usize = 500;
/// Characters kept of a sentence, a description or the PSA's own words.
pub(crate) const MAX_WORDS: usize = 2_000;
/// Longest link kept, in bytes.
pub(crate) const MAX_LINK: usize = 2_048;

/// Whether a character does something instead of showing something, or shows nothing, so
/// that two names look the same: controls, line separators, marks that turn the reading
/// direction, what has no width, fillers that look like a space, and tags. (Unicode calls
/// most of them default ignorable. The selectors of emoji are left alone.)
pub fn is_mischief(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// At most `max` characters and an ellipsis; each character of mischief shown as
/// `\u{1b}`, line ends and tabs as a space.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    let mut room = max;
    for c in text.chars() {
        let shown = match c {
            '\n' | '\r' | '\t' => " ".to_owned(),
            c if is_mischief(c) => c.escape_unicode().to_string(),
            c => {
                if room == 0 {
                    out.push('…');
                    break;
                }
                room -= 1;
                out.push(c);
                continue;
            }
        };
        if shown.len() > room {
            out.push('…');
            break;
        }
        room -= shown.len();
        out.push_str(&shown);
    }
    out
}

/// [`clean`] for a name.
pub(crate) fn name(text: &str) -> String {
    clean(text, MAX_NAME)
}

/// [`clean`] for a sentence.
pub(crate) fn words(text: &str) -> String {
    clean(text, MAX_WORDS)
}

/// An https address without credentials, or nothing.
pub(crate) fn link(text: Option<String>) -> Option<String> {
    let text = text.filter(|text| text.len() <= MAX_LINK)?;
    let url = url::Url::parse(&text).ok()?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    (plain && url.host_str().is_some()).then(|| String::from(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_are_shown_instead_of_obeyed() {
        assert_eq!(clean("a\u{1b}[31mb", 50), "a\\u{1b}[31mb");
        assert_eq!(clean("a\u{202e}b\nc", 50), "a\\u{202e}b c");
        assert_eq!(clean("Ac\u{200b}me\u{2060}", 50), "Ac\\u{200b}me\\u{2060}");
        assert_eq!(clean("A\u{3164}\u{e0041}", 50), "A\\u{3164}\\u{e0041}");
        assert_eq!(clean("Größe ❤\u{fe0f}", 50), "Größe ❤\u{fe0f}");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
        assert_eq!(clean(&"\u{1b}".repeat(100), 15), "\\u{1b}\\u{1b}…");
    }

    #[test]
    fn only_https_links_are_kept() {
        let keep = |text: &str| link(Some(text.to_owned()));
        assert_eq!(
            keep("https://a.example/x"),
            Some("https://a.example/x".to_owned())
        );
        assert_eq!(keep("http://a.example/x"), None);
        assert_eq!(keep("javascript:alert(1)"), None);
        assert_eq!(keep("https://user:pass@a.example/"), None);
        assert_eq!(
            keep(&format!("https://a.example/{}", "x".repeat(3_000))),
            None
        );
    }
}
