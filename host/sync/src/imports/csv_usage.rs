//! Usage items as CSV: a header with `workspace,module,users,devices` in any order,
//! comma, semicolon or tab. An empty count is one that is not known.

use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use psa_host_billing::{ErrorCode, IdError, WorkspaceId};
use psa_host_ledger::UsageItem;

use crate::error::Problem;
use crate::{Error, Result, Source};

use super::content::{Content, NOT_UTF8_FIX, content, why_not_utf8};
use super::csv_file::{CsvFile, CsvRow};
use super::usage_rows::{Concerned, ItemPosition, Read, RefusedRow};
use super::{Accepted, Cleaned, DOUBTFUL_ID_FIX, Unknown};
use super::{count, doubtful_id, is_column};

const COLUMNS: [&str; 4] = ["workspace", "module", "users", "devices"];

/// What the same columns are also called.
const OTHERWISE: [&str; 4] = ["workspace_id", "module_id", "users", "devices"];

/// Where a row stands; knows the file's columns.
#[derive(Debug, Clone)]
pub(super) struct Row {
    file: Arc<str>,
    line: u64,
    columns: Arc<[usize; 4]>,
}

impl ItemPosition for Row {
    fn problem(&self, field: Option<&str>, code: ErrorCode, what: &str, fix: &str) -> Problem {
        let at = COLUMNS.iter().position(|name| Some(*name) == field);
        let column = match at {
            Some(at) => format!(", column {} ({})", self.columns[at] + 1, COLUMNS[at]),
            None => String::new(),
        };
        let message = format!("{}, line {}{column}: {what}", self.file, self.line);
        Problem::new(code, message, fix)
    }

    fn at(&self) -> u64 {
        self.line
    }
}

pub(super) fn read(
    source: &Source,
    channel: WorkspaceId,
    taken_at: Timestamp,
    complete: bool,
) -> Result<Read<Row>> {
    let file: Arc<str> = source.name.as_str().into();
    if content(&source.bytes) == Content::Json {
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
    let mut cleaned = Cleaned::default();
    let mut items = Vec::new();
    let mut refused = Vec::new();
    while let Some(found) = csv.next_row()? {
        let row = Row {
            file: Arc::clone(&file),
            line: found.line,
            columns: Arc::clone(&columns),
        };
        let width = csv.other_width(&found);
        let shifted = width.is_some();
        let item = match width {
            Some(problem) => Err(problem),
            None => item(&row, &found, source.accepted, &mut cleaned),
        };
        match item {
            Ok(item) => items.push((row, item)),
            Err(problem) => refused.push(RefusedRow {
                at: row.line,
                of: concerned(&row, &found, source.accepted, shifted),
                problem,
            }),
        }
    }
    // Rows may be missing behind it.
    refused.extend(csv.cut().map(|problem| RefusedRow {
        at: u64::MAX,
        problem,
        of: Concerned::Anybody,
    }));
    Ok(Read {
        channel,
        taken_at,
        complete,
        items,
        refused,
        names: Vec::new(),
        notes: unknown.notes().chain(cleaned.notes()).collect(),
    })
}

fn columns(file: &str, header: &CsvRow<'_>, unknown: &mut Unknown) -> Result<[usize; 4], Error> {
    let line = header.line;
    let mut found = [None; 4];
    for (at, name) in header.cells.iter().enumerate() {
        let name = String::from_utf8_lossy(name);
        let name = name.trim();
        match which_column(name) {
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

/// Whose count a row is that is refused for something else. Where cells may stand in the
/// wrong columns, an id at the place of the workspace may still be one, of the channel's;
/// that of a module would be a guess.
fn concerned(row: &Row, cells: &CsvRow<'_>, accepted: Accepted, shifted: bool) -> Concerned {
    fn read<T: FromStr<Err = IdError>>(
        row: &Row,
        which: usize,
        cells: &CsvRow<'_>,
        accepted: Accepted,
    ) -> Option<T> {
        let cell = cells.cells.get(row.columns[which])?;
        let text = std::str::from_utf8(cell).ok()?;
        id(row, which, text, accepted, &mut Cleaned::default()).ok()
    }
    match (read(row, 0, cells, accepted), read(row, 1, cells, accepted)) {
        (Some(workspace), Some(module)) if !shifted => Concerned::Pair(workspace, module),
        (Some(workspace), _) => Concerned::Workspace(workspace),
        (None, _) => Concerned::Anybody,
    }
}

/// `Workspace`, and also `Workspace ID`.
fn which_column(name: &str) -> Option<usize> {
    COLUMNS
        .iter()
        .zip(OTHERWISE)
        .position(|(known, other)| is_column(name, known) || is_column(name, other))
}

fn item(
    row: &Row,
    cells: &CsvRow<'_>,
    accepted: Accepted,
    cleaned: &mut Cleaned,
) -> Result<UsageItem, Problem> {
    let mut texts = [""; COLUMNS.len()];
    for (which, text) in texts.iter_mut().enumerate() {
        let cell = cells.cells.get(row.columns[which]);
        let cell = cell.map(|cell| std::str::from_utf8(cell)).transpose();
        *text = cell
            .map(|cell| cell.unwrap_or_default().trim())
            .map_err(|_| {
                let why = why_not_utf8(cells.cells.get(row.columns[which]).map_or(&[], |c| c));
                let what = format!("this cell {why}");
                row.problem(
                    Some(COLUMNS[which]),
                    ErrorCode::NotUtf8,
                    &what,
                    NOT_UTF8_FIX,
                )
            })?;
    }
    let (workspace, module) = (
        id(row, 0, texts[0], accepted, cleaned)?,
        id(row, 1, texts[1], accepted, cleaned)?,
    );
    let mut count = |which: usize| {
        let text = texts[which];
        count::of_cell(text, accepted, cleaned).map_err(|no| {
            let short: String = text.chars().take(40).collect();
            let what = format!("{short:?} is no count, {}", no.why());
            row.problem(Some(COLUMNS[which]), no.code(), &what, no.fix())
        })
    };
    Ok(UsageItem {
        workspace,
        module,
        users: count(2)?,
        devices: count(3)?,
    })
}

fn id<T: FromStr<Err = IdError>>(
    row: &Row,
    which: usize,
    text: &str,
    accepted: Accepted,
    cleaned: &mut Cleaned,
) -> Result<T, Problem> {
    let column = Some(COLUMNS[which]);
    let text = cleaned.text(text).map_err(|why| {
        let what = format!("this id {why}");
        row.problem(column, ErrorCode::BadId, &what, "Correct it.")
    })?;
    if let Some(what) = doubtful_id(&text, false, accepted) {
        let code = ErrorCode::MayBeRounded;
        return Err(row.problem(column, code, &what, DOUBTFUL_ID_FIX));
    }
    text.parse().map_err(|error| {
        let what = format!("this is no id: {error}");
        row.problem(column, ErrorCode::BadId, &what, "Correct it.")
    })
}
