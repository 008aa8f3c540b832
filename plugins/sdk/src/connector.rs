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

    fn check(&mut self, host: &dyn Host, depth: Depth) -> Result<CheckReport, Error>;

    fn list_accounts(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<AccountPage, Error>;

    fn list_services(
        &mut self,
        host: &dyn Host,
        cursor: Option<&str>,
    ) -> Result<ServicePage, Error>;

    fn list_contracts(
        &mut self,
        host: &dyn Host,
        accounts: &[String],
        start: CivilDate,
        horizon: Option<CivilDate>,
        cursor: Option<&str>,
    ) -> Result<ContractPage, Error>;

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
