//! Autotask companies.

use psa_connector_sdk::url::domain_of;
use psa_connector_sdk::{Account, AccountPage, Error, Host, Truth, invalid};
use serde::Deserialize;

use crate::api::Api;
use crate::describe::PAGE;
use crate::fields::{Id, Loose};
use crate::query::{Entity, Row};

pub(crate) const COMPANIES: Entity = Entity {
    name: "Companies",
    fields: &["id", "isActive"],
    details: &["companyName", "webAddress"],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyRow {
    id: Id,
    #[serde(default)]
    company_name: Loose<String>,
    #[serde(default)]
    is_active: Loose<bool>,
    #[serde(default)]
    web_address: Loose<String>,
}

impl Row for CompanyRow {
    fn id(&self) -> i64 {
        self.id.0
    }
}

/// One page. The cursor is the last id seen. Company 0 is the tenant's own and is left
/// out: an MSP does not bill itself [CODE].
pub(crate) fn page(
    api: &mut Api,
    host: &dyn Host,
    cursor: Option<&str>,
) -> Result<AccountPage, Error> {
    let after = match cursor {
        Some(text) => text
            .parse()
            .map_err(|_| invalid(format!("{text} is no cursor of list-accounts")))?,
        None => 0,
    };
    let links = api.links(host)?;
    let page = api.query_page::<CompanyRow>(host, COMPANIES, &[], after, PAGE)?;
    let mut accounts: Vec<Account> = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let id = row.id.0.to_string();
        if row.id.0 <= after || accounts.last().is_some_and(|last| last.id == id) {
            continue;
        }
        accounts.push(Account {
            id,
            name: row.company_name.0.unwrap_or_default(),
            active: truth(row.is_active.0),
            domain: row.web_address.0.as_deref().and_then(domain_of),
            link: links.account(row.id.0),
        });
    }
    Ok(AccountPage {
        accounts,
        next: page.next.map(|id| id.to_string()),
    })
}

pub(crate) fn truth(value: Option<bool>) -> Truth {
    match value {
        Some(true) => Truth::Yes,
        Some(false) => Truth::No,
        None => Truth::Unknown,
    }
}
