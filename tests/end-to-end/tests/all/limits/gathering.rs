//! What gathers for a later date is asked about, and counted, when it is first planned.

use end_to_end::{Scene, line_of, name, outcome};
use jiff::civil::date;
use psa_host_billing::rules::EffectivePolicy;
use psa_host_ledger::Outcome;

use super::{code_of, codes, count_of, grant, in_order, next_day, waiting};

fn for_the_next_period(scene: &Scene) {
    let mut rules = scene.host.rules(&name()).expect("rules");
    rules.effective.policy = EffectivePolicy::NextPeriod;
    scene.host.set_rules(&name(), &rules).expect("set");
}

#[tokio::test]
async fn a_change_that_gathers_is_asked_about_at_once_and_its_window_finds_the_answer() {
    let scene = in_order(&[10]).await;
    for_the_next_period(&scene);
    next_day(&scene, &[60]);
    let report = scene.sync().await;
    assert_eq!(code_of(&report, "w1"), "approval-needed", "{report:#?}");
    let message = line_of(&report, "w1").message.clone().unwrap();
    assert!(message.contains("sent from 2026-11-28 on"), "{message}");
    grant(&scene, &waiting(&scene));
    // It gathers on, a device more each day, and nobody is asked again.
    for count in [60, 61, 62] {
        next_day(&scene, &[count]);
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1"),
            (Outcome::Planned, None),
            "{report:#?}"
        );
    }
    next_day(&scene, &[63]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.units_on(0, date(2026, 12, 1)), 63);
    assert!(waiting(&scene).is_empty());
}

#[tokio::test]
async fn what_gathers_is_counted_on_the_day_it_is_first_planned_and_not_when_its_window_opens() {
    let mut counts: Vec<u32> = (20..35).collect();
    let scene = in_order(&counts).await;
    for_the_next_period(&scene);
    // 3 units each on five customers a day: 45 of 405 in three days, more than a tenth.
    for part in [0..5, 5..10, 10..15] {
        for at in part {
            counts[at] += 3;
        }
        next_day(&scene, &counts);
        let report = scene.sync().await;
        assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
        assert_eq!(scene.adjustments_sent(), 0);
    }
    // 45 units leave in one run when the window opens: each was looked at.
    next_day(&scene, &counts);
    next_day(&scene, &counts);
    let report = scene.sync().await;
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    assert_eq!(count_of(&report, Outcome::Confirmed), 15, "{report:#?}");
}

#[tokio::test]
async fn a_sum_that_gathers_on_one_day_is_braked_on_that_day_and_again_until_it_has_passed() {
    let counts: Vec<u32> = (20..35).collect();
    let scene = in_order(&counts).await;
    for_the_next_period(&scene);
    let more: Vec<u32> = (23..38).collect();
    for _ in 0..2 {
        next_day(&scene, &more);
        let report = scene.sync().await;
        assert_eq!(codes(&report), ["too-many-units"], "{report:#?}");
    }
    next_day(&scene, &counts);
    assert_eq!(codes(&scene.sync().await), [] as [&str; 0]);
}
