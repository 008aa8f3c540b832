//! Lines that were posted to, or found right, and that the PSA's answer should have and has not. An
//! answer cut short looks like this; a contract that ended, was made inactive or no
//! longer fits a pair does not, and is a matter of its own pairs.

use std::collections::HashMap;

use super::Context;
use crate::{AccountId, Contract, ContractId, LineId};

/// Counts them while the PSA is read account by account.
#[derive(Debug, Default)]
pub(super) struct Vanished {
    /// Lines with units and their contracts, by account.
    expected: HashMap<AccountId, Vec<(LineId, Option<ContractId>)>>,
    /// Lines of the accounts read so far.
    pub known: usize,
    /// Those of them that are not there.
    pub gone: usize,
}

impl Vanished {
    /// What is remembered of this connection's lines. An account that the PSA no longer
    /// lists is counted as an account, and one that is mapped no more is not read.
    pub fn new(context: &Context<'_>) -> Self {
        let mut expected: HashMap<AccountId, Vec<(LineId, Option<ContractId>)>> = HashMap::new();
        for (line, past) in context.past {
            let has_units = past.confirmed.is_some_and(|(units, _)| !units.is_zero());
            // A line that was only found right stands where its pair is mapped to.
            let pair = past.pair.as_ref();
            let mapped = || context.mapping.account(&pair?.0);
            let Some(account) = past.account.as_ref().or_else(mapped) else {
                continue;
            };
            let listed = context.accounts.contains_key(account);
            if has_units && listed && past.taken_by.is_none() {
                let of_account = expected.entry(account.clone()).or_default();
                of_account.push((line.clone(), past.contract.clone()));
            }
        }
        Self {
            expected,
            known: 0,
            gone: 0,
        }
    }

    /// Look for an account's lines among the contracts that were read for it.
    pub fn saw(&mut self, account: &AccountId, contracts: &[Contract]) {
        for (line, on) in self.expected.remove(account).unwrap_or_default() {
            self.known += 1;
            let is_there = contracts.iter().any(|contract| {
                // The lines of a contract that has ended are not asked for. A line of which
                // nobody knows the contract may have stood on it.
                let was_on_it = on.as_ref().is_none_or(|on| *on == contract.id);
                (was_on_it && !contract.lines_read)
                    || contract.lines.iter().any(|other| other.key.line == line)
            });
            self.gone += usize::from(!is_there);
        }
    }
}

#[cfg(test)]
mod tests;
