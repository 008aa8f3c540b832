//! When a whole run stops, and what always holds of it.

use proptest::prelude::*;

use super::*;

#[test]
fn codes_are_read_back_and_an_unknown_one_is_told_with_those_there_are() {
    for code in BrakeCode::ALL {
        assert_eq!(code.example().kind(), *code);
        assert_eq!(code.as_str().parse(), Ok(*code));
    }
    let unknown = "nonsense".parse::<BrakeCode>().unwrap_err().to_string();
    for code in BrakeCode::ALL {
        assert!(unknown.contains(code.as_str()), "{unknown}");
    }
}

#[test]
fn a_fix_names_the_connection_wherever_it_releases_a_brake() {
    for code in BrakeCode::ALL {
        let fix = code.example().fix("acme");
        let release = format!("`psa-host sync acme --release {code} --why TEXT`");
        let told = fix.contains(&release);
        assert_eq!(told, code.never_released().is_none(), "{fix}");
    }
}

#[test]
fn the_share_of_changed_accounts_has_a_limit() {
    for (changed, mapped, trips) in [
        (200, 200, true),
        (20, 20, false),
        (21, 42, false),
        (22, 42, true),
        (3000, 10_000, false),
    ] {
        let brake = too_many_accounts(&BrakeLimits::default(), changed, mapped);
        assert_eq!(brake.is_some(), trips, "{changed} of {mapped}");
    }
}

#[test]
fn the_units_of_a_day_have_a_limit_up_and_down() {
    let limits = BrakeLimits::default();
    for (before, after, accounts, of, trips) in [
        (1000, 1100, 50, 1000, false),
        (1000, 1101, 50, 1000, true),
        (1000, 899, 50, 1000, true),
        (1000, 900, 50, 1000, false),
        // A customer or two.
        (1000, 2000, 2, 1000, false),
        (1000, 2000, 3, 1000, true),
        // The ordinary day of a small MSP.
        (30, 50, 10, 30, false),
        (30, 51, 10, 30, true),
        (0, 21, 3, 0, true),
    ] {
        let change = Units::from(after).change_from(Units::from(before));
        let brake = too_many_units(&limits, change, accounts, of.into());
        assert_eq!(
            brake.is_some(),
            trips,
            "{change} on {accounts} accounts of {of}"
        );
    }
    let none = BrakeLimits {
        units_percent: None,
        ..limits
    };
    let change = Units::from(5000).change_from(Units::from(10));
    assert_eq!(too_many_units(&none, change, 15, 150.into()), None);
}

#[test]
fn an_answer_that_leaves_out_too_much_is_doubted() {
    for (gone, of, trips) in [
        (0, 0, false),
        (0, 100, false),
        (1, 1, false),
        (1, 2, false),
        (2, 2, true),
        (2, 20, false),
        (3, 20, true),
        (10, 100, false),
        (11, 100, true),
        (100, 100, true),
    ] {
        let doubted = too_many_gone(&BrakeLimits::default(), gone, of);
        assert_eq!(doubted, trips, "{gone} of {of}");
    }
}

#[test]
fn money_is_added_by_currency_and_has_a_limit() {
    let limits = BrakeLimits {
        money: Some(Decimal::from(1000)),
        ..BrakeLimits::default()
    };
    let changes = |usd: i64, eur: i64| {
        BTreeMap::from([
            (Some("USD".into()), Decimal::from(usd)),
            (Some("EUR".into()), Decimal::from(eur)),
        ])
    };
    assert_eq!(too_much_money(&limits, &changes(1000, 1000)), None);
    let over = too_much_money(&limits, &changes(10, 1001)).unwrap();
    assert_eq!(
        over.message(),
        "changes of 1001.00 EUR a month, up and down added together, are over the limit of 1000"
    );
    let none = BrakeLimits::default();
    assert_eq!(too_much_money(&none, &changes(10, 1001)), None);
}

proptest! {
    /// One more account that changes never takes the brake off.
    #[test]
    fn more_changed_accounts_never_release_the_brake(changed in 0_usize..500, mapped in 0_usize..500) {
        let limits = BrakeLimits::default();
        let trips = |changed| too_many_accounts(&limits, changed, mapped).is_some();
        prop_assert!(!trips(changed) || trips(changed + 1));
    }

    /// One thing that is gone is a matter of its own; all of several are always doubted;
    /// and one more that is gone never makes an answer believable again.
    #[test]
    fn an_emptier_answer_is_never_believed_more(gone in 0_usize..300, of in 0_usize..300, percent in 0_u8..=100) {
        let limits = BrakeLimits { vanished_percent: percent, ..BrakeLimits::default() };
        let gone = gone.min(of);
        prop_assert!(!too_many_gone(&limits, gone.min(1), of));
        prop_assert!(of < 2 || too_many_gone(&limits, of, of));
        prop_assert!(gone == of || !too_many_gone(&limits, gone, of) || too_many_gone(&limits, gone + 1, of));
    }

    /// Currencies are looked at one by one: what one of them trips, no other hides, and
    /// amounts of several are never added up.
    #[test]
    fn each_currency_trips_the_brake_for_itself(amounts in prop::collection::vec(0_i64..2000, 1..4)) {
        let limits = BrakeLimits { money: Some(Decimal::from(1000)), ..BrakeLimits::default() };
        let names = [None, Some("USD".into()), Some("EUR".into())];
        let all: BTreeMap<Option<Box<str>>, Decimal> =
            names.into_iter().zip(amounts.iter().map(|amount| Decimal::from(*amount))).collect();
        let alone = all
            .iter()
            .filter(|(name, amount)| {
                let one = BTreeMap::from([((*name).clone(), **amount)]);
                too_much_money(&limits, &one).is_some()
            })
            .count();
        prop_assert_eq!(too_much_money(&limits, &all).is_some(), alone > 0);
    }
}
