//! Mappings as a file: `{"accounts":[{workspace,account}],"services":[{module,service,
//! metric}],"contracts":[{workspace,contract}]}`, or a spreadsheet with a row for each
//! ([`sheet`]). Here the form and its rows; [`difference`](super::difference) holds them
//! against both sides.

pub(super) mod contradictions;
pub(super) mod one_to_one;
pub(super) mod psa_side;
pub(super) mod sheet;

use psa_host_billing::{AccountId, ConnectionName, ContractId, ErrorCode, Metric};
use psa_host_ledger::{AccountMapping, ContractPin, Mapping, Mappings, ServiceMapping};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Problem, rule};
use crate::imports::json::{Node, parse};
use crate::imports::whole::{Listed, not_whole};
use crate::imports::{Cleaned, Refusals, Unknown};
use crate::{Access, Note, Power, Result, Source};

use contradictions::Claim;

use super::metric_of;

/// The file's form, for export.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct MappingFile {
    /// Workspaces and accounts.
    pub accounts: Vec<AccountEntry>,
    /// Modules and services.
    pub services: Vec<psa_host_billing::ServiceMapping>,
    /// Contracts chosen.
    pub contracts: Vec<ContractEntry>,
}

/// A workspace and its account.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct AccountEntry {
    /// Coro's side.
    pub workspace: psa_host_billing::WorkspaceId,
    /// The PSA's side.
    pub account: AccountId,
}

/// A workspace and its contract.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct ContractEntry {
    /// Coro's side.
    pub workspace: psa_host_billing::WorkspaceId,
    /// The PSA's side.
    pub contract: ContractId,
}

/// What a file says, before it is held against anything.
#[derive(Debug, Default)]
pub(super) struct Read<'a> {
    pub rows: Vec<Row<'a>>,
    pub refused: Refusals,
    /// What the refused rows say, as far as it can be read.
    pub claims: Vec<(RowPosition<'a>, Claim)>,
    pub notes: Vec<Note>,
}

/// A row, with its place.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub place: RowPosition<'a>,
    pub mapping: Mapping,
}

/// Where a row stands.
#[derive(Debug, Clone)]
pub(super) enum RowPosition<'a> {
    Json(Node<'a>),
    Sheet(sheet::RowPlace),
    /// By name (`suggestion w1=17`).
    Named(String),
}

impl RowPosition<'_> {
    /// A problem with the row's place in front.
    pub(super) fn of(&self, problem: Problem) -> Problem {
        let message = match self {
            Self::Json(node) => node.problem(ErrorCode::Row, &problem.message, "").message,
            Self::Sheet(row) => format!("{row}: {}", problem.message),
            Self::Named(name) => format!("{name}: {}", problem.message),
        };
        Problem { message, ..problem }
    }

    /// Where it stands among the others of its file.
    pub(super) fn at(&self) -> u64 {
        match self {
            Self::Json(node) => node.at(),
            Self::Sheet(row) => row.at(),
            // As they were named.
            Self::Named(_) => 0,
        }
    }

    /// Within its file.
    fn in_file(&self) -> String {
        match self {
            Self::Json(node) => format!("line {}", node.line()),
            Self::Sheet(row) => row.in_file(),
            Self::Named(name) => name.clone(),
        }
    }
}

impl Access {
    /// All mappings of a connection, in the form that can be imported again.
    ///
    /// # Errors
    /// No such connection.
    pub fn export_mappings(&self, name: &ConnectionName) -> Result<MappingFile> {
        self.may_on(name, Power::Read)?;
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

/// Read a mapping file in whatever form it has.
pub(super) fn read<'a>(source: &'a Source, present: &Mappings) -> Result<Read<'a>> {
    match sheet::Form::of(source) {
        sheet::Form::Json => read_json(source, present),
        form => sheet::read(source, form, present),
    }
}

fn read_json<'a>(source: &'a Source, present: &Mappings) -> Result<Read<'a>> {
    let mut read = Read::default();
    let mut unknown = Unknown::default();
    let mut cleaned = Cleaned::default();
    let mut document = parse(source)?.object()?;
    // What `map export` puts there.
    document.optional("schema_version");
    let mut lists = 0;
    for list in ["accounts", "services", "contracts"] {
        let Some(entries) = document.optional(list) else {
            continue;
        };
        lists += 1;
        for node in entries.list()? {
            match mapping(list, &node, present, &mut unknown, &mut cleaned) {
                Ok(mapping) => {
                    let place = RowPosition::Json(node);
                    read.rows.push(Row { place, mapping });
                }
                Err(problem) => {
                    let claim = claim(list, &node);
                    read.refused.push(node.at(), problem);
                    read.claims
                        .extend(claim.map(|claim| (RowPosition::Json(node), claim)));
                }
            }
        }
    }
    let listed = Listed {
        entries: read.rows.len() + read.refused.len(),
        workspaces: read.rows.len() + read.refused.len(),
    };
    for sign in not_whole(&mut document, listed) {
        let message = format!("{}: {sign}: it may not have all mappings", source.name);
        let fix = "Get the whole file; if this is all of it, leave that field out.";
        let problem = Problem::new(ErrorCode::NotWhole, message, fix);
        read.refused.push(u64::MAX, problem);
    }
    document.rest(&mut unknown);
    if lists == 0 {
        return Err(rule(
            ErrorCode::NoMappings,
            format!("{} has none of the lists of a mapping file", source.name),
            "Give at least one of `accounts`, `services` and `contracts`.",
        ));
    }
    read.notes.extend(unknown.notes());
    read.notes.extend(cleaned.notes());
    Ok(read)
}

fn mapping(
    list: &str,
    place: &Node<'_>,
    present: &Mappings,
    unknown: &mut Unknown,
    cleaned: &mut Cleaned,
) -> Result<Mapping, Problem> {
    let mut object = place.object()?;
    let mapping = match list {
        "accounts" => Mapping::Account(AccountMapping {
            workspace: object.required("workspace")?.id(cleaned)?,
            account: object.required("account")?.id(cleaned)?,
        }),
        "services" => {
            let module = object.required("module")?.id(cleaned)?;
            let metric = match object.optional("metric") {
                None => metric_of(present, &module),
                Some(node) => metric(&node)?,
            };
            Mapping::Service(ServiceMapping {
                module,
                service: object.required("service")?.id(cleaned)?,
                metric,
            })
        }
        _ => Mapping::Contract(ContractPin {
            workspace: object.required("workspace")?.id(cleaned)?,
            contract: object.required("contract")?.id(cleaned)?,
        }),
    };
    object.rest(unknown);
    Ok(mapping)
}

/// What a refused entry says all the same.
fn claim(list: &str, place: &Node<'_>) -> Option<Claim> {
    let mut object = place.object().ok()?;
    let mut text = |key| object.optional(key)?.as_written();
    match list {
        "accounts" => Claim::written("account", &text("workspace")?, &text("account")?, ""),
        "services" => {
            let metric = text("metric").unwrap_or_default();
            Claim::written("service", &text("module")?, &text("service")?, &metric)
        }
        _ => Claim::written("contract", &text("workspace")?, &text("contract")?, ""),
    }
}

pub(super) fn metric(node: &Node<'_>) -> Result<Metric, Problem> {
    match node.word()?.as_str() {
        "users" => Ok(Metric::Users),
        "devices" => Ok(Metric::Devices),
        _ => {
            let what = format!("is {}, which is no metric", node.shown());
            Err(node.problem(ErrorCode::UnknownMetric, what, "Use users or devices."))
        }
    }
}

#[cfg(test)]
mod tests;
