//! One pair's devices in November, and what each policy makes of them on the 23rd.

mod properties;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::*;

const TODAY: Date = date(2026, 11, 23);
const FIRST: Date = date(2026, 11, 1);

fn november(day: i8) -> Date {
    date(2026, 11, day)
}

/// A day with one snapshot.
fn day(day: i8, count: u32) -> DayCount {
    DayCount {
        day: november(day),
        last: Some(count),
        peak: Some(count),
        snapshots: 1,
    }
}

fn counted_on(days: &[(i8, u32)], latest: u32) -> CountHistory {
    CountHistory {
        latest: Some(latest),
        days: days.iter().map(|(at, count)| day(*at, *count)).collect(),
        since: Some(FIRST),
    }
}

/// 14 on the 7th, 12 today, 10 on the other days since the first.
fn month() -> CountHistory {
    let of_day = |at| match at {
        7 => 14,
        23 => 12,
        _ => 10,
    };
    let days: Vec<(i8, u32)> = (1..=23).map(|at| (at, of_day(at))).collect();
    counted_on(&days, 12)
}

fn exclusion(count: u32) -> CountExclusion {
    CountExclusion {
        workspace: "w1".parse().unwrap(),
        module: "edr".parse().unwrap(),
        metric: Metric::Devices,
        count,
        owner: "J. Doe".to_owned(),
        why: "test phones".to_owned(),
        since: None,
        until: Some(date(2026, 12, 31)),
    }
}

fn basis(basis: Basis) -> CountPolicy {
    CountPolicy {
        basis,
        ..CountPolicy::default()
    }
}

fn times(multiplier: &str, rounding: Rounding) -> CountPolicy {
    CountPolicy {
        multiplier: multiplier.parse().unwrap(),
        rounding,
        ..CountPolicy::default()
    }
}

fn included(included: u32) -> CountPolicy {
    CountPolicy {
        included,
        ..CountPolicy::default()
    }
}

fn minimum(units: u32, from: Option<Date>, until: Option<Date>) -> CountPolicy {
    CountPolicy {
        minimum: Some(Minimum::new(units, from, until).unwrap()),
        ..CountPolicy::default()
    }
}

fn counted(policy: &CountPolicy, history: &CountHistory, exclusions: &[CountExclusion]) -> String {
    match count(
        policy,
        Metric::Devices,
        history,
        exclusions,
        CountDay::of(TODAY),
    ) {
        Ok(counted) => counted.units.to_string(),
        Err(hold) => hold.code.to_string(),
    }
}

#[test]
fn each_policy_makes_its_units() {
    let five = |count| counted_on(&[], count);
    let table: Vec<(&str, CountPolicy, CountHistory, &str)> = vec![
        ("no policy", CountPolicy::default(), month(), "12"),
        ("the peak", basis(Basis::Peak), month(), "14"),
        (
            "the average, 236 / 23, rounded up",
            basis(Basis::Average),
            month(),
            "11",
        ),
        (
            "the average, rounded down",
            CountPolicy {
                rounding: Rounding::Down,
                ..basis(Basis::Average)
            },
            month(),
            "10",
        ),
        (
            "half a unit for each, up",
            times("0.5", Rounding::Up),
            five(5),
            "3",
        ),
        (
            "half a unit for each, down",
            times("0.5", Rounding::Down),
            five(5),
            "2",
        ),
        (
            "half a unit for each, a half goes up",
            times("0.5", Rounding::Nearest),
            five(5),
            "3",
        ),
        (
            "0.4 for each, the nearest",
            times("0.4", Rounding::Nearest),
            five(6),
            "2",
        ),
        ("three for each", times("3", Rounding::Up), five(5), "15"),
        ("two included", included(2), five(5), "3"),
        ("more included than used", included(8), five(5), "0"),
        ("below the minimum", minimum(10, None, None), five(5), "10"),
        ("above the minimum", minimum(3, None, None), five(5), "5"),
        (
            "none used, a minimum",
            minimum(10, None, None),
            five(0),
            "10",
        ),
        (
            "a minimum from today on",
            minimum(10, Some(TODAY), None),
            five(5),
            "10",
        ),
        (
            "a minimum from tomorrow on",
            minimum(10, Some(november(24)), None),
            five(5),
            "5",
        ),
        (
            "a minimum until today",
            minimum(10, None, Some(TODAY)),
            five(5),
            "10",
        ),
        (
            "a minimum until yesterday",
            minimum(10, None, Some(november(22))),
            five(5),
            "5",
        ),
        (
            "a minimum is what is billed at least, after what is included",
            CountPolicy {
                included: 4,
                ..minimum(3, None, None)
            },
            five(5),
            "3",
        ),
        (
            "what is included is taken off whole units, not off the count",
            CountPolicy {
                included: 1,
                ..times("0.5", Rounding::Up)
            },
            five(5),
            "2",
        ),
        (
            "a multiplier past all numbers",
            times("79228162514264337593543950335", Rounding::Up),
            five(5),
            "count-too-large",
        ),
    ];
    for (case, policy, history, expected) in table {
        assert_eq!(counted(&policy, &history, &[]), expected, "{case}");
    }
}

#[test]
fn a_look_back_counts_what_is_there_and_invents_nothing() {
    let unknown = |since| CountHistory { since, ..month() };
    let absent_on_the_7th = {
        let mut history = month();
        history.days[6] = DayCount {
            last: None,
            peak: None,
            snapshots: 0,
            ..history.days[6]
        };
        history
    };
    let lower_in_the_evening = {
        let mut history = counted_on(&[(22, 10)], 10);
        history.days[0].peak = Some(30);
        history.days[0].snapshots = 2;
        history
    };
    let tomorrow = Some(november(24));
    let table: Vec<(&str, CountHistory, &str, &str)> = vec![
        (
            "period not known",
            unknown(None),
            "period-unknown",
            "period-unknown",
        ),
        (
            "period not begun",
            unknown(tomorrow),
            "period-unknown",
            "period-unknown",
        ),
        (
            "period begun on the 8th",
            unknown(Some(november(8))),
            "12",
            "11",
        ),
        ("period begins today", unknown(Some(TODAY)), "12", "12"),
        (
            "absent on the day of the peak: missing, not 0",
            absent_on_the_7th,
            "12",
            "11",
        ),
        (
            "one day, and the rest unknown",
            counted_on(&[(20, 8)], 8),
            "8",
            "8",
        ),
        ("no day of the period yet", counted_on(&[], 9), "9", "9"),
        (
            "days of the last period only",
            {
                let mut history = counted_on(&[(7, 40)], 9);
                history.since = Some(november(8));
                history
            },
            "9",
            "9",
        ),
        (
            "a day after today is not looked at",
            counted_on(&[(22, 4), (24, 90)], 4),
            "4",
            "4",
        ),
        (
            "the peak of a day that fell again",
            lower_in_the_evening,
            "30",
            "10",
        ),
        (
            "the latest is not there",
            CountHistory {
                latest: None,
                ..month()
            },
            "usage-missing",
            "usage-missing",
        ),
    ];
    for (case, history, peak, average) in table {
        let units = |of| counted(&basis(of), &history, &[]);
        assert_eq!(
            (units(Basis::Peak).as_str(), units(Basis::Average).as_str()),
            (peak, average),
            "{case}"
        );
    }
}

#[test]
fn a_mean_is_exact_until_it_is_rounded() {
    // 2 / 3 of a unit, three units each: two, and not a hair more or less.
    let history = counted_on(&[(21, 0), (22, 1), (23, 1)], 1);
    for rounding in [Rounding::Up, Rounding::Down, Rounding::Nearest] {
        let policy = CountPolicy {
            basis: Basis::Average,
            ..times("3", rounding)
        };
        assert_eq!(counted(&policy, &history, &[]), "2", "{rounding}");
    }
}

#[test]
fn exclusions_are_taken_off_the_count_on_their_days() {
    let until = |until| CountExclusion {
        until: Some(until),
        ..exclusion(2)
    };
    let since = |since| CountExclusion {
        since: Some(since),
        ..exclusion(2)
    };
    let of_users = CountExclusion {
        metric: Metric::Users,
        ..exclusion(2)
    };
    let table: Vec<(&str, Vec<CountExclusion>, &str)> = vec![
        ("one", vec![exclusion(2)], "3"),
        ("two", vec![exclusion(2), exclusion(1)], "2"),
        ("all", vec![exclusion(5)], "0"),
        ("more than all", vec![exclusion(6)], "exclusion-too-large"),
        (
            "more than all together",
            vec![exclusion(3), exclusion(3)],
            "exclusion-too-large",
        ),
        ("until today", vec![until(TODAY)], "3"),
        ("until yesterday", vec![until(november(22))], "5"),
        ("since today", vec![since(TODAY)], "3"),
        ("since tomorrow", vec![since(november(24))], "5"),
        ("of users, where devices are billed", vec![of_users], "5"),
    ];
    for (case, exclusions, expected) in table {
        let history = counted_on(&[], 5);
        let units = counted(&CountPolicy::default(), &history, &exclusions);
        assert_eq!(units, expected, "{case}");
    }
    let doubled = counted(
        &times("2", Rounding::Up),
        &counted_on(&[], 5),
        &[exclusion(2)],
    );
    assert_eq!(doubled, "6", "before the multiplier");
}

fn told(policy: &CountPolicy, history: &CountHistory, exclusions: &[CountExclusion]) -> String {
    let counted = count(
        policy,
        Metric::Devices,
        history,
        exclusions,
        CountDay::of(TODAY),
    )
    .unwrap();
    let step = |step: &CountStep| {
        format!(
            "{:?} {}→{}: {}",
            step.name, step.before, step.after, step.sentence
        )
    };
    let steps: Vec<String> = counted.steps.iter().map(step).collect();
    steps.join("\n")
}

#[test]
fn every_step_is_told_in_order() {
    let policy = CountPolicy {
        basis: Basis::Peak,
        rounding: Rounding::Nearest,
        multiplier: "0.7".parse().unwrap(),
        included: 3,
        minimum: Some(Minimum::new(10, None, Some(date(2026, 12, 31))).unwrap()),
    };
    let expected = "\
Peak 12→14: peak of 23 snapshots since 2026-11-01: 14 on 2026-11-07
Exclusion 14→12: 2 excluded: test phones, by J. Doe until 2026-12-31
Multiplier 12→8.4: 12 × 0.7 = 8.4
Rounding 8.4→8: 8.4 rounded to the nearest: 8
Included 8→5: 3 included free of charge: 5 of 8 are left
Minimum 5→10: 5 is below the minimum of 10 until 2026-12-31";
    assert_eq!(told(&policy, &month(), &[exclusion(2)]), expected);
}

#[test]
fn each_look_back_says_what_it_rests_on() {
    let peak = |history: &CountHistory| told(&basis(Basis::Peak), history, &[]);
    let average = |history: &CountHistory| told(&basis(Basis::Average), history, &[]);
    assert!(
        average(&month()).starts_with(
            "Average 12→10.26087: average of 23 days since 2026-11-01: 236 / 23 ≈ 10.26087\n"
        ),
        "{}",
        average(&month())
    );
    let few = counted_on(&[(1, 8), (3, 9)], 8);
    assert_eq!(
        peak(&few),
        "Peak 8→9: peak of 2 snapshots since 2026-11-01: 9 on 2026-11-03; counts of only 2 of 23 days"
    );
    assert!(
        average(&few).starts_with(
            "Average 8→8.5: average of 2 days since 2026-11-01: 17 / 2 = 8.5; counts of only 2 of 23 days"
        ),
        "{}",
        average(&few)
    );
    let half: Vec<(i8, u32)> = (1..=12).map(|at| (at, 5)).collect();
    assert!(
        !peak(&counted_on(&half, 5)).contains("only"),
        "12 of 23 days are more than half"
    );
    assert!(peak(&counted_on(&half[1..], 5)).contains("counts of only 11 of 23 days"));
    let none = "no day since 2026-11-01 has a count yet: 1 device in the latest snapshot";
    assert_eq!(peak(&counted_on(&[], 1)), format!("Peak 1→1: {none}"));
    assert_eq!(average(&counted_on(&[], 1)), format!("Average 1→1: {none}"));
    assert_eq!(
        peak(&counted_on(&[(22, 4)], 9)).split("; ").next().unwrap(),
        "Peak 9→9: 9 devices in the latest snapshot, more than in 1 snapshot since 2026-11-01"
    );
}

#[test]
fn only_a_count_without_any_policy_is_plain() {
    let of = |policy: &CountPolicy, exclusions: &[CountExclusion]| {
        count(
            policy,
            Metric::Devices,
            &month(),
            exclusions,
            CountDay::of(TODAY),
        )
        .unwrap()
    };
    assert!(of(&CountPolicy::default(), &[]).is_plain());
    for (case, counted) in [
        ("peak", of(&basis(Basis::Peak), &[])),
        ("excluded", of(&CountPolicy::default(), &[exclusion(1)])),
        (
            "a minimum that raises nothing",
            of(&minimum(1, None, None), &[]),
        ),
    ] {
        assert!(!counted.is_plain(), "{case}");
    }
    let raised = of(&minimum(99, None, None), &[]);
    assert_eq!(
        (raised.units, raised.without_minimum()),
        (99.into(), 12.into())
    );
}

#[test]
fn snapshots_are_put_into_the_civil_days_of_the_zone() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let days = by_day(
        [
            (at("2026-11-21T05:00:00Z"), Some(7)),
            // The evening of the 21st in New York.
            (at("2026-11-22T04:30:00Z"), Some(5)),
            (at("2026-11-22T05:30:00Z"), Some(9)),
            (at("2026-11-22T15:00:00Z"), None),
            (at("2026-11-24T15:00:00Z"), None),
        ],
        &zone,
    );
    let of = |day: &DayCount| (day.day.day(), day.last, day.peak, day.snapshots);
    assert_eq!(
        days.iter().map(of).collect::<Vec<_>>(),
        [
            (21, Some(5), Some(7), 2),
            (22, None, Some(9), 1),
            (24, None, None, 0),
        ]
    );
}

#[test]
fn a_policy_that_makes_no_sense_cannot_be_had() {
    for text in ["0", "-1", "0.0", "one", "1e3", ""] {
        assert!(text.parse::<Multiplier>().is_err(), "{text:?}");
    }
    assert_eq!(Minimum::new(0, None, None), Err(PolicyError::NoMinimum));
    assert!(Minimum::new(1, Some(TODAY), Some(november(22))).is_err());
    assert!(Minimum::new(1, Some(TODAY), Some(TODAY)).is_ok());
    for json in [
        r#"{"multiplier": "0"}"#,
        r#"{"minimum": {"units": 0}}"#,
        r#"{"minimum": {"units": 1, "from": "2026-11-23", "until": "2026-11-22"}}"#,
        r#"{"included": -1}"#,
        r#"{"basis": "highest"}"#,
        r#"{"maximum": 5}"#,
    ] {
        assert!(serde_json::from_str::<CountPolicy>(json).is_err(), "{json}");
    }
}

#[test]
fn a_policy_is_kept_as_json_and_read_back() {
    let policy = CountPolicy {
        basis: Basis::Average,
        rounding: Rounding::Nearest,
        multiplier: "1.50".parse().unwrap(),
        included: 5,
        minimum: Some(Minimum::new(10, Some(FIRST), None).unwrap()),
    };
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(
        json,
        r#"{"basis":"average","rounding":"nearest","multiplier":"1.5","included":5,"minimum":{"units":10,"from":"2026-11-01","until":null}}"#
    );
    assert_eq!(serde_json::from_str::<CountPolicy>(&json).unwrap(), policy);
    assert_eq!(
        serde_json::from_str::<CountPolicy>("{}").unwrap(),
        CountPolicy::default()
    );
}
