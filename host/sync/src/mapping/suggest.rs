//! Proposals for what is not mapped, and taking chosen ones: through the same checks as
//! a mapping file, and never unasked.

use std::collections::{HashMap, HashSet};

use psa_host_billing::suggest::{NamedModule, Verdict, suggest_accounts, suggest_services};
use psa_host_billing::{
    AccountId, ConnectionName, Metric, ModuleId, ServiceId, SetAsideKind, Workspace, WorkspaceId,
    WorkspaceStatus, default_metric,
};
use psa_host_ledger::{AccountMapping, Connection, Mapping, Mappings, ServiceMapping};
use serde::Serialize;

use crate::error::Problem;
use crate::imports::json::{Node, parse};
use crate::progress::Watch;
use crate::{Host, Note, Purpose, Result, Source, modules};

use super::call;
use super::difference::MapDifference;
use super::file::{Place, Read, Row, metric};

/// What to propose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuggestOptions {
    /// Accounts for workspaces.
    pub accounts: bool,
    /// Services for modules.
    pub services: bool,
    /// From 0 to 100.
    pub min_score: u8,
    /// Also those that have a better one beside them.
    pub weak: bool,
}

impl SuggestOptions {
    /// Below this a proposal is rarely right.
    pub const MIN_SCORE: u8 = 60;

    /// Everything that there is.
    const ALL: Self = Self {
        accounts: true,
        services: true,
        min_score: 0,
        weak: true,
    };
}

/// Proposals; the two lists can be edited and given to [`Host::choose_suggestions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestions {
    /// Of which connection.
    pub connection: ConnectionName,
    /// By workspace, best first.
    pub account_suggestions: Vec<AccountSuggestion>,
    /// By module, best first.
    pub service_suggestions: Vec<ServiceSuggestion>,
    /// Not mapped, and without a proposal.
    pub workspaces_without: Vec<WorkspaceId>,
    /// Not mapped, and without a proposal.
    pub modules_without: Vec<ModuleId>,
}

/// An account for a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSuggestion {
    /// Names the proposal (`ws-17=29683481`).
    pub id: String,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub workspace_name: String,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
    /// From 0 to 100.
    pub score: u8,
    /// What it is worth.
    pub verdict: Verdict,
    /// What a person can check.
    pub reason: String,
    /// Workspaces that claim the account as well.
    pub also_claimed_by: Vec<WorkspaceId>,
    /// Accounts that fit the workspace as well.
    pub also_fits: Vec<AccountId>,
    /// https address of the account in the PSA's own pages.
    pub link: Option<String>,
}

/// A service for a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceSuggestion {
    /// Names the proposal (`edr=41`).
    pub id: String,
    /// The module.
    pub module: ModuleId,
    /// Its name.
    pub module_name: String,
    /// The service.
    pub service: ServiceId,
    /// Its name.
    pub service_name: String,
    /// What would be billed.
    pub metric: Metric,
    /// From 0 to 100.
    pub score: u8,
    /// What it is worth.
    pub verdict: Verdict,
    /// What a person can check.
    pub reason: String,
    /// Modules that claim the service as well.
    pub also_claimed_by: Vec<ModuleId>,
    /// Services that fit the module as well.
    pub also_fits: Vec<ServiceId>,
    /// https address of the service in the PSA's own pages.
    pub link: Option<String>,
}

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

impl Host {
    /// Propose partners for what is not mapped. Saves nothing.
    ///
    /// # Errors
    /// A connection that is not ready, a PSA that does not answer.
    pub async fn suggest(
        &self,
        name: &ConnectionName,
        options: &SuggestOptions,
        watch: Watch<'_>,
    ) -> Result<Suggestions> {
        let connection = self.connection(name)?;
        let mappings = self.ledger().mappings(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let failed = |error| call(name, error);
        let shown = |score, verdict| {
            score >= options.min_score && (options.weak || verdict != Verdict::Weak)
        };
        let mut found = Suggestions {
            connection: name.clone(),
            account_suggestions: Vec::new(),
            service_suggestions: Vec::new(),
            workspaces_without: Vec::new(),
            modules_without: Vec::new(),
        };
        if options.accounts {
            let workspaces = self.workspaces_to_match(&connection, &mappings)?;
            let accounts = open.reader.accounts(watch).await.map_err(failed)?;
            let taken = self.taken_accounts(&connection)?;
            let proposals = suggest_accounts(&workspaces, &accounts, &taken);
            let names: HashMap<_, _> = workspaces.iter().map(|one| (&one.id, &one.name)).collect();
            let accounts: HashMap<_, _> = accounts.iter().map(|one| (&one.id, one)).collect();
            for one in proposals.into_iter().filter(|p| shown(p.score, p.verdict)) {
                let account = accounts.get(&one.psa);
                found.account_suggestions.push(AccountSuggestion {
                    id: format!("{}={}", one.coro, one.psa),
                    workspace_name: names
                        .get(&one.coro)
                        .map_or_else(String::new, |n| (*n).clone()),
                    account_name: account.map_or_else(String::new, |a| a.name.clone()),
                    link: account.and_then(|account| account.link.clone()),
                    workspace: one.coro,
                    account: one.psa,
                    score: one.score,
                    verdict: one.verdict,
                    reason: one.reason,
                    also_claimed_by: one.also_claimed_by,
                    also_fits: one.also_fits,
                });
            }
            let with: HashSet<&WorkspaceId> = found
                .account_suggestions
                .iter()
                .map(|one| &one.workspace)
                .collect();
            let without = workspaces
                .iter()
                .map(|one| &one.id)
                .filter(|id| !with.contains(id));
            found.workspaces_without = without.cloned().collect();
        }
        if options.services {
            let modules = self.modules_to_match(&connection, &mappings)?;
            let services = open.reader.services(watch).await.map_err(failed)?;
            let taken = mappings
                .services
                .iter()
                .map(|pair| pair.service.clone())
                .collect();
            let proposals = suggest_services(&modules, &services, &taken);
            let services: HashMap<_, _> = services.iter().map(|one| (&one.id, one)).collect();
            for one in proposals.into_iter().filter(|p| shown(p.score, p.verdict)) {
                let service = services.get(&one.psa);
                found.service_suggestions.push(ServiceSuggestion {
                    id: format!("{}={}", one.coro, one.psa),
                    module_name: modules::name(&one.coro).to_owned(),
                    service_name: service.map_or_else(String::new, |s| s.name.clone()),
                    link: service.and_then(|service| service.link.clone()),
                    metric: default_metric(&one.coro),
                    module: one.coro,
                    service: one.psa,
                    score: one.score,
                    verdict: one.verdict,
                    reason: one.reason,
                    also_claimed_by: one.also_claimed_by,
                    also_fits: one.also_fits,
                });
            }
            let with: HashSet<&ModuleId> = found
                .service_suggestions
                .iter()
                .map(|one| &one.module)
                .collect();
            let without = modules
                .iter()
                .map(|one| &one.id)
                .filter(|id| !with.contains(id));
            found.modules_without = without.cloned().collect();
        }
        Ok(found)
    }

    /// Hold chosen proposals against what is mapped, with each checked on both sides as
    /// a row of a mapping file is. Writes nothing: [`Host::apply_mappings`] does.
    ///
    /// # Errors
    /// A file that cannot be read, a PSA that does not answer.
    pub async fn choose_suggestions<'a>(
        &self,
        name: &ConnectionName,
        choice: Choice<'a>,
        watch: Watch<'_>,
    ) -> Result<MapDifference<'a>> {
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
                    let safe = now.into_iter().filter(|one| one.verdict == Verdict::Safe);
                    chosen.rows = safe.map(Proposed::into_row).collect();
                }
                Choice::File { .. } => {
                    let safe: Vec<&Mapping> = now
                        .iter()
                        .filter(|one| one.verdict == Verdict::Safe)
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
        refuse_contested(&mut chosen);
        self.compare_rows(&connection, &present, chosen, false, watch)
            .await
    }

    /// Workspaces that are not mapped, not put away, and not excluded.
    fn workspaces_to_match(
        &self,
        connection: &Connection,
        mappings: &Mappings,
    ) -> Result<Vec<Workspace>> {
        let today = self.today(connection)?;
        let set_asides = self.set_asides_of(&connection.name)?;
        let mapped: HashSet<&WorkspaceId> = mappings
            .accounts
            .iter()
            .map(|pair| &pair.workspace)
            .collect();
        let mut all = self.ledger().workspaces_below(&connection.channel)?;
        all.retain(|workspace| {
            let gone = matches!(
                workspace.status,
                WorkspaceStatus::Inactive | WorkspaceStatus::Archived
            );
            let aside = set_asides.of_workspace(&workspace.id, today);
            let excluded = aside.is_some_and(|aside| aside.kind == SetAsideKind::Exclude);
            !gone && !excluded && !mapped.contains(&workspace.id)
        });
        Ok(all)
    }

    /// Modules of the mapping page that are not mapped.
    fn modules_to_match(
        &self,
        connection: &Connection,
        mappings: &Mappings,
    ) -> Result<Vec<NamedModule>> {
        let all = self.modules_of(connection, mappings)?;
        let mapped = |module: &ModuleId| mappings.services.iter().any(|m| m.module == *module);
        Ok(all
            .into_iter()
            .filter(|module| !mapped(module))
            .map(|id| NamedModule {
                name: modules::name(&id).to_owned(),
                id,
            })
            .collect())
    }

    /// Accounts that any connection of the same tenant has.
    fn taken_accounts(&self, connection: &Connection) -> Result<HashSet<AccountId>> {
        let mut taken = HashSet::new();
        for other in self.ledger().connections()? {
            let same = other.name == connection.name
                || (other.tenant.is_some() && other.tenant == connection.tenant);
            if same {
                let accounts = self.ledger().mappings(&other.name)?.accounts;
                taken.extend(accounts.into_iter().map(|pair| pair.account));
            }
        }
        Ok(taken)
    }
}

/// A proposal as a mapping.
struct Proposed {
    id: String,
    verdict: Verdict,
    mapping: Mapping,
}

impl Proposed {
    fn into_row<'a>(self) -> Row<'a> {
        Row {
            place: Place::Named(format!("suggestion {}", self.id)),
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
                place: Place::Named(format!("suggestion {id}")),
                mapping: one.mapping.clone(),
            }),
            (Some(_), Some(_)) => chosen.refused.push(Problem::new(
                "suggestion-ambiguous",
                format!("suggestion {id:?} is one of an account and one of a service"),
                "Map it with `psa-host map account` or `psa-host map service`.",
            )),
            (None, _) => chosen.refused.push(Problem::new(
                "unknown-suggestion",
                format!("{id:?} is not suggested now"),
                "See what is with `psa-host map suggest --all`; ids are compared as written.",
            )),
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

/// Where one side stands in two rows, to take either would be a guess.
fn refuse_contested(chosen: &mut Read<'_>) {
    let sides = |mapping: &Mapping| match mapping {
        Mapping::Account(pair) => [
            format!("workspace {}", pair.workspace),
            format!("account {}", pair.account),
        ],
        Mapping::Service(pair) => [
            format!("module {}", pair.module),
            format!("service {}", pair.service),
        ],
        Mapping::Contract(pin) => [format!("the contract of {}", pin.workspace), String::new()],
    };
    let mut seen = HashSet::new();
    // The same row twice is one.
    chosen.rows.retain(|row| seen.insert(sides(&row.mapping)));
    let mut times: HashMap<String, usize> = HashMap::new();
    for side in chosen.rows.iter().flat_map(|row| sides(&row.mapping)) {
        *times.entry(side).or_default() += 1;
    }
    let Read { rows, refused, .. } = chosen;
    rows.retain(|row| {
        let sides = sides(&row.mapping);
        let Some(side) = sides.iter().find(|side| times.get(*side) > Some(&1)) else {
            return true;
        };
        let message = format!("{side} is in more than one of the chosen suggestions");
        let fix = "Leave the right one, and take the others out.";
        refused.push(
            row.place
                .of(Problem::new("suggestion-ambiguous", message, fix)),
        );
        false
    });
}

/// The two lists of a file that `map suggest --format json` printed. What else stands
/// there is for people.
fn read_file(source: &Source) -> Result<Read<'_>> {
    let mut read = Read::default();
    let mut numbers = 0;
    let mut document = parse(source)?.object()?;
    for list in ["account_suggestions", "service_suggestions"] {
        let Some(entries) = document.optional(list) else {
            continue;
        };
        for node in entries.list()? {
            match mapping(list, &node, &mut numbers) {
                Ok(mapping) => read.rows.push(Row {
                    place: Place::Json(node),
                    mapping,
                }),
                Err(problem) => read.refused.push(problem),
            }
        }
    }
    if read.rows.is_empty() && read.refused.is_empty() {
        let message = format!("{} has no suggestions", source.name);
        let fix = "Give what `psa-host map suggest --format json` printed.";
        return Err(Problem::new("no-suggestions", message, fix).into());
    }
    Ok(read)
}

fn mapping(list: &str, node: &Node<'_>, numbers: &mut usize) -> Result<Mapping, Problem> {
    let mut object = node.object()?;
    if list == "account_suggestions" {
        return Ok(Mapping::Account(AccountMapping {
            workspace: object.required("workspace")?.id(numbers)?,
            account: object.required("account")?.id(numbers)?,
        }));
    }
    let module = object.required("module")?.id(numbers)?;
    let metric = match object.optional("metric") {
        Some(node) => metric(&node)?,
        None => default_metric(&module),
    };
    Ok(Mapping::Service(ServiceMapping {
        module,
        service: object.required("service")?.id(numbers)?,
        metric,
    }))
}

#[cfg(test)]
mod tests;
