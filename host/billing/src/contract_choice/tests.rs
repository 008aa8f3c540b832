//! Which line is chosen among an account's contracts, and what is left to a person.

mod properties;

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
                account: crate::AccountId::new("1").unwrap(),
            },
            description: None,
            timeline: Err("not looked at here".into()),
            not_writable: None,
            billable: Truth::Yes,
            included: None,
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
        next_invoice: None,
        invoiced_through: None,
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
