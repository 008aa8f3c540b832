//! Who follows a contract: for the warning before its end. Only what can be posted to
//! counts, so that the warning is not silenced by a contract that would be held.

use super::{follows_on, lines_of};
use crate::{Contract, ServiceId, Truth};

/// Whether a service goes on when a contract ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Follows {
    /// No contract follows that is in use and has a line of the service.
    Nobody,
    /// One follows of which that is not known.
    Perhaps,
    /// One follows.
    Surely,
}

/// Look for the contract that takes over a service when another ends.
pub fn follows(contracts: &[Contract], ending: &Contract, service: &ServiceId) -> Follows {
    let named = ending.renewed_by.as_ref();
    // The PSA names one that it does not show.
    let unseen = named.is_some_and(|id| contracts.iter().all(|next| next.id != *id));
    let found = contracts
        .iter()
        .filter(|next| next.id != ending.id && follows_on(ending, next))
        .map(|next| takes_over(next, service))
        .max();
    match found.unwrap_or(Follows::Nobody) {
        Follows::Nobody if unseen => Follows::Perhaps,
        found => found,
    }
}

fn takes_over(next: &Contract, service: &ServiceId) -> Follows {
    let sells = match next.lines_read {
        false => Truth::Unknown,
        true if lines_of(next, service).next().is_some() => Truth::Yes,
        true => Truth::No,
    };
    let all = [next.active, next.recurring, sells];
    if all.contains(&Truth::No) {
        Follows::Nobody
    } else if all.contains(&Truth::Unknown) {
        Follows::Perhaps
    } else {
        Follows::Surely
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::tests::contract;
    use super::*;
    use crate::ContractId;

    /// Named by what it is, with a line of service `s` from the day after the other ends.
    fn next(what: &str) -> Contract {
        let (start, end) = (date(2027, 1, 1), date(2027, 12, 31));
        let good = contract(what, start, end, &["x", "s"]);
        match what {
            "good" => good,
            "without the service" => contract(what, start, end, &["x"]),
            "inactive" => Contract {
                active: Truth::No,
                ..good
            },
            "of unknown status" => Contract {
                active: Truth::Unknown,
                ..good
            },
            "not recurring" => Contract {
                recurring: Truth::No,
                ..good
            },
            "not read" => Contract {
                lines_read: false,
                lines: vec![],
                ..good
            },
            "a day late" => Contract {
                start: Some(date(2027, 1, 2)),
                ..good
            },
            other => panic!("{other}"),
        }
    }

    #[test]
    fn only_an_active_contract_with_the_service_follows() {
        use Follows::{Nobody, Perhaps, Surely};
        let table: &[(&[&str], Option<&str>, Follows)] = &[
            (&[], None, Nobody),
            (&["good"], None, Surely),
            (&["without the service"], None, Nobody),
            (&["inactive"], None, Nobody),
            (&["not recurring"], None, Nobody),
            (&["a day late"], None, Nobody),
            (&["of unknown status"], None, Perhaps),
            (&["not read"], None, Perhaps),
            // One that is good is enough.
            (&["inactive", "without the service", "good"], None, Surely),
            (&["inactive", "not read"], None, Perhaps),
            // Named by the PSA as the renewal: then it need not begin on the day after.
            (&["a day late"], Some("a day late"), Surely),
            (&["inactive"], Some("inactive"), Nobody),
            (
                &["without the service"],
                Some("without the service"),
                Nobody,
            ),
            (&[], Some("not shown"), Perhaps),
            (&["good"], Some("not shown"), Surely),
        ];
        for (others, renewed_by, expected) in table {
            let (start, end) = (date(2026, 1, 1), date(2026, 12, 31));
            let ending = Contract {
                renewed_by: renewed_by.map(|id| ContractId::new(id).unwrap()),
                ..contract("ending", start, end, &["s"])
            };
            let mut contracts = vec![ending.clone()];
            contracts.extend(others.iter().map(|what| next(what)));
            let service = ServiceId::new("s").unwrap();
            let found = follows(&contracts, &ending, &service);
            assert_eq!(found, *expected, "{others:?}, renewed by {renewed_by:?}");
        }
    }
}
