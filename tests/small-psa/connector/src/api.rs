//! Calls to the PSA.

use psa_connector_sdk::{
    Error, Host, LineKey, Outcome, RefusalKind, Rejection, Request, invalid, not_sent, read_json,
    send_failed,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

#[derive(Debug)]
pub(crate) struct Api {
    base_url: String,
}

#[derive(Deserialize)]
pub(crate) struct Info {
    pub company: String,
}

#[derive(Deserialize)]
pub(crate) struct Company {
    pub id: i64,
    pub name: String,
}

#[derive(Deserialize)]
pub(crate) struct Product {
    pub id: i64,
    pub description: String,
}

#[derive(Deserialize)]
pub(crate) struct Reference {
    pub id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Agreement {
    pub id: i64,
    pub company: Reference,
    pub name: String,
    pub start_date: String,
    pub period_months: u32,
    pub next_invoice_date: Option<String>,
    pub invoiced_through: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Addition {
    pub id: i64,
    pub product: Reference,
    pub quantity: i64,
    pub less_included: i64,
    pub bill_customer: String,
    pub calculated: bool,
}

impl Api {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
        }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn info(&self, host: &dyn Host) -> Result<Info, Error> {
        self.get(host, "system/info")
    }

    pub(crate) fn companies(&self, host: &dyn Host) -> Result<Vec<Company>, Error> {
        self.get(host, "company/companies")
    }

    pub(crate) fn catalog(&self, host: &dyn Host) -> Result<Vec<Product>, Error> {
        self.get(host, "procurement/catalog")
    }

    pub(crate) fn agreements(
        &self,
        host: &dyn Host,
        of: &[String],
    ) -> Result<Vec<Agreement>, Error> {
        let companies = of.join(",");
        self.get(host, &format!("finance/agreements?companies={companies}"))
    }

    pub(crate) fn additions(&self, host: &dyn Host, of: &str) -> Result<Vec<Addition>, Error> {
        self.get(host, &format!("finance/agreements/{of}/additions"))
    }

    /// Replaces an addition's quantity: the new total, from no date.
    pub(crate) fn set_quantity(
        &self,
        host: &dyn Host,
        line: &LineKey,
        target: &str,
    ) -> Result<Outcome, Error> {
        let quantity: i64 = target
            .parse()
            .map_err(|_| invalid(format!("{target:?} is no whole number")))?;
        let LineKey { line, contract, .. } = line;
        let url = format!(
            "{}/finance/agreements/{contract}/additions/{line}",
            self.base_url
        );
        let patch = json!([{ "op": "replace", "path": "/quantity", "value": quantity }]);
        let mut request = Request::post_json(url, patch.to_string().into_bytes());
        request.method = "PATCH".to_owned();
        let response = match host.send(&request) {
            Ok(response) => response,
            Err(failure) if not_sent(&failure) => return Err(send_failed("adjusting", failure)),
            Err(failure) => return Ok(Outcome::Unknown(failure.message)),
        };
        let said = format!("the PSA answered {}", response.status);
        Ok(match response.status {
            200 => Outcome::Accepted(None),
            400 => Outcome::Rejected(Rejection {
                kind: RefusalKind::Other,
                words: said,
            }),
            _ => Outcome::Unknown(said),
        })
    }

    fn get<T: DeserializeOwned>(&self, host: &dyn Host, path: &str) -> Result<T, Error> {
        let what = format!("reading {path}");
        let response = host
            .send(&Request::get(format!("{}/{path}", self.base_url)))
            .map_err(|failure| send_failed(&what, failure))?;
        match response.status {
            200 => read_json(&response.body).map_err(|why| invalid(format!("{what}: {why}"))),
            401 => Err(Error::Authentication(psa_connector_sdk::fault(what))),
            status => Err(invalid(format!("{what}: the PSA answered {status}"))),
        }
    }
}
