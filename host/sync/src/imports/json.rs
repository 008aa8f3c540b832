//! JSON with places: every value knows its line and column, so that a rule broken
//! long after parsing still points into the file. Numbers stay as they were written,
//! so that a message can show what was wrong and no count is ever rounded.

mod object;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Source;
use crate::error::Problem;

use super::content::{NOT_UTF8_FIX, refuse_no_text, why_not_utf8};
use super::{Accepted, Cleaned, DOUBTFUL_ID_FIX, Doubt, count, doubtful_id, readable};

pub(crate) use object::Object;

/// A whole file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    name: &'a str,
    text: &'a str,
    accepted: Accepted,
    partial: bool,
}

/// One value in it, and the way to it (`items[3].users`).
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    document: Document<'a>,
    raw: &'a str,
    path: Cow<'a, str>,
}

type Checked<T> = Result<T, Problem>;

/// Parse a file; its syntax is right from here on.
pub(crate) fn parse(source: &Source) -> Checked<Node<'_>> {
    refuse_no_text(source)?;
    let name = source.name.as_str();
    let bytes = source.bytes.as_slice();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let (line, column) = place(&good, good.len());
            let why = why_not_utf8(&bytes[error.valid_up_to()..]);
            let message = format!("{name}, line {line}, column {column}: this {why}");
            return Err(Problem::new("not-utf8", message, NOT_UTF8_FIX));
        }
    };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Ok(Node {
            document: Document {
                name,
                text,
                accepted: source.accepted,
                partial: source.partial,
            },
            raw: raw.get(),
            path: Cow::Borrowed(""),
        }),
        Err(error) => {
            // Of an empty file serde_json names column 0.
            let (line, column) = (error.line(), error.column().max(1));
            // serde_json ends its words with the place, which stands in front here.
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let message = format!("{name}, line {line}, column {column}: not valid JSON: {words}");
            let fix = match looks_like_csv(text) {
                false => "Correct the file at that place; the import's own --help shows the form.",
                true => {
                    "This looks like CSV: `usage import` takes it with --channel and --taken-at, \
                     `map import` where its name ends in .csv."
                }
            };
            Err(Problem::new("json-syntax", message, fix))
        }
    }
}

/// A first line of words with something between them.
fn looks_like_csv(text: &str) -> bool {
    let header = text.trim_start().lines().next().unwrap_or_default();
    header.starts_with(char::is_alphabetic) && header.contains([',', ';', '\t'])
}

/// Line and column, both from 1, the column in characters.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

impl<'a> Node<'a> {
    /// Something is wrong with this value.
    pub(crate) fn problem(
        &self,
        code: &'static str,
        what: impl fmt::Display,
        fix: &str,
    ) -> Problem {
        let (line, column) = self.begins();
        let name = self.document.name;
        let path = match self.path.as_ref() {
            "" => String::new(),
            path => format!(" {path}"),
        };
        let message = format!("{name}, line {line}, column {column}:{path} {what}");
        Problem::new(code, message, fix)
    }

    /// The line it begins in, from 1.
    pub(crate) fn line(&self) -> usize {
        self.begins().0
    }

    /// Line and column.
    fn begins(&self) -> (usize, usize) {
        place(self.document.text, self.offset())
    }

    /// Where it stands in the file, in bytes.
    fn offset(&self) -> usize {
        // Both are slices of one text, so the difference is this value's offset.
        self.raw.as_ptr().addr() - self.document.text.as_ptr().addr()
    }

    /// Where it stands among the others of its file.
    pub(crate) fn at(&self) -> u64 {
        u64::try_from(self.offset()).unwrap_or(u64::MAX)
    }

    fn wrong_type(&self, wanted: &str) -> Problem {
        let what = format!("is {}, not {wanted}", self.shown());
        self.problem("wrong-type", what, "Correct the value at that place.")
    }

    /// The value as it stands in the file, shortened.
    pub(crate) fn shown(&self) -> String {
        match self.raw.as_bytes().first() {
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "a list".to_owned(),
            _ if self.raw.chars().count() > 40 => {
                let short: String = self.raw.chars().take(40).collect();
                format!("{short}…")
            }
            _ => self.raw.to_owned(),
        }
    }

    /// Whether it is `""`.
    pub(crate) fn is_empty_text(&self) -> bool {
        self.raw == "\"\""
    }

    pub(crate) fn is_null(&self) -> bool {
        self.raw == "null"
    }

    pub(crate) fn is_false(&self) -> bool {
        self.raw == "false"
    }

    /// The way to it (`items[3].users`).
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The entries of a list.
    pub(crate) fn list(&self) -> Checked<Vec<Node<'a>>> {
        if !self.raw.starts_with('[') {
            return Err(self.wrong_type("a list"));
        }
        let entries: Vec<&'a RawValue> =
            serde_json::from_str(self.raw).map_err(|error| self.broken(&error))?;
        let node = |(at, raw): (usize, &'a RawValue)| Node {
            document: self.document,
            raw: raw.get(),
            path: Cow::Owned(format!("{}[{at}]", self.path)),
        };
        Ok(entries.into_iter().enumerate().map(node).collect())
    }

    /// Not reached: the syntax was checked by [`parse`].
    fn broken(&self, error: &serde_json::Error) -> Problem {
        self.problem("json-syntax", error, "Correct the file at that place.")
    }

    /// A text, without limits on what is in it.
    fn plain_text(&self) -> Checked<Cow<'a, str>> {
        if !self.raw.starts_with('"') {
            return Err(self.wrong_type("a text"));
        }
        serde_json::from_str::<Text<'a>>(self.raw)
            .map(|text| text.0)
            .map_err(|error| self.broken(&error))
    }

    /// What stands there, if it is a text or a number: for rows that are refused.
    pub(crate) fn as_written(&self) -> Option<String> {
        match self.raw.as_bytes().first()? {
            b'"' => Some(self.plain_text().ok()?.into_owned()),
            b'0'..=b'9' | b'-' => Some(self.raw.to_owned()),
            _ => None,
        }
    }

    /// A text for people.
    pub(crate) fn text(&self) -> Checked<String> {
        let text = self.plain_text()?;
        readable(&text).map_err(|why| self.problem("bad-text", why, "Correct the text."))?;
        Ok(text.into_owned())
    }

    /// A name that only people read. Where good rows are kept, it loses its control
    /// characters and is told of.
    pub(crate) fn name(&self, cleaned: &mut Cleaned) -> Checked<String> {
        if self.document.partial && self.raw.starts_with('"') {
            let text = self.plain_text()?;
            if text.chars().any(char::is_control) {
                let name = cleaned.name(&text);
                readable(&name)
                    .map_err(|why| self.problem("bad-text", why, "Correct the text."))?;
                return Ok(name);
            }
        }
        self.text()
    }

    /// A text that is compared with known words.
    pub(crate) fn word(&self) -> Checked<String> {
        Ok(self.plain_text()?.trim().to_ascii_lowercase())
    }

    /// An id. One written as a number is its digits.
    pub(crate) fn id<T: std::str::FromStr<Err = psa_host_billing::IdError>>(
        &self,
        cleaned: &mut Cleaned,
    ) -> Checked<T> {
        let as_number = self.raw.bytes().all(|byte| byte.is_ascii_digit());
        let text = if as_number {
            cleaned.numbers += 1;
            Cow::Borrowed(self.raw)
        } else if self.raw.starts_with('"') {
            self.plain_text()?
        } else if self.raw.starts_with(|c: char| c.is_ascii_digit()) {
            let what = format!(
                "is {}: a program took the id for a number that it calculates with, and may have \
                 dropped digits or zeros",
                self.shown()
            );
            let fix = "Write the id as text, in quotes.";
            return Err(self.problem("wrong-type", what, fix));
        } else {
            return Err(self.wrong_type("an id (a text)"));
        };
        cleaned.spaced += usize::from(text.is_ascii() && text.trim() != text);
        let text = cleaned
            .text(&text)
            .map_err(|why| self.problem("bad-id", why, "Correct it."))?;
        if let Some(what) = doubtful_id(&text, as_number, self.document.accepted) {
            let code = Doubt::MayBeRounded.as_str();
            return Err(self.problem(code, what, DOUBTFUL_ID_FIX));
        }
        text.parse()
            .map_err(|error| self.problem("bad-id", format!("is no id: {error}"), "Correct it."))
    }

    /// A count: whole, from 0 to 4,294,967,295; none for null.
    pub(crate) fn count(&self) -> Checked<Option<u32>> {
        if self.is_null() {
            return Ok(None);
        }
        count::of_json(self.raw).map(Some).map_err(|no| {
            let what = format!("is {}, {}", self.shown(), no.why());
            self.problem(no.code(), what, no.fix())
        })
    }

    /// True or false; null is false.
    pub(crate) fn flag(&self) -> Checked<bool> {
        match self.raw {
            "true" => Ok(true),
            "false" | "null" => Ok(false),
            _ => Err(self.wrong_type("true or false")),
        }
    }
}

/// A string that borrows where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
