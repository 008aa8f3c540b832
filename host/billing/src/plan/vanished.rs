//! Lines that were posted to, or found right, and that the PSA's answer should have and has not. An
//! answer cut short looks like this; a contract that ended, was made inactive or no
//! longer fits a pair does not, and is a matter of its own pairs.

use std::collections::HashMap;

use super::{Context, LinePast, Pair};
use crate::{AccountId, Contract, ContractId, Hold, HoldCode, LineId};

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
    pub(super) fn new(context: &Context<'_>) -> Self {
        let mut expected: HashMap<AccountId, Vec<(LineId, Option<ContractId>)>> = HashMap::new();
        for (line, past) in context.past {
            let Some(account) = account_of(context, past) else {
                continue;
            };
            let listed = context.accounts.contains_key(account);
            if listed && has_units(past) {
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
    pub(super) fn saw(&mut self, account: &AccountId, contracts: &[Contract]) {
        for (line, on) in self.expected.remove(account).unwrap_or_default() {
            self.known += 1;
            self.gone += usize::from(!is_there(&line, on.as_ref(), contracts));
        }
    }
}

impl Context<'_> {
    /// That a pair had a line which its account's contracts do not have any more. Whoever
    /// adds the service then, as a pair without a line is advised to, may have it twice.
    pub(super) fn vanished(&self, pair: &Pair, contracts: &[Contract]) -> Option<Hold> {
        let was_its_own = |past: &LinePast| {
            let of_pair = past.pair.as_ref();
            of_pair.is_some_and(|(workspace, module)| {
                *workspace == pair.workspace && *module == pair.module
            }) && has_units(past)
                && account_of(self, past) == Some(&pair.account)
        };
        let gone = |(line, past): &(&LineId, &LinePast)| {
            was_its_own(past) && !is_there(line, past.contract.as_ref(), contracts)
        };
        // Of several the latest, so that each run says the same.
        let gone = self.past.iter().filter(gone);
        let (line, past) =
            gone.max_by_key(|(line, past)| (past.confirmed.map(|at| at.1), *line))?;
        let (units, since) = past.confirmed?;
        let on = past.contract.as_ref();
        let on = on.map_or_else(String::new, |contract| format!(" of contract {contract}"));
        let message = format!(
            "line {line}{on} had {units} units from {since} on, and is not in the PSA's answer any \
             more"
        );
        Some(Hold {
            contract: past.contract.clone(),
            ..Hold::new(HoldCode::LineVanished, message)
        })
    }
}

/// Whether the line was last known to bill something, for this connection.
fn has_units(past: &LinePast) -> bool {
    past.taken_by.is_none() && past.confirmed.is_some_and(|(units, _)| !units.is_zero())
}

/// Whose line it is. One that was only found right stands where its pair is mapped to.
fn account_of<'a>(context: &Context<'a>, past: &'a LinePast) -> Option<&'a AccountId> {
    let mapped = || context.mapping.account(&past.pair.as_ref()?.0);
    past.account.as_ref().or_else(mapped)
}

/// Whether the contracts that were read for an account account for a line.
fn is_there(line: &LineId, on: Option<&ContractId>, contracts: &[Contract]) -> bool {
    contracts.iter().any(|contract| {
        // The lines of a contract that has ended are not asked for. A line of which nobody
        // knows the contract may have stood on it.
        let was_on_it = on.is_none_or(|on| *on == contract.id);
        (was_on_it && !contract.lines_read)
            || contract.lines.iter().any(|other| other.key.line == *line)
    })
}

#[cfg(test)]
mod tests;
