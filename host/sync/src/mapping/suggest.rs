//! Proposals for what is not mapped. Nothing is saved here: [`choose`] takes the ones
//! that a person chose.

mod choose;

pub use choose::Choice;

use std::collections::{HashMap, HashSet};

use psa_host_billing::suggest::{Confidence, NamedModule, suggest_accounts, suggest_services};
use psa_host_billing::{
    AccountId, ConnectionName, Metric, ModuleId, ServiceId, SetAsideKind, Workspace, WorkspaceId,
    WorkspaceStatus, default_metric,
};
use psa_host_ledger::{Connection, Mappings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call;
use crate::progress::Watch;
use crate::{Access, Power, Purpose, Result, modules};

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

/// Proposals; the two lists can be edited and given to [`Access::choose_suggestions`].
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
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
    pub verdict: Confidence,
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
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
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
    pub verdict: Confidence,
    /// What a person can check.
    pub reason: String,
    /// Modules that claim the service as well.
    pub also_claimed_by: Vec<ModuleId>,
    /// Services that fit the module as well.
    pub also_fits: Vec<ServiceId>,
    /// https address of the service in the PSA's own pages.
    pub link: Option<String>,
}

impl Access {
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
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let mappings = self.ledger().mappings(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let failed = |error| call(name, error);
        let shown = |score, verdict| {
            score >= options.min_score && (options.weak || verdict != Confidence::Weak)
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
