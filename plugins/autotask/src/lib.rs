//! The Autotask connector: Autotask PSA's REST API V1.0 behind the contract of
//! `wit/connector`.
//!
//! How facts are marked in this crate, after the notes they were gathered in:
//! `[LIVE]` somebody measured it on a real tenant, `[DOC]` Autotask's help says it,
//! `[OAS]` its published Swagger says it, `[CODE]` programs in production rely on it,
//! `[?]` not verified: the code is then safe either way, and says how.
#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod accounts;
mod adjust;
mod answers;
mod api;
mod bundle_lines;
mod check;
mod contract_lines;
mod contracts;
mod credentials;
mod describe;
mod details;
mod errors;
mod fields;
mod lines;
mod links;
mod meanings;
mod picklists;
mod query;
mod reading;
mod refusal;
mod services;
mod tenant;
mod unit_price;
mod units;
mod window;
mod words;
mod zone;

use psa_connector_sdk::{
    AccountPage, Adjustment, CheckReport, CivilDate, Connector, ContractPage, Date, Depth,
    Description, Error, Host, LineKey, LineReading, Outcome, ServicePage, Settings,
};

use crate::answers::Answers;
use crate::api::Api;
use crate::contracts::ContractReader;
use crate::window::Window;

/// One connection to Autotask. What it remembers is as old as the instance: one run.
#[derive(Debug)]
pub struct Autotask {
    api: Api,
    contracts: ContractReader,
    answers: Answers,
}

impl Connector for Autotask {
    fn describe() -> Description {
        describe::description()
    }

    fn configure(settings: &Settings) -> Result<Self, Error> {
        let answers = Answers::of(settings)?;
        Ok(Self {
            api: Api::new(settings)?,
            contracts: ContractReader::new(answers.clone()),
            answers,
        })
    }

    fn check(&mut self, host: &dyn Host, depth: Depth) -> Result<CheckReport, Error> {
        check::check(&mut self.api, host, depth, &self.answers)
    }

    fn list_accounts(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<AccountPage, Error> {
        accounts::page(&mut self.api, host, cursor)
    }

    fn list_services(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<ServicePage, Error> {
        services::page(&mut self.api, host, cursor)
    }

    fn list_contracts(
        &mut self,
        host: &dyn Host,
        accounts: &[String],
        start: CivilDate,
        horizon: Option<CivilDate>,
        cursor: Option<&str>,
    ) -> Result<ContractPage, Error> {
        let horizon = horizon.map(Date::try_from).transpose()?;
        let window = Window::new(Date::try_from(start)?, horizon)?;
        self.contracts
            .page(&mut self.api, host, accounts, window, cursor)
    }

    fn read_lines(
        &mut self,
        host: &dyn Host,
        lines: &[LineKey],
        start: CivilDate,
    ) -> Result<LineReading, Error> {
        reading::read(&mut self.api, host, lines, Date::try_from(start)?)
    }

    fn adjust(
        &mut self,
        host: &dyn Host,
        adjustment: &Adjustment,
        _today: CivilDate,
    ) -> Result<Outcome, Error> {
        adjust::adjust(&mut self.api, host, adjustment)
    }
}

psa_connector_sdk::export_connector!(Autotask);
