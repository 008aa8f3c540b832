//! Mappings as a spreadsheet, CSV or XLSX: one row for each, with the columns
//! `kind,coro_id,psa_id,metric` and, for people, the names on both sides, which are
//! never read. Where a spreadsheet would take something for a formula an apostrophe is
//! written before it, and read without it.

pub(in crate::mapping) mod csv;
pub(in crate::mapping) mod xlsx;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use psa_host_billing::{ErrorCode, IdError, Metric};
use psa_host_ledger::{AccountMapping, ContractPin, Mapping, Mappings, ServiceMapping};

use super::contradictions::Claim;
use super::{Read, Row, RowPosition};
use crate::error::Problem;
use crate::imports::content::{Content, content};
use crate::imports::{Accepted, Cleaned, DOUBTFUL_ID_FIX, Unknown};
use crate::imports::{doubtful_id, is_column};
use crate::mapping::metric_of;
use crate::spreadsheet::as_meant;
use crate::{Result, Source};

/// In the order written. The last two are for people.
pub(in crate::mapping) const COLUMNS: [&str; 6] = [
    "kind",
    "coro_id",
    "psa_id",
    "metric",
    "coro_name",
    "psa_name",
];

/// How many of [`COLUMNS`] are read.
const READ: usize = 4;

/// Columns looked at; a sheet for people has fewer.
const MOST_COLUMNS: usize = 64;

/// The form of a mapping file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"accounts": …}`
    Json,
    /// Comma, semicolon or tab.
    Csv,
    /// Excel's.
    Xlsx,
}

impl Form {
    /// By the name's ending; where it says nothing, by the content.
    pub(in crate::mapping) fn of(source: &Source) -> Self {
        if let Some(form) = Self::of_name(&source.name) {
            return form;
        }
        match content(&source.bytes) {
            Content::Json => Self::Json,
            Content::Xlsx => Self::Xlsx,
            Content::Text if source.bytes.trim_ascii().is_empty() => Self::Json,
            Content::Text | Content::Other(..) => Self::Csv,
        }
    }

    /// As it is called on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The form that a file's name says.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// Where a row stands.
#[derive(Debug, Clone)]
pub(in crate::mapping) struct RowPlace {
    file: Arc<str>,
    row: u64,
    /// Columns are called by letters, and lines are rows.
    lettered: bool,
}

impl RowPlace {
    /// Where it stands among the others.
    pub(super) fn at(&self) -> u64 {
        self.row
    }

    /// Within its file.
    pub(super) fn in_file(&self) -> String {
        let line = if self.lettered { "row" } else { "line" };
        format!("{line} {}", self.row)
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.file, self.in_file())
    }
}

/// A cell's text, or why it has none that can be an id.
type Cell = Result<String, String>;

/// What a file of either form has.
struct Sheet {
    file: Arc<str>,
    lettered: bool,
    /// The row of the header.
    header_row: u64,
    header: Vec<Cell>,
    rows: Vec<SheetRow>,
    accepted: Accepted,
}

/// A row under the header.
struct SheetRow {
    row: u64,
    cells: Vec<Cell>,
    /// What is wrong with it as a row, whatever its cells say.
    fault: Option<Problem>,
}

/// Read a CSV or XLSX file.
pub(super) fn read<'a>(source: &Source, form: Form, present: &Mappings) -> Result<Read<'a>> {
    let sheet = match form {
        Form::Xlsx => xlsx::read(source)?,
        Form::Csv | Form::Json => csv::read(source)?,
    };
    let mut unknown = Unknown::default();
    let columns = columns(&sheet, &mut unknown)?;
    let mut read = Read {
        notes: unknown.notes().collect(),
        ..Read::default()
    };
    let mut cleaned = Cleaned::default();
    for SheetRow { row, cells, fault } in sheet.rows {
        let place = RowPlace {
            file: Arc::clone(&sheet.file),
            row,
            lettered: sheet.lettered,
        };
        let cell = |which: usize| columns[which].and_then(|at| cells.get(at));
        let blank = |which: usize| matches!(cell(which), None | Some(Ok(_)) if text(cell(which)).is_empty());
        if fault.is_none() && (0..READ).all(blank) {
            continue;
        }
        let cells = clean(&columns, cells, &mut cleaned);
        let cells = Cells {
            place: &place,
            columns: &columns,
            cells: &cells,
            accepted: sheet.accepted,
        };
        match fault.map_or_else(|| cells.mapping(present), Err) {
            Ok(mapping) => read.rows.push(Row {
                place: RowPosition::Sheet(place),
                mapping,
            }),
            Err(problem) => {
                let claim = cells.claim();
                read.refused.push(place.at(), problem);
                read.claims
                    .extend(claim.map(|claim| (RowPosition::Sheet(place), claim)));
            }
        }
    }
    read.notes.extend(cleaned.notes());
    Ok(read)
}

/// The cells that are read, without what nobody sees.
fn clean(columns: &[Option<usize>; READ], cells: Vec<Cell>, cleaned: &mut Cleaned) -> Vec<Cell> {
    let clean = |(at, cell): (usize, Cell)| match cell {
        Ok(text) if columns.contains(&Some(at)) => {
            let clean = cleaned.text(&text).map(Cow::into_owned);
            clean.map_err(|why| format!("this {why}"))
        }
        cell => cell,
    };
    cells.into_iter().enumerate().map(clean).collect()
}

fn text(cell: Option<&Cell>) -> &str {
    cell.and_then(|cell| cell.as_deref().ok())
        .unwrap_or_default()
}

/// Where each of the columns read stands.
fn columns(sheet: &Sheet, unknown: &mut Unknown) -> Result<[Option<usize>; READ], Problem> {
    let mut found = [None; READ];
    let place = RowPlace {
        file: Arc::clone(&sheet.file),
        row: sheet.header_row,
        lettered: sheet.lettered,
    };
    for (at, cell) in sheet.header.iter().enumerate() {
        let name = cell.as_deref().unwrap_or_default();
        match COLUMNS.iter().position(|known| is_column(name, known)) {
            Some(which) if which >= READ => {}
            Some(which) if found[which].is_some() => {
                let column = column_name(at, sheet.lettered);
                let message = format!("{place}, column {column}: {name} is there twice");
                return Err(Problem::new(
                    ErrorCode::SheetHeader,
                    message,
                    "Remove one of the two.",
                ));
            }
            Some(which) => found[which] = Some(at),
            None if name.is_empty() => {}
            None => unknown.see(name),
        }
    }
    // A metric may be left out.
    let missing: Vec<&str> = (0..READ - 1)
        .filter(|which| found[*which].is_none())
        .map(|which| COLUMNS[which])
        .collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let message = format!("{place}: the header has no {}", missing.join(", "));
    let fix = "The first row names the columns: kind,coro_id,psa_id,metric.";
    Err(Problem::new(ErrorCode::SheetHeader, message, fix))
}

/// One row's cells.
struct Cells<'a> {
    place: &'a RowPlace,
    columns: &'a [Option<usize>; READ],
    cells: &'a [Cell],
    accepted: Accepted,
}

impl Cells<'_> {
    /// What a refused row says all the same.
    fn claim(&self) -> Option<Claim> {
        let text = |which| self.text(which).ok().filter(|text| !text.is_empty());
        let metric = text(3).unwrap_or_default();
        Claim::written(&text(0)?, &text(1)?, &text(2)?, &metric)
    }

    fn mapping(&self, present: &Mappings) -> Result<Mapping, Problem> {
        let kind = self.text(0)?.to_ascii_lowercase();
        let metric = self.text(3)?.to_ascii_lowercase();
        if kind != "service" && !metric.is_empty() {
            let what = format!("{metric:?} stands here, and only a service has a metric");
            return Err(self.problem(3, ErrorCode::MetricNotHere, &what, "Leave the cell empty."));
        }
        match kind.as_str() {
            "account" => Ok(Mapping::Account(AccountMapping {
                workspace: self.id(1)?,
                account: self.id(2)?,
            })),
            "contract" => Ok(Mapping::Contract(ContractPin {
                workspace: self.id(1)?,
                contract: self.id(2)?,
            })),
            "service" => {
                let module = self.id(1)?;
                let metric = match metric.as_str() {
                    "" => metric_of(present, &module),
                    "users" => Metric::Users,
                    "devices" => Metric::Devices,
                    _ => {
                        let what = format!("{} is no metric", short(&metric));
                        let fix = "Use users or devices.";
                        return Err(self.problem(3, ErrorCode::UnknownMetric, &what, fix));
                    }
                };
                let service = self.id(2)?;
                Ok(Mapping::Service(ServiceMapping {
                    module,
                    service,
                    metric,
                }))
            }
            _ => {
                let what = format!("{} is no kind of mapping", short(&kind));
                let fix = "Use account, service or contract.";
                Err(self.problem(0, ErrorCode::UnknownKind, &what, fix))
            }
        }
    }

    /// A cell without the apostrophes that protect it.
    fn text(&self, which: usize) -> Result<Cow<'_, str>, Problem> {
        let Some(at) = self.columns[which] else {
            return Ok(Cow::Borrowed(""));
        };
        match self.cells.get(at) {
            None => Ok(Cow::Borrowed("")),
            Some(Ok(text)) => Ok(as_meant(text)),
            Some(Err(why)) => {
                let fix = "Format the cell as text, and write the id into it again.";
                Err(self.problem(which, ErrorCode::NotAnId, why, fix))
            }
        }
    }

    fn id<T: std::str::FromStr<Err = IdError>>(&self, which: usize) -> Result<T, Problem> {
        let text = self.text(which)?;
        if let Some(what) = doubtful_id(&text, false, self.accepted) {
            let code = ErrorCode::MayBeRounded;
            return Err(self.problem(which, code, &what, DOUBTFUL_ID_FIX));
        }
        text.parse().map_err(|error| {
            let what = format!("this is no id: {error}");
            self.problem(which, ErrorCode::BadId, &what, "Correct it.")
        })
    }

    fn problem(&self, which: usize, code: ErrorCode, what: &str, fix: &str) -> Problem {
        let column = match self.columns[which] {
            Some(at) => format!(
                ", column {} ({})",
                column_name(at, self.place.lettered),
                COLUMNS[which]
            ),
            None => String::new(),
        };
        Problem::new(code, format!("{}{column}: {what}", self.place), fix)
    }
}

fn short(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("{short:?}")
}

/// From 1, or `A` to `BL`.
fn column_name(at: usize, lettered: bool) -> String {
    if !lettered {
        return (at + 1).to_string();
    }
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).unwrap_or_default());
    match at / 26 {
        0 => letter(at).to_string(),
        above => format!("{}{}", letter(above - 1), letter(at)),
    }
}

#[cfg(test)]
mod tests;
