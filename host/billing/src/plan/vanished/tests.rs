//! What counts as vanished, one posted line at a time.

use jiff::civil::date;
use proptest::prelude::*;

use super::super::tests::Case;
use super::*;
use crate::{ConnectionName, ContractId, Truth};

/// A line of account 17 on contract 900 that was posted to.
fn posted(units: u32) -> Case {
    Case::new(5, 5).with(|case| {
        case.past.confirmed = Some((units.into(), date(2026, 11, 1)));
        case.past.account = Some(AccountId::new("17").unwrap());
        case.past.contract = Some(ContractId::new("900").unwrap());
    })
}

/// Gone of known, after the account was read and gave the case's contracts.
fn counted(case: &Case) -> (usize, usize) {
    case.context(|context| {
        let mut vanished = Vanished::new(context);
        vanished.saw(&AccountId::new("17").unwrap(), &case.contracts);
        (vanished.gone, vanished.known)
    })
}

fn contract(case: &mut Case) -> &mut Contract {
    &mut case.contracts[0]
}

#[test]
fn a_line_has_vanished_only_where_its_contract_was_read_without_it() {
    let table: Vec<(&str, Case, (usize, usize))> = vec![
        ("there", posted(5), (0, 1)),
        (
            "taken from its contract",
            posted(5).with(|c| contract(c).lines.clear()),
            (1, 1),
        ),
        (
            "its contract is gone",
            posted(5).with(|c| c.contracts.clear()),
            (1, 1),
        ),
        (
            "its contract has ended, and lines of ended contracts are not read",
            posted(5).with(|c| {
                contract(c).end = Some(date(2026, 11, 1));
                contract(c).lines_read = false;
                contract(c).lines.clear();
            }),
            (0, 1),
        ),
        (
            "its contract is inactive",
            posted(5).with(|c| contract(c).active = Truth::No),
            (0, 1),
        ),
        (
            "its contract has the service twice",
            posted(5).with(|c| {
                let mut twin = contract(c).lines[0].clone();
                twin.key.line = LineId::new("8002").unwrap();
                contract(c).lines.push(twin);
            }),
            (0, 1),
        ),
        (
            "the workspace uses it no more",
            posted(5).with(|c| c.usage = None),
            (0, 1),
        ),
        (
            "it had no units",
            posted(0).with(|c| contract(c).lines.clear()),
            (0, 0),
        ),
        (
            "never posted to",
            Case::new(5, 5).with(|c| contract(c).lines.clear()),
            (0, 0),
        ),
        (
            "only found right, on the account that its pair is mapped to",
            posted(5).with(|c| {
                c.past.account = None;
                c.past.pair = Some((c.workspace_id(), "edr".parse().unwrap()));
                contract(c).lines.clear();
            }),
            (1, 1),
        ),
        (
            "only found right, on a contract that nobody knows and that may be the ended one",
            posted(5).with(|c| {
                c.past.contract = None;
                let mut ended = contract(c).clone();
                ended.id = ContractId::new("899").unwrap();
                ended.lines_read = false;
                ended.lines.clear();
                contract(c).lines.clear();
                c.contracts.push(ended);
            }),
            (0, 1),
        ),
        (
            "on a contract that is read, beside another one that has ended",
            posted(5).with(|c| {
                let mut ended = contract(c).clone();
                ended.id = ContractId::new("899").unwrap();
                ended.lines_read = false;
                ended.lines.clear();
                contract(c).lines.clear();
                c.contracts.push(ended);
            }),
            (1, 1),
        ),
        (
            "another connection's",
            posted(5).with(|c| {
                c.past.taken_by = Some(ConnectionName::new("other").unwrap());
                contract(c).lines.clear();
            }),
            (0, 0),
        ),
        (
            "its account is gone, and counted as that",
            posted(5).with(|c| {
                c.account.id = AccountId::new("18").unwrap();
                contract(c).lines.clear();
            }),
            (0, 0),
        ),
        (
            "posted on an account that is not the workspace's any more",
            posted(5).with(|c| {
                c.past.account = Some(AccountId::new("99").unwrap());
                contract(c).lines.clear();
            }),
            (0, 0),
        ),
    ];
    for (case, posted, expected) in table {
        assert_eq!(counted(&posted), expected, "{case}");
    }
}

/// The hold of the case's pair, whose line 8000 was known.
fn held(case: &Case) -> (String, String) {
    let line = case.lines().remove(0);
    match line.decision {
        crate::plan::Decision::Hold(hold) => (hold.code.to_string(), hold.fix),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_had_a_line_is_told_to_look_and_who_had_none_to_add_it() {
    let known = |units| {
        posted(units).with(|c| {
            c.past.pair = Some((c.workspace_id(), "edr".parse().unwrap()));
            contract(c).lines.clear();
        })
    };
    let gone_with_its_contract = known(5).with(|c| c.contracts.clear());
    let on_an_ended_one = known(5).with(|c| {
        let mut ended = contract(c).clone();
        (ended.end, ended.lines_read) = (Some(date(2026, 10, 31)), false);
        contract(c).id = ContractId::new("901").unwrap();
        c.contracts.push(ended);
    });
    let of_another_pair = known(5).with(|c| {
        c.past.pair = Some((c.workspace_id(), "mdm".parse().unwrap()));
    });
    for (what, case, code) in [
        ("gone", known(5), "line-vanished"),
        (
            "gone with its contract",
            gone_with_its_contract,
            "line-vanished",
        ),
        ("it billed nothing", known(0), "line-missing"),
        (
            "its contract has ended, and the next has no line",
            on_an_ended_one,
            "line-missing",
        ),
        ("of another module", of_another_pair, "line-missing"),
        (
            "never known",
            Case::new(5, 5).with(|c| contract(c).lines.clear()),
            "line-missing",
        ),
    ] {
        let (found, fix) = held(&case);
        assert_eq!(found, code, "{what}");
        assert_eq!(
            fix.starts_with("Add the service"),
            code == "line-missing",
            "{what}: {fix}"
        );
    }
}

proptest! {
    /// What stands in the answer is never gone, in whatever state it stands there.
    #[test]
    fn a_line_that_was_read_has_not_vanished(
        units in 1_u32..100, active in 0_usize..3, ended in any::<bool>(), used in any::<bool>(),
    ) {
        let case = posted(units).with(|case| {
            contract(case).active = [Truth::Yes, Truth::No, Truth::Unknown][active];
            if ended {
                contract(case).end = Some(date(2026, 11, 1));
            }
            if !used {
                case.usage = None;
            }
        });
        prop_assert_eq!(counted(&case), (0, 1));
    }
}
