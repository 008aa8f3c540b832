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

/// Case and accents do not matter (`muller`, `mueller` and `Müller` find Müller); without a
/// search text everything matches. For people who look for something: what is the same is
/// never decided by it.
fn matches<'a>(search: Option<&str>, texts: impl IntoIterator<Item = Option<&'a str>>) -> bool {
    let Some(search) = search else {
        return true;
    };
    let wanted = [search.to_lowercase(), plain(search), spelt_out(search)];
    texts.into_iter().flatten().any(|text| {
        let [as_it_is, plain, spelt_out] = [text.to_lowercase(), plain(text), spelt_out(text)];
        let [search, plain_search, spelt_out_search] = &wanted;
        as_it_is.contains(search)
            || finds(&plain, plain_search)
            || finds(&spelt_out, plain_search)
            || finds(&spelt_out, spelt_out_search)
    })
}

/// Letters that cannot be written in ASCII leave nothing, which would be found everywhere.
fn finds(text: &str, search: &str) -> bool {
    !search.trim().is_empty() && text.contains(search)
}

/// In letters of ASCII, small: `Müller` as `muller`.
fn plain(text: &str) -> String {
    deunicode::deunicode(text).to_lowercase()
}

/// With umlauts as Germans spell them out: `Müller` as `mueller`.
fn spelt_out(text: &str) -> String {
    let small = text.to_lowercase();
    plain(
        &small
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_names_without_their_accents() {
        for (search, text) in [
            ("muller", "Müller GmbH"),
            ("MUELLER", "Müller GmbH"),
            ("müller", "MÜLLER"),
            ("Müller", "Mueller AG"),
            ("strasse", "Hauptstraße 1"),
            ("cafe", "Café du Nord"),
            ("oersted", "Ørsted".replace('Ø', "Ö").as_str()),
            ("lodz", "Łódź"),
            ("", "anything"),
            ("東京", "東京 Tower"),
        ] {
            assert!(
                matches(Some(search), [None, Some(text)]),
                "{search} in {text}"
            );
        }
        for (search, text) in [("muller", "Miller"), ("🦀", "Acme"), ("mueller", "Muller")] {
            assert!(!matches(Some(search), [Some(text)]), "{search} in {text}");
        }
        assert!(matches(None, []));
    }
}
