//! What a PSA has, for choosing from: accounts, services, and an account's contracts.

use psa_host_billing::{Account, ConnectionName, Contract, Service, WorkspaceId};

use crate::mapping::call;
use crate::progress::Watch;
use crate::{Access, Power, Purpose, Result, Window};

impl Access {
    /// The PSA's accounts by name; with a search text those whose name, id or domain
    /// has it.
    ///
    /// # Errors
    /// A connection that is not ready, a PSA that does not answer.
    pub async fn accounts(
        &self,
        name: &ConnectionName,
        search: Option<&str>,
        watch: Watch<'_>,
    ) -> Result<Vec<Account>> {
        self.may_on(name, Power::Read)?;
        self.connection(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let accounts = open.reader.accounts(watch).await;
        let mut accounts = accounts.map_err(|error| call(name, error))?;
        accounts.retain(|account| {
            let texts = [
                Some(account.name.as_str()),
                Some(account.id.as_str()),
                account.domain.as_deref(),
            ];
            matches(search, texts)
        });
        accounts.sort_by_cached_key(|account| account.name.to_lowercase());
        Ok(accounts)
    }

    /// The PSA's services by name; with a search text those whose name, id or stock
    /// number has it.
    ///
    /// # Errors
    /// A connection that is not ready, a PSA that does not answer.
    pub async fn services(
        &self,
        name: &ConnectionName,
        search: Option<&str>,
        watch: Watch<'_>,
    ) -> Result<Vec<Service>> {
        self.may_on(name, Power::Read)?;
        self.connection(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let services = open.reader.services(watch).await;
        let mut services = services.map_err(|error| call(name, error))?;
        services.retain(|service| {
            let texts = [
                Some(service.name.as_str()),
                Some(service.id.as_str()),
                service.sku.as_deref(),
            ];
            matches(search, texts)
        });
        services.sort_by_cached_key(|service| service.name.to_lowercase());
        Ok(services)
    }

    /// The recurring contracts of a mapped workspace's account, with their lines from
    /// today on. The date is today's in the connection's zone.
    ///
    /// # Errors
    /// A workspace that is not mapped, a connection that is not ready, a PSA that does
    /// not answer.
    pub async fn contracts(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
    ) -> Result<(jiff::civil::Date, Vec<Contract>)> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let account = self.account_of(&connection, workspace)?;
        let today = self.today(&connection)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let contracts = open.reader.contracts_of(&account, Window::of(today)).await;
        Ok((today, contracts.map_err(|error| call(name, error))?))
    }
}

/// Case does not matter; without a search text everything matches.
fn matches<'a>(search: Option<&str>, texts: impl IntoIterator<Item = Option<&'a str>>) -> bool {
    let Some(search) = search else {
        return true;
    };
    let search = search.to_lowercase();
    texts
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(&search))
}
