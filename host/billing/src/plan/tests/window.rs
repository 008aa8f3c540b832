//! What is concluded where only a window of a line's units was read.

use super::*;
use crate::HoldCode;

/// November and December of three months, as a read up to the end of December gives them.
fn windowed(case: &mut Case) {
    let read = case.timeline().clone().unwrap();
    let two = read.segments()[..2].to_vec();
    *case.timeline() = Ok(Timeline::up_to(date(2026, 12, 31), two).unwrap());
}

fn post(case: &mut Case, months: usize) {
    let mut segments = case.timeline().clone().unwrap().segments().to_vec();
    for segment in &mut segments[..months] {
        segment.posted = Truth::Yes;
    }
    *case.timeline() = Ok(Timeline::new(segments).unwrap());
}

#[test]
fn a_line_is_left_by_its_window_and_changed_only_by_all_of_it() {
    type Change = fn(&mut Case);
    let cases: [(u32, Change, &str, bool); 5] = [
        (5, |_| (), "unchanged", false),
        (11, |_| (), "adjust", true),
        // What follows on the posted months is not in the window.
        (11, |case| post(case, 2), "all-posted", true),
        // A person decides on that whatever follows.
        (0, |_| (), "fall-to-zero", false),
        (
            11,
            |case| case.past.open = Some(Hold::new(HoldCode::OpenAdjustment, "since 10:00")),
            "open-adjustment",
            false,
        ),
    ];
    for (count, change, decision, needs_whole) in cases {
        let mut case = Case::new(count, 5).with(change);
        windowed(&mut case);
        let lines = case.lines();
        assert_eq!(in_one_word(&lines[0]), decision, "{count}");
        assert_eq!(lines[0].needs_whole(), needs_whole, "{count} {decision}");
        assert!(case.adjustments().is_empty(), "{count} {decision}");
    }
}

#[test]
fn nothing_is_remembered_of_days_after_the_window() {
    let confirmed = (Units::from(9), date(2027, 1, 1));
    let mut case = Case::new(5, 5).with(|case| case.past.confirmed = Some(confirmed));
    assert!(case.lines()[0].found_right.is_some(), "all of it was read");
    windowed(&mut case);
    assert_eq!(case.lines()[0].found_right, None);
}
