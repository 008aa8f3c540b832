//! Entries as rows of a CSV file or of a workbook. Nothing in them is ever calculated
//! by the program that opens the file.

use std::borrow::Cow;
use std::io::{self, Seek, Write};
use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::Entry;
use crate::spreadsheet::harmless;

/// In this order, in both forms.
const COLUMNS: [&str; 9] = [
    "seq", "at", "who", "what", "subject", "detail", "keyed", "hash", "chain",
];

/// What a sheet of a workbook holds, the heading among them.
const SHEET_ROWS: u32 = 1_048_576;

/// What a cell of a workbook holds, in UTF-16 units.
const CELL: usize = 32_767;

/// Put after a text that was cut for a cell of a workbook.
const CUT: &str = " … (cut: the CSV export has all of it)";

/// Takes entries one by one.
pub(super) trait Rows {
    /// The next one.
    fn entry(&mut self, entry: &Entry) -> io::Result<()>;
    /// No more follow: how many cells were cut.
    fn finish(self) -> io::Result<u64>;
}

fn cells(entry: &Entry) -> [Cow<'_, str>; 9] {
    [
        entry.seq.to_string().into(),
        entry.at.to_string().into(),
        entry.who.as_str().into(),
        entry.what.as_str().into(),
        entry.subject.as_str().into(),
        entry.detail.to_string().into(),
        if entry.keyed { "yes" } else { "no" }.into(),
        entry.hash.as_str().into(),
        entry.chain.to_string().into(),
    ]
}

/// RFC 4180, UTF-8.
pub(super) struct Csv<W: Write>(csv::Writer<W>);

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(COLUMNS).map_err(not_written)?;
        Ok(Self(csv))
    }
}

impl<W: Write> Rows for Csv<W> {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let cells = cells(entry).map(|cell| harmless(&cell).into_owned());
        self.0.write_record(cells).map_err(not_written)
    }

    fn finish(mut self) -> io::Result<u64> {
        self.0.flush()?;
        Ok(0)
    }
}

/// As the system said it: that a reader has left is not an error to everybody.
fn not_written(error: csv::Error) -> io::Error {
    let words = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::other(words),
    }
}

/// A workbook of texts; a further sheet where one is full.
pub(super) struct Xlsx<W: Write + Seek + Send> {
    book: Workbook,
    out: W,
    sheet: usize,
    row: u32,
    rows: u32,
    cut: u64,
}

impl<W: Write + Seek + Send> Xlsx<W> {
    /// Rows wait in temporary files in `dir`, so that no history is too long for memory.
    pub(super) fn new(out: W, dir: &Path) -> io::Result<Self> {
        Self::with_rows(out, dir, SHEET_ROWS)
    }

    fn with_rows(out: W, dir: &Path, rows: u32) -> io::Result<Self> {
        let mut book = Workbook::new();
        book.set_tempdir(dir).map_err(failed)?;
        let mut new = Self {
            book,
            out,
            sheet: 0,
            row: 0,
            rows,
            cut: 0,
        };
        new.begin_sheet(0)?;
        Ok(new)
    }

    fn begin_sheet(&mut self, number: usize) -> io::Result<()> {
        let name = match number {
            0 => "history".to_owned(),
            later => format!("history {}", later + 1),
        };
        let sheet = self
            .book
            .add_worksheet_with_constant_memory()
            .map_err(failed)?;
        let bold = Format::new().set_bold();
        (|| {
            sheet.set_name(name)?.set_freeze_panes(1, 0)?;
            for (width, at) in [8, 28, 18, 26, 26, 60, 7, 66].into_iter().zip(0..) {
                sheet.set_column_width(at, width)?;
            }
            for (title, at) in COLUMNS.into_iter().zip(0..) {
                sheet.write_string_with_format(0, at, title, &bold)?;
            }
            Ok(())
        })()
        .map_err(failed)?;
        self.sheet = number;
        self.row = 1;
        Ok(())
    }

    fn sheet(&mut self) -> io::Result<&mut Worksheet> {
        self.book.worksheet_from_index(self.sheet).map_err(failed)
    }
}

impl<W: Write + Seek + Send> Rows for Xlsx<W> {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        if self.row == self.rows {
            self.begin_sheet(self.sheet + 1)?;
        }
        let row = self.row;
        for (cell, at) in cells(entry).into_iter().zip(0..) {
            let text = fitting(&cell);
            self.cut += u64::from(text.len() != cell.len());
            let sheet = self.sheet()?;
            sheet.write_string(row, at, text.as_ref()).map_err(failed)?;
        }
        self.row += 1;
        Ok(())
    }

    fn finish(mut self) -> io::Result<u64> {
        self.book.save_to_writer(&mut self.out).map_err(failed)?;
        self.out.flush()?;
        Ok(self.cut)
    }
}

/// As much as fits a cell of a workbook.
fn fitting(cell: &str) -> Cow<'_, str> {
    let long = |text: &str| text.chars().map(char::len_utf16).sum::<usize>();
    if cell.len() <= CELL || long(cell) <= CELL {
        return Cow::Borrowed(cell);
    }
    let mut room = CELL - long(CUT);
    let kept = cell.chars().take_while(|c| {
        let fits = room >= c.len_utf16();
        room = room.saturating_sub(c.len_utf16());
        fits
    });
    Cow::Owned(kept.chain(CUT.chars()).collect())
}

fn failed(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn entry(seq: i64, subject: &str) -> Entry {
        Entry {
            seq,
            chain: psa_host_ledger::Chain::Installation,
            at: Timestamp::UNIX_EPOCH,
            who: "cli:ann".to_owned(),
            what: "test.done".to_owned(),
            subject: subject.to_owned(),
            detail: json!({}),
            keyed: true,
            hash: "00".repeat(32),
        }
    }

    #[test]
    fn no_cell_of_a_csv_file_is_calculated() {
        let cases = [
            ("w1", "w1"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("a;=1", "a;'=1"),
            ("a;\"=1", "a;'\"=1"),
            ("a\n=1", "a\n'=1"),
            ("a=1", "a=1"),
            ("a,\"b\"\nc", "a,\"b\"\nc"),
        ];
        for (subject, expected) in cases {
            let mut out = Vec::new();
            let mut csv = Csv::new(&mut out).unwrap();
            csv.entry(&entry(1, subject)).unwrap();
            csv.finish().unwrap();
            let mut read = csv::Reader::from_reader(out.as_slice());
            let row = read.records().next().unwrap().unwrap();
            assert_eq!(&row[4], expected);
        }
    }

    /// A workbook of sheets of `rows` rows, and how many cells were cut.
    fn workbook(rows: u32, entries: &[Entry]) -> (Vec<u8>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Cursor::new(Vec::new());
        let mut book = Xlsx::with_rows(&mut out, folder.path(), rows).unwrap();
        for entry in entries {
            book.entry(entry).unwrap();
        }
        let cut = book.finish().unwrap();
        (out.into_inner(), cut)
    }

    #[test]
    fn a_workbook_has_texts_only_and_a_further_sheet_where_one_is_full() {
        let entries: Vec<Entry> = (1..=5).map(|seq| entry(seq, "=1+1")).collect();
        for (rows, sheets) in [(3, 3), (6, 1), (5, 2)] {
            let (book, cut) = workbook(rows, &entries);
            let read = read(book);
            assert_eq!((read.len(), cut), (sheets, 0));
            let seqs: Vec<String> = read
                .iter()
                .flat_map(|sheet| sheet.iter().skip(1).map(|row| row[0].clone()))
                .collect();
            assert_eq!(seqs, ["1", "2", "3", "4", "5"]);
            for sheet in read {
                assert_eq!(sheet[0], COLUMNS);
                assert_eq!(sheet[1][4], "=1+1");
            }
        }
    }

    #[test]
    fn a_text_longer_than_a_cell_is_cut_and_says_so() {
        let fits = "🙂".repeat(CELL / 2);
        let long = "🙂".repeat(CELL / 2 + 1);
        let (book, cut) = workbook(9, &[entry(1, &fits), entry(2, &long)]);
        let sheet = &read(book)[0];
        assert_eq!(cut, 1);
        assert_eq!(sheet[1][4], fits);
        assert!(sheet[2][4].ends_with(CUT));
        assert!(sheet[2][4].encode_utf16().count() <= CELL);
    }

    /// The sheets of a workbook, as rows of texts; a formula or a number is none.
    fn read(book: Vec<u8>) -> Vec<Vec<Vec<String>>> {
        use calamine::{Data, Reader, Xlsx};

        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(book)).unwrap();
        let names = book.sheet_names().to_vec();
        let text = |cell: &Data| match cell {
            Data::String(text) => text.clone(),
            other => panic!("{other:?} is no text"),
        };
        let mut sheets = Vec::new();
        for name in names {
            let formulas = book.worksheet_formula(&name).unwrap();
            assert!(formulas.is_empty(), "{formulas:?}");
            let range = book.worksheet_range(&name).unwrap();
            let rows = range.rows().map(|row| row.iter().map(text).collect());
            sheets.push(rows.collect());
        }
        sheets
    }
}
