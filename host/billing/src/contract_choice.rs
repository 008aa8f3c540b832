//! Which line of which contract a pair is posted to. Automatic only where exactly one
//! fits; everything else is a person's choice.

mod succession;

use jiff::civil::Date;

use crate::{Contract, ContractId, Hold, HoldCode, Line, ServiceId, Truth};

pub use succession::{Follows, follows};

/// The place a pair is posted to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
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
) -> Result<Place<'a>, Hold> {
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
        [contract] => Ok(Place {
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
) -> Result<Place<'a>, Hold> {
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
        return Ok(Place {
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
) -> Result<Place<'a>, Hold> {
    let stands = |truth: Truth| {
        truth == Truth::Yes || (truth == Truth::Unknown && confirmed == Confirmed::ByPerson)
    };
    let note = contract
        .note
        .as_deref()
        .map(|note| format!(": {note}"))
        .unwrap_or_default();
    let name = name(contract);
    if !stands(contract.recurring) {
        let message = format!("{name} is not confirmed to be recurring{note}");
        let hold = Hold::new(HoldCode::ContractKindUnconfirmed, message);
        return Err(hold.on(contract, lines_of(contract, service)));
    }
    if !stands(contract.active) {
        let message = match contract.active {
            Truth::No => format!("{name} is not active{note}"),
            _ => format!("it is not known whether {name} is active{note}"),
        };
        let hold = Hold::new(HoldCode::ContractInactive, message);
        return Err(hold.on(contract, lines_of(contract, service)));
    }
    let lines: Vec<&Line> = lines_of(contract, service).collect();
    match lines.as_slice() {
        [line] => Ok(Place {
            contract,
            line,
            follows: None,
        }),
        _ => {
            let ids: Vec<&str> = lines.iter().map(|line| line.key.line.as_str()).collect();
            let ids = ids.join(" and ");
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
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{AccountId, LineId, LineKey};

    const DAY: Date = date(2026, 11, 23);

    pub(super) fn contract(id: &str, start: Date, end: Date, services: &[&str]) -> Contract {
        let id = ContractId::new(id).unwrap();
        let lines = services
            .iter()
            .enumerate()
            .map(|(at, service)| Line {
                key: LineKey {
                    line: LineId::new(format!("{id}-{at}")).unwrap(),
                    contract: id.clone(),
                    service: ServiceId::new(service).unwrap(),
                },
                description: None,
                timeline: Err("not looked at here".into()),
                link: None,
            })
            .collect();
        Contract {
            name: format!("Name {id}"),
            id,
            account: AccountId::new("a").unwrap(),
            start: Some(start),
            end: Some(end),
            recurring: Truth::Yes,
            active: Truth::Yes,
            note: None,
            renewed_by: None,
            billing_months: Some(1),
            lines_read: true,
            lines,
            link: None,
        }
    }

    fn year(id: &str, services: &[&str]) -> Contract {
        contract(id, date(2026, 1, 1), date(2026, 12, 31), services)
    }

    /// The chosen line, or the code of the hold.
    fn chosen(contracts: &[Contract], pinned: Option<&str>) -> String {
        let pinned = pinned.map(|id| ContractId::new(id).unwrap());
        let service = ServiceId::new("s").unwrap();
        match choose(contracts, &service, DAY, pinned.as_ref()) {
            Ok(place) => place.line.key.line.to_string(),
            Err(hold) => hold.code.to_string(),
        }
    }

    #[test]
    fn only_an_unambiguous_line_is_chosen() {
        let old = contract("old", date(2025, 1, 1), date(2025, 12, 31), &["s"]);
        let coming = contract("coming", date(2027, 1, 1), date(2027, 12, 31), &["s"]);
        let inactive = Contract {
            active: Truth::No,
            ..year("inactive", &["s"])
        };
        let unclear = Contract {
            active: Truth::Unknown,
            ..year("unclear", &["s"])
        };
        let kind = Contract {
            recurring: Truth::Unknown,
            ..year("kind", &["s"])
        };
        let denied = Contract {
            recurring: Truth::No,
            ..year("denied", &["s"])
        };
        let cases: [(&[Contract], Option<&str>, &str); 20] = [
            (&[], None, "no-contract"),
            (&[year("c", &["s"])], None, "c-0"),
            (&[year("c", &["x", "s"])], None, "c-1"),
            (&[year("c", &["x"])], None, "line-missing"),
            (&[year("c", &["s", "s"])], None, "duplicate-line"),
            (&[year("c", &["s"]), year("d", &["x"])], None, "c-0"),
            (
                &[year("c", &["s"]), year("d", &["s"])],
                None,
                "several-contracts",
            ),
            (&[year("c", &["s"]), year("d", &["s"])], Some("d"), "d-0"),
            (
                &[year("c", &["s"])],
                Some("gone"),
                "pinned-contract-unusable",
            ),
            (
                // It ended the day before the other began: that one takes over.
                &[year("c", &["s"]), old.clone()],
                Some("old"),
                "c-0",
            ),
            (std::slice::from_ref(&old), None, "contract-expired"),
            (&[old.clone(), coming], None, "contract-not-started"),
            (std::slice::from_ref(&inactive), None, "contract-inactive"),
            (&[inactive.clone(), year("c", &["s"])], None, "c-0"),
            (std::slice::from_ref(&unclear), None, "contract-inactive"),
            (
                std::slice::from_ref(&kind),
                None,
                "contract-kind-unconfirmed",
            ),
            // A person's choice settles what the PSA leaves open, not what it denies.
            (std::slice::from_ref(&unclear), Some("unclear"), "unclear-0"),
            (std::slice::from_ref(&kind), Some("kind"), "kind-0"),
            (
                std::slice::from_ref(&denied),
                Some("denied"),
                "contract-kind-unconfirmed",
            ),
            (
                std::slice::from_ref(&inactive),
                Some("inactive"),
                "contract-inactive",
            ),
        ];
        for (at, (contracts, pinned, expected)) in cases.into_iter().enumerate() {
            assert_eq!(chosen(contracts, pinned), expected, "case {at}");
        }
    }

    #[test]
    fn a_renewed_contract_is_taken_over_on_its_first_day() {
        let old = contract("old", date(2026, 1, 1), date(2026, 11, 22), &["s"]);
        let new = contract("new", DAY, date(2027, 11, 22), &["s"]);
        let rival = contract("rival", DAY, date(2027, 11, 22), &["s"]);
        let late = contract("late", DAY, date(2027, 11, 22), &["x"]);
        let table: [(&str, Vec<Contract>, Option<&str>, &str); 6] = [
            (
                "by itself",
                vec![old.clone(), new.clone()],
                None,
                "new-0 after old",
            ),
            (
                "pinned to the old one",
                vec![old.clone(), new.clone()],
                Some("old"),
                "new-0 after old",
            ),
            (
                "two could follow",
                vec![old.clone(), new.clone(), rival],
                Some("old"),
                "pinned-contract-unusable",
            ),
            (
                "the next does not sell it",
                vec![old.clone(), late],
                Some("old"),
                "pinned-contract-unusable",
            ),
            (
                "none follows",
                vec![old.clone()],
                Some("old"),
                "pinned-contract-unusable",
            ),
            ("no predecessor", vec![new.clone()], None, "new-0"),
        ];
        for (case, contracts, pinned, expected) in table {
            let pinned = pinned.map(|id| ContractId::new(id).unwrap());
            let service = ServiceId::new("s").unwrap();
            let chosen = match choose(&contracts, &service, DAY, pinned.as_ref()) {
                Ok(place) => match place.follows {
                    Some(old) => format!("{} after {}", place.line.key.line, old.id),
                    None => place.line.key.line.to_string(),
                },
                Err(hold) => hold.code.to_string(),
            };
            assert_eq!(chosen, expected, "{case}");
        }
    }

    #[test]
    fn a_duplicate_names_both_lines() {
        let contracts = [year("c", &["s", "s"])];
        let hold = choose(&contracts, &ServiceId::new("s").unwrap(), DAY, None).unwrap_err();
        assert_eq!(
            hold.message,
            "contract c (Name c) has service s more than once, as lines c-0 and c-1"
        );
        let ids: Vec<_> = hold.lines.iter().map(LineId::as_str).collect();
        let contract = hold.contract.as_ref().map(ContractId::as_str);
        assert_eq!((contract, ids), (Some("c"), vec!["c-0", "c-1"]));
    }
}
