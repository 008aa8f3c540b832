//! Answers: tables for people, JSON for programs. All text from plugins, PSAs and
//! files goes through [`plain`] on its way to a terminal.

mod error;
mod escape;
mod number;
mod progress;
mod table;
mod width;

use std::io::{self, IsTerminal, Write};

use psa_host_wire::{Document, SCHEMA_VERSION};
use serde::Serialize;

pub use error::{Failure, WrongUse, tell};
pub use escape::plain;
pub use number::number_of;
pub use progress::Bar;
pub use table::{Column, Table, Tone};
pub use width::named;

use crate::args::Format;

/// How to answer.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    color: bool,
    quiet: bool,
    /// Of the terminal, in characters; none: there is none, and lines are left as they are.
    width: Option<u16>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// A JSON document as all answers are, into a file.
pub fn write_json(out: &mut impl Write, body: &impl Document) -> io::Result<()> {
    let envelope = Envelope {
        schema_version: SCHEMA_VERSION,
        body,
    };
    serde_json::to_writer_pretty(&mut *out, &envelope)?;
    writeln!(out)
}

impl Output {
    /// Colours only on a terminal, and not where NO_COLOR says no.
    pub fn new(format: Format, quiet: bool) -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            format,
            color: format == Format::Table && !forbidden && io::stdout().is_terminal(),
            quiet,
            width: width::of_terminal(),
        }
    }

    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// One JSON document: the value's fields, after the schema version.
    pub fn json(self, body: &impl Document) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        write_json(&mut out, body)?;
        out.flush()
    }

    /// Whether only what needs a person is wanted.
    pub fn is_quiet(self) -> bool {
        self.quiet
    }

    /// How far a long call is; nothing is shown where nobody wants to look.
    pub fn bar(self) -> Bar {
        Bar::new(!self.quiet)
    }

    /// One line of text; on a narrow terminal it goes on below, and what can be pasted stays
    /// whole.
    pub fn line(self, text: impl AsRef<str>) -> io::Result<()> {
        let text = plain(text.as_ref());
        writeln!(io::stdout().lock(), "{}", width::wrapped(&text, self.width))
    }

    /// A table, or the words for none.
    pub fn table(self, table: Table, none: &str) -> io::Result<()> {
        match table.is_empty() {
            true => self.line(none),
            false => {
                let text = table.render(self.color, self.width);
                writeln!(io::stdout().lock(), "{text}")
            }
        }
    }

    /// Remarks, on stderr; in JSON they are part of the answer.
    pub fn notes(self, notes: &[psa_host_sync::Note]) {
        if self.is_json() || self.quiet {
            return;
        }
        let mut err = io::stderr().lock();
        for note in notes {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(err, "note: {}", plain(&note.message));
        }
    }
}
