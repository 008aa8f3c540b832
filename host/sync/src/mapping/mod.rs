//! Mappings: which workspace is which account, which module is which service, which
//! contract where several could be. Both sides are looked up before a pair is kept.

mod difference;
mod export;
mod file;
mod rows;
mod suggest;
mod view;

pub use difference::{Change, MapChange, MapDifference, MapImported};
pub use file::sheet::Form;
pub use file::{AccountEntry, ContractEntry, MappingFile};
pub use suggest::{AccountSuggestion, Choice, ServiceSuggestion, SuggestOptions, Suggestions};
pub use view::{AccountRow, ContractRow, MappingView, ServiceRow};

use std::borrow::Cow;

use psa_host_billing::{
    AccountId, ConnectionName, ContractId, ErrorCode, Metric, ModuleId, NoteCode, ServiceId, Truth,
    WorkspaceId, default_metric,
};
use psa_host_ledger::{
    AccountMapping, Connection, ContractPin, Mapped, Mapping, MappingKey, Mappings, NameOf,
    ServiceMapping,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use rows::CoroSide;

use crate::error::{Problem, rule};
use crate::{Access, Error, Note, Power, Purpose, Result, Window};

/// What mapping a pair did.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Done {
    /// `new`, `same` or `changed`.
    pub result: Cow<'static, str>,
    /// In words (`workspace w1 is account 17 (Acme)`).
    pub message: String,
    /// What a person should know.
    pub notes: Vec<Note>,
}

/// Which kind of mapping.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MappingKind {
    /// Workspace and account.
    Account,
    /// Module and service.
    Service,
    /// Workspace and contract.
    Contract,
}

impl MappingKind {
    /// As it stands in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Service => "service",
            Self::Contract => "contract",
        }
    }

    fn key(self, coro_id: &str) -> Result<MappingKey, psa_host_billing::IdError> {
        Ok(match self {
            Self::Account => MappingKey::Account(coro_id.parse()?),
            Self::Service => MappingKey::Service(coro_id.parse()?),
            Self::Contract => MappingKey::Contract(coro_id.parse()?),
        })
    }
}

impl Access {
    /// Record why a workspace may be mapped, through this connection, in a second tenant of
    /// its channel.
    ///
    /// # Errors
    /// No such connection or workspace; no reason given.
    pub fn allow_second_tenant(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
        why: &str,
    ) -> Result<()> {
        self.may_on(name, Power::Operate)?;
        let connection = self.connection(name)?;
        CoroSide::of(self, &connection)?.workspace(workspace)?;
        if why.trim().is_empty() {
            let fix = "Say with --why why it is to be billed in both.";
            return Err(rule(ErrorCode::WhyMissing, "no reason is given", fix));
        }
        Ok(self.ledger().allow_second_tenant(name, workspace, why)?)
    }

    /// Map a workspace to an account of the PSA.
    ///
    /// # Errors
    /// An unknown workspace or one outside the channel's tree, an account that the PSA
    /// does not list, either of the two mapped otherwise, a PSA that does not answer.
    pub async fn map_account(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
        account: &AccountId,
    ) -> Result<Done> {
        self.may_on(name, Power::Map)?;
        let connection = self.connection(name)?;
        CoroSide::of(self, &connection)?.workspace(workspace)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let found = open.reader.account(account).await;
        let Some(found) = found.map_err(|error| call(name, error))? else {
            return Err(unknown_account(account).into());
        };
        let mapping = Mapping::Account(AccountMapping {
            workspace: workspace.clone(),
            account: account.clone(),
        });
        let mapped = self.ledger().map(name, &mapping)?;
        let named = [(account.as_str(), found.name.as_str())];
        self.ledger()
            .remember_names(name, NameOf::Account, &named, true)?;
        Ok(Done {
            result: result_word(mapped).into(),
            message: format!(
                "workspace {workspace} is account {account} ({})",
                found.name
            ),
            notes: inactive(
                found.active,
                format!("account {account} is inactive in the PSA"),
            ),
        })
    }

    /// Map a module to a service of the PSA. Without a metric, the one it has, or the
    /// module's default.
    ///
    /// # Errors
    /// An unknown module, a service that the PSA does not list, either of the two
    /// mapped otherwise, a PSA that does not answer.
    pub async fn map_service(
        &self,
        name: &ConnectionName,
        module: &ModuleId,
        service: &ServiceId,
        metric: Option<Metric>,
    ) -> Result<Done> {
        self.may_on(name, Power::Map)?;
        let connection = self.connection(name)?;
        let mut notes = Vec::new();
        notes.extend(CoroSide::of(self, &connection)?.module(module)?);
        let open = self.open_connection(name, Purpose::Look).await?;
        let found = open.reader.service(service).await;
        let Some(found) = found.map_err(|error| call(name, error))? else {
            return Err(unknown_service(service).into());
        };
        let present = self.ledger().mappings(name)?;
        let metric = metric.unwrap_or_else(|| metric_of(&present, module));
        let mapping = Mapping::Service(ServiceMapping {
            module: module.clone(),
            service: service.clone(),
            metric,
        });
        let mapped = self.ledger().map(name, &mapping)?;
        let named = [(service.as_str(), found.name.as_str())];
        self.ledger()
            .remember_names(name, NameOf::Service, &named, true)?;
        let what = format!("service {service} is inactive in the PSA");
        notes.extend(inactive(found.active, what));
        Ok(Done {
            result: result_word(mapped).into(),
            message: format!(
                "module {module} is service {service} ({}), billed by {metric}",
                found.name
            ),
            notes,
        })
    }

    /// Choose the contract that a workspace is billed on.
    ///
    /// # Errors
    /// A workspace that is not mapped to an account, a contract that is not one of that
    /// account, a PSA that does not answer.
    pub async fn map_contract(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
        contract: &ContractId,
    ) -> Result<Done> {
        self.may_on(name, Power::Map)?;
        let connection = self.connection(name)?;
        let account = self.account_of(&connection, workspace)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let today = self.today(&connection)?;
        let contracts = open.reader.contracts_of(&account, Window::of(today)).await;
        let contracts = contracts.map_err(|error| call(name, error))?;
        let Some(found) = contracts.iter().find(|found| found.id == *contract) else {
            return Err(unknown_contract(contract, &account).into());
        };
        let mapping = Mapping::Contract(ContractPin {
            workspace: workspace.clone(),
            contract: contract.clone(),
        });
        let mapped = self.ledger().map(name, &mapping)?;
        let called = std::collections::HashMap::from([(contract.clone(), found.name.clone())]);
        self.remember_contracts(name, &called)?;
        let mut notes = Vec::new();
        if !found.covers(today) {
            let message = format!("contract {contract} does not cover {today}");
            notes.push(Note::new(NoteCode::ContractNotCovering, message));
        }
        notes.extend(inactive(
            found.active,
            format!("contract {contract} is not active"),
        ));
        Ok(Done {
            result: result_word(mapped).into(),
            message: format!(
                "workspace {workspace} is billed on contract {contract} ({})",
                found.name
            ),
            notes,
        })
    }

    /// Remove a mapping, by Coro's side of it (the workspace or the module).
    ///
    /// # Errors
    /// Nothing is mapped there.
    pub fn unmap(&self, name: &ConnectionName, kind: MappingKind, id: &str) -> Result<()> {
        self.may_on(name, Power::Map)?;
        self.connection(name)?;
        let wrong = |error: psa_host_billing::IdError| {
            rule(
                ErrorCode::BadId,
                format!("this is no id: {error}"),
                "Correct it.",
            )
        };
        let key = kind.key(id).map_err(wrong)?;
        match self.ledger().unmap(name, &key) {
            Err(psa_host_ledger::LedgerError::NotFound { .. }) => Err(rule(
                ErrorCode::NotMapped,
                format!("{id:?} has no such mapping in connection {name}"),
                format!(
                    "See what is mapped with `psa-host map list {name}`; name the workspace or module."
                ),
            )),
            other => Ok(other?),
        }
    }

    /// The account that a workspace is mapped to.
    pub(crate) fn account_of(
        &self,
        connection: &Connection,
        workspace: &WorkspaceId,
    ) -> Result<AccountId> {
        CoroSide::of(self, connection)?.workspace(workspace)?;
        let mappings = self.ledger().mappings(&connection.name)?;
        mappings
            .accounts
            .into_iter()
            .find(|mapping| mapping.workspace == *workspace)
            .map(|mapping| mapping.account)
            .ok_or_else(|| {
                let name = &connection.name;
                rule(
                    ErrorCode::WorkspaceUnmapped,
                    format!("workspace {workspace} is not mapped to an account"),
                    format!("Map it with `psa-host map account {name} {workspace} ACCOUNT`."),
                )
            })
    }

    /// The civil date in a connection's time zone.
    pub(crate) fn today(&self, connection: &Connection) -> Result<jiff::civil::Date> {
        self.date_in_zone(connection, self.now())
    }

    /// The civil date of an instant in a connection's time zone.
    pub(crate) fn date_in_zone(
        &self,
        connection: &Connection,
        at: jiff::Timestamp,
    ) -> Result<jiff::civil::Date> {
        let zone = zone_of(connection)?;
        Ok(zone.to_datetime(at).date())
    }
}

/// A connection's time zone.
pub(crate) fn zone_of(connection: &Connection) -> Result<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(&connection.time_zone).map_err(|error| {
        rule(
            ErrorCode::UnknownTimeZone,
            format!(
                "time zone {} is not known here: {error}",
                connection.time_zone
            ),
            "Set another with `psa-host connection set --time-zone`.",
        )
    })
}

/// The metric that a module has, or would have.
fn metric_of(mappings: &Mappings, module: &ModuleId) -> Metric {
    let present = mappings.services.iter().find(|m| m.module == *module);
    present.map_or_else(|| default_metric(module), |mapping| mapping.metric)
}

fn result_word(mapped: Mapped) -> &'static str {
    match mapped {
        Mapped::New => "new",
        Mapped::Same => "same",
        Mapped::Changed => "changed",
    }
}

fn inactive(active: Truth, message: String) -> Vec<Note> {
    match active {
        Truth::No => vec![Note::new(NoteCode::Inactive, message)],
        Truth::Yes | Truth::Unknown => Vec::new(),
    }
}

pub(crate) fn call(name: &ConnectionName, error: psa_host_sandbox::CallError) -> Error {
    Error::Call {
        connection: name.to_string(),
        error: Box::new(error),
    }
}

fn unknown_account(account: &AccountId) -> Problem {
    Problem::new(
        ErrorCode::UnknownAccount,
        format!("the PSA lists no account {account}"),
        "Find it with `psa-host account list`; the API user may lack the permission to see it.",
    )
}

fn unknown_service(service: &ServiceId) -> Problem {
    Problem::new(
        ErrorCode::UnknownService,
        format!("the PSA lists no service {service}"),
        "Find it with `psa-host service list`; the API user may lack the permission to see it.",
    )
}

fn unknown_contract(contract: &ContractId, account: &AccountId) -> Problem {
    Problem::new(
        ErrorCode::UnknownContract,
        format!("account {account} has no recurring contract {contract}"),
        "Find it with `psa-host contract list`.",
    )
}
