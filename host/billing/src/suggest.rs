//! Who is probably whom: accounts proposed for workspaces and services for modules,
//! each with a score and a reason that a person can check. Nothing here maps anything.
//!
//! *Safe* is only what an exact fact shows (one account with the workspace's domain, an
//! equal name) and nothing contradicts. Names that are merely alike never are: they
//! score below [`SAFE`] however alike they are.

mod fold;
mod pairing;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, AccountId, ModuleId, Service, ServiceId, Truth, Workspace, WorkspaceId};
use fold::{Name, domain, sku};
use pairing::{Party, ScoredPair, Words, pair};

/// From this score on a proposal can be safe.
pub const SAFE: u8 = 90;

/// Proposals whose scores differ by less than this are taken for equally good.
pub const NEAR: u8 = 10;

/// What a proposal is worth.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Shown by an exact fact, and nobody else claims either side.
    Safe,
    /// The best there is; a person should look.
    Likely,
    /// Another partner of either side is about as good.
    Ambiguous,
    /// There is a better one.
    Weak,
}

/// One proposal. `C` is Coro's side, `P` the PSA's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal<C, P> {
    /// Coro's side.
    pub coro: C,
    /// The PSA's side.
    pub psa: P,
    /// From 0 to 100.
    pub score: u8,
    /// What a person can check (`same domain acme.com`).
    pub reason: String,
    /// What it is worth.
    pub verdict: Confidence,
    /// Other partners of the PSA's side that are about as good, at most five.
    pub also_claimed_by: Vec<C>,
    /// Other partners of Coro's side that are about as good, at most five.
    pub also_fits: Vec<P>,
}

/// What accounts are called in reasons.
const ACCOUNT_WORDS: Words = Words {
    key: "same domain",
    keys_differ: Some("domains differ"),
    core: "name equal without legal suffix",
};

const SERVICE_WORDS: Words = Words {
    key: "sku",
    keys_differ: None,
    core: "name equal without the word Coro",
};

/// Propose an account for each of these workspaces, none of which is mapped. `accounts`
/// is all that the PSA lists; `taken` are those that are mapped already: they and
/// inactive ones are never proposed, but a domain that they share is no proof of
/// another. In the order of the workspaces' ids, best first.
pub fn suggest_accounts(
    workspaces: &[Workspace],
    accounts: &[Account],
    taken: &HashSet<AccountId>,
) -> Vec<Proposal<WorkspaceId, AccountId>> {
    let left = workspaces.iter().map(|workspace| {
        let names = [Some(workspace.name.as_str()), workspace.company.as_deref()];
        Party {
            id: &workspace.id,
            names: names
                .into_iter()
                .flatten()
                .filter_map(Name::company)
                .collect(),
            key: workspace.domain.as_deref().and_then(domain),
            free: true,
        }
    });
    let right = accounts.iter().map(|account| Party {
        id: &account.id,
        names: Name::company(&account.name).into_iter().collect(),
        key: account.domain.as_deref().and_then(domain),
        free: account.active != Truth::No && !taken.contains(&account.id),
    });
    proposals(left.collect(), right.collect(), &ACCOUNT_WORDS)
}

/// A module to find a service for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedModule {
    /// Its id (`edr`).
    pub id: ModuleId,
    /// What Coro's console calls it.
    pub name: String,
}

/// Propose a service for each of these modules, none of which is mapped; the rest as
/// with [`suggest_accounts`].
pub fn suggest_services(
    modules: &[NamedModule],
    services: &[Service],
    taken: &HashSet<ServiceId>,
) -> Vec<Proposal<ModuleId, ServiceId>> {
    let left = modules.iter().map(|module| {
        let names = [module.name.as_str(), module.id.as_str()];
        Party {
            id: &module.id,
            names: names.into_iter().filter_map(Name::product).collect(),
            key: sku(module.id.as_str()),
            free: true,
        }
    });
    let right = services.iter().map(|service| Party {
        id: &service.id,
        names: Name::product(&service.name).into_iter().collect(),
        key: service.sku.as_deref().and_then(sku),
        free: service.active != Truth::No && !taken.contains(&service.id),
    });
    proposals(left.collect(), right.collect(), &SERVICE_WORDS)
}

fn proposals<C: Ord + Clone, P: Ord + Clone>(
    mut left: Vec<Party<'_, C>>,
    mut right: Vec<Party<'_, P>>,
    words: &Words,
) -> Vec<Proposal<C, P>> {
    // Whatever order they came in.
    left.sort_by(|a, b| a.id.cmp(b.id));
    left.dedup_by(|a, b| a.id == b.id);
    right.sort_by(|a, b| a.id.cmp(b.id));
    right.dedup_by(|a, b| a.id == b.id);
    let proposal = |found: ScoredPair| Proposal {
        coro: left[found.left].id.clone(),
        psa: right[found.right].id.clone(),
        score: found.score,
        reason: found.reason,
        verdict: found.verdict,
        also_claimed_by: found
            .near_left
            .iter()
            .map(|&at| left[at].id.clone())
            .collect(),
        also_fits: found
            .near_right
            .iter()
            .map(|&at| right[at].id.clone())
            .collect(),
    };
    pair(&left, &right, words)
        .into_iter()
        .map(proposal)
        .collect()
}

#[cfg(test)]
mod tests;
