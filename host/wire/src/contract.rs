//! Contracts with their lines, as they stand in the PSA.

use std::borrow::Cow;

use jiff::civil::Date;
use psa_host_billing::form::Day;
use psa_host_billing::{
    AccountId, ConnectionName, ContractId, Line, LineId, Money, ServiceId, Truth, Units,
    WorkspaceId,
};
use psa_host_sync::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::{Ids, NamesBeside};
use crate::number::{Number, units};

/// The contracts of a workspace's account.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Contracts<'a> {
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    #[schemars(with = "String")]
    pub workspace: Cow<'a, WorkspaceId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    #[schemars(with = "Day")]
    pub as_of: Date,
    pub contracts: Vec<Contract<'a>>,
}

/// A contract.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Contract<'a> {
    #[schemars(with = "String")]
    pub contract: Cow<'a, ContractId>,
    pub name: Cow<'a, str>,
    #[schemars(with = "String")]
    pub account: Cow<'a, AccountId>,
    #[schemars(with = "Option<Day>")]
    pub start: Option<Date>,
    #[schemars(with = "Option<Day>")]
    pub end: Option<Date>,
    pub active: Truth,
    pub recurring: Truth,
    pub note: Option<Cow<'a, str>>,
    #[schemars(with = "Option<String>")]
    pub renewed_by: Option<Cow<'a, ContractId>>,
    pub lines: Vec<ContractLine<'a>>,
    pub link: Option<Cow<'a, str>>,
}

/// A line of a contract.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct ContractLine<'a> {
    #[schemars(with = "String")]
    pub line: Cow<'a, LineId>,
    #[schemars(with = "String")]
    pub service: Cow<'a, ServiceId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    pub description: Option<Cow<'a, str>>,
    #[schemars(with = "Option<Units>")]
    pub units: Option<Number>,
    pub problem: Option<Cow<'a, str>>,
    pub periods: Vec<Period<'a>>,
    pub link: Option<Cow<'a, str>>,
}

/// Units from one day to another.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Period<'a> {
    #[schemars(with = "Day")]
    pub start: Date,
    #[schemars(with = "Option<Day>")]
    pub end: Option<Date>,
    #[schemars(with = "Units")]
    pub units: Number,
    pub unit_price: Option<Cow<'a, Money>>,
    pub posted: Truth,
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
            connection: Cow::Borrowed(connection),
            workspace: Cow::Borrowed(workspace),
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
            contract: Cow::Borrowed(&contract.id),
            name: Cow::Borrowed(&contract.name),
            account: Cow::Borrowed(&contract.account),
            start: contract.start,
            end: contract.end,
            active: contract.active,
            recurring: contract.recurring,
            note: contract.note.as_deref().map(Cow::Borrowed),
            renewed_by: contract.renewed_by.as_ref().map(Cow::Borrowed),
            lines: contract
                .lines
                .iter()
                .map(|line| ContractLine::new(line, connection, as_of, names))
                .collect(),
            link: contract.link.as_deref().map(Cow::Borrowed),
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
            line: Cow::Borrowed(&line.key.line),
            service: Cow::Borrowed(&line.key.service),
            names: ids.named(Some(connection), names),
            description: line.description.as_deref().map(Cow::Borrowed),
            units: timeline
                .ok()
                .and_then(|timeline| timeline.at(as_of))
                .map(|segment| units(segment.units)),
            problem: line
                .timeline
                .as_ref()
                .err()
                .map(|why| Cow::Borrowed(why.as_ref())),
            periods: periods
                .iter()
                .map(|period| Period {
                    start: period.start,
                    end: period.end,
                    units: units(period.units),
                    unit_price: period.unit_price.as_ref().map(Cow::Borrowed),
                    posted: period.posted,
                })
                .collect(),
            link: line.link.as_deref().map(Cow::Borrowed),
        }
    }
}
