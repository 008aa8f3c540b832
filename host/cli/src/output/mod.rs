//! Answers: tables for people, JSON for programs. All text from plugins, PSAs and
//! files goes through [`plain`] on its way to a terminal.

mod error;
mod escape;
mod number;
mod progress;
mod table;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub use error::{Failure, WrongUse, tell};
pub use escape::plain;
pub use number::{number, number_of};
pub use progress::Bar;
pub use table::{Column, Table, Tone};

use crate::args::Format;

/// The version of all JSON answers together. It grows when a field is taken away or
/// changes its meaning; new fields do not count.
pub const SCHEMA_VERSION: u32 = 1;

/// How to answer.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    color: bool,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// A JSON document as all answers are, into a file.
pub fn write_json(out: &mut impl Write, body: &impl Serialize) -> io::Result<()> {
    let envelope = Envelope {
        schema_version: SCHEMA_VERSION,
        body,
    };
    serde_json::to_writer_pretty(&mut *out, &envelope)?;
    writeln!(out)
}

impl Output {
    /// Colours only on a terminal, and not where NO_COLOR says no.
    pub fn new(format: Format) -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            format,
            color: format == Format::Table && !forbidden && io::stdout().is_terminal(),
        }
    }

    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// One JSON document: the value's fields, after the schema version.
    pub fn json(self, body: &impl Serialize) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        write_json(&mut out, body)?;
        out.flush()
    }

    /// One line of text.
    pub fn line(self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{}", plain(text.as_ref()))
    }

    /// A table, or the words for none.
    pub fn table(self, table: Table, none: &str) -> io::Result<()> {
        match table.is_empty() {
            true => self.line(none),
            false => writeln!(io::stdout().lock(), "{}", table.render(self.color)),
        }
    }

    /// Remarks, on stderr; in JSON they are part of the answer.
    pub fn notes(self, notes: &[psa_host_sync::Note]) {
        if self.is_json() {
            return;
        }
        let mut err = io::stderr().lock();
        for note in notes {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(err, "note: {}", plain(&note.message));
        }
    }
}
