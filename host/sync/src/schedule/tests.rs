use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use psa_host_ledger::{DateRecord, DateState, DueDate};

use super::rule::spread;
use super::{Schedule, ScheduleError, Standing, Step, WINDOW};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap()
}

/// When a date falls due, unspread.
fn due(text: &str, in_zone: &str, day: Date) -> Option<Timestamp> {
    let zone = zone(in_zone);
    let noon_before = zone
        .to_timestamp(day.yesterday().unwrap().at(12, 0, 0, 0))
        .unwrap();
    let due = schedule(text).next(&zone, SignedDuration::ZERO, noon_before)?;
    (due.date == day).then_some(due.nominal_at)
}

#[test]
fn the_default_is_half_past_five_or_after_coros_refresh_where_that_comes_soon() {
    let cases = [
        ("America/New_York", date(2026, 7, 1), "2026-07-01T09:30:00Z"),
        ("Europe/London", date(2026, 1, 15), "2026-01-15T05:30:00Z"),
        // 04:30 UTC: the refresh was half an hour before.
        ("Europe/Berlin", date(2026, 1, 15), "2026-01-15T04:30:00Z"),
        // 03:30 UTC in summer: half an hour after the refresh instead.
        ("Europe/Berlin", date(2026, 7, 1), "2026-07-01T04:30:00Z"),
        ("Asia/Dubai", date(2026, 7, 1), "2026-07-01T04:30:00Z"),
        // 00:30 UTC: the refresh is three and a half hours away.
        ("Asia/Karachi", date(2026, 7, 1), "2026-07-01T00:30:00Z"),
        ("Asia/Tokyo", date(2026, 7, 1), "2026-06-30T20:30:00Z"),
    ];
    for (zone, day, expected) in cases {
        assert_eq!(
            due("default", zone, day),
            Some(at(expected)),
            "{zone} {day}"
        );
    }
}

#[test]
fn a_time_that_clocks_skip_is_the_end_of_the_gap_and_one_that_exists_twice_the_first() {
    let berlin = "Europe/Berlin";
    assert_eq!(
        due("02:30", berlin, date(2026, 3, 29)),
        Some(at("2026-03-29T01:00:00Z"))
    );
    assert_eq!(
        due("30 2 * * *", berlin, date(2026, 3, 29)),
        Some(at("2026-03-29T01:00:00Z")),
        "a cron expression as a time of day"
    );
    assert_eq!(
        due("02:30", berlin, date(2026, 10, 25)),
        Some(at("2026-10-25T00:30:00Z"))
    );
    // Clocks go forward at midnight: the date begins at one.
    assert_eq!(
        due("00:15", "Africa/Cairo", date(2026, 4, 24)),
        Some(at("2026-04-23T22:00:00Z"))
    );
    // Samoa had no 30th of December 2011.
    let apia = zone("Pacific/Apia");
    let after_the_29th = at("2011-12-30T00:00:00Z");
    let next = schedule("05:30").next(&apia, SignedDuration::ZERO, after_the_29th);
    assert_eq!(next.unwrap().date, date(2011, 12, 31));
}

#[test]
fn spreading_keeps_to_the_date_and_is_always_the_same() {
    let late = schedule("23:50");
    let zone = zone("UTC");
    let half_an_hour = SignedDuration::from_mins(30);
    let next = late.next(&zone, half_an_hour, at("2026-05-01T12:00:00Z"));
    assert_eq!(next.unwrap().due_at, at("2026-05-01T23:55:00Z"));
    let early = schedule("05:30").next(&zone, half_an_hour, at("2026-05-01T12:00:00Z"));
    let early = early.unwrap();
    assert_eq!(early.nominal_at, at("2026-05-02T05:30:00Z"));
    assert_eq!(early.due_at, at("2026-05-02T06:00:00Z"));

    let spreads: Vec<_> = (0..1000).map(|i| spread("msp", &format!("c{i}"))).collect();
    assert_eq!(spreads[7], spread("msp", "c7"));
    assert!(spreads.iter().all(|spread| *spread <= half_an_hour));
    let later_half = spreads
        .iter()
        .filter(|spread| **spread > half_an_hour / 2)
        .count();
    assert!((400..600).contains(&later_half), "{later_half}");
}

#[test]
fn what_is_no_schedule_is_refused_with_the_cause() {
    for (text, is) in [
        ("5:30pm", "unreadable"),
        ("24:00", "unreadable"),
        ("", "unreadable"),
        ("99 5 * * *", "unreadable"),
        ("0 30 5 * * *", "unreadable"),
        ("0 6,18 * * *", "several"),
        ("*/5 * * * *", "several"),
        ("0 5 30 2 *", "never"),
    ] {
        let refused = text.parse::<Schedule>().unwrap_err();
        let kind = match refused {
            ScheduleError::Unreadable { .. } => "unreadable",
            ScheduleError::SeveralTimes { .. } => "several",
            ScheduleError::Never(_) => "never",
        };
        assert_eq!(kind, is, "{text:?}: {refused}");
    }
    for text in [
        "default",
        "off",
        "05:30",
        "00:00",
        "30 5 * * MON-FRI",
        "0 5 29 2 *",
    ] {
        assert_eq!(schedule(text).to_string(), text);
    }
}

#[test]
fn a_cron_expression_falls_due_on_its_days_only() {
    let zone = zone("Europe/Berlin");
    let weekdays = schedule("30 5 * * MON-FRI");
    // 2026-05-02 is a Saturday.
    let next = weekdays.next(&zone, SignedDuration::ZERO, at("2026-05-02T12:00:00Z"));
    assert_eq!(next.unwrap().date, date(2026, 5, 4));
    let latest = weekdays.latest(&zone, SignedDuration::ZERO, at("2026-05-03T12:00:00Z"));
    assert_eq!(latest.unwrap().date, date(2026, 5, 1));
}

/// A connection as the scheduler keeps it, with an outcome for each attempt.
struct Kept {
    schedule: Schedule,
    zone: TimeZone,
    spread: SignedDuration,
    since: Timestamp,
    dates: BTreeMap<Date, DateRecord>,
    /// Runs that closed each date.
    closed: BTreeMap<Date, u32>,
}

impl Kept {
    fn new(text: &str, in_zone: &str, since: &str) -> Self {
        Self {
            schedule: schedule(text),
            zone: zone(in_zone),
            spread: SignedDuration::ZERO,
            since: at(since),
            dates: BTreeMap::new(),
            closed: BTreeMap::new(),
        }
    }

    fn step(&self, now: Timestamp) -> Step {
        Standing {
            schedule: &self.schedule,
            zone: &self.zone,
            spread: self.spread,
            window: WINDOW,
            since: self.since,
            newest: self.dates.values().next_back(),
        }
        .step(now)
    }

    fn record(&mut self, due: DueDate, state: DateState, now: Timestamp) {
        for (_, earlier) in self.dates.range_mut(..due.date) {
            if earlier.state == DateState::Open {
                earlier.state = DateState::Missed;
            }
        }
        if state == DateState::Closed {
            *self.closed.entry(due.date).or_default() += 1;
        }
        let attempts = self.dates.get(&due.date).map_or(0, |date| date.attempts);
        let record = DateRecord {
            due,
            state,
            attempts: attempts + 1,
            attempted_at: Some(now),
            next_at: (state == DateState::Open).then(|| now + 10.minutes()),
            code: None,
            message: None,
            closed_by: None,
            closed_at: None,
        };
        self.dates.insert(due.date, record);
    }

    fn run(&mut self, now: &str, state: DateState) {
        let now = at(now);
        match self.step(now) {
            Step::Run { due, .. } => self.record(due, state, now),
            other => panic!("nothing to run at {now}: {other:?}"),
        }
    }
}

#[test]
fn a_date_is_tried_until_it_is_closed_or_the_next_falls_due() {
    let mut kept = Kept::new("05:30", "UTC", "2026-05-01T00:00:00Z");
    assert_eq!(
        kept.step(at("2026-05-01T04:00:00Z")),
        Step::Wait(at("2026-05-01T05:30:00Z"))
    );
    kept.run("2026-05-01T05:30:00Z", DateState::Open);
    assert_eq!(
        kept.step(at("2026-05-01T05:31:00Z")),
        Step::Wait(at("2026-05-01T05:40:00Z"))
    );
    kept.run("2026-05-01T05:40:00Z", DateState::Open);
    kept.run("2026-05-02T05:30:00Z", DateState::Closed);
    assert_eq!(kept.dates[&date(2026, 5, 1)].state, DateState::Missed);
    assert_eq!(
        kept.step(at("2026-05-02T05:31:00Z")),
        Step::Wait(at("2026-05-03T05:30:00Z"))
    );
}

#[test]
fn what_was_missed_is_caught_up_once_the_newest_only_and_within_the_window() {
    let mut kept = Kept::new("05:30", "UTC", "2026-05-01T00:00:00Z");
    kept.run("2026-05-01T05:30:00Z", DateState::Closed);
    // The machine was off for three days.
    let Step::Run { due, missed } = kept.step(at("2026-05-04T20:00:00Z")) else {
        panic!("the newest is caught up");
    };
    assert_eq!(due.date, date(2026, 5, 4));
    let missed: Vec<Date> = missed.iter().map(|due| due.date).collect();
    assert_eq!(missed, [date(2026, 5, 2), date(2026, 5, 3)]);
    // Twenty hours and a minute late it is not.
    let Step::Miss(missed) = kept.step(at("2026-05-05T01:31:00Z")) else {
        panic!("it is too late");
    };
    assert_eq!(missed.last().unwrap().date, date(2026, 5, 4));
    for due in missed {
        kept.record(due, DateState::Missed, at("2026-05-05T01:31:00Z"));
    }
    assert_eq!(
        kept.step(at("2026-05-05T01:31:00Z")),
        Step::Wait(at("2026-05-05T05:30:00Z"))
    );
}

#[test]
fn nothing_from_before_the_schedule_counts_is_caught_up() {
    let kept = Kept::new("05:30", "UTC", "2026-05-01T09:00:00Z");
    assert_eq!(
        kept.step(at("2026-05-01T09:00:01Z")),
        Step::Wait(at("2026-05-02T05:30:00Z"))
    );
}

#[test]
fn a_clock_set_back_runs_nothing_twice() {
    let mut kept = Kept::new("05:30", "UTC", "2026-05-01T00:00:00Z");
    kept.run("2026-05-03T05:30:00Z", DateState::Closed);
    for now in [
        "2026-05-03T01:00:00Z",
        "2026-05-02T12:00:00Z",
        "2026-04-01T12:00:00Z",
    ] {
        assert_eq!(
            kept.step(at(now)),
            Step::Wait(at("2026-05-04T05:30:00Z")),
            "{now}"
        );
    }
    // What was not closed goes on at once: how much of its wait is over is not known.
    kept.run("2026-05-04T05:30:00Z", DateState::Open);
    kept.run("2026-05-04T02:00:00Z", DateState::Closed);
    assert_eq!(kept.closed[&date(2026, 5, 4)], 1);
}

#[test]
fn another_schedule_on_the_same_day_does_not_do_the_day_again() {
    let mut kept = Kept::new("05:30", "UTC", "2026-05-01T00:00:00Z");
    kept.run("2026-05-01T05:30:00Z", DateState::Closed);
    kept.schedule = schedule("14:00");
    assert_eq!(
        kept.step(at("2026-05-01T13:00:00Z")),
        Step::Wait(at("2026-05-02T14:00:00Z"))
    );
    // And one that is earlier now does not leave the day out.
    kept.schedule = schedule("06:00");
    kept.run("2026-05-02T12:00:00Z", DateState::Closed);
    assert_eq!(kept.closed[&date(2026, 5, 2)], 1);
    kept.schedule = Schedule::Off;
    assert_eq!(kept.step(at("2026-05-03T12:00:00Z")), Step::Never);
}

/// Machines that stop, clocks that jump, runs that fail: every date closed at most once, in
/// order; and one that could be had within the window is closed.
#[test]
fn whatever_stops_and_jumps_a_date_is_closed_once() {
    for seed in 0..60 {
        walk(&mut fastrand::Rng::with_seed(seed));
    }
}

fn walk(random: &mut fastrand::Rng) {
    let zones = [
        "Europe/Berlin",
        "America/St_Johns",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "America/Santiago",
        "Asia/Kathmandu",
        "Africa/Casablanca",
    ];
    let hour = random.u8(0..24);
    let minute = random.u8(0..60);
    let text = match random.bool() {
        true => format!("{hour:02}:{minute:02}"),
        false => "default".to_owned(),
    };
    let begin = "2026-01-01T00:00:00Z";
    let mut kept = Kept::new(&text, random.choice(zones).unwrap(), begin);
    kept.spread = SignedDuration::from_secs(random.i64(0..1800));
    let mut now = at(begin);
    let end = at("2027-06-01T00:00:00Z");
    while now < end {
        match kept.step(now) {
            Step::Run { due, missed } => {
                assert!(due.due_at <= now || kept.dates.contains_key(&due.date));
                for due in missed {
                    kept.record(due, DateState::Missed, now);
                }
                let state = match random.u8(0..4) {
                    0 => DateState::Open,
                    _ => DateState::Closed,
                };
                kept.record(due, state, now);
            }
            Step::Miss(missed) => {
                assert!(!missed.is_empty(), "else the same would be asked for ever");
                // The others have a newer one.
                let newest = *missed.last().unwrap();
                assert!(
                    now.duration_since(newest.due_at) > WINDOW,
                    "{newest:?} was missed within the window"
                );
                for due in missed {
                    let newer = kept.dates.keys().next_back().is_none_or(|d| *d < due.date);
                    assert!(newer, "{due:?} is done, or passed");
                    kept.record(due, DateState::Missed, now);
                }
            }
            Step::Wait(until) => {
                assert!(until > now, "{until} is not after {now}");
                now = match random.u8(0..12) {
                    // Off for up to two days, or set forward.
                    0 => now + SignedDuration::from_secs(random.i64(0..172_800)),
                    // Set back by up to a day.
                    1 => now - SignedDuration::from_secs(random.i64(0..86_400)),
                    // Woken for nothing.
                    2 => now + until.duration_since(now) / 2,
                    _ => until,
                };
            }
            Step::Never => panic!("{text} in {:?} falls due", kept.zone),
        }
    }
    assert!(
        kept.closed.values().all(|runs| *runs == 1),
        "{:?}",
        kept.closed
    );
    assert!(kept.closed.len() > 300, "{text}: {}", kept.closed.len());
}

#[test]
fn a_machine_that_never_stops_closes_every_date() {
    for zone_name in [
        "Europe/Berlin",
        "Africa/Cairo",
        "America/Santiago",
        "Asia/Beirut",
    ] {
        for hour in 0..24 {
            let text = format!("{hour:02}:15");
            let mut kept = Kept::new(&text, zone_name, "2026-01-01T23:59:59Z");
            let mut now = kept.since;
            while kept.closed.len() < 400 {
                match kept.step(now) {
                    Step::Run { due, missed } => {
                        assert_eq!(missed, [], "{zone_name} {text}");
                        kept.record(due, DateState::Closed, now);
                    }
                    Step::Wait(until) => now = until,
                    other => panic!("{zone_name} {text}: {other:?}"),
                }
            }
            let first = *kept.closed.keys().next().unwrap();
            let last = *kept.closed.keys().next_back().unwrap();
            let days = first.until(last).unwrap().get_days();
            assert_eq!(days, 399, "{zone_name} {text}: a date was left out");
        }
    }
}
