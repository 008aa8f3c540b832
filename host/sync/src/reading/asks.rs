//! The calls that read, as values, so that one place can repeat them and page through
//! them.

use std::future::Future;

use jiff::civil::Date;
use psa_host_billing::{Account, AccountId, Contract, LineKey, Service};
use psa_host_sandbox::{CallError, CheckReport, Connector, Depth, LineReading, Page};

use crate::progress::Activity;

/// One call that reads, so that it can be repeated.
pub(super) trait Ask: Sync {
    type Answer: Send;

    fn ask(
        &self,
        connector: &mut Connector,
    ) -> impl Future<Output = Result<Self::Answer, CallError>> + Send;
}

/// A list that comes in pages.
pub(super) trait List: Sync {
    type Entry: Send;
    const ACTIVITY: Activity;

    fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Self::Entry>, CallError>> + Send;
}

pub(super) struct Check(pub(super) Depth);

impl Ask for Check {
    type Answer = CheckReport;

    async fn ask(&self, connector: &mut Connector) -> Result<CheckReport, CallError> {
        connector.check(self.0).await
    }
}

pub(super) struct Lines<'a>(pub(super) &'a [LineKey], pub(super) Date);

impl Ask for Lines<'_> {
    type Answer = LineReading;

    async fn ask(&self, connector: &mut Connector) -> Result<LineReading, CallError> {
        connector.read_lines(self.0, self.1).await
    }
}

pub(super) struct PageOf<'a, L>(pub(super) &'a L, pub(super) Option<&'a str>);

impl<L: List> Ask for PageOf<'_, L> {
    type Answer = Page<L::Entry>;

    async fn ask(&self, connector: &mut Connector) -> Result<Self::Answer, CallError> {
        self.0.page(connector, self.1).await
    }
}

pub(super) struct Accounts;

impl List for Accounts {
    type Entry = Account;
    const ACTIVITY: Activity = Activity::Accounts;

    async fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> Result<Page<Account>, CallError> {
        connector.list_accounts(cursor).await
    }
}

pub(super) struct Services;

impl List for Services {
    type Entry = Service;
    const ACTIVITY: Activity = Activity::Services;

    async fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> Result<Page<Service>, CallError> {
        connector.list_services(cursor).await
    }
}

pub(super) struct ContractsOf<'a>(pub(super) &'a [AccountId], pub(super) Date);

impl List for ContractsOf<'_> {
    type Entry = Contract;
    const ACTIVITY: Activity = Activity::Contracts;

    async fn page(
        &self,
        connector: &mut Connector,
        cursor: Option<&str>,
    ) -> Result<Page<Contract>, CallError> {
        connector.list_contracts(self.0, self.1, None, cursor).await
    }
}
