//! What is remembered of a line, and what a plan finds that is worth remembering.

use super::*;

#[test]
fn units_are_changed_by_others_where_they_are_not_what_was_last_right_for_the_day() {
    let confirmed =
        |units: u32, since| move |c: &mut Case| c.past.confirmed = Some((units.into(), since));
    let table = [
        ("nothing is known", Case::new(11, 5), false),
        (
            "as confirmed",
            Case::new(11, 5).with(confirmed(5, DAY)),
            false,
        ),
        (
            "others than confirmed",
            Case::new(11, 5).with(confirmed(4, DAY)),
            true,
        ),
        (
            "others, and just what is used",
            Case::new(5, 5).with(confirmed(4, DAY)),
            true,
        ),
        (
            "others, on a day that takes no second change",
            Case::new(11, 5).with(confirmed(4, DAY)).with(|c| {
                c.past.adjusted = BTreeSet::from([DAY]);
            }),
            true,
        ),
        (
            "confirmed for a later day only",
            Case::new(11, 5).with(confirmed(4, date(2026, 12, 1))),
            false,
        ),
        (
            "changed from the next period on, to which the policy leads",
            Case::new(11, 5).with(confirmed(5, DAY)).with(|c| {
                c.rules.effective.policy = EffectivePolicy::NextPeriod;
                *c.timeline() = Ok(months([5, 7, 7]));
            }),
            true,
        ),
    ];
    for (circumstance, case, expected) in table {
        assert_eq!(
            case.lines()[0].changed_by_others,
            expected,
            "{circumstance}"
        );
    }
}

#[test]
fn a_line_that_is_found_right_is_remembered_where_that_is_news() {
    type Remembered = Option<(u32, Date)>;
    let (yesterday, december) = (date(2026, 11, 22), date(2026, 12, 1));
    let known =
        |units: u32, since| move |c: &mut Case| c.past.confirmed = Some((units.into(), since));
    let timeline = |units| move |c: &mut Case| *c.timeline() = Ok(months(units));
    let next_period = |c: &mut Case| c.rules.effective.policy = EffectivePolicy::NextPeriod;
    let pin = |c: &mut Case| {
        c.past.stance = Some(Stance::Pin {
            why: "a gift".into(),
        });
    };
    let adopt = |c: &mut Case| {
        c.past.stance = Some(Stance::Adopt {
            units: 5.into(),
            target: 11.into(),
        });
    };
    let table: Vec<(&str, Case, Remembered)> = vec![
        ("nothing was known", Case::new(5, 5), Some((5, DAY))),
        (
            "known before",
            Case::new(5, 5).with(known(5, yesterday)),
            None,
        ),
        (
            "corrected by somebody",
            Case::new(5, 5).with(known(4, yesterday)),
            Some((5, DAY)),
        ),
        (
            "right on all days, known for a later one only",
            Case::new(5, 5).with(known(5, december)),
            Some((5, DAY)),
        ),
        (
            "right today, and somebody dated a change later",
            Case::new(5, 5).with(timeline([5, 7, 7])),
            Some((5, DAY)),
        ),
        (
            "right today, and this product dated a change later",
            Case::new(5, 5)
                .with(timeline([5, 7, 7]))
                .with(known(7, december)),
            None,
        ),
        (
            "right from the next period on, to which the policy leads",
            Case::new(11, 5)
                .with(timeline([5, 11, 11]))
                .with(next_period),
            Some((11, december)),
        ),
        ("to be changed", Case::new(11, 5), None),
        ("at its count, but pinned", Case::new(5, 5).with(pin), None),
        ("left by an adoption", Case::new(11, 5).with(adopt), None),
        (
            "adopted, and at its count since",
            Case::new(5, 5).with(known(5, yesterday)).with(adopt),
            Some((5, DAY)),
        ),
        (
            "not billed and at zero",
            Case::new(11, 0).with(|c| c.workspace.status = WorkspaceStatus::Trial),
            None,
        ),
    ];
    for (circumstance, case, expected) in table {
        let found = case.lines()[0].found_right;
        let expected = expected.map(|(units, since)| (Units::from(units), since));
        assert_eq!(found, expected, "{circumstance}");
    }
}

#[test]
fn a_line_that_was_only_found_right_is_still_changed_for_the_first_time() {
    let case = |posted| {
        Case::new(11, 5).with(|c| {
            c.rules.approval.first_time = true;
            c.past.confirmed = Some((5.into(), DAY));
            c.past.posted = posted;
        })
    };
    assert_eq!(case(false).decision(), "ask");
    assert_eq!(case(true).decision(), "adjust");
}

#[test]
fn what_keeps_other_units_than_its_count_is_said_to_be_left() {
    let pin = |c: &mut Case| {
        c.past.stance = Some(Stance::Pin {
            why: "a gift".into(),
        });
    };
    let ignored = |units| {
        move |c: &mut Case| {
            c.workspace.status = WorkspaceStatus::Trial;
            c.rules.life_cycle.trial = Action::Ignore;
            *c.timeline() = Ok(months(units));
        }
    };
    for (circumstance, case, left) in [
        ("changed", Case::new(11, 5), false),
        ("right", Case::new(5, 5), false),
        ("pinned at other units", Case::new(11, 5).with(pin), true),
        ("pinned at its count", Case::new(5, 5).with(pin), false),
        (
            "ignored, with units",
            Case::new(11, 5).with(ignored([5, 5, 5])),
            true,
        ),
        (
            "ignored, with units to come",
            Case::new(11, 5).with(ignored([0, 4, 4])),
            true,
        ),
        (
            "ignored, without units",
            Case::new(11, 5).with(ignored([0, 0, 0])),
            false,
        ),
    ] {
        assert_eq!(case.lines()[0].left, left, "{circumstance}");
    }
}
