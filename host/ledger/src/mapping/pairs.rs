//! What is mapped: pairs of Coro's side and the PSA's.

use psa_host_billing::{AccountId, ContractId, ModuleId, ServiceMapping, WorkspaceId};

/// A mapping to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// A workspace is this account.
    Account(AccountMapping),
    /// A module is this service.
    Service(ServiceMapping),
    /// A workspace is billed on this contract.
    Contract(ContractPin),
}

/// A workspace and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMapping {
    /// Coro's side.
    pub workspace: WorkspaceId,
    /// The PSA's side.
    pub account: AccountId,
}

/// The contract a person chose for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractPin {
    /// Coro's side.
    pub workspace: WorkspaceId,
    /// The PSA's side.
    pub contract: ContractId,
}

/// A mapping to remove, by Coro's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingKey {
    /// The workspace's account; its contract pin goes too, since it would name another
    /// company's contract.
    Account(WorkspaceId),
    /// The module's service.
    Service(ModuleId),
    /// The workspace's contract pin.
    Contract(WorkspaceId),
}

/// What a mapping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapped {
    /// It is new.
    New,
    /// It was there.
    Same,
    /// The metric or the pinned contract is another now.
    Changed,
}
