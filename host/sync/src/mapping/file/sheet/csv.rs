//! The sheet as CSV, with commas, semicolons or tabs.

use super::{COLUMNS, Cell, MOST_COLUMNS, READ, Sheet, SheetRow};
use crate::error::Problem;
use crate::imports::content::why_not_utf8;
use crate::imports::csv_file::{CsvFile, CsvRow};
use crate::spreadsheet::harmless;
use crate::{Result, Source};

pub(super) fn read(source: &Source) -> Result<Sheet, Problem> {
    let (mut csv, header) = CsvFile::open(source)?;
    let cells = |row: &CsvRow<'_>| -> Vec<Cell> {
        let cells = row.cells.iter().take(MOST_COLUMNS);
        cells.map(|bytes| cell(bytes)).collect()
    };
    let mut sheet = Sheet {
        file: source.name.as_str().into(),
        lettered: false,
        header_row: header.line,
        header: cells(&header),
        rows: Vec::new(),
        accepted: source.accepted,
    };
    while let Some(row) = csv.next_row()? {
        sheet.rows.push(SheetRow {
            row: row.line,
            cells: cells(&row),
            fault: csv.other_width(&row),
        });
    }
    if let Some(cut) = csv.cut() {
        match sheet.rows.last_mut() {
            Some(last) => last.fault = last.fault.take().or(Some(cut)),
            // Even the header may be cut.
            None => return Err(cut),
        }
    }
    Ok(sheet)
}

fn cell(bytes: &[u8]) -> Cell {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(format!("this {}", why_not_utf8(bytes))),
    }
}

/// Rows under the header. A name of several lines is written in one: then each row is one
/// line, whatever reads it.
pub(in crate::mapping) fn write(rows: &[[String; COLUMNS.len()]]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail, and all rows have the header's length.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let cells = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match column < READ {
                true => harmless(cell).into_owned(),
                false => harmless(&cell.replace(char::is_control, " ")).into_owned(),
            });
        let _ = writer.write_record(cells);
    }
    writer.into_inner().unwrap_or_default()
}
