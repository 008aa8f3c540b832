//! The trait that a connector implements: `wit/connector` in Rust.

use crate::{
    AccountPage, Adjustment, CheckReport, CivilDate, ContractPage, Depth, Description, Error, Host,
    LineKey, LineReading, Outcome, ServicePage, Setting, invalid,
};

/// One connection's connector, set up by [`configure`](Connector::configure).
///
/// Each method is the function of the same name in `wit/connector/connector.wit`; what is said
/// there holds here. It returns an [`Error`] and never panics: a panic is a trap, and
/// the host then drops the instance. An instance lives no longer than one run of one
/// connection, so what it remembers in `self` is as fresh as that run.
pub trait Connector: Sized {
    /// The same answer each time, without the outside.
    fn describe() -> Description;

    /// From the values of the fields that are no secrets. Without the outside.
    fn configure(settings: &Settings) -> Result<Self, Error>;

    /// Proves the credentials, and names the PSA instance behind them.
    fn check(&mut self, host: &dyn Host, depth: Depth) -> Result<CheckReport, Error>;

    /// A page of every account that a line could belong to, inactive ones included.
    /// `cursor`: what the page before gave as `next`; none for the first.
    fn list_accounts(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<AccountPage, Error>;

    /// A page of everything that is sold again and again, inactive ones included.
    fn list_services(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<ServicePage, Error>;

    /// A page of these accounts' contracts with their lines, none of an account split over
    /// two pages. Units from the segment that holds `start` to the one that holds `horizon`;
    /// without a horizon to the last one.
    fn list_contracts(
        &mut self,
        host: &dyn Host,
        accounts: &[String],
        start: CivilDate,
        horizon: Option<CivilDate>,
        cursor: Option<&str>,
    ) -> Result<ContractPage, Error>;

    /// A second look at chosen lines: units from the segment that holds `start` to the last
    /// one there is. A line that is not there is left out.
    fn read_lines(
        &mut self,
        host: &dyn Host,
        lines: &[LineKey],
        start: CivilDate,
    ) -> Result<LineReading, Error>;

    /// At most one write request, never a second.
    fn adjust(
        &mut self,
        host: &dyn Host,
        adjustment: &Adjustment,
        today: CivilDate,
    ) -> Result<Outcome, Error>;
}

/// The values of the fields that are no secrets, by key.
#[derive(Debug, Clone, Default)]
pub struct Settings(Vec<Setting>);

impl Settings {
    /// Of values as the host passes them: keys that `describe` declared.
    #[must_use]
    pub fn new(settings: Vec<Setting>) -> Self {
        Self(settings)
    }

    /// The value of a field, trimmed; none where it is absent or blank.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let setting = self.0.iter().find(|setting| setting.key == key)?;
        Some(setting.value.trim()).filter(|value| !value.is_empty())
    }

    /// The value of a required field.
    pub fn require(&self, key: &str) -> Result<&str, Error> {
        self.get(key)
            .ok_or_else(|| invalid(format!("the setting {key} is missing")))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| Setting {
                    key: key.into(),
                    value: value.into(),
                })
                .collect(),
        )
    }
}
