//! Which line of which contract a pair is posted to. Automatic only where exactly one
//! fits; everything else is a person's choice.

mod succession;

use jiff::civil::Date;

use crate::{Contract, ContractId, Hold, HoldCode, Line, ServiceId, Truth};

pub use succession::{Follows, follows};

/// The place a pair is posted to.
#[derive(Debug, Clone, Copy)]
pub struct ChosenLine<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// Its only line of the service.
    pub line: &'a Line,
    /// The contract with the same service that ended the day before this one began.
    pub follows: Option<&'a Contract>,
}

/// Find the one line for a service among an account's contracts on a day, or say why
/// there is none or more than one.
///
/// # Errors
/// A [`Hold`] that names the contracts or lines concerned.
pub fn choose<'a>(
    contracts: &'a [Contract],
    service: &ServiceId,
    day: Date,
    pinned: Option<&ContractId>,
) -> Result<ChosenLine<'a>, Hold> {
    if let Some(id) = pinned {
        return choose_pinned(contracts, service, day, id);
    }
    if contracts.is_empty() {
        let message = "the account has no recurring contract";
        return Err(Hold::new(HoldCode::NoContract, message));
    }
    let covering: Vec<&Contract> = contracts.iter().filter(|c| c.covers(day)).collect();
    if covering.is_empty() {
        return Err(none_covers(contracts, day));
    }
    let selling: Vec<&Contract> = covering
        .iter()
        .copied()
        .filter(|c| lines_of(c, service).next().is_some())
        .collect();
    // A contract that is certainly inactive steps back behind one that is in use: it
    // is no candidate, though it may go on billing until it is ended.
    let in_use: Vec<&Contract> = selling
        .iter()
        .copied()
        .filter(|c| c.active != Truth::No)
        .collect();
    let candidates = if in_use.is_empty() { &selling } else { &in_use };
    match candidates.as_slice() {
        [] => {
            let names = names(&covering);
            let message = format!("{names} covers {day} but has no line for service {service}");
            Err(Hold::new(HoldCode::LineMissing, message).at(covering[0].link.as_ref()))
        }
        [contract] => Ok(ChosenLine {
            follows: predecessor(contracts, contract, service),
            ..usable(contract, service, Confirmed::No)?
        }),
        several => {
            let names = names(several);
            let message = format!("{names} cover {day} and have service {service}");
            Err(Hold::new(HoldCode::SeveralContracts, message).at(several[0].link.as_ref()))
        }
    }
}

fn choose_pinned<'a>(
    contracts: &'a [Contract],
    service: &ServiceId,
    day: Date,
    id: &ContractId,
) -> Result<ChosenLine<'a>, Hold> {
    let unusable = |why: &str| {
        let message = format!("the chosen contract {id} {why}");
        Hold::new(HoldCode::PinnedContractUnusable, message)
    };
    let Some(contract) = contracts.iter().find(|c| &c.id == id) else {
        return Err(unusable("is not among the account's recurring contracts"));
    };
    if contract.end.is_some_and(|end| end < day)
        && let [next] = successors(contracts, contract, service, day).as_slice()
    {
        return Ok(ChosenLine {
            follows: Some(contract),
            ..usable(next, service, Confirmed::No)?
        });
    }
    if !contract.covers(day) {
        return Err(unusable(&format!("does not cover {day}")).at(contract.link.as_ref()));
    }
    if lines_of(contract, service).next().is_none() {
        let message = format!("the chosen contract {id} has no line for service {service}");
        return Err(Hold::new(HoldCode::LineMissing, message).at(contract.link.as_ref()));
    }
    usable(contract, service, Confirmed::ByPerson)
}

/// Whether a person has said that it is this contract.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Confirmed {
    No,
    ByPerson,
}

/// What the PSA leaves open, a person's choice settles; what it denies, it does not.
fn usable<'a>(
    contract: &'a Contract,
    service: &ServiceId,
    confirmed: Confirmed,
) -> Result<ChosenLine<'a>, Hold> {
    let stands = |truth: Truth| {
        truth == Truth::Yes || (truth == Truth::Unknown && confirmed == Confirmed::ByPerson)
    };
    let note = || match &contract.note {
        Some(note) => format!(": {note}"),
        None => String::new(),
    };
    if !stands(contract.recurring) {
        let message = format!(
            "{} is not confirmed to be recurring{}",
            name(contract),
            note()
        );
        let hold = Hold::new(HoldCode::ContractKindUnconfirmed, message);
        return Err(hold.on(contract, lines_of(contract, service)));
    }
    if !stands(contract.active) {
        let message = match contract.active {
            Truth::No => format!("{} is not active{}", name(contract), note()),
            _ => format!(
                "it is not known whether {} is active{}",
                name(contract),
                note()
            ),
        };
        let hold = Hold::new(HoldCode::ContractInactive, message);
        return Err(hold.on(contract, lines_of(contract, service)));
    }
    let lines: Vec<&Line> = lines_of(contract, service).collect();
    match lines.as_slice() {
        [line] => Ok(ChosenLine {
            contract,
            line,
            follows: None,
        }),
        _ => {
            let ids: Vec<&str> = lines.iter().map(|line| line.key.line.as_str()).collect();
            let ids = ids.join(" and ");
            let name = name(contract);
            let message = format!("{name} has service {service} more than once, as lines {ids}");
            let hold = Hold::new(HoldCode::DuplicateLine, message);
            Err(hold.on(contract, lines.into_iter()))
        }
    }
}

/// Contracts that take over from one that has ended: named by it as its renewal, or
/// begun on the day after its end, and with a line of the service on this day.
fn successors<'a>(
    contracts: &'a [Contract],
    ended: &Contract,
    service: &ServiceId,
    day: Date,
) -> Vec<&'a Contract> {
    contracts
        .iter()
        .filter(|next| next.covers(day) && next.id != ended.id && next.active != Truth::No)
        .filter(|next| follows_on(ended, next) && lines_of(next, service).next().is_some())
        .collect()
}

/// The contract that a chosen one took over from.
fn predecessor<'a>(
    contracts: &'a [Contract],
    chosen: &Contract,
    service: &ServiceId,
) -> Option<&'a Contract> {
    // Lines of an ended contract are not read: that it sold the service is not known
    // then, and need not be.
    contracts.iter().find(|ended| {
        ended.id != chosen.id
            && follows_on(ended, chosen)
            && (!ended.lines_read || lines_of(ended, service).next().is_some())
    })
}

fn follows_on(ended: &Contract, next: &Contract) -> bool {
    let day_after = ended.end.and_then(|end| end.tomorrow().ok());
    ended.renewed_by.as_ref() == Some(&next.id)
        || (day_after.is_some() && next.start == day_after && next.id != ended.id)
}

fn lines_of<'a>(contract: &'a Contract, service: &ServiceId) -> impl Iterator<Item = &'a Line> {
    contract
        .lines
        .iter()
        .filter(move |line| &line.key.service == service)
}

fn none_covers(contracts: &[Contract], day: Date) -> Hold {
    let last = contracts
        .iter()
        .filter(|c| c.end.is_some_and(|end| end < day))
        .max_by_key(|c| c.end);
    let next = contracts
        .iter()
        .filter(|c| c.start.is_some_and(|start| start > day))
        .min_by_key(|c| c.start);
    match (last, next) {
        (_, Some(contract)) => {
            let start = contract
                .start
                .map(|start| start.to_string())
                .unwrap_or_default();
            let message = format!("{} starts on {start}, after {day}", name(contract));
            Hold::new(HoldCode::ContractNotStarted, message).at(contract.link.as_ref())
        }
        (Some(contract), None) => {
            let end = contract.end.map(|end| end.to_string()).unwrap_or_default();
            let message = format!("{} ended on {end}, before {day}", name(contract));
            Hold::new(HoldCode::ContractExpired, message).at(contract.link.as_ref())
        }
        (None, None) => {
            let message = format!("no recurring contract of the account covers {day}");
            Hold::new(HoldCode::NoContract, message)
        }
    }
}

fn name(contract: &Contract) -> String {
    format!("contract {} ({})", contract.id, contract.name)
}

fn names(contracts: &[&Contract]) -> String {
    contracts
        .iter()
        .map(|c| name(c))
        .collect::<Vec<_>>()
        .join(" and ")
}

#[cfg(test)]
mod tests;
