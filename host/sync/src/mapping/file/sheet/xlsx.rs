//! The sheet as XLSX. Ids are written as text. A person may type one as a number all the
//! same: it is taken by its digits where a spreadsheet keeps them exactly, and refused
//! where it does not.

use std::io::{Cursor, Read};
use std::sync::Arc;

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use rust_xlsxwriter::{Color, Format, Workbook, XlsxError as WriteError};

use super::{COLUMNS, Cell, MOST_COLUMNS, READ, Sheet, SheetRow};
use crate::error::Problem;
use crate::imports::content::{Content, content, no_text};
use crate::spreadsheet::harmless;
use crate::{Result, Source};

/// The sheet's name, as written; read is the only sheet, or the one that is called so.
const SHEET: &str = "mappings";

/// Unpacked: a small file can unpack to any size.
const MOST_UNPACKED_BYTES: u64 = 256 << 20;

/// A spreadsheet keeps 15 digits of a number and no more.
const EXACT_DIGITS: usize = 15;

pub(super) fn read(source: &Source) -> Result<Sheet, Problem> {
    let file: Arc<str> = source.name.as_str().into();
    let unreadable = |why: String| {
        let message = format!("{file} cannot be read as XLSX: {why}");
        Problem::new(
            "xlsx-unreadable",
            message,
            "Save it as an Excel workbook (.xlsx) or as CSV.",
        )
    };
    match content(&source.bytes) {
        Content::Xlsx => {}
        Content::Other(what, _) => {
            let fix = "Open it in the program that it is from, and save it as an Excel workbook \
                       (.xlsx) or as CSV UTF-8.";
            return Err(no_text(source, what, fix));
        }
        Content::Json | Content::Text => {
            let fix = "Call it by what it is: with .csv or .json at the end of its name.";
            return Err(no_text(source, "text, not an Excel workbook", fix));
        }
    }
    unpacks(&source.bytes).map_err(unreadable)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(source.bytes.as_slice()))
        .map_err(|error: XlsxError| unreadable(error.to_string()))?;
    let names = book.sheet_names();
    let Some(name) = names
        .iter()
        .find(|name| *name == SHEET)
        .or_else(|| names.first().filter(|_| names.len() == 1))
        .cloned()
    else {
        let message = format!(
            "{file} has {} sheets and none is called {SHEET}",
            names.len()
        );
        let fix = format!("Call the sheet with the mappings {SHEET}.");
        return Err(Problem::new("xlsx-sheet", message, fix));
    };
    let mut sheet = Sheet {
        file: Arc::clone(&file),
        lettered: true,
        header_row: 1,
        header: Vec::new(),
        rows: Vec::new(),
        accepted: source.accepted,
    };
    let mut cells = book
        .worksheet_cells_reader(&name)
        .map_err(|error| unreadable(error.to_string()))?;
    // Cell by cell: a sheet with something in its last row is not as large as it claims.
    let mut now: Option<(u64, Vec<Cell>)> = None;
    while let Some(found) = cells
        .next_cell()
        .map_err(|error| unreadable(error.to_string()))?
    {
        let (row, column) = found.get_position();
        let (row, column) = (
            u64::from(row) + 1,
            usize::try_from(column).unwrap_or(usize::MAX),
        );
        if column >= MOST_COLUMNS || matches!(found.get_value(), DataRef::Empty) {
            continue;
        }
        if now.as_ref().is_none_or(|(at, _)| *at != row) {
            take(&mut sheet, now.take());
        }
        let (_, of_row) = now.get_or_insert_with(|| (row, Vec::new()));
        if of_row.len() <= column {
            of_row.resize(column + 1, Ok(String::new()));
        }
        of_row[column] = cell(found.get_value());
    }
    take(&mut sheet, now);
    Ok(sheet)
}

/// The first row that has something is the header.
fn take(sheet: &mut Sheet, row: Option<(u64, Vec<Cell>)>) {
    match row {
        None => {}
        Some((at, cells)) if sheet.header.is_empty() => {
            sheet.header_row = at;
            sheet.header = cells;
        }
        Some((row, cells)) => sheet.rows.push(SheetRow {
            row,
            cells,
            fault: None,
        }),
    }
}

/// Unpack everything once and keep nothing, to see how much it is.
fn unpacks(bytes: &[u8]) -> Result<(), String> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut left = MOST_UNPACKED_BYTES;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|error| error.to_string())?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(|error| error.to_string())?;
        left = left
            .checked_sub(unpacked)
            .ok_or_else(|| format!("it unpacks to more than {} MiB", MOST_UNPACKED_BYTES >> 20))?;
    }
    Ok(())
}

fn cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Ok(String::new()),
        DataRef::String(text) => Ok(text.trim().to_owned()),
        DataRef::SharedString(text) => Ok(text.trim().to_owned()),
        DataRef::Int(number) => whole(number.to_string()),
        DataRef::Float(number) => whole(number.to_string()),
        DataRef::Bool(_) => Err("this is true or false, not an id".to_owned()),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => {
            Err("this is a date, not an id".to_owned())
        }
        DataRef::Error(error) => Err(format!("this is an error ({error})")),
    }
}

/// A number as the id that was typed, where that is certain.
fn whole(text: String) -> Cell {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text} is no whole number, so it is no id"));
    }
    if text.len() > EXACT_DIGITS {
        return Err(format!(
            "a number with more than {EXACT_DIGITS} digits has lost the rest"
        ));
    }
    Ok(text)
}

/// Rows under the header, all as text; what is not read is grey.
///
/// # Errors
/// More rows than a sheet can have.
pub(in crate::mapping) fn write(rows: &[[String; COLUMNS.len()]]) -> Result<Vec<u8>> {
    book(rows).map_err(|error| {
        crate::error::rule(
            "xlsx-not-written",
            format!("the mappings do not fit an XLSX file: {error}"),
            "Export them as CSV or JSON.",
        )
    })
}

fn book(rows: &[[String; COLUMNS.len()]]) -> std::result::Result<Vec<u8>, WriteError> {
    let text = Format::new().set_num_format("@");
    let grey = Format::new()
        .set_num_format("@")
        .set_font_color(Color::RGB(0x7f_7f_7f));
    let head = Format::new().set_bold();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name(SHEET)?.set_freeze_panes(1, 0)?;
    for (column, title) in (0_u16..).zip(COLUMNS) {
        let read = usize::from(column) < READ;
        sheet.set_column_format(column, if read { &text } else { &grey })?;
        sheet.set_column_width(column, if read { 18 } else { 40 })?;
        sheet.write_string_with_format(0, column, title, &head)?;
    }
    for (row, cells) in (1_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            let format = if usize::from(column) < READ {
                &text
            } else {
                &grey
            };
            sheet.write_string_with_format(row, column, harmless(cell), format)?;
        }
    }
    book.save_to_buffer()
}
