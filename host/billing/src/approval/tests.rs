//! Which change waits, and which a grant covers.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn limits() -> ApprovalLimits {
    ApprovalLimits {
        units: Some(Decimal::from(10)),
        percent: Some(Decimal::from(50)),
        money: Some(Decimal::from(100)),
        ..ApprovalLimits::none()
    }
}

fn asked(
    limits: &ApprovalLimits,
    from: u32,
    to: u32,
    monthly: Option<&str>,
    first: bool,
) -> String {
    let monthly = monthly.map(|amount| Money {
        amount: amount.parse().unwrap(),
        currency: Some("USD".into()),
    });
    let change = Change {
        baseline: from.into(),
        target: to.into(),
        monthly: monthly.as_ref(),
        first_time: first,
        new_account: false,
    };
    let reasons = reasons(limits, &change);
    let texts: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

#[test]
fn a_change_beyond_a_limit_waits_and_says_which() {
    let none = ApprovalLimits::none();
    let first = ApprovalLimits {
        first_time: true,
        ..ApprovalLimits::none()
    };
    let fall = ApprovalLimits {
        decrease: true,
        ..ApprovalLimits::none()
    };
    let table = [
        ("no limits", &none, 5, 5000, None, true, ""),
        ("at the limit", &limits(), 20, 30, Some("100"), true, ""),
        (
            "over the units",
            &limits(),
            100,
            111,
            Some("1"),
            false,
            "a change of 11 units, over the limit of 10",
        ),
        (
            "a fall over the units",
            &limits(),
            111,
            100,
            Some("-1"),
            false,
            "a change of 11 units, over the limit of 10",
        ),
        (
            "over the share",
            &limits(),
            6,
            10,
            Some("1"),
            false,
            "a change of 66.7 %, over the limit of 50 %",
        ),
        (
            "from nothing there is no share",
            &limits(),
            0,
            10,
            Some("1"),
            false,
            "",
        ),
        (
            "over the money",
            &limits(),
            20,
            21,
            Some("-100.01"),
            false,
            "a change of -100.01 USD a month, over the limit of 100",
        ),
        (
            "money that cannot be told",
            &limits(),
            20,
            21,
            None,
            false,
            "a change whose money cannot be told, and there is a limit of 100 a month",
        ),
        (
            "the first time",
            &first,
            5,
            6,
            None,
            true,
            "the first adjustment of this line",
        ),
        ("not the first time", &first, 5, 6, None, false, ""),
        ("a decrease", &fall, 6, 5, None, false, "a decrease"),
        ("an increase", &fall, 5, 6, None, false, ""),
    ];
    for (case, limits, from, to, monthly, first, expected) in table {
        assert_eq!(asked(limits, from, to, monthly, first), expected, "{case}");
    }
}

proptest! {
    /// A larger change of the same line in the same direction never waits less.
    #[test]
    fn a_larger_change_never_waits_less(from in 1_u32..500, by in 0_u32..500, more in 0_u32..500) {
        let limits = ApprovalLimits { money: None, ..limits() };
        let wait = |to| !asked(&limits, from, to, None, false).is_empty();
        prop_assert!(!wait(from + by) || wait(from + by + more));
    }
}

#[test]
fn a_grant_covers_the_same_units_no_more_money_no_earlier_day_and_no_other_reason() {
    let dollars = |amount: &str| Money {
        amount: amount.parse().unwrap(),
        currency: Some("USD".into()),
    };
    let euros = Money {
        currency: Some("EUR".into()),
        ..dollars("90")
    };
    let (day, next, before) = (date(2026, 11, 23), date(2026, 12, 1), date(2026, 11, 22));
    let (shown, less, more) = (dollars("105"), dollars("90"), dollars("105.01"));
    let (down, further_down) = (dollars("-105"), dollars("-106"));
    let units = |limit: u32| Reason::Units {
        change: Decimal::from(25),
        limit: Decimal::from(limit),
    };
    let run = |run: &str| Reason::Rollback { run: run.into() };
    let asked = [units(10)];
    let seen = Shown {
        baseline: 5.into(),
        target: 30.into(),
        effective: day,
        monthly: Some(&shown),
        reasons: &asked,
    };
    let of_money = |monthly| Shown { monthly, ..seen };
    let table = [
        ("the same", seen, seen, true),
        (
            "another baseline",
            seen,
            Shown {
                baseline: 6.into(),
                ..seen
            },
            false,
        ),
        (
            "another target",
            seen,
            Shown {
                target: 31.into(),
                ..seen
            },
            false,
        ),
        (
            "a later day",
            seen,
            Shown {
                effective: next,
                ..seen
            },
            true,
        ),
        (
            "an earlier day",
            seen,
            Shown {
                effective: before,
                ..seen
            },
            false,
        ),
        ("less money", seen, of_money(Some(&less)), true),
        ("more money", seen, of_money(Some(&more)), false),
        (
            "less in another currency",
            seen,
            of_money(Some(&euros)),
            false,
        ),
        ("unknown money", seen, of_money(None), false),
        (
            "known money, and none was shown",
            of_money(None),
            seen,
            false,
        ),
        ("unknown as before", of_money(None), of_money(None), true),
        ("as much, the other way", seen, of_money(Some(&down)), false),
        (
            "a larger fall",
            of_money(Some(&down)),
            of_money(Some(&further_down)),
            false,
        ),
        (
            "a lower limit",
            seen,
            Shown {
                reasons: &[units(5)],
                ..seen
            },
            true,
        ),
        (
            "no reason any more",
            seen,
            Shown {
                reasons: &[],
                ..seen
            },
            true,
        ),
        (
            "one reason more",
            seen,
            Shown {
                reasons: &[units(10), Reason::FirstTime],
                ..seen
            },
            false,
        ),
        (
            "the rollback of another run",
            Shown {
                reasons: &[run("r-000007")],
                ..seen
            },
            Shown {
                reasons: &[run("r-000008")],
                ..seen
            },
            false,
        ),
    ];
    for (case, shown, now, covered) in table {
        assert_eq!(shown.covers(&now), covered, "{case}");
    }
}
