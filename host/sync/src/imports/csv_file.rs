//! CSV, read strictly, with commas, semicolons or tabs. A reader that is lenient about quotes
//! (as the crate `csv` is, which writes ours) takes a stray one for the start of a cell
//! and swallows the rows that follow: customers that nobody misses and nobody bills.
//! Here a quote is where RFC 4180 allows it or the file is refused, and each row knows
//! the line it begins in, whatever ends the lines and however many are blank.

use std::borrow::Cow;

use crate::Source;
use crate::error::Problem;

use super::content::refuse_no_text;
use super::{Accepted, Doubt};

/// A file that is read row by row.
pub(crate) struct CsvFile<'a> {
    name: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The line that `at` is in, from 1.
    line: u64,
    separator: u8,
    /// Cells of the header; none until it was read.
    width: Option<usize>,
    accepted: Accepted,
    /// The last cell, where neither a line end nor a quote says that it is whole.
    open: Option<OpenEnd>,
}

/// One row.
#[derive(Debug)]
pub(crate) struct CsvRow<'a> {
    /// The line it begins in.
    pub line: u64,
    /// Without their quotes.
    pub cells: Vec<Cow<'a, [u8]>>,
}

struct OpenEnd {
    line: u64,
    column: usize,
    text: String,
}

const QUOTE_FIX: &str = "Remove the quote, or close it at the end of its cell. A quote that belongs \
                         to a text is written twice, in a cell that is quoted as a whole: \
                         \"19\"\" rack\".";

impl<'a> CsvFile<'a> {
    /// Open a file and read its header; of an empty file it has no cells.
    pub(crate) fn open(source: &'a Source) -> Result<(Self, CsvRow<'a>), Problem> {
        refuse_no_text(source)?;
        let mut file = Self {
            name: source.name.as_str(),
            bytes: source.bytes.as_slice(),
            at: 0,
            line: 1,
            separator: b',',
            width: None,
            accepted: source.accepted,
            open: None,
        };
        file.skip_blank_lines();
        file.separator = match file.take_separator_line() {
            Some(separator) => separator,
            None => separator_of(&file.bytes[file.at..]),
        };
        let header = file.row()?.unwrap_or(CsvRow {
            line: 1,
            cells: Vec::new(),
        });
        file.width = Some(header.cells.len());
        Ok((file, header))
    }

    /// The next row that has anything in it, of whatever width.
    ///
    /// # Errors
    /// A quote out of place. What follows cannot be trusted to be rows.
    pub(crate) fn next_row(&mut self) -> Result<Option<CsvRow<'a>>, Problem> {
        while let Some(row) = self.row()? {
            let blank = |cell: &Cow<'_, [u8]>| cell.trim_ascii().is_empty();
            // What a spreadsheet writes of rows that somebody emptied.
            let emptied = self.width == Some(row.cells.len()) && row.cells.iter().all(blank);
            if !emptied {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// That a row is wider or narrower than the header: its cells may stand in the wrong
    /// columns.
    pub(crate) fn other_width(&self, row: &CsvRow<'_>) -> Option<Problem> {
        let (width, cells) = (self.width.unwrap_or_default(), row.cells.len());
        if width == cells {
            return None;
        }
        // The first cell that is missing, or too many.
        let column = width.min(cells) + 1;
        let what = format!("this row has {cells} cells, the header has {width}");
        let fix = "Give each row as many cells as the header; a comma, semicolon or tab that belongs \
                   to a text stands in a quoted cell.";
        Some(self.problem(row.line, column, "csv-fields", &what, fix))
    }

    /// After the last row: that the file may go on where it came from. A cut inside of
    /// `120` leaves a `12` that is as good a count.
    pub(crate) fn cut(&self) -> Option<Problem> {
        let open = self.open.as_ref()?;
        if self.accepted.has(Doubt::MayBeCut) {
            return None;
        }
        let what = format!(
            "the file ends here, with {:?} and without a line end, so it may have been cut",
            open.text
        );
        let fix = "Get the file again. If this is all of it, end its last line, or add \
                   `--accept may-be-cut`.";
        let code = Doubt::MayBeCut.as_str();
        Some(self.problem(open.line, open.column, code, &what, fix))
    }

    fn problem(&self, line: u64, column: usize, code: &str, what: &str, fix: &str) -> Problem {
        let message = format!("{}, line {line}, column {column}: {what}", self.name);
        Problem::new(code, message, fix)
    }

    fn row(&mut self) -> Result<Option<CsvRow<'a>>, Problem> {
        self.skip_blank_lines();
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let line = self.line;
        let mut cells = Vec::with_capacity(self.width.unwrap_or(8));
        loop {
            let quoted = self.next() == Some(b'"');
            let cell = match quoted {
                true => self.quoted(line, cells.len())?,
                false => self.plain(line, cells.len())?,
            };
            match self.next() {
                Some(byte) if byte == self.separator => {
                    self.at += 1;
                    cells.push(cell);
                }
                Some(_) => {
                    self.end_line();
                    cells.push(cell);
                    return Ok(Some(CsvRow { line, cells }));
                }
                None => {
                    self.open = (!quoted).then(|| OpenEnd {
                        line,
                        column: cells.len() + 1,
                        text: String::from_utf8_lossy(&cell).chars().take(60).collect(),
                    });
                    cells.push(cell);
                    return Ok(Some(CsvRow { line, cells }));
                }
            }
        }
    }

    /// The separator that a first line such as `sep=;` names, which Excel understands; the
    /// line is behind us then.
    fn take_separator_line(&mut self) -> Option<u8> {
        let rest = &self.bytes[self.at..];
        let line = rest.split(|byte| b"\r\n".contains(byte)).next()?;
        let (word, separator) = match line {
            [b'"', word @ .., separator, b'"'] | [word @ .., separator] => (word, *separator),
            [] => return None,
        };
        let named = word.eq_ignore_ascii_case(b"sep=")
            && !separator.is_ascii_alphanumeric()
            && separator.is_ascii()
            && separator != b'"';
        if !named {
            return None;
        }
        self.at += line.len();
        if self.at < self.bytes.len() {
            self.end_line();
        }
        self.skip_blank_lines();
        Some(separator)
    }

    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Behind a line feed, a carriage return, or both.
    fn end_line(&mut self) {
        let ending: &[u8] = match self.bytes[self.at..].starts_with(b"\r\n") {
            true => b"\r\n",
            false => b"\n",
        };
        self.at += ending.len();
        self.line += 1;
    }

    fn skip_blank_lines(&mut self) {
        loop {
            let rest = &self.bytes[self.at..];
            let space = rest.iter().position(|byte| !b" \t".contains(byte));
            match space.map(|space| (space, rest[space])) {
                None => self.at = self.bytes.len(),
                Some((space, b'\r' | b'\n')) => {
                    self.at += space;
                    self.end_line();
                    continue;
                }
                Some(_) => {}
            }
            return;
        }
    }

    /// A cell without quotes; `at` stands behind it.
    fn plain(&mut self, line: u64, before: usize) -> Result<Cow<'a, [u8]>, Problem> {
        let rest = &self.bytes[self.at..];
        let ends = |byte: &u8| *byte == self.separator || b"\r\n".contains(byte);
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let cell = &rest[..end];
        if cell.contains(&b'"') {
            let what = "a quote stands inside of a cell that is not quoted";
            return Err(self.problem(line, before + 1, "csv-quote", what, QUOTE_FIX));
        }
        self.at += end;
        Ok(Cow::Borrowed(cell))
    }

    /// A cell that begins with a quote; `at` stands behind the one that closes it.
    fn quoted(&mut self, line: u64, before: usize) -> Result<Cow<'a, [u8]>, Problem> {
        let start = self.at + 1;
        let mut cell: Cow<'a, [u8]> = Cow::Borrowed(b"");
        let mut at = start;
        if self.width.is_none() {
            // No column that is known has a name with a quote, and a header that is
            // quoted in part may be one that lost its end.
            let what = "a quote stands in the header";
            let fix = "Write the names of the columns without quotes.";
            return Err(self.problem(line, before + 1, "csv-quote", what, fix));
        }
        let refused =
            |what: &str| Err(self.problem(line, before + 1, "csv-quote", what, QUOTE_FIX));
        loop {
            let rest = &self.bytes[at..];
            let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
                let last = self.line + lines_ended(&self.bytes[start..]);
                return refused(&format!(
                    "the quote that opens here is never closed: it takes in everything up to the \
                     end of the file, line {last}"
                ));
            };
            match cell.is_empty() {
                true => cell = Cow::Borrowed(&rest[..quote]),
                false => cell.to_mut().extend_from_slice(&rest[..quote]),
            }
            at += quote + 1;
            if self.bytes.get(at) != Some(&b'"') {
                break;
            }
            cell.to_mut().push(b'"');
            at += 1;
        }
        let inside = &self.bytes[start..at - 1];
        let lines = lines_ended(inside);
        let ends = |byte: u8| byte == self.separator || b"\r\n".contains(&byte);
        if self.bytes.get(at).is_some_and(|byte| !ends(*byte)) {
            let closes = self.line + lines;
            return refused(&format!(
                "the quote that opens here is closed in line {closes}, and the cell goes on behind \
                 it"
            ));
        }
        if lines > 0 && self.swallows_rows(inside, before) {
            let closes = self.line + lines;
            return refused(&format!(
                "the quote that opens here takes in what looks like rows, up to line {closes}"
            ));
        }
        self.at = at;
        self.line += lines;
        Ok(cell)
    }

    /// Whether a quote that happens to be closed further down has taken in rows. A note
    /// of several lines has not: its row goes on behind it, and its lines do not look
    /// like rows.
    fn swallows_rows(&self, inside: &[u8], before: usize) -> bool {
        let width = self.width.unwrap_or_default();
        let separators = |line: &[u8]| line.iter().filter(|byte| **byte == self.separator).count();
        let last_column = width.saturating_sub(1);
        let mut lines = inside.split(|byte| b"\r\n".contains(byte));
        let first = lines.next().map_or(0, separators);
        let row_was_whole = before < last_column && before + first >= last_column;
        row_was_whole || (width > 1 && lines.any(|line| separators(line) >= last_column))
    }
}

/// What separates the cells: by the header, which has no quotes, what stands in it most
/// often.
fn separator_of(text: &[u8]) -> u8 {
    let header = text.split(|byte| b"\r\n".contains(byte)).next();
    let times = |separator: u8| {
        let header = header.unwrap_or_default().iter();
        header.filter(|byte| **byte == separator).count()
    };
    // Of equally many the first.
    b"\t;,"
        .iter()
        .copied()
        .max_by_key(|separator| times(*separator))
        .unwrap_or(b',')
}

/// How many lines end in a text, by whatever ends them.
fn lines_ended(text: &[u8]) -> u64 {
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let ended = text.iter().enumerate().filter(|at| ends(*at)).count();
    u64::try_from(ended).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
