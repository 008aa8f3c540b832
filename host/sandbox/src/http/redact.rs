//! Secrets out of answers: wherever a server echoes a value that the host added, the
//! guest sees `[secret]`.
//!
//! A value is looked for as it is, in Latin-1, in base64 and in hexadecimal, alone and as
//! the Basic credentials it is part of; and each of these in the text as it came and with
//! up to three layers of escapes taken off ([`super::unescape`]). A server inside the grant
//! that encodes its echo otherwise (reversed, in a longer base64) could still reflect it;
//! that is the limit of this promise.
//!
//! **What is masked at all.** A value that could be data (`1`, `true`, `2026-12`,
//! `Services`) would be masked wherever the data has it, and the answer would be wrong;
//! see [`can_be_told`]. Such a value is not masked anywhere, and the docs say so.
//!
//! **No oracle.** A guest that guesses could send a guess to a server that echoes it, and
//! see by the mask whether it was right. So a value that the guest itself wrote into a
//! request of this session is not masked any more: right guesses come back exactly as
//! wrong ones do, and an incident tells the operator. To refuse such a request would be
//! the oracle itself. What remains: a server that also echoes the credentials that the
//! host added confirms a guess by them.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::unescape::{Unescaped, in_western, unescape};

/// What stands in a secret's place.
const MASK: &str = "[secret]";

/// Shorter values are in any text by chance, and can be guessed without an echo.
const SHORTEST: usize = 6;

/// From here on a value of one kind of characters is no date, number, word or phone.
const LONG: usize = 16;

/// Escapes upon escapes that are looked through: JSON in JSON in a form.
const LAYERS: usize = 3;

/// What is looked for first: a form's beginning. The memory of the search grows with this
/// and not with a token's length.
const BEGINNING: usize = 8;

/// Beginnings without the rest. A text with more is made to be slow: its rest is masked.
const FALSE_STARTS: usize = 100_000;

/// Whether a value can be told from data that only looks the same. It can with a letter and
/// a digit or sign in it, or else where it is long.
pub(crate) fn can_be_told(value: &str) -> bool {
    let letter = value.chars().any(char::is_alphabetic);
    let other = value.chars().any(|c| !c.is_alphabetic());
    value.len() >= LONG || (value.len() >= SHORTEST && letter && other)
}

/// A value that must not come back.
#[derive(Clone)]
pub(super) struct Masked {
    /// Stays the same when others come and go.
    pub id: u32,
    pub value: Zeroizing<String>,
}

struct Form {
    of: u32,
    bytes: Zeroizing<Vec<u8>>,
}

/// Finds one set of secrets.
pub(super) struct Redactor {
    forms: Vec<Form>,
    beginnings: Option<AhoCorasick>,
    /// Values that hold one another: who knows one knows the other, or part of it.
    related: Vec<(u32, u32)>,
}

impl Redactor {
    /// Look for these values and their forms.
    pub(super) fn new<'s>(secrets: impl IntoIterator<Item = &'s Masked>) -> Self {
        let secrets: Vec<&Masked> = secrets
            .into_iter()
            .filter(|secret| can_be_told(&secret.value))
            .collect();
        let mut forms: Vec<Form> = Vec::new();
        for secret in &secrets {
            for bytes in forms_of(&secret.value) {
                let (of, bytes) = (secret.id, Zeroizing::new(bytes));
                forms.push(Form { of, bytes });
            }
        }
        // Where two begin at one place, the longer one is meant.
        forms.sort_by_key(|form| std::cmp::Reverse(form.bytes.len()));
        let mut beginnings: Vec<&[u8]> = forms
            .iter()
            .map(|form| &form.bytes[..form.bytes.len().min(BEGINNING)])
            .collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(&beginnings);
        let related = secrets.iter().flat_map(|one| {
            let holds =
                |other: &&&Masked| one.id != other.id && other.value.contains(one.value.as_str());
            let pair = |other: &&Masked| (one.id, other.id);
            secrets.iter().filter(holds).map(pair).collect::<Vec<_>>()
        });
        Self {
            related: related.collect(),
            // Building fails only beyond billions of states.
            beginnings: finder.ok().filter(|_| !forms.is_empty()),
            forms,
        }
    }

    /// Which secrets stand in a text, and those that hold or are held by one of them.
    pub(super) fn known_by(&self, text: &[u8]) -> BTreeSet<u32> {
        let found = self.find(text, &BTreeSet::new());
        let mut known: BTreeSet<u32> = found.into_iter().map(|(of, _)| of).collect();
        for (part, whole) in &self.related {
            if known.contains(part) || known.contains(whole) {
                known.extend([*part, *whole]);
            }
        }
        known
    }

    /// Replace all secrets but those that are `known`; whether there were any. A text
    /// without any is not touched, and JSON stays JSON.
    pub(super) fn redact(&self, text: &mut Vec<u8>, known: &BTreeSet<u32>) -> bool {
        let places = self.places(text, known);
        if places.is_empty() {
            return false;
        }
        let mut clean = masked(text, &places);
        if is_json(text) && !is_json(&clean) {
            clean = masked_json(text, &places);
        }
        *text = clean;
        true
    }

    /// What to mask, in order and without overlaps.
    fn places(&self, text: &[u8], known: &BTreeSet<u32>) -> Vec<Range<usize>> {
        let found = self.find(text, known);
        let mut found: Vec<Range<usize>> = found.into_iter().map(|(_, range)| range).collect();
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut places: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match places.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => places.push(range),
            }
        }
        places
    }

    /// Replace all secrets but those that are `known` in a piece of text, whatever it is;
    /// whether there were any.
    pub(super) fn redact_text(&self, text: &mut String, known: &BTreeSet<u32>) -> bool {
        let places = self.places(text.as_bytes(), known);
        if places.is_empty() {
            return false;
        }
        *text = String::from_utf8(masked(text.as_bytes(), &places))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        true
    }

    /// Whose forms stand where, in the text as it came; escapes are covered whole.
    fn find(&self, text: &[u8], known: &BTreeSet<u32>) -> Vec<(u32, Range<usize>)> {
        let plain = self.matches(text, known);
        let mut layers: Vec<Unescaped> = unescape(text).into_iter().collect();
        let mut found: Vec<(u32, Range<usize>)> = match layers.first() {
            Some(layer) => plain
                .into_iter()
                .map(|(of, range)| (of, layer.whole_escapes(range)))
                .collect(),
            None => plain,
        };
        while let Some(layer) = layers.last() {
            for (of, range) in self.matches(&layer.bytes, known) {
                let down = |range: Range<usize>, layer: &Unescaped| layer.source(&range);
                found.push((of, layers.iter().rev().fold(range, down)));
            }
            if layers.len() == LAYERS {
                break;
            }
            match unescape(&layer.bytes) {
                Some(next) => layers.push(next),
                None => break,
            }
        }
        found
    }

    /// Whose forms stand where in one layer.
    fn matches(&self, text: &[u8], known: &BTreeSet<u32>) -> Vec<(u32, Range<usize>)> {
        let Some(beginnings) = &self.beginnings else {
            return Vec::new();
        };
        let (mut found, mut from, mut false_starts) = (Vec::new(), 0, 0);
        while let Some(start) = beginnings.find(Input::new(text).range(from..)) {
            let start = start.start();
            let whole = self
                .forms
                .iter()
                .find(|form| text[start..].starts_with(&form.bytes));
            if let Some(form) = whole {
                from = start + form.bytes.len();
                if !known.contains(&form.of) {
                    found.push((form.of, start..from));
                }
                continue;
            }
            from = start + 1;
            false_starts += 1;
            if false_starts > FALSE_STARTS {
                let unknown = self.forms.iter().find(|form| !known.contains(&form.of));
                found.extend(unknown.map(|form| (form.of, start..text.len())));
                break;
            }
        }
        found
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

fn masked(text: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut kept = 0;
    for place in places {
        clean.extend_from_slice(&text[kept..place.start]);
        clean.extend_from_slice(MASK.as_bytes());
        kept = place.end;
    }
    clean.extend_from_slice(&text[kept..]);
    clean
}

/// JSON in which a secret stands outside of a string: the number it is in becomes a string.
/// Where it reaches over the end of a string, nothing of the answer can be kept.
fn masked_json(text: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let quoted = format!("\"{MASK}\"").into_bytes();
    let ends = |b: &u8| b" \t\r\n,:[]{}\"".contains(b);
    let mut clean = Vec::with_capacity(text.len());
    let (mut kept, mut at, mut in_string) = (0, 0, false);
    for place in places.iter().filter(|place| !place.is_empty()) {
        if place.start < kept {
            continue;
        }
        while at < place.start {
            match text[at] {
                b'\\' if in_string => at += 1,
                b'"' => in_string = !in_string,
                _ => {}
            }
            at += 1;
        }
        let (from, to, mask) = if in_string {
            (place.start, place.end, MASK.as_bytes())
        } else {
            let before = text[..place.start].iter().rposition(ends);
            let after = text[place.end..].iter().position(ends);
            let from = before.map_or(0, |before| before + 1).max(kept);
            let to = after.map_or(text.len(), |after| place.end + after);
            (from, to, quoted.as_slice())
        };
        clean.extend_from_slice(&text[kept..from]);
        clean.extend_from_slice(mask);
        (kept, at) = (to, to);
    }
    clean.extend_from_slice(&text[kept..]);
    if is_json(&clean) { clean } else { quoted }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// The value and everything it is looked for as. Escapes are not among them: they are
/// taken off the text, and off a value that itself looks escaped.
fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    forms.extend(in_western(secret));
    // A form writes a space as a plus.
    if secret.contains(' ') {
        forms.push(secret.replace(' ', "+").into_bytes());
    }
    for form in forms.clone() {
        forms.extend([
            STANDARD.encode(&form).into_bytes(),
            STANDARD_NO_PAD.encode(&form).into_bytes(),
            URL_SAFE.encode(&form).into_bytes(),
            URL_SAFE_NO_PAD.encode(&form).into_bytes(),
            hex::encode(&form).into_bytes(),
            hex::encode_upper(&form).into_bytes(),
        ]);
    }
    let mut last = secret.as_bytes().to_vec();
    for _ in 0..LAYERS {
        let Some(layer) = unescape(&last) else { break };
        last = layer.bytes;
        forms.push(last.clone());
    }
    forms.sort_unstable();
    forms.dedup();
    // What is left of an escaped value could be as short as anything.
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

#[cfg(test)]
mod tests;
