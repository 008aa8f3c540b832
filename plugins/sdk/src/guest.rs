//! The glue of a component: the exports call the [`Connector`], the [`Host`] calls the
//! imports.

use std::cell::RefCell;

use crate::bindings::psa_host::guest::{http, log, storage};
use crate::{
    AccountPage, Adjustment, CheckReport, CivilDate, Connector, ContractPage, Depth, Description,
    Error, Guest, Host, Level, LineKey, LineReading, Outcome, Request, Response, SendFailure,
    ServicePage, Setting, Settings, StorageError, invalid,
};

/// Where an instance keeps its configured connector.
#[derive(Debug)]
pub struct Slot<C>(RefCell<Option<C>>);

impl<C> Slot<C> {
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
}

impl<C> Default for Slot<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// What [`crate::export_connector!`] implements: which connector, and where it is kept.
pub trait Exported {
    type Connector: Connector;
    fn with<R>(work: impl FnOnce(&Slot<Self::Connector>) -> R) -> R;

    /// Calls the configured connector; an error where `configure` has not been called.
    fn call<R>(work: impl FnOnce(&mut Self::Connector) -> Result<R, Error>) -> Result<R, Error> {
        Self::with(|slot| match slot.0.try_borrow_mut() {
            Ok(mut kept) => match kept.as_mut() {
                Some(connector) => work(connector),
                None => Err(invalid("configure has not been called")),
            },
            Err(_) => Err(invalid("the connector is at work already")),
        })
    }
}

impl<E: Exported> Guest for E {
    fn describe() -> Description {
        E::Connector::describe()
    }

    fn configure(settings: Vec<Setting>) -> Result<(), Error> {
        let connector = E::Connector::configure(&Settings::new(settings))?;
        E::with(|slot| match slot.0.try_borrow_mut() {
            Ok(mut kept) => {
                *kept = Some(connector);
                Ok(())
            }
            Err(_) => Err(invalid("the connector is at work already")),
        })
    }

    fn check(depth: Depth) -> Result<CheckReport, Error> {
        E::call(|connector| connector.check(&Imports, depth))
    }

    fn list_accounts(cursor: Option<String>) -> Result<AccountPage, Error> {
        E::call(|connector| connector.list_accounts(&Imports, cursor.as_deref()))
    }

    fn list_services(cursor: Option<String>) -> Result<ServicePage, Error> {
        E::call(|connector| connector.list_services(&Imports, cursor.as_deref()))
    }

    fn list_contracts(
        accounts: Vec<String>,
        start: CivilDate,
        horizon: Option<CivilDate>,
        cursor: Option<String>,
    ) -> Result<ContractPage, Error> {
        let cursor = cursor.as_deref();
        E::call(|connector| connector.list_contracts(&Imports, &accounts, start, horizon, cursor))
    }

    fn read_lines(lines: Vec<LineKey>, start: CivilDate) -> Result<LineReading, Error> {
        E::call(|connector| connector.read_lines(&Imports, &lines, start))
    }

    fn adjust(adjustment: Adjustment, today: CivilDate) -> Result<Outcome, Error> {
        E::call(|connector| connector.adjust(&Imports, &adjustment, today))
    }
}

/// The component's imports.
#[derive(Debug, Clone, Copy)]
pub struct Imports;

impl Host for Imports {
    fn send(&self, request: &Request) -> Result<Response, SendFailure> {
        http::send(request)
    }

    fn storage_get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        storage::get(key)
    }

    fn storage_put(&self, key: &str, value: &[u8]) -> Result<(), StorageError> {
        storage::put(key, value)
    }

    fn storage_delete(&self, key: &str) -> Result<(), StorageError> {
        storage::delete(key)
    }

    fn storage_list(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        storage::list(prefix)
    }

    fn storage_compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StorageError> {
        storage::compare_and_swap(key, expected, new)
    }

    fn log(&self, level: Level, message: &str) {
        log::write(level, message);
    }
}
