//! What holds of every choice, whatever the account's contracts.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;

fn truth() -> impl Strategy<Value = Truth> {
    prop::sample::select(vec![Truth::Yes, Truth::Yes, Truth::No, Truth::Unknown])
}

prop_compose! {
    /// A contract of a few weeks around the day, or long before or after it, with up to
    /// two lines of the service and one of another.
    fn any_contract(at: usize)(
        begins in -60_i32..10, days in 0_i32..90, of_service in 0_usize..3, other in any::<bool>(),
        active in truth(), recurring in truth(),
    ) -> Contract {
        let start = DAY.checked_add(begins.days()).unwrap();
        let end = start.checked_add(days.days()).unwrap();
        let mut services = vec!["s"; of_service];
        services.extend(other.then_some("x"));
        Contract { active, recurring, ..contract(&format!("c{at}"), start, end, &services) }
    }
}

fn contracts() -> impl Strategy<Value = Vec<Contract>> {
    (0_usize..5).prop_flat_map(|count| (0..count).map(any_contract).collect::<Vec<_>>())
}

proptest! {
    /// A chosen line is the only one of its service on a contract in use that covers the
    /// day, or follows the pinned one.
    #[test]
    fn a_chosen_line_stands_alone_on_a_contract_that_covers_the_day(
        contracts in contracts(), pin in prop::option::of(0_usize..5),
    ) {
        let pin = pin.map(|at| ContractId::new(format!("c{at}")).unwrap());
        let service = ServiceId::new("s").unwrap();
        if let Ok(place) = choose(&contracts, &service, DAY, pin.as_ref()) {
            let ChosenLine { contract, line, .. } = place;
            prop_assert!(contract.covers(DAY));
            // A person's choice settles what is not known, never what is denied.
            let chosen = pin.as_ref() == Some(&contract.id);
            for truth in [contract.active, contract.recurring] {
                prop_assert!(truth == Truth::Yes || (chosen && truth == Truth::Unknown));
            }
            prop_assert_eq!(&line.key.service, &service);
            prop_assert_eq!(&line.key.contract, &contract.id);
            let sold = contract.lines.iter().filter(|l| l.key.service == service).count();
            prop_assert_eq!(sold, 1);
        }
    }

    /// Without a person's choice, no other contract could have taken it.
    #[test]
    fn nothing_is_chosen_where_another_contract_in_use_sells_it_too(contracts in contracts()) {
        let service = ServiceId::new("s").unwrap();
        if let Ok(place) = choose(&contracts, &service, DAY, None) {
            let rivals = contracts.iter().filter(|c| {
                c.id != place.contract.id
                    && c.covers(DAY)
                    && c.active != Truth::No
                    && c.lines.iter().any(|line| line.key.service == service)
            });
            prop_assert_eq!(rivals.count(), 0);
        }
    }

    /// The PSA lists contracts in whatever order it likes.
    #[test]
    fn the_order_of_contracts_does_not_matter(
        contracts in contracts(), pin in prop::option::of(0_usize..5), turn in 0_usize..5,
    ) {
        let pin = pin.map(|at| format!("c{at}"));
        let mut turned = contracts.clone();
        turned.rotate_left(turn.min(contracts.len()));
        let mut back = contracts.clone();
        back.reverse();
        let expected = chosen(&contracts, pin.as_deref());
        prop_assert_eq!(&chosen(&turned, pin.as_deref()), &expected);
        prop_assert_eq!(&chosen(&back, pin.as_deref()), &expected);
    }

    /// A person's choice that covers the day is never gone against.
    #[test]
    fn a_pinned_contract_that_covers_the_day_is_the_only_one_posted_to(
        contracts in contracts(), pin in 0_usize..5,
    ) {
        let id = ContractId::new(format!("c{pin}")).unwrap();
        let service = ServiceId::new("s").unwrap();
        let covers = contracts.iter().any(|c| c.id == id && c.covers(DAY));
        if let (true, Ok(place)) = (covers, choose(&contracts, &service, DAY, Some(&id))) {
            prop_assert_eq!(&place.contract.id, &id);
        }
    }
}
