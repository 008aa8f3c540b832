//! A text with one layer of escapes taken off, as JSON, HTML and URLs put them on, and the
//! way back from a place in it to the place in the text as it came.
//!
//! Every escape is one unit, and all kinds are taken off at once: what a text is escaped
//! for cannot be told from the outside, and servers mix them.

use std::ops::Range;

/// Longest name of an HTML entity looked at; the longest there is has 31 letters.
const LONGEST_NAME: usize = 32;

/// Escapes of one shape, one right after the other: where the first stood, and where it
/// went. Runs, because a hostile text can be nothing but escapes.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: usize,
    at: usize,
    count: usize,
    /// Of each, as it stood.
    length: usize,
    /// Of each, as it became.
    out: usize,
}

impl Run {
    fn source_end(&self) -> usize {
        self.from + self.count * self.length
    }

    fn end(&self) -> usize {
        self.at + self.count * self.out
    }

    /// The source of the escape that holds this place of the source.
    fn escape_around(&self, place: usize) -> Range<usize> {
        let start = place - (place - self.from) % self.length;
        start..start + self.length
    }
}

/// A text without its outermost layer of escapes.
#[derive(Debug)]
pub(super) struct Unescaped {
    pub bytes: Vec<u8>,
    runs: Vec<Run>,
}

/// What an escape stands for.
enum Meaning {
    Byte(u8),
    Char(char),
}

/// Take one layer off; none where there is no escape.
pub(super) fn unescape(text: &[u8]) -> Option<Unescaped> {
    let mut out = Unescaped {
        bytes: Vec::new(),
        runs: Vec::new(),
    };
    let mut foreign = not_utf8(text).peekable();
    let next_escape = |at: usize| {
        let found = memchr::memchr3(b'\\', b'&', b'%', &text[at..]);
        found.map(|found| at + found)
    };
    let (mut at, mut kept, mut escape_at) = (0, 0, next_escape(0));
    loop {
        if escape_at.is_some_and(|here| here < at) {
            escape_at = next_escape(at);
        }
        let foreign_at = foreign.peek().copied();
        let (from, meant) = match (escape_at, foreign_at) {
            (None, None) => break,
            (Some(here), there) if there.is_none_or(|there| here < there) => {
                (here, escape(&text[here..]))
            }
            (_, Some(there)) => {
                foreign.next();
                (there, Some((1, Meaning::Char(western(text[there])))))
            }
            (Some(here), None) => (here, escape(&text[here..])),
        };
        let Some((length, meaning)) = meant else {
            at = from + 1;
            continue;
        };
        out.bytes.extend_from_slice(&text[kept..from]);
        out.push(from, length, &meaning);
        at = from + length;
        kept = at;
    }
    if out.runs.is_empty() {
        return None;
    }
    out.bytes.extend_from_slice(&text[kept..]);
    Some(out)
}

/// The places of bytes that are no UTF-8.
fn not_utf8(text: &[u8]) -> impl Iterator<Item = usize> {
    // Nearly every text is, and this is several times faster than looking piece by piece.
    let text = match std::str::from_utf8(text) {
        Ok(_) => &[],
        Err(_) => text,
    };
    let mut at = 0;
    text.utf8_chunks().flat_map(move |chunk| {
        let start = at + chunk.valid().len();
        at = start + chunk.invalid().len();
        start..at
    })
}

/// The escape that a text begins with: its length, and what it stands for.
fn escape(text: &[u8]) -> Option<(usize, Meaning)> {
    match text {
        [b'\\', b'u', ..] => {
            let (length, unit) = (6, number(text.get(2..6)?, 16)?);
            if let Some(c) = char::from_u32(unit) {
                return Some((length, Meaning::Char(c)));
            }
            // Half of a pair; without the other half it stands for nothing.
            let [b'\\', b'u', low @ ..] = text.get(6..12)? else {
                return None;
            };
            let pair = [
                u16::try_from(unit).ok()?,
                u16::try_from(number(low, 16)?).ok()?,
            ];
            let c = char::decode_utf16(pair).next()?.ok()?;
            Some((12, Meaning::Char(c)))
        }
        [b'\\', b'x', a, b, ..] => {
            let code = number(&[*a, *b], 16)?;
            Some((4, Meaning::Char(char::from_u32(code)?)))
        }
        [b'\\', short, ..] => {
            let c = match short {
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'"' | b'\\' | b'/' | b'\'' => char::from(*short),
                _ => return None,
            };
            Some((2, Meaning::Char(c)))
        }
        [b'%', b'u' | b'U', rest @ ..] => {
            let code = number(rest.get(..4)?, 16)?;
            Some((6, Meaning::Char(char::from_u32(code)?)))
        }
        [b'%', a, b, ..] => {
            let code = number(&[*a, *b], 16)?;
            Some((3, Meaning::Byte(u8::try_from(code).ok()?)))
        }
        [b'&', b'#', rest @ ..] => numeric_entity(rest),
        [b'&', rest @ ..] => named_entity(rest),
        _ => None,
    }
}

/// Digits of a base, and nothing else.
fn number(digits: &[u8], base: u32) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = text.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, base).ok())?
}

/// `&#43;` or `&#x2B;`, with or without the semicolon, as browsers read it.
fn numeric_entity(after: &[u8]) -> Option<(usize, Meaning)> {
    let (mark, digits, base) = match after {
        [b'x' | b'X', rest @ ..] => (1, rest, 16),
        rest => (0, rest, 10),
    };
    let digit = |b: &&u8| match base {
        16 => b.is_ascii_hexdigit(),
        _ => b.is_ascii_digit(),
    };
    let count = digits.iter().take(LONGEST_NAME).take_while(digit).count();
    let c = char::from_u32(number(&digits[..count], base)?)?;
    let end = usize::from(digits.get(count) == Some(&b';'));
    Some((2 + mark + count + end, Meaning::Char(c)))
}

/// `&plus;`, `&auml;` and the like.
fn named_entity(after: &[u8]) -> Option<(usize, Meaning)> {
    let letter = |b: &&u8| b.is_ascii_alphanumeric();
    let count = after.iter().take(LONGEST_NAME).take_while(letter).count();
    if count == 0 || after.get(count) != Some(&b';') {
        return None;
    }
    let name = std::str::from_utf8(&after[..count]).ok()?;
    let whole = format!("&{name};");
    let mut meant = html_escape::decode_html_entities(&whole).into_owned();
    let c = meant.pop().filter(|c| *c != ';' && meant.is_empty())?;
    Some((count + 2, Meaning::Char(c)))
}

/// What a byte means where a text is not UTF-8: Windows-1252, which is Latin-1 with
/// letters where Latin-1 has controls.
fn western(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// A text in that encoding, where it has one that is not the same as UTF-8.
pub(super) fn in_western(text: &str) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return None;
    }
    let byte = |c: char| match u8::try_from(u32::from(c)) {
        Ok(byte) if !(0x80..=0x9f).contains(&byte) => Some(byte),
        _ => (0x80..=0x9f).find(|byte| western(*byte) == c),
    };
    text.chars().map(byte).collect()
}

impl Unescaped {
    /// Where a range of this text stood in the text it was made of. An escape that is
    /// touched is covered whole.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let last = range.end.saturating_sub(1).max(range.start);
        self.place(range.start).start..self.place(last).end
    }

    /// The source place of one byte.
    fn place(&self, at: usize) -> Range<usize> {
        let after = self.runs.partition_point(|run| run.at <= at);
        let Some(run) = after.checked_sub(1).map(|n| self.runs[n]) else {
            return at..at + 1;
        };
        if at < run.end() {
            return run.escape_around(run.from + (at - run.at) / run.out * run.length);
        }
        let from = run.source_end() + (at - run.end());
        from..from + 1
    }

    /// A range of the source, widened so that no escape is cut in two.
    pub(super) fn whole_escapes(&self, range: Range<usize>) -> Range<usize> {
        let around = |place: usize| {
            let after = self.runs.partition_point(|run| run.from < place);
            let run = self.runs[after.checked_sub(1)?];
            (place < run.source_end()).then(|| run.escape_around(place))
        };
        let start = around(range.start).map_or(range.start, |escape| escape.start);
        // The end is the next byte's place: an escape that begins there is not touched.
        let end = around(range.end).filter(|escape| escape.start < range.end);
        start..end.map_or(range.end, |escape| escape.end)
    }

    fn push(&mut self, from: usize, length: usize, meaning: &Meaning) {
        let at = self.bytes.len();
        match meaning {
            Meaning::Byte(byte) => self.bytes.push(*byte),
            Meaning::Char(c) => {
                let mut buffer = [0; 4];
                self.bytes
                    .extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
        }
        let out = self.bytes.len() - at;
        if let Some(last) = self.runs.last_mut()
            && (last.source_end(), last.length, last.out) == (from, length, out)
        {
            last.count += 1;
            return;
        }
        self.runs.push(Run {
            from,
            at,
            count: 1,
            length,
            out,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &[u8]) -> String {
        let out = unescape(text).map_or_else(|| text.to_vec(), |out| out.bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_escape_becomes_what_it_stands_for() {
        for (text, meant) in [
            ("a\\u002Bb\\u002bc", "a+b+c"),
            ("\\u00e4\\u00E4\\ud83d\\ude00", "ää😀"),
            ("\\/\\\"\\\\\\x2b", "/\"\\+"),
            ("&#43;&#043;&#x2B;&#X2b;&#43", "+++++"),
            ("&plus;&amp;&auml;&quot;", "+&ä\""),
            ("%2B%2b%C3%A4%u002B", "++ä+"),
            (
                "\\ud83d \\u12 \\q %2 %zz & && &; &nonsense; &#; &#xzz; 100%",
                "",
            ),
        ] {
            let meant = if meant.is_empty() { text } else { meant };
            assert_eq!(unescaped(text.as_bytes()), meant, "{text}");
        }
        assert_eq!(unescaped(b"a\xe4\x80%2B"), "aä€+");
    }

    #[test]
    fn a_place_leads_back_to_the_whole_escape() {
        let text = "ab\\u00e4cd%2Be";
        let out = unescape(text.as_bytes()).unwrap();
        assert_eq!(out.bytes, "abäcd+e".as_bytes());
        // The ä has two bytes; either of them is the whole escape.
        for (range, source) in [(2..3, 2..8), (3..4, 2..8), (4..6, 8..10), (1..8, 1..14)] {
            assert_eq!(out.source(&range), source, "{range:?}");
        }
        assert_eq!(out.whole_escapes(3..9), 2..9);
        assert_eq!(out.whole_escapes(0..5), 0..8);
        assert_eq!(out.whole_escapes(8..10), 8..10);

        let out = unescape(b"x%41%42%43%44y").unwrap();
        assert_eq!((out.bytes.as_slice(), out.runs.len()), (&b"xABCDy"[..], 1));
        assert_eq!(out.source(&(2..4)), 4..10);
        assert_eq!(out.source(&(5..6)), 13..14);
        assert_eq!(out.whole_escapes(5..8), 4..10);
        assert_eq!(out.whole_escapes(4..7), 4..7);
    }
}
