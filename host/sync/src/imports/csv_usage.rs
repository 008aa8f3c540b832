//! Usage items as CSV: a header with `workspace,module,users,devices` in any order,
//! comma or semicolon. An empty count is one that is not known.

use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use psa_host_billing::{ErrorCode, IdError, WorkspaceId};
use psa_host_ledger::UsageItem;

use crate::error::Problem;
use crate::{Error, Result, Source};

use super::csv_file::{CsvFile, CsvRow};
use super::json::{COUNT_FIX, why_no_count};
use super::usage::{Place, Read};
use super::{Accepted, DOUBTFUL_ID_FIX, Unknown, doubtful_id, refuse};

const COLUMNS: [&str; 4] = ["workspace", "module", "users", "devices"];

/// Where a row stands; knows the file's columns.
#[derive(Debug, Clone)]
pub(super) struct Row {
    file: Arc<str>,
    line: u64,
    columns: Arc<[usize; 4]>,
}

impl Place for Row {
    fn problem(&self, field: Option<&str>, code: ErrorCode, what: &str, fix: &str) -> Problem {
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
            ErrorCode::UsageIsJson,
            format!("{file} is JSON, and --channel, --taken-at and --complete are for CSV"),
            "Leave them out: a JSON file says all three itself.",
        )
        .into());
    }
    let (mut csv, header) = CsvFile::open(source)?;
    let mut unknown = Unknown::default();
    let columns = Arc::new(columns(&file, &header, &mut unknown)?);
    let mut items = Vec::new();
    let mut problems = Vec::new();
    while let Some(found) = csv.next_row()? {
        let row = Row {
            file: Arc::clone(&file),
            line: found.line,
            columns: Arc::clone(&columns),
        };
        let item = match csv.other_width(&found) {
            Some(problem) => Err(problem),
            None => item(&row, &found, source.accepted),
        };
        match item {
            Ok(item) => items.push((row, item)),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(csv.cut());
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

fn columns(file: &str, header: &CsvRow<'_>, unknown: &mut Unknown) -> Result<[usize; 4], Error> {
    let line = header.line;
    let mut found = [None; 4];
    for (at, name) in header.cells.iter().enumerate() {
        let name = String::from_utf8_lossy(name);
        let name = name.trim();
        match COLUMNS
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known))
        {
            None => unknown.see(name),
            Some(which) if found[which].is_some() => {
                let message = format!(
                    "{file}, line {line}, column {}: {name} is there twice",
                    at + 1
                );
                return Err(
                    Problem::new(ErrorCode::CsvHeader, message, "Remove one of the two.").into(),
                );
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
            "{file}, line {line}, column {}: the header has no {}",
            header.cells.len() + 1,
            missing.join(", ")
        );
        let fix = "The first line names the columns: workspace,module,users,devices.";
        return Err(Problem::new(ErrorCode::CsvHeader, message, fix).into());
    };
    Ok([workspace, module, users, devices])
}

fn item(row: &Row, cells: &CsvRow<'_>, accepted: Accepted) -> Result<UsageItem, Problem> {
    let mut texts = [""; COLUMNS.len()];
    for (which, text) in texts.iter_mut().enumerate() {
        let cell = cells.cells.get(row.columns[which]);
        let cell = cell.map(|cell| std::str::from_utf8(cell)).transpose();
        *text = cell
            .map(|cell| cell.unwrap_or_default().trim())
            .map_err(|_| {
                let fix = "Save the file as UTF-8.";
                row.problem(
                    Some(COLUMNS[which]),
                    ErrorCode::NotUtf8,
                    "this cell is not UTF-8 text",
                    fix,
                )
            })?;
    }
    let count = |which: usize| match texts[which] {
        "" => Ok(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok() => {
            Ok(text.parse().ok())
        }
        text => {
            let short: String = text.chars().take(40).collect();
            let what = format!("{short:?} is no count, {}", why_no_count(text));
            Err(row.problem(Some(COLUMNS[which]), ErrorCode::BadCount, &what, COUNT_FIX))
        }
    };
    Ok(UsageItem {
        workspace: id(row, 0, texts[0], accepted)?,
        module: id(row, 1, texts[1], accepted)?,
        users: count(2)?,
        devices: count(3)?,
    })
}

fn id<T: FromStr<Err = IdError>>(
    row: &Row,
    which: usize,
    text: &str,
    accepted: Accepted,
) -> Result<T, Problem> {
    let column = Some(COLUMNS[which]);
    if let Some(what) = doubtful_id(text, false, accepted) {
        let code = ErrorCode::MayBeRounded;
        return Err(row.problem(column, code, &what, DOUBTFUL_ID_FIX));
    }
    text.parse().map_err(|error| {
        let what = format!("this is no id: {error}");
        row.problem(column, ErrorCode::BadId, &what, "Correct it.")
    })
}
