//! Policies and exclusions in a plan: 11 devices used, 5 units on the line, unless a
//! case says otherwise.

use std::collections::BTreeMap;

use super::*;
use crate::count::{Basis, CountExclusion, CountPolicy, DayCount, Minimum};

fn with_policy(case: Case, policy: CountPolicy) -> Case {
    case.with(|c| {
        let policies = BTreeMap::from([("edr".parse().unwrap(), policy)]);
        c.counting = Counting::new(policies, []);
    })
}

fn minimum(units: u32) -> CountPolicy {
    CountPolicy {
        minimum: Some(Minimum::new(units, None, None).unwrap()),
        ..CountPolicy::default()
    }
}

fn included(included: u32) -> CountPolicy {
    CountPolicy {
        included,
        ..CountPolicy::default()
    }
}

fn basis(basis: Basis) -> CountPolicy {
    CountPolicy {
        basis,
        ..CountPolicy::default()
    }
}

fn excluding(case: Case, count: u32) -> Case {
    case.with(|c| {
        let exclusion = CountExclusion {
            workspace: c.workspace.id.clone(),
            module: "edr".parse().unwrap(),
            metric: Metric::Devices,
            count,
            owner: "J. Doe".to_owned(),
            why: "test phones".to_owned(),
            since: None,
            until: None,
        };
        c.counting = Counting::new(BTreeMap::new(), [exclusion]);
    })
}

/// With 14 devices on 7 November, and 40 on 31 October.
fn peaked(case: Case) -> Case {
    with_policy(case, basis(Basis::Peak)).with(|c| {
        let day = |day, count| DayCount {
            day,
            last: Some(count),
            peak: Some(count),
            snapshots: 1,
        };
        let days = vec![day(date(2026, 10, 31), 40), day(date(2026, 11, 7), 14)];
        c.days
            .insert(c.workspace.id.clone(), "edr".parse().unwrap(), days);
    })
}

/// The decision, and the units that are asked for.
fn planned(case: &Case) -> (String, Option<String>) {
    let lines = case.lines();
    let target = lines.first().and_then(|line| line.target);
    let decision = case.decision();
    let word = decision.trim_end_matches(", with a note").to_owned();
    (word, target.map(|units| units.to_string()))
}

#[test]
fn the_units_that_a_policy_makes_are_planned() {
    let without_line = |case: Case| case.with(|c| c.contracts[0].lines.clear());
    let table: Vec<(&str, Case, &str, Option<&str>)> = vec![
        ("no policy", Case::new(11, 5), "adjust", Some("11")),
        (
            "a minimum above the count",
            with_policy(Case::new(11, 5), minimum(20)),
            "adjust",
            Some("20"),
        ),
        (
            "at the minimum already",
            with_policy(Case::new(11, 20), minimum(20)),
            "unchanged",
            Some("20"),
        ),
        (
            "none used, with a minimum",
            with_policy(Case::new(0, 5), minimum(20)),
            "adjust",
            Some("20"),
        ),
        (
            "fewer used than included: a fall to zero",
            with_policy(Case::new(11, 5), included(15)),
            "fall-to-zero",
            Some("0"),
        ),
        (
            "two excluded",
            excluding(Case::new(11, 5), 2),
            "adjust",
            Some("9"),
        ),
        (
            "more excluded than counted",
            excluding(Case::new(11, 5), 12),
            "exclusion-too-large",
            None,
        ),
        (
            "the peak of this period, not of the last",
            peaked(Case::new(11, 5)),
            "adjust",
            Some("14"),
        ),
        (
            "the peak, where the PSA does not say the period",
            peaked(Case::new(11, 5)).with(|c| c.contracts[0].billing_months = None),
            "period-unknown",
            None,
        ),
        (
            "the peak, where the line's units contradict the period",
            peaked(Case::new(11, 5)).with(|c| c.contracts[0].start = Some(date(2026, 1, 15))),
            "period-unknown",
            None,
        ),
        (
            "a minimum for what the snapshot does not have: held, not billed",
            with_policy(Case::new(11, 5), minimum(20)).with(|c| c.usage = None),
            "usage-missing",
            None,
        ),
        (
            "a minimum where nothing is used and no contract has a line",
            without_line(with_policy(Case::new(0, 5), minimum(20))),
            "nothing to say",
            None,
        ),
        (
            "used and no contract has a line, and all of it is included",
            without_line(with_policy(Case::new(11, 5), included(15))),
            "nothing to say",
            None,
        ),
        (
            "used and no contract has a line, and some of it is included",
            without_line(with_policy(Case::new(11, 5), included(2))),
            "line-missing",
            Some("9"),
        ),
        (
            "a trial, whatever its policy says",
            with_policy(Case::new(11, 5), minimum(20))
                .with(|c| c.workspace.status = WorkspaceStatus::Trial),
            "not-billed",
            None,
        ),
        (
            "a trial brought to zero, whatever its policy says",
            with_policy(Case::new(11, 5), minimum(20)).with(|c| {
                c.workspace.status = WorkspaceStatus::Trial;
                c.rules.life_cycle.trial = Action::Zero;
            }),
            "adjust",
            Some("0"),
        ),
        (
            "a trial brought to zero, though its count cannot be told",
            excluding(Case::new(11, 5), 12).with(|c| {
                c.workspace.status = WorkspaceStatus::Trial;
                c.rules.life_cycle.trial = Action::Zero;
            }),
            "adjust",
            Some("0"),
        ),
    ];
    for (circumstance, case, decision, target) in table {
        let expected = (decision.to_owned(), target.map(str::to_owned));
        assert_eq!(planned(&case), expected, "{circumstance}");
    }
}

#[test]
fn what_was_done_to_a_count_is_said_in_the_report_and_in_the_steps() {
    let case = excluding(Case::new(11, 5), 2);
    let said = "11 devices in the latest snapshot; 2 excluded: test phones, by J. Doe";
    assert_eq!(case.lines()[0].note.as_deref(), Some(said));
    assert_eq!(Case::new(11, 5).lines()[0].note, None);

    let account = AccountId::new("17").unwrap();
    let (_, steps) = peaked(Case::new(11, 5)).context(|context| {
        let service = context.mapping.services().next().unwrap();
        let case = Case::new(11, 5);
        context.explain(&case.workspace, &account, service, &case.contracts)
    });
    let counts: Vec<&str> = steps
        .iter()
        .filter(|step| step.about == "count")
        .map(|step| step.says.as_str())
        .collect();
    assert_eq!(
        counts,
        [
            "11 devices in the snapshot of 2026-11-23T05:00:00Z",
            "peak of 1 snapshot since 2026-11-01: 14 on 2026-11-07; counts of only 1 of 23 days",
        ]
    );
}

#[test]
fn an_account_that_cannot_be_read_shows_the_units_all_the_same() {
    let hold = Hold::new(crate::HoldCode::AccountUnreadable, "a broken page");
    let target = |case: Case| {
        let account = AccountId::new("17").unwrap();
        let lines =
            case.context(|context| context.hold_workspace(&case.workspace, &account, &hold));
        lines[0].target.map(|units| units.to_string())
    };
    assert_eq!(
        target(with_policy(Case::new(11, 5), minimum(20))).as_deref(),
        Some("20")
    );
    // Its period cannot be read either.
    assert_eq!(target(peaked(Case::new(11, 5))), None);
}

/// Changes hold from 1 December and are sent from 28 November on; today is the 28th.
fn from_next_month(case: Case) -> Case {
    case.with(|c| {
        c.as_of = date(2026, 11, 28);
        c.rules.effective.policy = EffectivePolicy::NextPeriod;
    })
}

#[test]
fn a_minimum_and_an_exclusion_are_those_of_the_day_from_which_the_units_hold() {
    let minimum = |from: Option<Date>, until: Option<Date>| CountPolicy {
        minimum: Some(Minimum::new(20, from, until).unwrap()),
        ..CountPolicy::default()
    };
    let excluded = |since: Option<Date>, until: Option<Date>| {
        excluding(Case::new(11, 5), 3).with(|c| {
            let (workspace, module) = (c.workspace.id.clone(), "edr".parse().unwrap());
            let mut exclusion = c.counting.exclusions(&workspace, &module)[0].clone();
            (exclusion.since, exclusion.until) = (since, until);
            c.counting = Counting::new(BTreeMap::new(), [exclusion]);
        })
    };
    let (nov_30, dec_1, dec_31) = (
        Some(date(2026, 11, 30)),
        Some(date(2026, 12, 1)),
        Some(date(2026, 12, 31)),
    );
    let table: Vec<(&str, Case, &str, &str)> = vec![
        (
            "a minimum until the end of November",
            with_policy(Case::new(11, 20), minimum(None, nov_30)),
            "adjust",
            "11",
        ),
        (
            "a minimum from December on",
            with_policy(Case::new(11, 11), minimum(dec_1, None)),
            "adjust",
            "20",
        ),
        (
            "a minimum of December, and December has it",
            with_policy(Case::new(11, 20), minimum(dec_1, dec_31)),
            "unchanged",
            "20",
        ),
        (
            "an exclusion until the end of November",
            excluded(None, nov_30),
            "adjust",
            "11",
        ),
        (
            "an exclusion from December on",
            excluded(dec_1, None),
            "adjust",
            "8",
        ),
    ];
    for (circumstance, case, decision, target) in table {
        let expected = (decision.to_owned(), Some(target.to_owned()));
        assert_eq!(planned(&from_next_month(case)), expected, "{circumstance}");
    }
    let today = with_policy(Case::new(11, 20), minimum(None, nov_30));
    assert_eq!(planned(&today), ("unchanged".into(), Some("20".into())));
}

#[test]
fn a_fall_to_zero_by_policy_says_so_and_waits_for_a_person_all_the_same() {
    let unused = hold(&Case::new(0, 5));
    assert_eq!(unused.message, "a fall from 5 to zero units");
    let by_policy = with_policy(Case::new(8, 5), included(10));
    let held = hold(&by_policy);
    assert_eq!(held.code, crate::HoldCode::FallToZero);
    let why = "a fall from 5 to zero units, by the count policy and not for want of use: 8 devices";
    assert!(held.message.starts_with(why), "{}", held.message);
    assert!(held.message.contains("10"), "{}", held.message);
    assert!(held.fix.contains("count set"), "{}", held.fix);
    let allowed = by_policy.with(|c| c.rules.zero = ZeroRule::Post);
    assert_eq!(allowed.decision(), "adjust, with a note");
}
