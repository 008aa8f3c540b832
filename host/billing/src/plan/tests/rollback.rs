//! Adjustments that a person wants taken back: from which day, and what cannot be.

use super::*;
use crate::approval::Rollback;

const BEFORE: Date = date(2026, 10, 23);

fn rolled_back(case: &mut Case, from: u32, to: u32, answer: Answer) {
    taken_back_from(case, DAY, (from, to), answer);
}

/// An adjustment from that day is to be taken back, and nothing else was done on it.
fn taken_back_from(case: &mut Case, day: Date, (from, to): (u32, u32), answer: Answer) {
    case.past.adjusted = BTreeSet::from([day]);
    case.past.question = Some(Question {
        rollback: Some(Rollback {
            question: "q-000012".into(),
            run: "r-000007".into(),
            effective: day,
        }),
        effective: day,
        reasons: vec![Reason::Rollback {
            run: "r-000007".into(),
        }],
        ..question(from, to, answer)
    });
}

/// October to December, the first of them posted or not.
fn read_from_october(case: &mut Case, units: u32, posted: &[Truth]) {
    let months = [
        (date(2026, 10, 1), date(2026, 10, 22)),
        (BEFORE, date(2026, 10, 31)),
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
    ];
    let posted = posted.iter().copied().chain(std::iter::repeat(Truth::No));
    let segments = months.into_iter().zip(posted);
    let segments = segments.map(|((start, end), posted)| Segment {
        start,
        end: Some(end),
        units: units.into(),
        unit_price: None,
        posted,
    });
    *case.timeline() = Ok(Timeline::new(segments.collect()).unwrap());
}

#[test]
fn a_rollback_waits_is_posted_or_is_held() {
    let table: Vec<(&str, Case, &str)> = vec![
        (
            "a rollback that waits",
            Case::new(11, 11).with(|c| rolled_back(c, 11, 5, Answer::Waiting)),
            "ask, with a note",
        ),
        (
            "a rollback that was granted goes to the next free day",
            Case::new(11, 11).with(|c| rolled_back(c, 11, 5, Answer::Granted)),
            "adjust, with a note",
        ),
        (
            "a rollback of units that have moved since",
            Case::new(11, 12).with(|c| rolled_back(c, 11, 5, Answer::Granted)),
            "rollback-overtaken",
        ),
        (
            "a rollback whose periods are all posted",
            Case::new(11, 11).with(|c| {
                read_from_october(c, 11, &[Truth::Yes; 4]);
                taken_back_from(c, BEFORE, (11, 5), Answer::Granted);
            }),
            "all-posted",
        ),
        (
            "a rollback of which nobody knows whether its period is posted",
            Case::new(11, 11).with(|c| {
                read_from_october(c, 11, &[Truth::Yes, Truth::Unknown]);
                taken_back_from(c, BEFORE, (11, 5), Answer::Granted);
            }),
            "posted-unknown",
        ),
    ];
    for (circumstance, case, expected) in table {
        assert_eq!(case.decision(), expected, "{circumstance}");
    }
}

#[test]
fn a_rollback_begins_on_the_first_day_that_can_still_be_changed() {
    let taken_back = |change: &dyn Fn(&mut Case)| {
        let case = Case::new(11, 11).with(|c| {
            taken_back_from(c, BEFORE, (11, 5), Answer::Granted);
            change(c);
        });
        let mut lines = case.lines();
        let line = lines.remove(0);
        assert_eq!(line.decision, Decision::Adjust, "{line:#?}");
        (line.effective, line.note.unwrap_or_default())
    };
    let stay = |day: &str| {
        format!("run r-000007 held from 2026-10-23: the days before {day} stay as it left them")
    };
    // Its own day is adjusted already, and the PSA takes one adjustment a day.
    assert_eq!(
        taken_back(&|c| read_from_october(c, 11, &[])),
        (date(2026, 10, 24), stay("2026-10-24"))
    );
    // A PSA that takes a second one.
    assert_eq!(
        taken_back(&|c| {
            read_from_october(c, 11, &[]);
            c.model.repeat_date = Truth::Yes;
        }),
        (BEFORE, String::new())
    );
    // October is posted: what stays billed is said.
    let missed =
        "2026-10-23 to 2026-10-31 is already posted with 11 units: -6 missed its invoice; ";
    assert_eq!(
        taken_back(&|c| read_from_october(c, 11, &[Truth::Yes; 2])),
        (date(2026, 11, 1), format!("{missed}{}", stay("2026-11-01")))
    );
    // The first open day is adjusted too.
    assert_eq!(
        taken_back(&|c| {
            read_from_october(c, 11, &[Truth::Yes; 2]);
            c.past.adjusted.insert(date(2026, 11, 1));
        })
        .0,
        date(2026, 11, 2)
    );
    // Nothing was read of October: the line's units begin with November.
    assert_eq!(taken_back(&|_| {}), (date(2026, 11, 1), stay("2026-11-01")));
}

#[test]
fn units_are_read_from_the_day_of_the_oldest_rollback_that_waits() {
    let past = |days: &[(Date, Answer)]| -> HashMap<LineId, LinePast> {
        let one = |(at, (day, answer)): (usize, &(Date, Answer))| {
            let mut case = Case::new(1, 1);
            taken_back_from(&mut case, *day, (11, 5), answer.clone());
            (LineId::new(at.to_string()).unwrap(), case.past)
        };
        days.iter().enumerate().map(one).collect()
    };
    let rejected = Answer::Rejected { words: "no".into() };
    let table = [
        ("nothing is taken back", vec![], DAY),
        ("one waits", vec![(BEFORE, Answer::Waiting)], BEFORE),
        (
            "the older of two",
            vec![(DAY, Answer::Granted), (BEFORE, Answer::Granted)],
            BEFORE,
        ),
        ("a rejected one", vec![(BEFORE, rejected)], DAY),
        (
            "one that holds from a later day",
            vec![(date(2026, 12, 1), Answer::Waiting)],
            DAY,
        ),
        (
            "a very old one",
            vec![(date(2025, 1, 1), Answer::Waiting)],
            date(2026, 9, 22),
        ),
    ];
    for (case, days, expected) in table {
        assert_eq!(first_day_to_read(&past(&days), DAY), expected, "{case}");
    }
}

proptest! {
    /// Whatever is posted and adjusted already: a rollback leads from what the run left
    /// exactly to what was there before, and never into a posted period or to a day that
    /// was adjusted.
    #[test]
    fn a_rollback_ends_where_the_run_began(
        from in 0_u32..50, to in 0_u32..50, posted in 0_usize..4, adjusted in 0_i32..60,
        repeats in any::<bool>(),
    ) {
        prop_assume!(from != to);
        let case = Case::new(999, from).with(|c| {
            read_from_october(c, from, &vec![Truth::Yes; posted]);
            taken_back_from(c, BEFORE, (from, to), Answer::Granted);
            let other = BEFORE.checked_add(jiff::Span::new().days(adjusted)).unwrap();
            c.past.adjusted.insert(other);
            c.model.repeat_date = if repeats { Truth::Yes } else { Truth::No };
        });
        let adjustments = case.adjustments();
        prop_assert_eq!(adjustments.len(), 1);
        let (_, adjustment) = &adjustments[0];
        prop_assert_eq!(adjustment.baseline, Units::from(from));
        prop_assert_eq!(adjustment.target, Units::from(to));
        let day = adjustment.effective;
        prop_assert!(day >= BEFORE);
        prop_assert!(repeats || !case.past.adjusted.contains(&day));
        let timeline = case.contracts[0].lines[0].timeline.as_ref().unwrap();
        prop_assert_eq!(timeline.at(day).unwrap().posted, Truth::No);
    }
}
