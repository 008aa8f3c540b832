//! JSON with places: every value knows its line and column, so that a rule broken
//! long after parsing still points into the file. Numbers stay as they were written,
//! so that a message can show what was wrong and no count is ever rounded.

mod object;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use psa_host_billing::ErrorCode;

use crate::Source;
use crate::error::Problem;

use super::{Accepted, DOUBTFUL_ID_FIX, doubtful_id, readable};

pub(crate) use object::Object;

/// A whole file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    name: &'a str,
    text: &'a str,
    accepted: Accepted,
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
    let name = source.name.as_str();
    let bytes = source.bytes.as_slice();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let (line, column) = place(&good, good.len());
            let message = format!("{name}, line {line}, column {column}: this is not UTF-8 text");
            return Err(Problem::new(
                ErrorCode::NotUtf8,
                message,
                "Save the file as UTF-8.",
            ));
        }
    };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Ok(Node {
            document: Document {
                name,
                text,
                accepted: source.accepted,
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
            let fix = "Correct the file at that place; the import's own --help shows the form.";
            Err(Problem::new(ErrorCode::JsonSyntax, message, fix))
        }
    }
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
    pub(crate) fn problem(&self, code: ErrorCode, what: impl fmt::Display, fix: &str) -> Problem {
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
        // Both are slices of one text, so the difference is this value's offset.
        let offset = self.raw.as_ptr().addr() - self.document.text.as_ptr().addr();
        place(self.document.text, offset)
    }

    fn wrong_type(&self, wanted: &str) -> Problem {
        let what = format!("is {}, not {wanted}", self.shown());
        self.problem(
            ErrorCode::WrongType,
            what,
            "Correct the value at that place.",
        )
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
        self.problem(
            ErrorCode::JsonSyntax,
            error,
            "Correct the file at that place.",
        )
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
        readable(&text)
            .map_err(|why| self.problem(ErrorCode::BadText, why, "Correct the text."))?;
        Ok(text.into_owned())
    }

    /// A text that is compared with known words.
    pub(crate) fn word(&self) -> Checked<String> {
        Ok(self.plain_text()?.trim().to_ascii_lowercase())
    }

    /// An id. One written as a number is its digits; `numbers` counts those.
    pub(crate) fn id<T: std::str::FromStr<Err = psa_host_billing::IdError>>(
        &self,
        numbers: &mut usize,
    ) -> Checked<T> {
        let as_number = self.raw.bytes().all(|byte| byte.is_ascii_digit());
        let text = if as_number {
            *numbers += 1;
            Cow::Borrowed(self.raw)
        } else if self.raw.starts_with('"') {
            self.plain_text()?
        } else {
            return Err(self.wrong_type("an id (a text)"));
        };
        if let Some(what) = doubtful_id(&text, as_number, self.document.accepted) {
            let code = ErrorCode::MayBeRounded;
            return Err(self.problem(code, what, DOUBTFUL_ID_FIX));
        }
        text.parse().map_err(|error| {
            self.problem(
                ErrorCode::BadId,
                format!("is no id: {error}"),
                "Correct it.",
            )
        })
    }

    /// A count: whole, from 0 to 4,294,967,295; none for null.
    pub(crate) fn count(&self) -> Checked<Option<u32>> {
        if self.is_null() {
            return Ok(None);
        }
        let digits = self.raw.bytes().all(|byte| byte.is_ascii_digit());
        if digits && let Ok(count) = self.raw.parse() {
            return Ok(Some(count));
        }
        let what = format!("is {}, {}", self.shown(), why_no_count(self.raw));
        Err(self.problem(ErrorCode::BadCount, what, COUNT_FIX))
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

pub(crate) const COUNT_FIX: &str =
    "A count is a whole number from 0 to 4294967295; leave it out where it is not known.";

/// Which rule a text breaks that should be a count.
pub(crate) fn why_no_count(text: &str) -> &'static str {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !numeric {
        "which is not a number"
    } else if text.starts_with('-') {
        "which is negative"
    } else if digits.contains(['.', 'e', 'E']) {
        "which is not a whole number"
    } else {
        "which is more than a count can be"
    }
}

/// A string that borrows where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
