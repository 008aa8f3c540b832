//! The exports: fair, but for the one that the script names.

use psa_connector_sdk::{
    AccountPage, Adjustment, CheckReport, CivilDate, Connector, ContractPage, Depth, Description,
    Error, Finding, Host, LineKey, LineReading, Outcome, ServicePage, Settings, invalid,
};

use crate::{Answer, Export, Script, act, answer, description};

/// One instance, with its orders.
#[derive(Debug)]
pub struct Hostile {
    script: Script,
}

impl Hostile {
    /// Does what the script has for this call; the answer to give after that.
    fn perform(&self, host: &dyn Host, export: Export) -> (Vec<Finding>, Answer) {
        if self.script.during != export {
            return (Vec::new(), Answer::Fair);
        }
        let findings = self.script.acts.iter().map(|one| act::perform(one, host));
        (findings.collect(), self.script.answer.clone())
    }
}

impl Connector for Hostile {
    fn describe() -> Description {
        description::describe()
    }

    fn configure(settings: &Settings) -> Result<Self, Error> {
        let script = match settings.get("script") {
            Some(text) => serde_json::from_str(text).map_err(|e| invalid(e.to_string()))?,
            None => Script::default(),
        };
        let hostile = Self { script };
        match hostile.perform(&psa_connector_sdk::guest::Imports, Export::Configure) {
            (_, Answer::Fault(text)) => Err(answer::fault(&text)),
            // What was found must not be lost: it is the error.
            (findings, _) if !findings.is_empty() => {
                let details: Vec<String> = findings.into_iter().map(|f| f.detail).collect();
                Err(invalid(details.join("; ")))
            }
            _ => Ok(hostile),
        }
    }

    fn check(&mut self, host: &dyn Host, _depth: Depth) -> Result<CheckReport, Error> {
        let (findings, answer) = self.perform(host, Export::Check);
        answer::report(findings, &answer)
    }

    fn list_accounts(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<AccountPage, Error> {
        let (_, answer) = self.perform(host, Export::ListAccounts);
        answer::accounts(&answer, cursor)
    }

    fn list_services(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<ServicePage, Error> {
        let (_, answer) = self.perform(host, Export::ListServices);
        answer::services(&answer, cursor)
    }

    fn list_contracts(
        &mut self,
        host: &dyn Host,
        accounts: &[String],
        start: CivilDate,
        _horizon: Option<CivilDate>,
        cursor: Option<&str>,
    ) -> Result<ContractPage, Error> {
        let (_, answer) = self.perform(host, Export::ListContracts);
        answer::contracts(&answer, accounts, start, cursor)
    }

    fn read_lines(
        &mut self,
        host: &dyn Host,
        lines: &[LineKey],
        start: CivilDate,
    ) -> Result<LineReading, Error> {
        let (_, answer) = self.perform(host, Export::ReadLines);
        answer::reading(&answer, lines, start)
    }

    fn adjust(
        &mut self,
        host: &dyn Host,
        _adjustment: &Adjustment,
        _today: CivilDate,
    ) -> Result<Outcome, Error> {
        let (findings, answer) = self.perform(host, Export::Adjust);
        answer::outcome(findings, &answer)
    }
}
