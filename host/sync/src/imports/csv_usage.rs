//! Usage items as CSV: a header with `workspace,module,users,devices` in any order,
//! comma or semicolon. An empty count is one that is not known.

use std::sync::Arc;

use jiff::Timestamp;
use psa_host_billing::{IdError, WorkspaceId};
use psa_host_ledger::UsageItem;

use crate::error::Problem;
use crate::{Error, Result, Source};

use super::json::{COUNT_FIX, why_no_count};
use super::usage::{Place, Read};
use super::{Unknown, refuse};

const COLUMNS: [&str; 4] = ["workspace", "module", "users", "devices"];

/// Where a row stands; knows the file's columns.
#[derive(Debug, Clone)]
pub(super) struct Row {
    file: Arc<str>,
    line: u64,
    columns: Arc<[usize; 4]>,
}

impl Place for Row {
    fn problem(&self, field: Option<&str>, code: &'static str, what: &str, fix: &str) -> Problem {
        let at = COLUMNS.iter().position(|name| Some(*name) == field);
        let column = match at {
            Some(at) => format!(", column {} ({})", self.columns[at] + 1, COLUMNS[at]),
            None => String::new(),
        };
        let message = format!("{}, line {}{column}: {what}", self.file, self.line);
        Problem::new(code, message, fix)
    }
}

pub(super) fn read(
    source: &Source,
    channel: WorkspaceId,
    taken_at: Timestamp,
    complete: bool,
) -> Result<Read<Row>> {
    let file: Arc<str> = source.name.as_str().into();
    let bytes = source.bytes.as_slice();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::new(
            "usage-is-json",
            format!("{file} is JSON, and --channel, --taken-at and --complete are for CSV"),
            "Leave them out: a JSON file says all three itself.",
        )
        .into());
    }
    let head = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let semicolons = head.contains(&b';') && !head.contains(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if semicolons { b';' } else { b',' })
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut unknown = Unknown::default();
    let header = reader
        .headers()
        .map_err(|error| unreadable(&file, &error))?;
    let columns = Arc::new(columns(&file, header, &mut unknown)?);
    let mut items = Vec::new();
    let mut problems = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            // What follows a broken row cannot be trusted to be rows.
            Err(error) => {
                problems.push(unreadable(&file, &error));
                break;
            }
        }
        let row = Row {
            file: Arc::clone(&file),
            line: record.position().map_or(0, csv::Position::line),
            columns: Arc::clone(&columns),
        };
        match item(&row, &record) {
            Ok(item) => items.push((row, item)),
            Err(problem) => problems.push(problem),
        }
    }
    refuse(problems)?;
    Ok(Read {
        channel,
        taken_at,
        complete,
        items,
        names: Vec::new(),
        notes: unknown.notes().collect(),
    })
}

fn columns(
    file: &str,
    header: &csv::StringRecord,
    unknown: &mut Unknown,
) -> Result<[usize; 4], Error> {
    let mut found = [None; 4];
    for (at, name) in header.iter().enumerate() {
        match COLUMNS
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known))
        {
            None => unknown.see(name),
            Some(which) if found[which].is_some() => {
                let message = format!("{file}, line 1, column {}: {name} is there twice", at + 1);
                return Err(Problem::new("csv-header", message, "Remove one of the two.").into());
            }
            Some(which) => found[which] = Some(at),
        }
    }
    let [Some(workspace), Some(module), Some(users), Some(devices)] = found else {
        let missing: Vec<&str> = COLUMNS
            .into_iter()
            .zip(found)
            .filter(|(_, at)| at.is_none())
            .map(|(name, _)| name)
            .collect();
        let message = format!(
            "{file}, line 1, column {}: the header has no {}",
            header.len() + 1,
            missing.join(", ")
        );
        let fix = "The first line names the columns: workspace,module,users,devices.";
        return Err(Problem::new("csv-header", message, fix).into());
    };
    Ok([workspace, module, users, devices])
}

fn item(row: &Row, record: &csv::StringRecord) -> Result<UsageItem, Problem> {
    let cell = |which: usize| record.get(row.columns[which]).unwrap_or_default();
    let wrong_id = |which: usize, error: IdError| {
        let what = format!("this is no id: {error}");
        row.problem(Some(COLUMNS[which]), "bad-id", &what, "Correct it.")
    };
    let count = |which: usize| match cell(which) {
        "" => Ok(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok() => {
            Ok(text.parse().ok())
        }
        text => {
            let short: String = text.chars().take(40).collect();
            let what = format!("{short:?} is no count, {}", why_no_count(text));
            Err(row.problem(Some(COLUMNS[which]), "bad-count", &what, COUNT_FIX))
        }
    };
    Ok(UsageItem {
        workspace: cell(0).parse().map_err(|error| wrong_id(0, error))?,
        module: cell(1).parse().map_err(|error| wrong_id(1, error))?,
        users: count(2)?,
        devices: count(3)?,
    })
}

fn unreadable(file: &str, error: &csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    let (column, code, what, fix) = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => (
            // The first field that is missing, or too many.
            (*len).min(*expected_len) + 1,
            "csv-fields",
            format!("this line has {len} fields, the header has {expected_len}"),
            "Give each line as many fields as the header.",
        ),
        csv::ErrorKind::Utf8 { err, .. } => (
            u64::try_from(err.field()).map_or(1, |field| field + 1),
            "not-utf8",
            "this field is not UTF-8 text".to_owned(),
            "Save the file as UTF-8.",
        ),
        _ => (
            1,
            "csv-syntax",
            error.to_string(),
            "Correct the file at that place.",
        ),
    };
    let place = format!("{file}, line {line}, column {column}");
    Problem::new(code, format!("{place}: {what}"), fix)
}
