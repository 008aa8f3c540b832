//! Who is billed: each status and flag with each action, on a line that has 5 units, none,
//! or gets some in a later period. 11 devices are in use.

use super::*;
use crate::rules::LifeCycle;

/// Every rule but one says something else, so that only the right one can lead to what is
/// expected.
fn only(rule: &str, action: Action) -> LifeCycle {
    let other = match action {
        Action::Bill => Action::Ask,
        _ => Action::Bill,
    };
    let of = |name| if name == rule { action } else { other };
    LifeCycle {
        demo: of("demo"),
        nfr: of("nfr"),
        new: of("new"),
        trial: of("trial"),
        subscription: of("subscription"),
        inactive: of("inactive"),
        archived: of("archived"),
        other: of("other"),
    }
}

#[test]
fn what_each_action_does_with_each_status_and_flag() {
    // Action, units on the line now and later: what is done.
    let actions = [
        (Action::Bill, [5, 5, 5], "adjust"),
        (Action::Bill, [0, 0, 0], "adjust"),
        (Action::Bill, [0, 4, 4], "future-change"),
        (Action::Ignore, [5, 5, 5], "unchanged, with a note"),
        (Action::Ignore, [0, 0, 0], "unchanged, with a note"),
        (Action::Ignore, [0, 4, 4], "unchanged, with a note"),
        (Action::Zero, [5, 5, 5], "adjust"),
        (Action::Zero, [0, 0, 0], "unchanged"),
        (Action::Zero, [0, 4, 4], "unchanged, with a note"),
        (Action::Ask, [5, 5, 5], "not-billed"),
        (Action::Ask, [0, 0, 0], "unchanged"),
        (Action::Ask, [0, 4, 4], "not-billed"),
    ];
    // The status, demo, not for resale: the rule.
    let workspaces = [
        ("new", false, false, "new"),
        ("trial", false, false, "trial"),
        ("subscription", false, false, "subscription"),
        ("inactive", false, false, "inactive"),
        ("archived", false, false, "archived"),
        ("frozen", false, false, "other"),
        ("subscription", true, false, "demo"),
        ("inactive", true, false, "demo"),
        ("subscription", false, true, "nfr"),
        ("trial", false, true, "nfr"),
        ("subscription", true, true, "demo"),
    ];
    for (status, demo, nfr, rule) in workspaces {
        for (action, units, expected) in actions {
            let case = Case::new(11, units[0]).with(|c| {
                c.workspace.status = WorkspaceStatus::from(status.to_owned());
                (c.workspace.demo, c.workspace.nfr) = (demo, nfr);
                c.rules.life_cycle = only(rule, action);
                *c.timeline() = Ok(months(units));
            });
            let case_name = format!("{status}, demo {demo}, nfr {nfr}: {action} with {units:?}");
            assert_eq!(case.decision(), expected, "{case_name}");
            let target = case.adjustments().first().map(|(_, one)| one.target);
            let wanted = match (expected, action) {
                ("adjust", Action::Zero) => Some(Units::ZERO),
                ("adjust", _) => Some(Units::from(11)),
                _ => None,
            };
            assert_eq!(target, wanted, "{case_name}");
        }
    }
}
