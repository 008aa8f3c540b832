use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::plan::tests::contract;

/// Monthly from the first, units 5; `posted` says how many months from November on are.
fn months(posted: usize) -> Timeline {
    let dates = [
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 31)),
    ];
    let segment = |(at, (start, end))| Segment {
        start,
        end: Some(end),
        units: 5.into(),
        unit_price: None,
        posted: if at < posted { Truth::Yes } else { Truth::No },
    };
    Timeline::new(dates.into_iter().enumerate().map(segment).collect()).unwrap()
}

/// November was changed on the 10th, and is therefore in two segments.
fn changed_on_the_10th() -> Timeline {
    let mut segments = months(0).segments().to_vec();
    let mut second = segments[0].clone();
    segments[0].end = Some(date(2026, 11, 9));
    second.start = date(2026, 11, 10);
    segments.insert(1, second);
    Timeline::new(segments).unwrap()
}

/// A PSA that takes differences with a date, one a line and date.
fn dated() -> QuantityModel {
    crate::plan::tests::model()
}

fn rule(text: &str) -> EffectiveRule {
    let (policy, later_changes) = match text {
        "today" => (EffectivePolicy::Today, LaterChanges::NextPeriod),
        "period-start" => (EffectivePolicy::PeriodStart, LaterChanges::NextPeriod),
        "period-start, then today" => (EffectivePolicy::PeriodStart, LaterChanges::Today),
        _ => (EffectivePolicy::NextPeriod, LaterChanges::NextPeriod),
    };
    EffectiveRule {
        policy,
        later_changes,
        window_days: 3,
    }
}

#[test]
fn where_all_is_posted_the_message_names_the_periods_that_are() {
    let only_january = {
        let mut segments = months(0).segments().to_vec();
        segments[2].posted = Truth::Yes;
        Timeline::new(segments).unwrap()
    };
    for (day, timeline, posted) in [
        (date(2026, 11, 23), months(3), "2026-11-01 to 2027-01-31"),
        (date(2026, 12, 31), months(3), "2026-11-01 to 2027-01-31"),
        // November and December are open, and a change of theirs would change January too.
        (date(2026, 11, 23), only_january, "2027-01-01 to 2027-01-31"),
    ] {
        let none = BTreeSet::new();
        let held = effective(
            &rule("today"),
            &Circumstances {
                as_of: day,
                contract: &contract(),
                timeline: &timeline,
                adjusted: &none,
                refused: &none,
                model: &dated(),
                due: None,
            },
        );
        let expected = format!("{posted} is already posted, and the line has no period after it");
        assert_eq!(held.unwrap_err().message, expected, "{day}");
    }
}

/// The date and, where it is not to be sent yet, from when; or the code of the hold.
fn told(policy: &str, as_of: Date, timeline: &Timeline, adjusted: &[Date]) -> String {
    told_of(policy, as_of, timeline, adjusted, &contract())
}

fn told_of(
    policy: &str,
    as_of: Date,
    timeline: &Timeline,
    adjusted: &[Date],
    contract: &Contract,
) -> String {
    let at = Circumstances {
        as_of,
        contract,
        timeline,
        adjusted: &adjusted.iter().copied().collect(),
        refused: &BTreeSet::new(),
        model: &dated(),
        due: None,
    };
    match effective(&rule(policy), &at) {
        Err(hold) => hold.code.to_string(),
        Ok(when) => {
            let mut told = when.date.to_string();
            if let Some(day) = when.not_before {
                told += &format!(", sent from {day}");
            }
            if let Some(missed) = when.missed {
                told += &format!(", missed {} to {}", missed.start, missed.end);
            }
            told
        }
    }
}

#[test]
fn a_date_that_the_psa_refused_counts_as_adjusted_and_says_which_days_keep_their_units() {
    let (nov_23, nov_1, dec_1) = (date(2026, 11, 23), date(2026, 11, 1), date(2026, 12, 1));
    let (contract, timeline) = (contract(), months(0));
    for (policy, refused, expected) in [
        ("today", nov_23, Err("date-already-adjusted")),
        ("today", nov_1, Ok((nov_23, None))),
        (
            "period-start",
            nov_1,
            Ok((dec_1, Some((nov_1, date(2026, 11, 30))))),
        ),
        (
            "period-start, then today",
            nov_1,
            Ok((nov_23, Some((nov_1, date(2026, 11, 22))))),
        ),
        (
            "next-period",
            dec_1,
            Ok((date(2027, 1, 1), Some((dec_1, date(2026, 12, 31))))),
        ),
    ] {
        let at = Circumstances {
            as_of: nov_23,
            contract: &contract,
            timeline: &timeline,
            adjusted: &BTreeSet::new(),
            refused: &BTreeSet::from([refused]),
            model: &dated(),
            due: None,
        };
        let found = match effective(&rule(policy), &at) {
            Err(hold) => Err(hold.code.as_str()),
            Ok(when) => Ok((when.date, when.kept.map(|kept| (kept.start, kept.end)))),
        };
        assert_eq!(found, expected, "{policy}, {refused} refused");
    }
}

#[test]
fn each_policy_has_one_date_for_each_circumstance() {
    let (nov_23, nov_28) = (date(2026, 11, 23), date(2026, 11, 28));
    let (nov_1, dec_1) = (date(2026, 11, 1), date(2026, 12, 1));
    type Row<'a> = (&'a str, &'a str, Date, Timeline, &'a [Date], &'a str);
    let table: [Row<'_>; 20] = [
        (
            "nothing special",
            "today",
            nov_23,
            months(0),
            &[],
            "2026-11-23",
        ),
        (
            "adjusted today",
            "today",
            nov_23,
            months(0),
            &[nov_23],
            "date-already-adjusted",
        ),
        (
            "November is posted",
            "today",
            nov_23,
            months(1),
            &[],
            "2026-12-01, sent from 2026-11-28, missed 2026-11-23 to 2026-11-30",
        ),
        (
            "November is posted, in the window",
            "today",
            nov_28,
            months(1),
            &[],
            "2026-12-01, missed 2026-11-28 to 2026-11-30",
        ),
        (
            "November is posted and December adjusted",
            "today",
            nov_28,
            months(1),
            &[dec_1],
            "2027-01-01, sent from 2026-12-29, missed 2026-11-28 to 2026-11-30",
        ),
        (
            "all is posted",
            "today",
            nov_23,
            months(3),
            &[],
            "all-posted",
        ),
        (
            "before the first units",
            "today",
            date(2026, 10, 31),
            months(0),
            &[],
            "no-units-at-date",
        ),
        (
            "the first change",
            "period-start",
            nov_23,
            months(0),
            &[],
            "2026-11-01",
        ),
        (
            "on the first day",
            "period-start",
            nov_1,
            months(0),
            &[],
            "2026-11-01",
        ),
        (
            "a later change",
            "period-start",
            nov_23,
            months(0),
            &[nov_1],
            "2026-12-01, sent from 2026-11-28",
        ),
        (
            "a later change, in the window",
            "period-start",
            nov_28,
            months(0),
            &[nov_1],
            "2026-12-01",
        ),
        (
            "a later change, gathered before",
            "period-start",
            nov_28,
            months(0),
            &[nov_1, dec_1],
            "2027-01-01, sent from 2026-12-29",
        ),
        (
            "changed by a person on the 10th",
            "period-start",
            nov_23,
            changed_on_the_10th(),
            &[],
            "2026-12-01, sent from 2026-11-28",
        ),
        (
            "a later change",
            "period-start, then today",
            nov_23,
            months(0),
            &[nov_1],
            "2026-11-23",
        ),
        (
            "two later changes",
            "period-start, then today",
            nov_23,
            months(0),
            &[nov_1, nov_23],
            "date-already-adjusted",
        ),
        (
            "November is posted",
            "period-start",
            nov_23,
            months(1),
            &[],
            "2026-12-01, sent from 2026-11-28, missed 2026-11-01 to 2026-11-30",
        ),
        (
            "before the window",
            "next-period",
            nov_23,
            months(0),
            &[],
            "2026-12-01, sent from 2026-11-28",
        ),
        (
            "in the window",
            "next-period",
            nov_28,
            months(0),
            &[],
            "2026-12-01",
        ),
        (
            "posted in the window",
            "next-period",
            nov_28,
            months(0),
            &[dec_1],
            "2027-01-01, sent from 2026-12-29",
        ),
        (
            "December is posted already",
            "next-period",
            nov_28,
            months(2),
            &[],
            "2027-01-01, sent from 2026-12-29, missed 2026-12-01 to 2026-12-31",
        ),
    ];
    for (circumstance, policy, as_of, timeline, adjusted, expected) in table {
        assert_eq!(
            told(policy, as_of, &timeline, adjusted),
            expected,
            "{policy}: {circumstance}"
        );
    }
}

#[test]
fn today_is_the_day_in_the_connections_zone() {
    let table = [
        (
            "an evening in the US is not yet tomorrow",
            "2026-11-24T01:30:00Z",
            "America/New_York",
            date(2026, 11, 23),
        ),
        (
            "a morning in New Zealand is tomorrow",
            "2026-11-23T12:00:00Z",
            "Pacific/Auckland",
            date(2026, 11, 24),
        ),
        (
            "just before midnight in summer time",
            "2026-10-25T03:59:59Z",
            "America/New_York",
            date(2026, 10, 24),
        ),
        (
            "the same wall clock in winter time",
            "2026-11-02T04:59:59Z",
            "America/New_York",
            date(2026, 11, 1),
        ),
        (
            "midnight on the day summer time ends",
            "2026-11-01T04:00:00Z",
            "America/New_York",
            date(2026, 11, 1),
        ),
        (
            "the hour that comes twice",
            "2026-11-01T06:30:00Z",
            "America/New_York",
            date(2026, 11, 1),
        ),
        (
            "the hour that is left out",
            "2026-03-29T01:30:00Z",
            "Europe/Berlin",
            date(2026, 3, 29),
        ),
        (
            "summer time that begins at midnight",
            "2026-09-06T03:59:59Z",
            "America/Santiago",
            date(2026, 9, 5),
        ),
        (
            "and a second later",
            "2026-09-06T04:00:00Z",
            "America/Santiago",
            date(2026, 9, 6),
        ),
        (
            "the last second of a month",
            "2026-11-30T22:59:59Z",
            "Europe/Berlin",
            date(2026, 11, 30),
        ),
        (
            "and the first of the next",
            "2026-11-30T23:00:00Z",
            "Europe/Berlin",
            date(2026, 12, 1),
        ),
    ];
    for (case, instant, zone, expected) in table {
        let zone = TimeZone::get(zone).unwrap();
        assert_eq!(
            local_day(instant.parse().unwrap(), &zone),
            expected,
            "{case}"
        );
    }
}

#[test]
fn a_contract_whose_period_is_not_known_is_held_where_the_policy_needs_it() {
    let mut unknown = contract();
    unknown.billing_months = None;
    let mut quarterly = contract();
    quarterly.billing_months = Some(3);
    quarterly.start = Some(date(2026, 9, 1));
    // Counted from the 15th, but the units change over on the 1st.
    let mut shifted = contract();
    shifted.start = Some(date(2026, 1, 15));
    let day = date(2026, 11, 23);
    for contract in [&unknown, &shifted] {
        for policy in ["period-start", "next-period"] {
            let told = told_of(policy, day, &months(0), &[], contract);
            assert_eq!(told, "period-unknown", "{policy}");
        }
        assert_eq!(
            told_of("today", day, &months(0), &[], contract),
            "2026-11-23"
        );
    }
    // Three rows of a month each do not contradict a quarter, but the first of them
    // must not be taken for a change within it.
    let told = told_of("next-period", day, &months(0), &[], &quarterly);
    assert_eq!(told, "2026-12-01, sent from 2026-11-28");
}

#[test]
fn nothing_is_assumed_of_a_period_that_may_be_posted() {
    let mut segments = months(0).segments().to_vec();
    segments[1].posted = Truth::Unknown;
    let timeline = Timeline::new(segments).unwrap();
    for policy in ["today", "period-start", "next-period"] {
        let told = told(policy, date(2026, 11, 23), &timeline, &[]);
        assert_eq!(told, "posted-unknown", "{policy}");
    }
}

proptest! {
    /// Whatever the policy: never a posted day, never a date twice, never sent after
    /// the date it gathers for, never before today except for the period's start.
    #[test]
    fn a_date_is_open_and_new(
        policy in 0_usize..4, day in 0_i64..60, posted in 0_usize..3,
        taken in proptest::collection::btree_set(0_i64..90, 0..6),
    ) {
        let nov_1 = date(2026, 11, 1);
        let after = |days: i64| nov_1.checked_add(days.days()).unwrap();
        let as_of = after(day);
        let adjusted: BTreeSet<Date> = taken.into_iter().map(after).collect();
        let timeline = months(posted);
        let contract = contract();
        let policy = ["today", "period-start", "period-start, then today", "next-period"][policy];
        let at = Circumstances {
            as_of, contract: &contract, timeline: &timeline, adjusted: &adjusted,
            refused: &BTreeSet::new(), model: &dated(), due: None,
        };
        if let Ok(when) = effective(&rule(policy), &at) {
            let segment = timeline.at(when.date).unwrap();
            prop_assert_eq!(segment.posted, Truth::No);
            prop_assert!(!adjusted.contains(&when.date));
            prop_assert!(when.not_before.is_none_or(|from| as_of < from && from <= when.date));
            let period = period_of(&contract, as_of).unwrap();
            prop_assert!(when.date >= as_of || when.date == period.start);
        }
    }
}

/// A contract of one year that follows another.
fn from(start: Date) -> Contract {
    Contract {
        start: Some(start),
        end: Some(date(2027, 12, 31)),
        ..contract()
    }
}

#[test]
fn near_the_end_of_a_contract_a_change_waits_for_the_one_that_follows() {
    let until = |end| Contract {
        end: Some(end),
        ..contract()
    };
    let (nov_23, nov_28) = (date(2026, 11, 23), date(2026, 11, 28));
    let december = || Timeline::new(months(0).segments()[1..].to_vec()).unwrap();
    let table = [
        (
            "the contract ends with the period",
            "next-period",
            nov_23,
            months(0),
            until(date(2026, 11, 30)),
            "contract-ends-first",
        ),
        (
            "it ends one period later",
            "next-period",
            nov_28,
            months(0),
            until(date(2026, 12, 31)),
            "2026-12-01",
        ),
        (
            "today is still in the contract",
            "today",
            nov_23,
            months(0),
            until(date(2026, 11, 30)),
            "2026-11-23",
        ),
        (
            "the next contract, before its window",
            "next-period",
            nov_23,
            december(),
            from(date(2026, 12, 1)),
            "2026-12-01, sent from 2026-11-28",
        ),
        (
            "the next contract, in its window",
            "next-period",
            nov_28,
            december(),
            from(date(2026, 12, 1)),
            "2026-12-01",
        ),
    ];
    for (case, policy, as_of, timeline, contract, expected) in table {
        let told = told_of(policy, as_of, &timeline, &[], &contract);
        assert_eq!(told, expected, "{case}");
    }
}
