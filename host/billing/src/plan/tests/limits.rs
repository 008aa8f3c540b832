//! New accounts, and what the brakes on change count and do not count.

use super::*;
use crate::approval::Rollback;

fn limits_of_a_new_connection(case: &mut Case) {
    case.rules.approval = ApprovalLimits::default();
}

/// So many units of the case's one line were counted before the run.
fn passed(change: i64, effective: Date, day: Date) -> Vec<PassedChange> {
    vec![PassedChange {
        line: LineId::new("8001").unwrap(),
        account: AccountId::new("17").unwrap(),
        effective,
        change: Decimal::from(change).into(),
        day,
        on_day: Decimal::from(change).into(),
    }]
}

/// What a case's plan lets pass: units all in all, and of them on this day.
fn passing(case: &Case) -> Vec<(String, String)> {
    let plan = case.plan();
    let of = |passed: &PassedChange| (passed.change.to_string(), passed.on_day.to_string());
    plan.passing().iter().map(of).collect()
}

fn one(change: &str, on_day: &str) -> Vec<(String, String)> {
    vec![(change.to_owned(), on_day.to_owned())]
}

#[test]
fn a_change_of_a_new_account_is_asked_about_as_such_and_by_no_other_limit() {
    let new = Case::new(500, 5).with(|c| {
        limits_of_a_new_connection(c);
        c.rules.approval.units = Some(Decimal::ONE);
        c.known = false;
    });
    assert_eq!(
        new.lines()[0].decision,
        Decision::Ask(vec![Reason::NewAccount])
    );
    let known = new.clone().with(|c| c.known = true);
    let Decision::Ask(reasons) = &known.lines()[0].decision else {
        panic!("it is over two limits");
    };
    assert_eq!(reasons.len(), 2, "{reasons:?}");
}

#[test]
fn limits_of_a_new_connection_ask_about_jumps_and_not_about_ordinary_days() {
    let table = [
        ("a team more", 14, 5, "adjust"),
        ("more than ten, and more than half", 16, 5, "ask"),
        ("eleven more of a hundred", 111, 100, "adjust"),
        ("from nothing", 11, 0, "ask"),
        ("from nothing to a few", 10, 0, "adjust"),
        ("three of ten leave", 7, 10, "adjust"),
        ("six of ten leave", 4, 10, "ask"),
        ("a fifth of a hundred leaves", 80, 100, "adjust"),
        ("more than a fifth of a hundred leaves", 79, 100, "ask"),
    ];
    for (what, count, units, expected) in table {
        let case = Case::new(count, units).with(limits_of_a_new_connection);
        assert_eq!(case.decision(), expected, "{what}");
    }
}

#[test]
fn the_yes_to_another_line_of_a_new_account_is_none_to_this_one() {
    let asked = |answer| Question {
        reasons: vec![Reason::NewAccount],
        ..question(5, 7, answer)
    };
    let rejected = || Answer::Rejected {
        words: "no".to_owned(),
    };
    // The account is known by now: a small change of it would pass.
    let table = [
        ("never asked", 7, None, "adjust"),
        ("waiting", 7, Some(asked(Answer::Waiting)), "ask"),
        ("granted", 7, Some(asked(Answer::Granted)), "adjust"),
        ("rejected", 7, Some(asked(rejected())), "approval-rejected"),
        ("rejected, another count", 8, Some(asked(rejected())), "ask"),
    ];
    for (what, count, question, expected) in table {
        let case = Case::new(count, 5).with(|c| {
            limits_of_a_new_connection(c);
            c.past.question = question;
        });
        assert_eq!(case.decision(), expected, "{what}");
    }
}

#[test]
fn brakes_on_change_count_neither_new_accounts_nor_what_a_person_granted_or_was_asked() {
    let granted = |answer| {
        Case::new(12, 5).with(|c| {
            c.rules.approval.units = Some(Decimal::from(5));
            c.past.question = Some(question(5, 11, answer));
        })
    };
    let rollback = Case::new(11, 11).with(|c| {
        c.past.question = Some(Question {
            rollback: Some(Rollback {
                question: "q-000001".into(),
                run: "r-000001".into(),
                effective: DAY,
            }),
            reasons: vec![Reason::Rollback {
                run: "r-000001".into(),
            }],
            ..question(11, 5, Answer::Granted)
        });
    });
    let new = Case::new(12, 5).with(|c| c.known = false);
    let day = |case: Case| case.with(|c| c.passed = Passed::new(DAY, None, vec![]));
    assert_eq!(passing(&day(Case::new(12, 5))), one("+7", "+7"));
    assert_eq!(passing(&day(new.clone())), []);
    assert_eq!(new.plan().units(), Units::ZERO);
    assert_eq!(passing(&day(rollback)), []);
    // 7 of which 6 were seen.
    assert_eq!(passing(&day(granted(Answer::Granted))), one("+7", "+1"));
    assert_eq!(passing(&day(granted(Answer::Waiting))), one("+7", "+1"));
}

#[test]
fn what_gathers_is_counted_when_first_planned_and_later_only_its_increase() {
    let december = date(2026, 12, 1);
    let yesterday = DAY.yesterday().unwrap();
    let gathers = |count, before| {
        Case::new(count, 5).with(|c| {
            c.rules.effective.policy = EffectivePolicy::NextPeriod;
            c.passed = Passed::new(DAY, None, before);
        })
    };
    assert_eq!(gathers(11, vec![]).decision(), "gather");
    let table = [
        ("first planned", 11, vec![], one("+6", "+6")),
        ("as it was", 11, passed(6, december, yesterday), vec![]),
        ("less of it", 9, passed(6, december, yesterday), vec![]),
        ("more", 13, passed(6, december, yesterday), one("+8", "+2")),
        (
            "more on the same day",
            13,
            passed(6, december, DAY),
            one("+8", "+8"),
        ),
        (
            "the other way",
            3,
            passed(6, december, DAY),
            one("-2", "-2"),
        ),
        (
            "for another day",
            11,
            passed(6, date(2027, 1, 1), DAY),
            one("+6", "+6"),
        ),
    ];
    for (what, count, before, expected) in table {
        assert_eq!(passing(&gathers(count, before)), expected, "{what}");
    }
}

#[test]
fn what_gathers_over_a_limit_is_asked_about_at_once_and_waits_for_its_window_once_agreed() {
    let case = |question| {
        Case::new(60, 5).with(|c| {
            limits_of_a_new_connection(c);
            c.rules.effective.policy = EffectivePolicy::NextPeriod;
            c.past.question = question;
        })
    };
    assert_eq!(case(None).decision(), "ask, with a note");
    let jump = |answer| Question {
        reasons: vec![Reason::Rise {
            change: 55.into(),
            limit: ApprovalLimits::default().rise.unwrap(),
        }],
        ..question(5, 60, answer)
    };
    assert_eq!(case(Some(jump(Answer::Granted))).decision(), "gather");
}

#[test]
fn an_account_is_as_good_as_posted_when_all_its_lines_are_right() {
    let right = |case: Case| all_right(&case.lines());
    assert!(right(Case::new(5, 5)));
    assert!(!right(Case::new(6, 5)), "it is to change");
    assert!(
        !right(Case::new(0, 0)),
        "nothing shows that it is the right line"
    );
    assert!(!right(Case::new(0, 5)), "held");
    let pinned = Case::new(6, 5).with(|c| {
        let why = "flat rate".to_owned();
        c.past.stance = Some(Stance::Pin { why });
    });
    assert!(!right(pinned), "left as it is by a person");
}

#[test]
fn a_set_aside_ends_for_the_day_from_which_a_change_holds() {
    let until = |until| {
        Case::new(11, 5).with(|c| {
            c.rules.effective.policy = EffectivePolicy::NextPeriod;
            c.set_aside = vec![SetAside {
                workspace: WorkspaceId::new("w1").unwrap(),
                module: None,
                kind: crate::SetAsideKind::Hold,
                why: "asked to wait".into(),
                who: "ann".into(),
                since: "2026-11-01T09:00:00Z".parse().unwrap(),
                until: Some(until),
            }];
        })
    };
    // The change holds from 1 December.
    assert_eq!(until(date(2026, 11, 30)).decision(), "gather");
    assert_eq!(until(date(2026, 12, 1)).decision(), "set-aside");
    let today = until(DAY).with(|c| c.rules.effective.policy = EffectivePolicy::Today);
    assert_eq!(today.decision(), "set-aside");
}

#[test]
fn not_known_to_be_active_is_not_active() {
    let account = Case::new(11, 5).with(|c| c.account.active = Truth::Unknown);
    let service = Case::new(11, 5).with(|c| c.service.active = Truth::Unknown);
    for (case, code, words) in [
        (
            account,
            "account-inactive",
            "does not say whether account 17",
        ),
        (
            service,
            "service-inactive",
            "does not say whether service 15",
        ),
    ] {
        assert_eq!(case.decision(), code);
        let message = hold(&case).message;
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_change_that_is_over_the_largest_number_is_named_and_not_the_units() {
    let largest = |case: Case| case.with(|c| c.model.largest = Some(100.into()));
    let target = hold(&largest(Case::new(101, 50))).message;
    assert_eq!(target, "101 units is over the PSA's largest number, 100");
    let change = hold(&largest(Case::new(10, 200))).message;
    assert!(
        change.starts_with("the change of -190 units, from 200 to 10,"),
        "{change}"
    );
}

#[test]
fn only_the_period_that_is_posted_is_called_posted() {
    let case = Case::new(11, 5).with(|c| {
        let mut rows = months([5, 7, 7]).segments().to_vec();
        rows[1].posted = Truth::Yes;
        *c.timeline() = Ok(Timeline::new(rows).unwrap());
    });
    let line = case.lines().remove(0);
    assert_eq!(line.effective, date(2027, 1, 1));
    let note = line.note.unwrap();
    assert!(
        note.contains("2026-12-01 to 2026-12-31 is already posted with 7 units"),
        "{note}"
    );
}
