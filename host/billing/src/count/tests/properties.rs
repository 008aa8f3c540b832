//! What holds for all counts and all policies.

use jiff::ToSpan;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

const BASES: [Basis; 3] = [Basis::Latest, Basis::Peak, Basis::Average];
const ROUNDINGS: [Rounding; 3] = [Rounding::Up, Rounding::Down, Rounding::Nearest];

fn history() -> impl Strategy<Value = CountHistory> {
    // The count of the day's last snapshot, and how much more there was at its peak.
    let day = (prop::option::of(0_u32..500), 0_u32..100);
    (
        prop::collection::btree_map(0_i64..30, day, 0..12),
        0_u32..500,
    )
        .prop_map(|(days, latest)| {
            let days = days.into_iter().map(|(at, (last, more))| DayCount {
                day: FIRST.checked_add(at.days()).unwrap(),
                last,
                peak: last.map(|last| last + more),
                snapshots: 2 * u32::from(last.is_some()),
            });
            CountHistory {
                latest: Some(latest),
                days: days.collect(),
                since: Some(FIRST),
            }
        })
}

fn policy() -> impl Strategy<Value = CountPolicy> {
    let minimum =
        prop::option::of((1_u32..50).prop_map(|units| Minimum::new(units, None, None).unwrap()));
    (
        prop::sample::select(&BASES[..]),
        prop::sample::select(&ROUNDINGS[..]),
        1_i64..4000,
        0_u32..20,
        minimum,
    )
        .prop_map(
            |(basis, rounding, thousandths, included, minimum)| CountPolicy {
                basis,
                rounding,
                multiplier: Multiplier::new(Decimal::new(thousandths, 3)).unwrap(),
                included,
                minimum,
            },
        )
}

fn units(policy: &CountPolicy, history: &CountHistory, excluded: u32) -> Option<Decimal> {
    let exclusions = [exclusion(excluded)];
    match count(
        policy,
        Metric::Devices,
        history,
        &exclusions,
        CountDay::of(TODAY),
    ) {
        Ok(counted) => Some(counted.units.get()),
        Err(hold) => {
            assert_eq!(hold.code, HoldCode::ExclusionTooLarge);
            None
        }
    }
}

proptest! {
    /// Whole units, none below zero, none above what the largest count could make.
    #[test]
    fn units_are_whole_and_in_range(policy in policy(), history in history(), excluded in 0_u32..50) {
        let counts = history.days.iter().filter_map(|day| day.peak).chain(history.latest);
        let most = Decimal::from(counts.max().unwrap());
        let most = (most * policy.multiplier.get()).ceil();
        let most = most.max(policy.minimum.map_or(0, |minimum| minimum.units()).into());
        if let Some(units) = units(&policy, &history, excluded) {
            prop_assert!(units.is_integer() && units >= Decimal::ZERO && units <= most, "{units} of {most}");
        }
    }

    /// The peak is never below the average, nor below the latest count.
    #[test]
    fn the_peak_is_the_most(policy in policy(), history in history(), excluded in 0_u32..50) {
        let by = |basis| units(&CountPolicy { basis, ..policy }, &history, excluded);
        let peak = by(Basis::Peak);
        for other in [by(Basis::Average), by(Basis::Latest)].into_iter().flatten() {
            prop_assert!(peak.is_some_and(|peak| peak >= other), "{peak:?} {other}");
        }
    }

    /// Nobody pays less for using more.
    #[test]
    fn more_use_is_never_fewer_units(
        policy in policy(), history in history(), excluded in 0_u32..50,
        more in 0_u32..20, grown in prop::collection::vec(0_u32..20, 12),
    ) {
        let mut larger = history.clone();
        larger.latest = larger.latest.map(|count| count + more);
        for (day, grown) in larger.days.iter_mut().zip(grown) {
            day.last = day.last.map(|count| count + grown);
            day.peak = day.peak.map(|count| count + grown);
        }
        if let Some(before) = units(&policy, &history, excluded) {
            let after = units(&policy, &larger, excluded);
            prop_assert!(after.is_some_and(|after| after >= before), "{before} {after:?}");
        }
    }

    /// Without a policy the count itself is billed, whatever went before.
    #[test]
    fn no_policy_bills_the_count(history in history()) {
        let counted = count(&CountPolicy::default(), Metric::Users, &history, &[], CountDay::of(TODAY)).unwrap();
        prop_assert_eq!(counted.units, history.latest.unwrap().into());
        prop_assert!(counted.is_plain());
    }

    /// Nothing multiplied, included or promised: only the exclusion changes the count,
    /// and rounding has nothing to do.
    #[test]
    fn one_for_one_is_the_count(
        count in 0_u32..500, excluded in 0_u32..500,
        rounding in prop::sample::select(&ROUNDINGS[..]),
    ) {
        let policy = CountPolicy { rounding, ..CountPolicy::default() };
        let left = count.checked_sub(excluded).map(Decimal::from);
        prop_assert_eq!(units(&policy, &counted_on(&[], count), excluded), left);
    }

    /// The steps lead from the latest count to the units without a gap.
    #[test]
    fn the_steps_lead_to_the_units(policy in policy(), history in history()) {
        let counted = count(&policy, Metric::Devices, &history, &[], CountDay::of(TODAY)).unwrap();
        prop_assert_eq!(counted.steps[0].before, history.latest.unwrap().into());
        for pair in counted.steps.windows(2) {
            prop_assert_eq!(pair[0].after, pair[1].before);
        }
        prop_assert_eq!(counted.steps.last().unwrap().after, counted.units);
    }

    /// Up, nearest and down are at most one unit apart, in that order.
    #[test]
    fn roundings_are_one_apart(policy in policy(), history in history()) {
        let policy = CountPolicy { included: 0, minimum: None, ..policy };
        let by = |rounding| units(&CountPolicy { rounding, ..policy }, &history, 0).unwrap();
        let (up, nearest, down) = (by(Rounding::Up), by(Rounding::Nearest), by(Rounding::Down));
        prop_assert!(down <= nearest && nearest <= up && up - down <= Decimal::ONE);
    }
}
