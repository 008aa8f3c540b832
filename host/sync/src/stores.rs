//! The ledger as what the sandbox keeps things in: a plugin's storage, and the budget of
//! requests.

use jiff::Timestamp;
use psa_host_billing::ErrorCode;
use psa_host_ledger::{Ledger, Observed, StorageQuota, StorageScope};
use psa_host_sandbox::{
    BudgetStore, InMemoryStorage, Limits, Observation, PluginStorage, StorageUsage, StoreFailure,
};

use crate::Result;
use crate::error::rule;

/// One connection's part of the plugin storage.
#[derive(Debug)]
pub(crate) struct ConnectionStorage {
    ledger: Ledger,
    scope: StorageScope,
    quota: StorageQuota,
}

impl ConnectionStorage {
    pub(crate) fn new(ledger: &Ledger, scope: StorageScope) -> Self {
        Self {
            ledger: ledger.clone(),
            scope,
            quota: quota(),
        }
    }

    /// As it is now, to be thrown away.
    pub(crate) fn copied(&self) -> Result<InMemoryStorage> {
        let copy = InMemoryStorage::default();
        let most = u32::try_from(self.quota.keys).unwrap_or(u32::MAX);
        for key in self.ledger.storage_list(&self.scope, "", most)? {
            if let Some(value) = self.ledger.storage_get(&self.scope, &key)? {
                let put = copy.put(&key, &value);
                put.map_err(|StoreFailure(why)| rule(ErrorCode::StorageCopy, why, "Try again."))?;
            }
        }
        Ok(copy)
    }
}

/// The sandbox enforces the same quota before it asks; here it also holds against two
/// processes that write at once.
pub(crate) fn quota() -> StorageQuota {
    let limits = Limits::default();
    StorageQuota {
        keys: limits.storage_keys,
        bytes: limits.storage_bytes,
    }
}

fn failed(error: psa_host_ledger::LedgerError) -> StoreFailure {
    StoreFailure(error.to_string())
}

impl PluginStorage for ConnectionStorage {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreFailure> {
        self.ledger.storage_get(&self.scope, key).map_err(failed)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreFailure> {
        self.ledger
            .storage_put(&self.scope, key, value, self.quota)
            .map_err(failed)
    }

    fn delete(&self, key: &str) -> Result<(), StoreFailure> {
        self.ledger.storage_delete(&self.scope, key).map_err(failed)
    }

    fn list(&self, prefix: &str, at_most: usize) -> Result<Vec<String>, StoreFailure> {
        self.ledger
            .storage_list(
                &self.scope,
                prefix,
                u32::try_from(at_most).unwrap_or(u32::MAX),
            )
            .map_err(failed)
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFailure> {
        self.ledger
            .storage_compare_and_swap(&self.scope, key, expected, new, self.quota)
            .map_err(failed)
    }

    fn usage(&self) -> Result<StorageUsage, StoreFailure> {
        let used = self.ledger.storage_use(&self.scope).map_err(failed)?;
        Ok(StorageUsage {
            keys: used.keys,
            bytes: used.bytes,
        })
    }
}

/// The request budget of all tenants, shared by every process on the data directory.
#[derive(Debug)]
pub(crate) struct SharedBudget(pub Ledger);

impl BudgetStore for SharedBudget {
    fn spend(&self, scope: &str, at: Timestamp, requests: u32) -> Result<(), StoreFailure> {
        self.0.budget_spend(scope, at, requests).map_err(failed)
    }

    fn spent(&self, scope: &str, since: Timestamp) -> Result<u64, StoreFailure> {
        self.0.budget_spent(scope, since).map_err(failed)
    }

    fn observe(&self, scope: &str, observation: Observation) -> Result<(), StoreFailure> {
        let observed = Observed {
            at: observation.at,
            used: observation.used.into(),
            own: observation.own,
            allowed: observation.limit.into(),
        };
        self.0.budget_observe(scope, observed).map_err(failed)
    }

    fn observed(&self, scope: &str) -> Result<Option<Observation>, StoreFailure> {
        let observed = self.0.budget_observed(scope).map_err(failed)?;
        Ok(observed.map(|seen| Observation {
            at: seen.at,
            used: u32::try_from(seen.used).unwrap_or(u32::MAX),
            // 0, as long as it was not said: the limit that the plugin declares holds then.
            limit: u32::try_from(seen.allowed).unwrap_or(u32::MAX),
            own: seen.own,
        }))
    }

    fn pause(&self, scope: &str, until: Timestamp) -> Result<(), StoreFailure> {
        self.0.budget_pause(scope, until).map_err(failed)
    }

    fn paused(&self, scope: &str) -> Result<Option<Timestamp>, StoreFailure> {
        self.0.budget_paused(scope).map_err(failed)
    }
}
