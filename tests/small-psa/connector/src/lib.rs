//! The connector to the small PSA. Its two kinds differ in what they declare and in how they
//! show one quantity as a timeline; the API is the same.
#![forbid(unsafe_code)]

mod api;
mod describe;
mod way;

use std::marker::PhantomData;

use psa_connector_sdk::{
    Account, AccountPage, Adjustment, CheckReport, CivilDate, Connector, Contract, ContractPage,
    Date, Depth, Description, Error, Host, Line, LineKey, LineReading, Outcome, Segment, Service,
    ServicePage, Settings, Timeline, Truth, Writable,
};

use api::{Addition, Api};
pub use describe::{Immediate, Kind, NextInvoice};
pub use way::{MARK_BYTES, MARK_START};

/// One connection.
#[derive(Debug)]
pub struct SmallPsa<K> {
    api: Api,
    kind: PhantomData<K>,
}

impl<K: Kind> SmallPsa<K> {
    fn line(
        &self,
        host: &dyn Host,
        said: Addition,
        contract: &str,
        account: &str,
        start: Date,
    ) -> Line {
        let units = way::units(host, said.quantity);
        Line {
            id: line_id(said.id),
            contract: contract.to_owned(),
            service: said.product.id.to_string(),
            description: None,
            timeline: Timeline::Segments(K::segments(&units.to_string(), start)),
            writable: match said.calculated {
                true => Writable::No(format!("the PSA counts it itself, for company {account}")),
                false => Writable::Yes,
            },
            billable: match said.bill_customer.as_str() {
                "Billable" => Truth::Yes,
                "DoNotBill" => Truth::No,
                _ => Truth::Unknown,
            },
            included: (said.less_included > 0).then(|| said.less_included.to_string()),
            link: None,
        }
    }
}

/// A stretch of which the PSA does not say whether it is invoiced.
pub(crate) fn segment(units: &str, start: Date, end: Option<Date>) -> Segment {
    Segment {
        start: start.into(),
        end: end.map(Into::into),
        units: units.to_owned(),
        unit_price: None,
        posted: Truth::Unknown,
    }
}

fn line_id(id: i64) -> String {
    match way::way() {
        "line" => format!("{id}-2"),
        _ => id.to_string(),
    }
}

fn day(text: Option<&String>) -> Option<CivilDate> {
    text.and_then(|text| Date::parse(text)).map(Into::into)
}

impl<K: Kind> Connector for SmallPsa<K> {
    fn describe() -> Description {
        describe::description::<K>()
    }

    fn configure(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            api: Api::new(settings.require(describe::BASE_URL)?),
            kind: PhantomData,
        })
    }

    fn check(&mut self, host: &dyn Host, _depth: Depth) -> Result<CheckReport, Error> {
        way::act(host, self.api.base_url())?;
        let info = self.api.info(host)?;
        let tenant = match way::way() {
            "tenant" => format!("{}-2", info.company),
            _ => info.company.clone(),
        };
        Ok(CheckReport {
            tenant,
            tenant_label: info.company,
            findings: Vec::new(),
            usage: None,
        })
    }

    fn list_accounts(&mut self, host: &dyn Host, _: Option<&str>) -> Result<AccountPage, Error> {
        let companies = self.api.companies(host)?.into_iter();
        let accounts = companies.map(|company| Account {
            id: company.id.to_string(),
            name: company.name,
            active: Truth::Yes,
            domain: None,
            link: None,
        });
        Ok(AccountPage {
            accounts: accounts.collect(),
            next: None,
        })
    }

    fn list_services(&mut self, host: &dyn Host, _: Option<&str>) -> Result<ServicePage, Error> {
        let products = self.api.catalog(host)?.into_iter();
        let services = products.map(|product| Service {
            id: product.id.to_string(),
            name: product.description,
            active: Truth::Yes,
            sku: None,
            parts: Vec::new(),
            unit_price: None,
            link: None,
        });
        Ok(ServicePage {
            services: services.collect(),
            next: None,
        })
    }

    fn list_contracts(
        &mut self,
        host: &dyn Host,
        accounts: &[String],
        start: CivilDate,
        _horizon: Option<CivilDate>,
        _cursor: Option<&str>,
    ) -> Result<ContractPage, Error> {
        let start = Date::try_from(start)?;
        let mut contracts = Vec::new();
        for said in self.api.agreements(host, accounts)? {
            let (id, account) = (said.id.to_string(), said.company.id.to_string());
            let additions = self.api.additions(host, &id)?.into_iter();
            contracts.push(Contract {
                lines: additions
                    .map(|addition| self.line(host, addition, &id, &account, start))
                    .collect(),
                id,
                account,
                name: said.name,
                start: day(Some(&said.start_date)),
                end: None,
                recurring: Truth::Yes,
                active: Truth::Yes,
                billing_months: Some(said.period_months),
                next_invoice: day(said.next_invoice_date.as_ref()),
                invoiced_through: day(said.invoiced_through.as_ref()),
                note: None,
                renewed_by: None,
                lines_read: true,
                link: None,
            });
        }
        Ok(ContractPage {
            contracts,
            next: None,
        })
    }

    fn read_lines(
        &mut self,
        host: &dyn Host,
        lines: &[LineKey],
        start: CivilDate,
    ) -> Result<LineReading, Error> {
        let start = Date::try_from(start)?;
        let mut reading = LineReading {
            lines: Vec::new(),
            others: Vec::new(),
        };
        for key in lines {
            for addition in self.api.additions(host, &key.contract)? {
                if line_id(addition.id) == key.line {
                    let line = self.line(host, addition, &key.contract, &key.account, start);
                    reading.lines.push(line);
                } else if addition.product.id.to_string() == key.service {
                    reading.others.push(LineKey {
                        line: line_id(addition.id),
                        ..key.clone()
                    });
                }
            }
        }
        Ok(reading)
    }

    fn adjust(
        &mut self,
        host: &dyn Host,
        adjustment: &Adjustment,
        _today: CivilDate,
    ) -> Result<Outcome, Error> {
        self.api
            .set_quantity(host, &adjustment.line, &adjustment.target)
    }
}
