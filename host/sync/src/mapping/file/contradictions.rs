//! Rows that contradict one another. To take the first of two would be to bill a guess,
//! so none of them is taken. A row that is refused for something else contradicts all the
//! same: what it says of an account is not less said because its metric is misspelt.

use std::collections::{HashMap, HashSet};

use psa_host_billing::ErrorCode;
use psa_host_ledger::Mapping;

use super::{Read, RowPosition};
use crate::error::Problem;

/// Other rows that a refusal names.
const MORE_NAMED: usize = 3;

/// What a row says: both its sides, each of which has one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mapping) struct Claim {
    sides: [String; 2],
    /// The whole of it, in words.
    says: String,
}

impl Claim {
    /// As it stands in a file; none: it is no kind of mapping.
    pub(super) fn written(kind: &str, coro: &str, psa: &str, metric: &str) -> Option<Self> {
        match kind.to_ascii_lowercase().as_str() {
            "account" => Some(Self::account(coro, psa)),
            "service" => Some(Self::service(coro, psa, &metric.to_ascii_lowercase())),
            "contract" => Some(Self::contract(coro, psa)),
            _ => None,
        }
    }

    fn of(mapping: &Mapping) -> Self {
        match mapping {
            Mapping::Account(pair) => Self::account(pair.workspace.as_str(), pair.account.as_str()),
            Mapping::Service(pair) => {
                let metric = pair.metric.to_string();
                Self::service(pair.module.as_str(), pair.service.as_str(), &metric)
            }
            Mapping::Contract(pin) => Self::contract(pin.workspace.as_str(), pin.contract.as_str()),
        }
    }

    fn account(workspace: &str, account: &str) -> Self {
        Self {
            sides: [
                format!("workspace {workspace}"),
                format!("account {account}"),
            ],
            says: format!("workspace {workspace} is account {account}"),
        }
    }

    fn service(module: &str, service: &str, metric: &str) -> Self {
        Self {
            sides: [format!("module {module}"), format!("service {service}")],
            says: format!("module {module} is service {service}, counted in {metric}"),
        }
    }

    /// A contract is of one account, and so of one workspace.
    fn contract(workspace: &str, contract: &str) -> Self {
        Self {
            sides: [
                format!("contract of workspace {workspace}"),
                format!("contract {contract}"),
            ],
            says: format!("the contract of workspace {workspace} is {contract}"),
        }
    }
}

/// Refuse all rows of each contradiction, and say which others they contradict.
pub(in crate::mapping) fn refuse_contradictions(read: &mut Read<'_>) {
    let claims: Vec<Claim> = read
        .rows
        .iter()
        .map(|row| Claim::of(&row.mapping))
        .collect();
    let others = read.claims.iter().map(|(place, claim)| (place, claim));
    let rows = read.rows.iter().map(|row| &row.place).zip(&claims);
    let mut said = Said::default();
    for (place, claim) in rows.chain(others) {
        said.hear(place, claim);
    }
    let refusals: Vec<Option<Problem>> = claims.iter().map(|claim| said.against(claim)).collect();
    let mut refusals = refusals.into_iter();
    let refused = &mut read.refused;
    read.rows.retain(|row| match refusals.next().flatten() {
        None => true,
        Some(problem) => {
            refused.push(row.place.at(), row.place.of(problem));
            false
        }
    });
}

/// What is said of each side, each thing once, with the first row that says it: a file
/// may say a million times the same.
#[derive(Default)]
struct Said<'c> {
    seen: HashSet<(&'c str, &'c str)>,
    of_side: HashMap<&'c str, Vec<(String, &'c str)>>,
}

impl<'c> Said<'c> {
    fn hear(&mut self, place: &RowPosition<'_>, claim: &'c Claim) {
        for side in &claim.sides {
            if self.seen.insert((side, &claim.says)) {
                let heard = (place.in_file(), claim.says.as_str());
                self.of_side.entry(side).or_default().push(heard);
            }
        }
    }

    /// That something else is said of one of its sides.
    fn against(&self, claim: &Claim) -> Option<Problem> {
        let of_sides = claim
            .sides
            .iter()
            .filter_map(|side| self.of_side.get(side.as_str()));
        let mut named: Vec<&(String, &str)> = Vec::new();
        for other in of_sides.flatten() {
            if other.1 != claim.says && !named.contains(&other) {
                named.push(other);
            }
            if named.len() > MORE_NAMED {
                break;
            }
        }
        if named.is_empty() {
            return None;
        }
        let others: Vec<String> = named
            .iter()
            .take(MORE_NAMED)
            .map(|(place, says)| format!("{place} says that {says}"))
            .collect();
        let more = match named.len() > MORE_NAMED {
            true => ", and there are more",
            false => "",
        };
        let message = format!("{}, but {}{more}", claim.says, others.join(", "));
        let fix = "Leave the row that is right, and take the others out.";
        Some(Problem::new(ErrorCode::ContradictingRows, message, fix))
    }
}

#[cfg(test)]
mod tests;
