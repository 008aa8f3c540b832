//! A table as a file for a spreadsheet: a run's report, what waits for approval. Texts are
//! never calculated by the program that opens it; numbers are numbers, so that they add up.

use std::io::{self, Write};
use std::path::Path;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::Result;
use crate::history::{ExportForm, Exported};
use crate::spreadsheet::harmless;
use crate::whole_file::{WholeFile, unwritable};

/// What a cell of a workbook holds, in characters; less than its limit in UTF-16 units.
const MOST_CHARS: usize = 16_000;

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Number(Decimal),
}

impl Cell {
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn or_empty(text: Option<impl ToString>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    pub(crate) fn number(number: Option<Decimal>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// Into a file, with mode 0600.
    ///
    /// # Errors
    /// A file that is there already, without `force`; a folder that cannot be written.
    pub(crate) fn write(&self, file: &Path, form: ExportForm, force: bool) -> Result<Exported> {
        let mut whole = WholeFile::begin(file, force)?;
        let (bytes, cut_cells) = self.bytes(form).map_err(|error| unwritable(file, &error))?;
        whole
            .file()
            .write_all(&bytes)
            .map_err(|error| unwritable(file, &error))?;
        whole.finish()?;
        Ok(Exported {
            file: file.to_owned(),
            entries: self.rows.len() as u64,
            cut_cells,
        })
    }

    /// The file, and how many cells were cut.
    fn bytes(&self, form: ExportForm) -> io::Result<(Vec<u8>, u64)> {
        match form {
            ExportForm::Csv => Ok((self.csv()?, 0)),
            ExportForm::Xlsx => self.xlsx().map_err(|error| match error {
                XlsxError::IoError(error) => error,
                other => io::Error::other(other.to_string()),
            }),
        }
    }

    fn csv(&self) -> io::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(self.columns)?;
        for row in &self.rows {
            csv.write_record(row.iter().map(|cell| match cell {
                Cell::Empty => String::new(),
                Cell::Text(text) => harmless(text).into_owned(),
                Cell::Number(number) => number.normalize().to_string(),
            }))?;
        }
        csv.into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
    }

    fn xlsx(&self) -> std::result::Result<(Vec<u8>, u64), XlsxError> {
        let mut book = Workbook::new();
        let bold = Format::new().set_bold();
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(self.name)?.set_freeze_panes(1, 0)?;
        for (title, at) in self.columns.iter().zip(0_u16..) {
            sheet.set_column_width(at, 16)?;
            sheet.write_string_with_format(0, at, *title, &bold)?;
        }
        let mut cut = 0;
        for (cells, row) in self.rows.iter().zip(1_u32..) {
            for (cell, at) in cells.iter().zip(0_u16..) {
                match cell {
                    Cell::Empty => {}
                    Cell::Text(text) => {
                        let fitting: String = text.chars().take(MOST_CHARS).collect();
                        cut += u64::from(fitting.len() != text.len());
                        sheet.write_string(row, at, fitting)?;
                    }
                    Cell::Number(number) => match number.to_f64() {
                        Some(exact) => sheet.write_number(row, at, exact).map(|_| ())?,
                        None => sheet
                            .write_string(row, at, number.to_string())
                            .map(|_| ())?,
                    },
                }
            }
        }
        Ok((book.save_to_buffer()?, cut))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};

    use super::*;

    fn sheet() -> Sheet {
        Sheet {
            name: "run",
            columns: &["who", "change"],
            rows: vec![
                vec![
                    Cell::text("=HYPERLINK(1)"),
                    Cell::Number(Decimal::new(-35, 1)),
                ],
                vec![Cell::Empty, Cell::number(None)],
            ],
        }
    }

    #[test]
    fn texts_are_never_calculated_and_numbers_stay_numbers() {
        let (csv, _) = sheet().bytes(ExportForm::Csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!(csv, "who,change\n'=HYPERLINK(1),-3.5\n,\n");

        let (book, cut) = sheet().bytes(ExportForm::Xlsx).unwrap();
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(book)).unwrap();
        assert!(book.worksheet_formula("run").unwrap().is_empty());
        let range = book.worksheet_range("run").unwrap();
        assert_eq!(cut, 0);
        assert_eq!(
            range.get((1, 0)),
            Some(&Data::String("=HYPERLINK(1)".to_owned()))
        );
        assert_eq!(range.get((1, 1)), Some(&Data::Float(-3.5)));
    }
}
