//! Mappings as a file: `{"accounts":[{workspace,account}],"services":[{module,service,
//! metric}],"contracts":[{workspace,contract}]}`. Imported with every row checked on
//! both sides; exported in the same form.

use std::collections::{HashMap, HashSet};

use psa_host_billing::{AccountId, ConnectionName, ContractId, Metric, ServiceId};
use psa_host_ledger::{AccountMapping, ContractPin, Mapped, Mapping, Mappings, ServiceMapping};
use serde::Serialize;

use crate::error::Problem;
use crate::imports::json::{Node, parse};
use crate::imports::{Unknown, numbers_as_ids};
use crate::progress::Watch;
use crate::{Host, Note, Purpose, Reader, Result, Source};

use super::rows::CoroSide;
use super::{call, metric_of, unknown_account, unknown_contract, unknown_service};

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

/// What the PSA has of what the rows name. Each list is read once, and only if a row
/// needs it.
struct PsaSide {
    accounts: HashSet<AccountId>,
    services: HashSet<ServiceId>,
    /// Of the accounts of the rows that choose a contract.
    contracts: HashMap<AccountId, HashSet<ContractId>>,
    /// The account of each workspace: in the file, or mapped before.
    account_of: HashMap<psa_host_billing::WorkspaceId, AccountId>,
}

impl PsaSide {
    async fn read(
        reader: &Reader,
        rows: &[Row<'_>],
        present: &Mappings,
        today: jiff::civil::Date,
        watch: Watch<'_>,
    ) -> Result<Self, psa_host_sandbox::CallError> {
        let mut side = Self {
            accounts: HashSet::new(),
            services: HashSet::new(),
            contracts: HashMap::new(),
            account_of: HashMap::new(),
        };
        for mapping in &present.accounts {
            let AccountMapping { workspace, account } = mapping.clone();
            side.account_of.insert(workspace, account);
        }
        let (mut any_account, mut any_service) = (false, false);
        for row in rows {
            match &row.mapping {
                Mapping::Account(mapping) => {
                    any_account = true;
                    let AccountMapping { workspace, account } = mapping.clone();
                    side.account_of.entry(workspace).or_insert(account);
                }
                Mapping::Service(_) => any_service = true,
                Mapping::Contract(_) => {}
            }
        }
        if any_account {
            let accounts = reader.accounts(watch).await?;
            side.accounts = accounts.into_iter().map(|account| account.id).collect();
        }
        if any_service {
            let services = reader.services(watch).await?;
            side.services = services.into_iter().map(|service| service.id).collect();
        }
        let choosing: HashSet<AccountId> = rows
            .iter()
            .filter_map(|row| match &row.mapping {
                Mapping::Contract(pin) => side.account_of.get(&pin.workspace).cloned(),
                _ => None,
            })
            .collect();
        let choosing: Vec<AccountId> = choosing.into_iter().collect();
        let contracts = &mut side.contracts;
        reader
            .for_each_chunk(&choosing, today, watch, |chunk| {
                for read in chunk {
                    let ids = read.contracts?.into_iter().map(|contract| contract.id);
                    contracts.insert(read.account, ids.collect());
                }
                Ok::<(), psa_host_sandbox::CallError>(())
            })
            .await?;
        Ok(side)
    }

    fn check(&self, row: &Row<'_>) -> Result<(), Problem> {
        match &row.mapping {
            Mapping::Account(mapping) if !self.accounts.contains(&mapping.account) => {
                Err(unknown_account(&mapping.account))
            }
            Mapping::Service(mapping) if !self.services.contains(&mapping.service) => {
                Err(unknown_service(&mapping.service))
            }
            Mapping::Contract(pin) => {
                let Some(account) = self.account_of.get(&pin.workspace) else {
                    return Err(Problem::new(
                        "workspace-not-mapped",
                        format!("workspace {} is not mapped to an account", pin.workspace),
                        "Map it in the same file.",
                    ));
                };
                let known = self.contracts.get(account);
                match known.is_some_and(|known| known.contains(&pin.contract)) {
                    true => Ok(()),
                    false => Err(unknown_contract(&pin.contract, account)),
                }
            }
            _ => Ok(()),
        }
    }
}

/// What is mapped already, and then the rows of the file one by one.
struct OneToOne {
    mapping: psa_host_billing::Mapping,
    chosen: HashMap<psa_host_billing::WorkspaceId, ContractId>,
    metrics: HashMap<psa_host_billing::ModuleId, Metric>,
}

fn one_to_one(present: &Mappings) -> OneToOne {
    let mut mapping = psa_host_billing::Mapping::default();
    for pair in &present.accounts {
        // The ledger holds no second partner.
        let _ = mapping.map_account(pair.workspace.clone(), pair.account.clone());
    }
    for pair in &present.services {
        let _ = mapping.map_service(psa_host_billing::ServiceMapping {
            module: pair.module.clone(),
            service: pair.service.clone(),
            metric: pair.metric,
        });
    }
    OneToOne {
        mapping,
        chosen: HashMap::new(),
        metrics: HashMap::new(),
    }
}

impl OneToOne {
    fn take(&mut self, row: &Row<'_>) -> Result<(), Problem> {
        const FIX: &str = "Remove the other mapping first, or correct this row.";
        let refused =
            |code, error: psa_host_billing::NotOneToOne| Problem::new(code, error.to_string(), FIX);
        let twice = |what: String| {
            let fix = "List each once.";
            Err(Problem::new("duplicate-row", what, fix))
        };
        match &row.mapping {
            Mapping::Account(pair) => {
                let taken = self.mapping.account(&pair.workspace).is_some();
                let code = match taken {
                    true => "workspace-already-mapped",
                    false => "account-already-mapped",
                };
                self.mapping
                    .map_account(pair.workspace.clone(), pair.account.clone())
                    .map_err(|error| refused(code, error))
            }
            Mapping::Service(pair) => {
                if let Some(metric) = self.metrics.insert(pair.module.clone(), pair.metric)
                    && metric != pair.metric
                {
                    return twice(format!(
                        "module {} has two metrics in this file",
                        pair.module
                    ));
                }
                let taken = self.mapping.service(&pair.module).is_some();
                let code = match taken {
                    true => "module-already-mapped",
                    false => "service-already-mapped",
                };
                self.mapping
                    .map_service(psa_host_billing::ServiceMapping {
                        module: pair.module.clone(),
                        service: pair.service.clone(),
                        metric: pair.metric,
                    })
                    .map_err(|error| refused(code, error))
            }
            Mapping::Contract(pin) => {
                let before = self
                    .chosen
                    .insert(pin.workspace.clone(), pin.contract.clone());
                match before {
                    Some(other) if other != pin.contract => {
                        let workspace = &pin.workspace;
                        twice(format!(
                            "workspace {workspace} has two contracts in this file"
                        ))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
