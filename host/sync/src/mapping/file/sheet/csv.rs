//! The sheet as CSV, with commas or semicolons, in UTF-8.

use std::sync::Arc;

use super::{COLUMNS, Cell, MOST_COLUMNS, Sheet, escaped};
use crate::error::Problem;
use crate::{Result, Source};

pub(super) fn read(source: &Source) -> Result<Sheet, Problem> {
    let file: Arc<str> = source.name.as_str().into();
    let bytes = source.bytes.as_slice();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let semicolons = head.contains(&b';') && !head.contains(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if semicolons { b';' } else { b',' })
        .has_headers(false)
        // What a person leaves off at a row's end is empty.
        .flexible(true)
        .from_reader(bytes);
    let mut sheet = Sheet {
        file: Arc::clone(&file),
        lettered: false,
        header_row: 1,
        header: Vec::new(),
        rows: Vec::new(),
        broken: Vec::new(),
    };
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            // What follows a broken row cannot be trusted to be rows.
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                let message = format!("{file}, line {line}: {error}");
                let fix = "Correct the file at that place.";
                sheet.broken.push(Problem::new("csv-syntax", message, fix));
                break;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<Cell> = record.iter().take(MOST_COLUMNS).map(cell).collect();
        if sheet.header.is_empty() {
            sheet.header_row = line;
            sheet.header = cells;
        } else {
            sheet.rows.push((line, cells));
        }
    }
    Ok(sheet)
}

fn cell(bytes: &[u8]) -> Cell {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err("this is not UTF-8 text".to_owned()),
    }
}

/// Rows under the header.
pub(in crate::mapping) fn write(rows: &[[String; COLUMNS.len()]]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail, and all rows have the header's length.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let _ = writer.write_record(row.iter().map(|cell| escaped(cell).into_owned()));
    }
    writer.into_inner().unwrap_or_default()
}
