//! Mappings as a sheet that a person can edit, with the names on both sides beside the
//! ids.

use std::collections::{BTreeSet, HashMap};

use psa_host_billing::{AccountId, ConnectionName, NoteCode};
use psa_host_ledger::{Connection, Mappings};

use crate::progress::Watch;
use crate::{Access, Note, Power, Purpose, Result, Window, modules};

use super::file::sheet::{COLUMNS, csv, xlsx};

/// What the PSA calls what is mapped, by id.
#[derive(Debug, Default)]
struct Names {
    accounts: HashMap<String, String>,
    services: HashMap<String, String>,
    contracts: HashMap<String, String>,
}

impl Access {
    /// All mappings as CSV or XLSX. Where the PSA does not answer, its names are left
    /// out, with a note: they are for people and never read.
    ///
    /// # Errors
    /// No such connection; more rows than a sheet can have.
    pub async fn export_sheet(
        &self,
        name: &ConnectionName,
        xlsx: bool,
        watch: Watch<'_>,
    ) -> Result<(Vec<u8>, Vec<Note>)> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let mappings = self.ledger().mappings(name)?;
        let mut notes = Vec::new();
        let names = match self.psa_names(&connection, &mappings, watch).await {
            Ok(names) => names,
            Err(error) => {
                let message = format!("the PSA's names are left out, because {error}");
                notes.push(Note::new(NoteCode::NamesLeftOut, message));
                Names::default()
            }
        };
        let rows = self.sheet_rows(&mappings, &names)?;
        let bytes = match xlsx {
            true => xlsx::write(&rows)?,
            false => csv::write(&rows),
        };
        Ok((bytes, notes))
    }

    fn sheet_rows(
        &self,
        mappings: &Mappings,
        names: &Names,
    ) -> Result<Vec<[String; COLUMNS.len()]>> {
        let workspaces: HashMap<String, String> = self
            .ledger()
            .workspaces()?
            .into_iter()
            .map(|workspace| (workspace.id.to_string(), workspace.name))
            .collect();
        let named = |names: &HashMap<String, String>, id: &str| -> String {
            names.get(id).cloned().unwrap_or_default()
        };
        let row = |kind: &str, coro: &str, psa: &str, metric: String, names: [String; 2]| {
            let [coro_name, psa_name] = names;
            let (kind, coro, psa) = (kind.to_owned(), coro.to_owned(), psa.to_owned());
            [kind, coro, psa, metric, coro_name, psa_name]
        };
        let accounts = mappings.accounts.iter().map(|pair| {
            let (coro, psa) = (pair.workspace.as_str(), pair.account.as_str());
            let names = [named(&workspaces, coro), named(&names.accounts, psa)];
            row("account", coro, psa, String::new(), names)
        });
        let services = mappings.services.iter().map(|pair| {
            let (coro, psa) = (pair.module.as_str(), pair.service.as_str());
            let names = [
                modules::name(&pair.module).to_owned(),
                named(&names.services, psa),
            ];
            row("service", coro, psa, pair.metric.to_string(), names)
        });
        let contracts = mappings.contracts.iter().map(|pin| {
            let (coro, psa) = (pin.workspace.as_str(), pin.contract.as_str());
            let names = [named(&workspaces, coro), named(&names.contracts, psa)];
            row("contract", coro, psa, String::new(), names)
        });
        Ok(accounts.chain(services).chain(contracts).collect())
    }

    async fn psa_names(
        &self,
        connection: &Connection,
        mappings: &Mappings,
        watch: Watch<'_>,
    ) -> Result<Names> {
        let mut names = Names::default();
        let name = &connection.name;
        if mappings.accounts.is_empty() && mappings.services.is_empty() {
            return Ok(names);
        }
        let open = self.open_connection(name, Purpose::Look).await?;
        let failed = |error| super::call(name, error);
        if !mappings.accounts.is_empty() {
            let accounts = open.reader.accounts(watch).await.map_err(failed)?;
            let named = accounts
                .into_iter()
                .map(|one| (one.id.to_string(), one.name));
            names.accounts = named.collect();
        }
        if !mappings.services.is_empty() {
            let services = open.reader.services(watch).await.map_err(failed)?;
            let named = services
                .into_iter()
                .map(|one| (one.id.to_string(), one.name));
            names.services = named.collect();
        }
        let pinned: BTreeSet<_> = mappings
            .contracts
            .iter()
            .map(|pin| &pin.workspace)
            .collect();
        let choosing: Vec<AccountId> = mappings
            .accounts
            .iter()
            .filter(|pair| pinned.contains(&pair.workspace))
            .map(|pair| pair.account.clone())
            .collect();
        let today = self.today(connection)?;
        let mut chunks = open.reader.chunks(&choosing, Window::of(today));
        while let Some(chunk) = chunks.next(watch).await {
            for read in chunk.map_err(failed)? {
                let contracts = read.contracts.unwrap_or_default();
                let named = contracts
                    .into_iter()
                    .map(|one| (one.id.to_string(), one.name));
                names.contracts.extend(named);
            }
        }
        Ok(names)
    }
}
