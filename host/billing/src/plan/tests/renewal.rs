//! Changes that hold from the next period, while the contract ends with this one.

use super::*;

/// The contract ends on 30 November; one from 1 December on has the same service as line
/// 9001, with so many units. Today is in the window before 1 December.
fn renewed(count: u32, units: u32, next: u32) -> Case {
    Case::new(count, units).with(|c| {
        c.as_of = date(2026, 11, 28);
        c.rules.effective.policy = EffectivePolicy::NextPeriod;
        let mut following = c.contracts[0].clone();
        c.contracts[0].end = Some(date(2026, 11, 30));
        c.contracts[0].lines[0].timeline =
            Timeline::new(months([units; 3]).segments()[..1].to_vec()).map_err(|e| e.to_string());
        following.id = ContractId::new("901").unwrap();
        following.start = Some(date(2026, 12, 1));
        following.end = Some(date(2027, 11, 30));
        let line = &mut following.lines[0];
        line.key.contract = following.id.clone();
        line.key.line = LineId::new("9001").unwrap();
        line.timeline =
            Timeline::new(months([next; 3]).segments()[1..].to_vec()).map_err(|e| e.to_string());
        c.contracts.push(following);
    })
}

/// The decision, the line, and the day the change holds from.
fn planned(case: &Case) -> String {
    let line = case.lines().remove(0);
    let id = line.line.map(|key| key.line.to_string());
    let decision = case.decision();
    let word = decision.trim_end_matches(", with a note");
    format!(
        "{word} line {} from {}",
        id.unwrap_or_default(),
        line.effective
    )
}

#[test]
fn a_change_of_the_next_period_goes_to_the_contract_that_has_followed_by_then() {
    let without_next = |case: Case| case.with(|c| drop(c.contracts.pop()));
    let two_follow = renewed(11, 5, 5).with(|c| {
        let mut rival = c.contracts[1].clone();
        rival.id = ContractId::new("902").unwrap();
        c.contracts.push(rival);
    });
    let table: Vec<(&str, Case, &str)> = vec![
        (
            "more in use",
            renewed(11, 5, 5),
            "adjust line 9001 from 2026-12-01",
        ),
        (
            "as many as the ending contract bills, and the next one does not",
            renewed(11, 11, 5),
            "adjust line 9001 from 2026-12-01",
        ),
        (
            "as many as the next one bills",
            renewed(11, 5, 11),
            "unchanged line 9001 from 2026-11-28",
        ),
        (
            "nothing follows",
            without_next(renewed(11, 5, 5)),
            "contract-ends-first line 8001 from 2026-11-28",
        ),
        (
            "two could follow",
            two_follow,
            "contract-ends-first line 8001 from 2026-11-28",
        ),
        (
            "under today the ending contract is changed to its end",
            renewed(11, 5, 5).with(|c| c.rules.effective.policy = EffectivePolicy::Today),
            "adjust line 8001 from 2026-11-28",
        ),
    ];
    for (circumstance, case, expected) in table {
        assert_eq!(planned(&case), expected, "{circumstance}");
    }
}

#[test]
fn what_was_adjusted_for_the_next_period_is_on_its_way_until_it_begins() {
    let posted = |case: Case| {
        case.with(|c| {
            c.past.adjusted.insert(date(2026, 12, 1));
            c.past.confirmed = Some((11.into(), date(2026, 12, 1)));
        })
    };
    let changed =
        |c: &mut Case, units: [u32; 3]| c.contracts[0].lines[0].timeline = Ok(months(units));
    let monthly = |count| {
        posted(Case::new(count, 5)).with(|c| {
            c.as_of = date(2026, 11, 28);
            c.rules.effective.policy = EffectivePolicy::NextPeriod;
            changed(c, [5, 11, 11]);
        })
    };
    let last = monthly(11).with(|c| {
        c.contracts[0].end = Some(date(2026, 12, 31));
        let two = months([5, 11, 11]).segments()[..2].to_vec();
        c.contracts[0].lines[0].timeline = Timeline::new(two).map_err(|e| e.to_string());
    });
    let table: Vec<(&str, Case, &str)> = vec![
        (
            "as was posted",
            monthly(11),
            "unchanged line 8001 from 2026-11-28",
        ),
        (
            "as was posted, for the contract's last period",
            last,
            "unchanged line 8001 from 2026-11-28",
        ),
        (
            "the count has changed since: it gathers for the period after",
            monthly(12),
            "gather line 8001 from 2027-01-01",
        ),
    ];
    for (circumstance, case, expected) in table {
        assert_eq!(planned(&case), expected, "{circumstance}");
    }
}
