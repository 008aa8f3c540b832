//! What ids are called: a person reads names, a program goes by ids, so everything that is
//! shown has both. Only what is kept here is used: naming asks no PSA.

use std::collections::HashMap;

use psa_host_billing::{
    AccountId, ConnectionName, ContractId, ErrorCode, ModuleId, ServiceId, WorkspaceId,
};
use psa_host_ledger::NameOf;

use crate::{Access, Power, Result, modules};

/// Names by id.
#[derive(Debug, Clone, Default)]
pub struct Names {
    workspaces: HashMap<WorkspaceId, String>,
    /// The ids of one PSA may be those of another, too.
    of_psa: HashMap<ConnectionName, PsaNames>,
}

#[derive(Debug, Clone, Default)]
struct PsaNames {
    accounts: HashMap<String, String>,
    services: HashMap<String, String>,
    contracts: HashMap<String, String>,
}

impl Names {
    /// What a workspace is called.
    pub fn workspace(&self, id: &WorkspaceId) -> Option<&str> {
        self.workspaces.get(id).map(String::as_str)
    }

    /// What a module is called in Coro's console; none where it is not in the catalogue.
    pub fn module<'a>(&self, id: &'a ModuleId) -> Option<&'a str> {
        modules::is_known(id).then(|| modules::name(id))
    }

    /// What an account of a connection's PSA is called.
    pub fn account(&self, connection: &ConnectionName, id: &AccountId) -> Option<&str> {
        let names = self.of_psa.get(connection)?;
        names.accounts.get(id.as_str()).map(String::as_str)
    }

    /// What a service of a connection's PSA is called.
    pub fn service(&self, connection: &ConnectionName, id: &ServiceId) -> Option<&str> {
        let names = self.of_psa.get(connection)?;
        names.services.get(id.as_str()).map(String::as_str)
    }

    /// What a contract of a connection's PSA is called.
    pub fn contract(&self, connection: &ConnectionName, id: &ContractId) -> Option<&str> {
        let names = self.of_psa.get(connection)?;
        names.contracts.get(id.as_str()).map(String::as_str)
    }
}

impl Access {
    /// The names that are known of workspaces, and of one connection's PSA or (with none) of
    /// all of them. Of a connection that was removed, whose runs are still there to be shown,
    /// nothing of its PSA is known.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn names(&self, connection: Option<&ConnectionName>) -> Result<Names> {
        self.may(Power::Read)?;
        let workspaces = self.workspaces()?;
        let mut names = Names {
            workspaces: workspaces
                .into_iter()
                .map(|one| (one.id, one.name))
                .collect(),
            of_psa: HashMap::new(),
        };
        let connections = match connection {
            Some(name) => match self.connection(name) {
                Ok(one) => vec![one.name],
                Err(error) if error.code() == ErrorCode::UnknownConnection => Vec::new(),
                Err(error) => return Err(error),
            },
            None => {
                let all = self.connections()?;
                all.into_iter().map(|one| one.name).collect()
            }
        };
        for name in connections {
            let of = |of| self.ledger().mapped_names(&name, of);
            let known = PsaNames {
                accounts: of(NameOf::Account)?,
                services: of(NameOf::Service)?,
                contracts: of(NameOf::Contract)?,
            };
            names.of_psa.insert(name, known);
        }
        Ok(names)
    }
}
