//! What a line read after an adjustment says about it. An adjustment may have been
//! lost, applied, or overtaken by a person; only the line itself can tell, and where
//! it cannot, a person decides.

use jiff::civil::Date;

use crate::{Hold, HoldCode, Line, Timeline, Units};

/// What the line shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// Every day from the effective date on has the target.
    Applied,
    /// Every day from the effective date on still has the baseline.
    NotApplied,
    /// Something else, which only a person can judge.
    Else(Hold),
}

/// Compare a line with an adjustment of it from `baseline` to `target` on `effective`.
/// `line` is none where the PSA no longer has it.
///
/// A change moves every later segment by the same amount, and is only planned where
/// they all have the baseline; so after it they all have the target.
pub fn shows(line: Option<&Line>, baseline: Units, target: Units, effective: Date) -> Shows {
    let Some(line) = line else {
        let message = "the line is no longer there";
        return Shows::Else(Hold::new(HoldCode::LineVanished, message));
    };
    let timeline = match &line.timeline {
        Ok(timeline) => timeline,
        Err(why) => return Shows::Else(Hold::new(HoldCode::UnitsUnreadable, why.clone())),
    };
    if timeline.at(effective).is_none() {
        let message = format!("the line has no units on {effective}");
        return Shows::Else(Hold::new(HoldCode::NoUnitsAtDate, message));
    }
    if from(timeline, effective).all(|units| units == target) {
        return Shows::Applied;
    }
    if from(timeline, effective).all(|units| units == baseline) {
        return Shows::NotApplied;
    }
    let found: Vec<String> = from(timeline, effective)
        .map(|units| units.to_string())
        .collect();
    let message = format!(
        "expected {target} units (or {baseline}, if nothing happened) from {effective} on, found \
         {}",
        found.join(", ")
    );
    Shows::Else(Hold::new(HoldCode::UnexpectedUnits, message).at(line.link.as_ref()))
}

fn from(timeline: &Timeline, day: Date) -> impl Iterator<Item = Units> {
    timeline
        .segments()
        .iter()
        .filter(move |segment| segment.reaches(day))
        .map(|s| s.units)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use proptest::prelude::*;

    use super::*;
    use crate::{ContractId, LineId, LineKey, Segment, ServiceId, Truth};

    fn line(units: &[u32]) -> Line {
        let months = [
            (date(2026, 11, 1), date(2026, 11, 22)),
            (date(2026, 11, 23), date(2026, 11, 30)),
            (date(2026, 12, 1), date(2026, 12, 31)),
        ];
        let segments = units
            .iter()
            .zip(months)
            .map(|(&units, (start, end))| Segment {
                start,
                end: Some(end),
                units: units.into(),
                unit_price: None,
                posted: Truth::No,
            })
            .collect();
        Line {
            key: LineKey {
                line: LineId::new("1").unwrap(),
                contract: ContractId::new("2").unwrap(),
                service: ServiceId::new("3").unwrap(),
                account: crate::AccountId::new("1").unwrap(),
            },
            description: None,
            timeline: Timeline::new(segments).map_err(|error| error.to_string()),
            not_writable: None,
            billable: crate::Truth::Yes,
            included: None,
            link: None,
        }
    }

    #[test]
    fn an_adjustment_from_5_to_8_is_judged_by_every_later_segment() {
        let cases: [(&[u32], &str); 8] = [
            (&[5, 8, 8], "applied"),
            (&[5, 5, 5], "not applied"),
            (&[8, 8, 8], "applied"),
            (&[5, 8, 5], "unexpected-units"),
            (&[5, 5, 8], "unexpected-units"),
            (&[5, 11, 11], "unexpected-units"),
            (&[5], "no-units-at-date"),
            (&[], "units-unreadable"),
        ];
        for (units, expected) in cases {
            let shown = shows(Some(&line(units)), 5.into(), 8.into(), date(2026, 11, 23));
            let shown = match &shown {
                Shows::Applied => "applied",
                Shows::NotApplied => "not applied",
                Shows::Else(hold) => hold.code.as_str(),
            };
            assert_eq!(shown, expected, "{units:?}");
        }
        let gone = shows(None, 5.into(), 8.into(), date(2026, 11, 23));
        assert!(matches!(gone, Shows::Else(hold) if hold.code == HoldCode::LineVanished));
    }

    #[test]
    fn where_the_psa_takes_no_date_a_line_is_judged_from_the_day_on_which_it_is_read() {
        use crate::{Effect, QuantityModel, ZeroUnits};
        let model = |effect| QuantityModel {
            delta: false,
            effect,
            knows_posted: false,
            whole_numbers: true,
            largest: None,
            zero: ZeroUnits::Allowed,
            repeat_date: Truth::Yes,
        };
        let (nov_1, today) = (date(2026, 11, 1), date(2026, 11, 23));
        let dec_1 = date(2026, 12, 1);
        // What a change on 23 November leaves behind, for what it is billed from, and as what
        // it is judged.
        let cases: [(&[u32], Effect, jiff::civil::Date, bool); 5] = [
            (&[5, 8, 8], Effect::Immediate, today, true),
            (&[5, 8, 8], Effect::Immediate, dec_1, true),
            (&[5, 5, 8], Effect::Immediate, dec_1, false),
            (&[5, 8, 8], Effect::NextInvoice, nov_1, true),
            (&[5, 5, 8], Effect::NextInvoice, dec_1, true),
        ];
        for (units, effect, billed_from, applied) in cases {
            let from = model(effect).shown_from(billed_from, today);
            let shown = shows(Some(&line(units)), 5.into(), 8.into(), from);
            let told = (shown == Shows::Applied, units, effect);
            assert_eq!(told, (applied, units, effect), "from {billed_from}");
        }
    }

    proptest! {
        /// A line that nobody touched shows that nothing was applied; one that moved by the
        /// change shows that it was; the two are never mixed up.
        #[test]
        fn a_change_shows_exactly_where_it_was_applied(from in 0_u32..50, to in 0_u32..50) {
            prop_assume!(from != to);
            let day = date(2026, 11, 23);
            let judge = |units: &[u32]| shows(Some(&line(units)), from.into(), to.into(), day);
            prop_assert_eq!(judge(&[from; 3]), Shows::NotApplied);
            prop_assert_eq!(judge(&[from, to, to]), Shows::Applied);
            // What was before the day says nothing.
            prop_assert_eq!(judge(&[to, from, from]), Shows::NotApplied);
        }

        /// Whatever else a line has, on any day from the effective date on, is for a person.
        #[test]
        fn a_line_that_others_changed_too_is_never_taken_for_settled(
            from in 0_u32..50, to in 0_u32..50, now in 0_u32..50, later in 0_u32..50,
        ) {
            let day = date(2026, 11, 23);
            let judged = shows(Some(&line(&[from, now, later])), from.into(), to.into(), day);
            match judged {
                Shows::Applied => prop_assert_eq!((now, later), (to, to)),
                Shows::NotApplied => prop_assert_eq!((now, later), (from, from)),
                Shows::Else(hold) => {
                    prop_assert_eq!(hold.code, HoldCode::UnexpectedUnits);
                    prop_assert!((now, later) != (to, to) && (now, later) != (from, from));
                }
            }
        }
    }
}
