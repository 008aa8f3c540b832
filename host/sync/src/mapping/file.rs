//! Mappings as a file: `{"accounts":[{workspace,account}],"services":[{module,service,
//! metric}],"contracts":[{workspace,contract}]}`. Imported with every row checked on
//! both sides; exported in the same form.

mod one_to_one;
mod psa_side;

use psa_host_billing::{AccountId, ConnectionName, ContractId, Metric};
use psa_host_ledger::{AccountMapping, ContractPin, Mapped, Mapping, Mappings, ServiceMapping};
use serde::Serialize;

use crate::error::Problem;
use crate::imports::json::{Node, parse};
use crate::imports::{Unknown, numbers_as_ids};
use crate::progress::Watch;
use crate::{Host, Note, Purpose, Result, Source};

use super::rows::CoroSide;
use super::{call, metric_of};
use one_to_one::one_to_one;
use psa_side::PsaSide;

/// The file's form, for export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingFile {
    /// Workspaces and accounts.
    pub accounts: Vec<AccountEntry>,
    /// Modules and services.
    pub services: Vec<psa_host_billing::ServiceMapping>,
    /// Contracts chosen.
    pub contracts: Vec<ContractEntry>,
}

/// A workspace and its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountEntry {
    /// Coro's side.
    pub workspace: psa_host_billing::WorkspaceId,
    /// The PSA's side.
    pub account: AccountId,
}

/// A workspace and its contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContractEntry {
    /// Coro's side.
    pub workspace: psa_host_billing::WorkspaceId,
    /// The PSA's side.
    pub contract: ContractId,
}

/// What an import did.
#[derive(Debug, Clone, Serialize)]
pub struct MapImported {
    /// Whether the good rows were kept.
    pub applied: bool,
    /// Rows that were new, or would have been.
    pub new: usize,
    /// Rows that were there.
    pub same: usize,
    /// Rows whose metric or contract is another now.
    pub changed: usize,
    /// Rows refused, each with its place.
    pub refused: Vec<Problem>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

/// A row, with its place.
struct Row<'a> {
    place: Node<'a>,
    mapping: Mapping,
}

impl Host {
    /// Import mappings. Each row is checked on both sides; with `partial` the good ones
    /// are kept, without it all or none.
    ///
    /// # Errors
    /// A file that cannot be read at all, no such connection, a PSA that does not
    /// answer. Bad rows are in the report.
    pub async fn import_mappings(
        &self,
        name: &ConnectionName,
        source: &Source,
        partial: bool,
        watch: Watch<'_>,
    ) -> Result<MapImported> {
        let connection = self.connection(name)?;
        let present = self.ledger().mappings(name)?;
        let mut done = MapImported {
            applied: false,
            new: 0,
            same: 0,
            changed: 0,
            refused: Vec::new(),
            notes: Vec::new(),
        };
        let mut rows = read(source, &present, &mut done)?;
        let coro = CoroSide::of(self, &connection)?;
        keep_good(&mut rows, &mut done, |row| match &row.mapping {
            Mapping::Account(mapping) => coro.workspace(&mapping.workspace).map(|()| None),
            Mapping::Service(mapping) => coro.module(&mapping.module),
            Mapping::Contract(pin) => coro.workspace(&pin.workspace).map(|()| None),
        });
        if !rows.is_empty() {
            let open = self.open_connection(name, Purpose::Look).await?;
            let today = self.today(&connection)?;
            let psa = PsaSide::read(&open.reader, &rows, &present, today, watch).await;
            let psa = psa.map_err(|error| call(name, error))?;
            keep_good(&mut rows, &mut done, |row| psa.check(row).map(|()| None));
        }
        let mut one_to_one = one_to_one(&present);
        keep_good(&mut rows, &mut done, |row| {
            one_to_one.take(row).map(|()| None)
        });
        if !partial && !done.refused.is_empty() {
            return Ok(done);
        }
        let mappings: Vec<Mapping> = rows.iter().map(|row| row.mapping.clone()).collect();
        let report = self.ledger().map_all(name, &mappings, partial)?;
        done.applied = report.applied;
        for (row, result) in rows.iter().zip(report.rows) {
            match result {
                Ok(Mapped::New) => done.new += 1,
                Ok(Mapped::Same) => done.same += 1,
                Ok(Mapped::Changed) => done.changed += 1,
                // Another connection of the same tenant has it.
                Err(error) => {
                    let problem = crate::Error::from(error).problem();
                    done.refused.push(at(&row.place, problem));
                }
            }
        }
        Ok(done)
    }

    /// All mappings of a connection, in the form that can be imported again.
    ///
    /// # Errors
    /// No such connection.
    pub fn export_mappings(&self, name: &ConnectionName) -> Result<MappingFile> {
        self.connection(name)?;
        let mappings = self.ledger().mappings(name)?;
        let account = |mapping: AccountMapping| AccountEntry {
            workspace: mapping.workspace,
            account: mapping.account,
        };
        let service = |mapping: ServiceMapping| psa_host_billing::ServiceMapping {
            module: mapping.module,
            service: mapping.service,
            metric: mapping.metric,
        };
        let contract = |pin: ContractPin| ContractEntry {
            workspace: pin.workspace,
            contract: pin.contract,
        };
        Ok(MappingFile {
            accounts: mappings.accounts.into_iter().map(account).collect(),
            services: mappings.services.into_iter().map(service).collect(),
            contracts: mappings.contracts.into_iter().map(contract).collect(),
        })
    }
}

/// A problem with its row's place in front.
fn at(place: &Node<'_>, problem: Problem) -> Problem {
    let placed = place.problem("row", &problem.message, "");
    Problem {
        message: placed.message,
        ..problem
    }
}

/// Drop the rows that fail a check, and report them.
fn keep_good<'a>(
    rows: &mut Vec<Row<'a>>,
    done: &mut MapImported,
    mut check: impl FnMut(&Row<'a>) -> Result<Option<Note>, Problem>,
) {
    rows.retain(|row| match check(row) {
        Ok(note) => {
            done.notes.extend(note);
            true
        }
        Err(problem) => {
            done.refused.push(at(&row.place, problem));
            false
        }
    });
}

fn read<'a>(
    source: &'a Source,
    present: &Mappings,
    done: &mut MapImported,
) -> Result<Vec<Row<'a>>> {
    let mut unknown = Unknown::default();
    let mut numbers = 0;
    let mut document = parse(source)?.object()?;
    // What `map export` puts there.
    document.optional("schema_version");
    let mut rows = Vec::new();
    for list in ["accounts", "services", "contracts"] {
        let Some(entries) = document.optional(list) else {
            continue;
        };
        for place in entries.list()? {
            match mapping(list, &place, present, &mut unknown, &mut numbers) {
                Ok(mapping) => rows.push(Row { place, mapping }),
                Err(problem) => done.refused.push(problem),
            }
        }
    }
    document.rest(&mut unknown);
    done.notes.extend(unknown.notes());
    done.notes.extend(numbers_as_ids(numbers));
    Ok(rows)
}

fn mapping(
    list: &str,
    place: &Node<'_>,
    present: &Mappings,
    unknown: &mut Unknown,
    numbers: &mut usize,
) -> Result<Mapping, Problem> {
    let mut object = place.object()?;
    let mapping = match list {
        "accounts" => Mapping::Account(AccountMapping {
            workspace: object.required("workspace")?.id(numbers)?,
            account: object.required("account")?.id(numbers)?,
        }),
        "services" => {
            let module = object.required("module")?.id(numbers)?;
            let metric = match object.optional("metric") {
                None => metric_of(present, &module),
                Some(node) => match node.word()?.as_str() {
                    "users" => Metric::Users,
                    "devices" => Metric::Devices,
                    _ => {
                        let what = format!("is {}, which is no metric", node.shown());
                        let fix = "Use users or devices.";
                        return Err(node.problem("unknown-metric", what, fix));
                    }
                },
            };
            Mapping::Service(ServiceMapping {
                module,
                service: object.required("service")?.id(numbers)?,
                metric,
            })
        }
        _ => Mapping::Contract(ContractPin {
            workspace: object.required("workspace")?.id(numbers)?,
            contract: object.required("contract")?.id(numbers)?,
        }),
    };
    object.rest(unknown);
    Ok(mapping)
}

#[cfg(test)]
mod tests;
