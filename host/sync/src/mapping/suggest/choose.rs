//! Taking chosen proposals: through the same checks as a mapping file, and never
//! unasked.

use psa_host_billing::suggest::Confidence;
use psa_host_billing::{ConnectionName, ErrorCode, default_metric};
use psa_host_ledger::{AccountMapping, Mapping, ServiceMapping};

use super::{SuggestOptions, Suggestions};
use crate::error::Problem;
use crate::imports::Cleaned;
use crate::imports::json::{Node, parse};
use crate::mapping::difference::MapDifference;
use crate::mapping::file::{Read, Row, RowPosition, metric};
use crate::progress::Watch;
use crate::{Access, Note, Power, Result, Source};

/// Which proposals are taken.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// These, of what is proposed now.
    Ids(&'a [String]),
    /// Those of a file; with `safe_only` only the ones that are safe now.
    File {
        /// What `map suggest` printed, edited or not.
        source: &'a Source,
        /// Leave out what is not safe now.
        safe_only: bool,
    },
    /// All that are safe now.
    Safe,
}

impl Access {
    /// Hold chosen proposals against what is mapped, with each checked on both sides as
    /// a row of a mapping file is. Writes nothing: [`Access::apply_mappings`] does.
    ///
    /// # Errors
    /// A file that cannot be read, a PSA that does not answer.
    pub async fn choose_suggestions<'a>(
        &self,
        name: &ConnectionName,
        choice: Choice<'a>,
        watch: Watch<'_>,
    ) -> Result<MapDifference<'a>> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let present = self.ledger().mappings(name)?;
        let mut chosen = match choice {
            Choice::File { source, .. } => read_file(source)?,
            Choice::Ids(_) | Choice::Safe => Read::default(),
        };
        if !matches!(
            choice,
            Choice::File {
                safe_only: false,
                ..
            }
        ) {
            let now = self.suggest(name, &SuggestOptions::ALL, watch).await?;
            let now = now.mappings();
            match choice {
                Choice::Ids(ids) => chosen = by_id(ids, &now),
                Choice::Safe => {
                    let safe = now
                        .into_iter()
                        .filter(|one| one.verdict == Confidence::Safe);
                    chosen.rows = safe.map(Proposed::into_row).collect();
                }
                Choice::File { .. } => {
                    let safe: Vec<&Mapping> = now
                        .iter()
                        .filter(|one| one.verdict == Confidence::Safe)
                        .map(|one| &one.mapping)
                        .collect();
                    let before = chosen.rows.len();
                    chosen
                        .rows
                        .retain(|row| safe.iter().any(|safe| same_pair(safe, &row.mapping)));
                    let left_out = before - chosen.rows.len();
                    if left_out > 0 {
                        let message = format!("{left_out} are not safe now and were left out");
                        chosen.notes.push(Note::new("not-safe", message));
                    }
                }
            }
        }
        self.compare_rows(&connection, &present, chosen, false, watch)
            .await
    }
}

/// A proposal as a mapping.
struct Proposed {
    id: String,
    verdict: Confidence,
    mapping: Mapping,
}

impl Proposed {
    fn into_row<'a>(self) -> Row<'a> {
        Row {
            place: RowPosition::Named(format!("suggestion {}", self.id)),
            mapping: self.mapping,
        }
    }
}

impl Suggestions {
    fn mappings(self) -> Vec<Proposed> {
        let accounts = self.account_suggestions.into_iter().map(|one| Proposed {
            id: one.id,
            verdict: one.verdict,
            mapping: Mapping::Account(AccountMapping {
                workspace: one.workspace,
                account: one.account,
            }),
        });
        let services = self.service_suggestions.into_iter().map(|one| Proposed {
            id: one.id,
            verdict: one.verdict,
            mapping: Mapping::Service(ServiceMapping {
                module: one.module,
                service: one.service,
                metric: one.metric,
            }),
        });
        accounts.chain(services).collect()
    }
}

fn by_id<'a>(ids: &[String], now: &[Proposed]) -> Read<'a> {
    let mut chosen = Read::default();
    for id in ids {
        let mut found = now.iter().filter(|one| one.id == *id);
        match (found.next(), found.next()) {
            (Some(one), None) => chosen.rows.push(Row {
                place: RowPosition::Named(format!("suggestion {id}")),
                mapping: one.mapping.clone(),
            }),
            (Some(_), Some(_)) => chosen.refused.push(
                0,
                Problem::new(
                    ErrorCode::SuggestionAmbiguous,
                    format!("suggestion {id:?} is one of an account and one of a service"),
                    "Map it with `psa-host map account` or `psa-host map service`.",
                ),
            ),
            (None, _) => chosen.refused.push(
                0,
                Problem::new(
                    ErrorCode::UnknownSuggestion,
                    format!("{id:?} is not suggested now"),
                    "See what is with `psa-host map suggest --all`; ids are compared as written.",
                ),
            ),
        }
    }
    chosen
}

fn same_pair(a: &Mapping, b: &Mapping) -> bool {
    match (a, b) {
        (Mapping::Account(a), Mapping::Account(b)) => a == b,
        (Mapping::Service(a), Mapping::Service(b)) => {
            (&a.module, &a.service) == (&b.module, &b.service)
        }
        _ => false,
    }
}

/// The two lists of a file that `map suggest --format json` printed. What else stands
/// there is for people.
fn read_file(source: &Source) -> Result<Read<'_>> {
    let mut read = Read::default();
    let mut cleaned = Cleaned::default();
    let mut document = parse(source)?.object()?;
    for list in ["account_suggestions", "service_suggestions"] {
        let Some(entries) = document.optional(list) else {
            continue;
        };
        for node in entries.list()? {
            match mapping(list, &node, &mut cleaned) {
                Ok(mapping) => read.rows.push(Row {
                    place: RowPosition::Json(node),
                    mapping,
                }),
                Err(problem) => read.refused.push(node.at(), problem),
            }
        }
    }
    if read.rows.is_empty() && read.refused.is_empty() {
        let message = format!("{} has no suggestions", source.name);
        let fix = "Give what `psa-host map suggest --format json` printed.";
        return Err(Problem::new(ErrorCode::NoSuggestions, message, fix).into());
    }
    Ok(read)
}

fn mapping(list: &str, node: &Node<'_>, cleaned: &mut Cleaned) -> Result<Mapping, Problem> {
    let mut object = node.object()?;
    if list == "account_suggestions" {
        return Ok(Mapping::Account(AccountMapping {
            workspace: object.required("workspace")?.id(cleaned)?,
            account: object.required("account")?.id(cleaned)?,
        }));
    }
    let module = object.required("module")?.id(cleaned)?;
    let metric = match object.optional("metric") {
        Some(node) => metric(&node)?,
        None => default_metric(&module),
    };
    Ok(Mapping::Service(ServiceMapping {
        module,
        service: object.required("service")?.id(cleaned)?,
        metric,
    }))
}

#[cfg(test)]
mod tests;
