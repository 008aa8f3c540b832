//! Writes records as JSON text, straight into the body: only the fields asked for,
//! nulls as nulls, all names in camelCase.

use std::io::Write;

use crate::schema::{Entity, Field};
use crate::switches::DateFormat;
use crate::world::cell::Cell;
use crate::world::row::Record;

/// Appends a record.
pub(crate) fn record<R: Record>(
    out: &mut Vec<u8>,
    row: &R,
    entity: Entity,
    include: Option<&[&'static Field]>,
    dates: DateFormat,
) {
    out.push(b'{');
    let mut first = true;
    let mut put = |field: &'static Field| {
        if !first {
            out.push(b',');
        }
        first = false;
        out.push(b'"');
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        cell(out, row.cell(field), dates);
    };
    match include {
        Some(fields) => fields.iter().for_each(|f| put(f)),
        None => {
            entity
                .fields()
                .all()
                .iter()
                .filter(|f| !f.write_only)
                .for_each(&mut put);
            out.extend_from_slice(b",\"userDefinedFields\":[");
            for (n, (name, value)) in row.udfs().iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(b"{\"name\":");
                text(out, name);
                out.extend_from_slice(b",\"value\":");
                text(out, value);
                out.push(b'}');
            }
            out.push(b']');
        }
    }
    out.push(b'}');
}

fn cell(out: &mut Vec<u8>, cell: Cell<'_>, dates: DateFormat) {
    // Writing into memory cannot fail.
    let _ = match cell {
        Cell::Null => out.write_all(b"null"),
        Cell::Bool(b) => write!(out, "{b}"),
        Cell::Int(n) => write!(out, "{n}"),
        Cell::Dec(d) => write!(out, "{d}"),
        Cell::Text(t) => {
            text(out, t);
            Ok(())
        }
        Cell::Time(t) => {
            let (day, time) = (t.date(), t.time());
            let zone = match dates {
                DateFormat::Seconds => "Z",
                DateFormat::Millis => ".000Z",
                DateFormat::Bare => "",
            };
            write!(
                out,
                "\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}\"",
                day.year(),
                day.month(),
                day.day(),
                time.hour(),
                time.minute(),
                time.second()
            )
        }
    };
}

/// Appends a text as a JSON string.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"\"\"");
    }
}
