//! Names beside ids.

use std::borrow::Cow;

use psa_host_billing::rollback::OfService;
use psa_host_billing::{
    AccountId, ConnectionName, ContractId, ModuleId, ServiceId, UsageItem, WorkspaceId,
};
use psa_host_sync::run::LineReport;
use psa_host_sync::{
    AccountRow, BundleView, ConnectionView, ContractRow, CountView, ExclusionView, Finding, Names,
    PolicyView, QuestionRecord, ServiceRow, SetAsideView, SimulatedPair, SimulatedTotal,
    SnapshotView, StanceRecord,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is called something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids<'a> {
    /// Coro's customer.
    pub workspace: Option<&'a WorkspaceId>,
    /// Coro's module.
    pub module: Option<&'a ModuleId>,
    /// The PSA's customer.
    pub account: Option<&'a AccountId>,
    /// The PSA's service.
    pub service: Option<&'a ServiceId>,
    /// The PSA's contract.
    pub contract: Option<&'a ContractId>,
}

impl<'a> Ids<'a> {
    /// The ids of a thing.
    pub fn of(thing: impl Into<Self>) -> Self {
        thing.into()
    }

    /// Their names, as far as they are known; none of a PSA's without its connection.
    pub fn named(self, connection: Option<&ConnectionName>, names: &'a Names) -> NamesBeside<'a> {
        let known = |name: Option<&'a str>| name.map(Cow::Borrowed);
        NamesBeside {
            workspace_name: known(self.workspace.and_then(|id| names.workspace(id))),
            module_name: known(self.module.and_then(|id| names.module(id))),
            account_name: known(self.account.and_then(|id| names.account(connection?, id))),
            service_name: known(self.service.and_then(|id| names.service(connection?, id))),
            contract_name: known(self.contract.and_then(|id| names.contract(connection?, id))),
        }
    }
}

/// What the ids beside it are called; what is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct NamesBeside<'a> {
    /// Of the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_name: Option<Cow<'a, str>>,
    /// Of the module, in Coro's console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_name: Option<Cow<'a, str>>,
    /// Of the PSA's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<Cow<'a, str>>,
    /// Of the PSA's service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<Cow<'a, str>>,
    /// Of the PSA's contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_name: Option<Cow<'a, str>>,
}

/// An item with the names of its ids.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Clone + Deserialize<'de>"))]
pub struct Named<'a, T: Clone> {
    /// The item, its fields in the same object.
    #[serde(flatten)]
    pub item: Cow<'a, T>,
    /// The names.
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
}

impl<'a, T: Clone> Named<'a, T>
where
    Ids<'a>: From<&'a T>,
{
    /// With the names that are known.
    pub fn new(item: &'a T, connection: Option<&ConnectionName>, names: &'a Names) -> Self {
        let names = Ids::of(item).named(connection, names);
        Self {
            item: Cow::Borrowed(item),
            names,
        }
    }

    /// Each of a list.
    pub fn all(items: &'a [T], connection: &ConnectionName, names: &'a Names) -> Vec<Self> {
        let named = |item| Self::new(item, Some(connection), names);
        items.iter().map(named).collect()
    }
}

macro_rules! ids {
    ($($type:ty: $item:ident => { $($field:ident: $value:expr),* $(,)? };)*) => {$(
        #[allow(clippy::needless_update, reason = "some have every id")]
        impl<'a> From<&'a $type> for Ids<'a> {
            fn from($item: &'a $type) -> Self {
                Self { $($field: $value,)* ..Self::default() }
            }
        }
    )*};
}

ids! {
    LineReport: line => {
        workspace: Some(&line.workspace), module: Some(&line.module),
        account: line.account.as_ref(), service: Some(&line.service),
        contract: line.contract.as_ref(),
    };
    Finding: found => {
        workspace: found.workspace.as_ref(), module: found.module.as_ref(),
        account: found.account.as_ref(), service: found.service.as_ref(),
        contract: found.contract.as_ref(),
    };
    QuestionRecord: asked => {
        workspace: Some(&asked.question.workspace), module: Some(&asked.question.module),
        service: Some(&asked.question.key.service), contract: Some(&asked.question.key.contract),
    };
    StanceRecord: one => { workspace: Some(&one.workspace), module: Some(&one.module) };
    ExclusionView: one => {
        workspace: Some(&one.exclusion.workspace), module: Some(&one.exclusion.module),
    };
    SetAsideView: one => { workspace: Some(&one.workspace), module: one.module.as_ref() };
    SimulatedPair: pair => { workspace: Some(&pair.workspace), module: Some(&pair.module) };
    SimulatedTotal: total => { module: Some(&total.module) };
    UsageItem: item => { workspace: Some(&item.workspace), module: Some(&item.module) };
    CountView: count => { workspace: Some(&count.workspace), module: Some(&count.module) };
    SnapshotView: snapshot => { workspace: Some(&snapshot.channel) };
    ConnectionView: one => { workspace: Some(&one.channel) };
    PolicyView: one => { module: Some(&one.module), service: Some(&one.service) };
    BundleView: one => { module: Some(&one.bundle) };
    AccountRow: row => { workspace: Some(&row.workspace), account: row.account.as_ref() };
    ServiceRow: row => { module: Some(&row.module), service: row.service.as_ref() };
    ContractRow: row => { workspace: Some(&row.workspace), contract: Some(&row.contract) };
    OfService: of => { module: Some(&of.module), service: Some(&of.service) };
}
