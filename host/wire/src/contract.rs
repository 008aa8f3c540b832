//! Contracts with their lines, as they stand in the PSA.

use jiff::civil::Date;
use psa_host_billing::form::Day;
use psa_host_billing::{
    AccountId, ConnectionName, ContractId, Line, LineId, Money, ServiceId, Truth, Units,
    WorkspaceId,
};
use psa_host_sync::Names;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::named::{Ids, NamesBeside};
use crate::number::units;

/// The contracts of a workspace's account.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Contracts<'a> {
    #[schemars(with = "String")]
    connection: &'a ConnectionName,
    #[schemars(with = "String")]
    workspace: &'a WorkspaceId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    #[schemars(with = "Day")]
    as_of: Date,
    contracts: Vec<Contract<'a>>,
}

/// A contract.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Contract<'a> {
    #[schemars(with = "String")]
    contract: &'a ContractId,
    name: &'a str,
    #[schemars(with = "String")]
    account: &'a AccountId,
    #[schemars(with = "Option<Day>")]
    start: Option<Date>,
    #[schemars(with = "Option<Day>")]
    end: Option<Date>,
    active: Truth,
    recurring: Truth,
    note: Option<&'a str>,
    #[schemars(with = "Option<String>")]
    renewed_by: Option<&'a ContractId>,
    lines: Vec<ContractLine<'a>>,
    link: Option<&'a str>,
}

/// A line of a contract.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ContractLine<'a> {
    #[schemars(with = "String")]
    line: &'a LineId,
    #[schemars(with = "String")]
    service: &'a ServiceId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    description: Option<&'a str>,
    #[schemars(with = "Option<Units>")]
    units: Option<Value>,
    problem: Option<&'a str>,
    periods: Vec<Period<'a>>,
    link: Option<&'a str>,
}

/// Units from one day to another.
#[derive(Debug, JsonSchema, Serialize)]
struct Period<'a> {
    #[schemars(with = "Day")]
    start: Date,
    #[schemars(with = "Option<Day>")]
    end: Option<Date>,
    #[schemars(with = "Units")]
    units: Value,
    unit_price: Option<&'a Money>,
    posted: Truth,
}

impl<'a> Contracts<'a> {
    /// As they are on a day.
    pub fn new(
        (connection, workspace): (&'a ConnectionName, &'a WorkspaceId),
        as_of: Date,
        contracts: &'a [psa_host_billing::Contract],
        names: &'a Names,
    ) -> Self {
        let ids = Ids {
            workspace: Some(workspace),
            ..Ids::default()
        };
        Self {
            connection,
            workspace,
            names: ids.named(Some(connection), names),
            as_of,
            contracts: contracts
                .iter()
                .map(|one| Contract::new(one, connection, as_of, names))
                .collect(),
        }
    }
}

impl<'a> Contract<'a> {
    fn new(
        contract: &'a psa_host_billing::Contract,
        connection: &ConnectionName,
        as_of: Date,
        names: &'a Names,
    ) -> Self {
        Self {
            contract: &contract.id,
            name: &contract.name,
            account: &contract.account,
            start: contract.start,
            end: contract.end,
            active: contract.active,
            recurring: contract.recurring,
            note: contract.note.as_deref(),
            renewed_by: contract.renewed_by.as_ref(),
            lines: contract
                .lines
                .iter()
                .map(|line| ContractLine::new(line, connection, as_of, names))
                .collect(),
            link: contract.link.as_deref(),
        }
    }
}

impl<'a> ContractLine<'a> {
    fn new(line: &'a Line, connection: &ConnectionName, as_of: Date, names: &'a Names) -> Self {
        let timeline = line.timeline.as_ref();
        let periods = timeline.map_or(&[][..], |timeline| timeline.segments());
        let ids = Ids {
            service: Some(&line.key.service),
            ..Ids::default()
        };
        Self {
            line: &line.key.line,
            service: &line.key.service,
            names: ids.named(Some(connection), names),
            description: line.description.as_deref(),
            units: timeline
                .ok()
                .and_then(|timeline| timeline.at(as_of))
                .map(|segment| units(segment.units)),
            problem: line.timeline.as_ref().err().map(|why| why.as_ref()),
            periods: periods
                .iter()
                .map(|period| Period {
                    start: period.start,
                    end: period.end,
                    units: units(period.units),
                    unit_price: period.unit_price.as_ref(),
                    posted: period.posted,
                })
                .collect(),
            link: line.link.as_deref(),
        }
    }
}
