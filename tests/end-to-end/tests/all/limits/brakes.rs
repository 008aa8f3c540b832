//! Limits that ask, and brakes on the sum of a day.

use end_to_end::outcome;
use psa_host_billing::brake::BrakeCode;
use psa_host_ledger::Outcome;
use psa_host_sync::run::{Release, SyncOptions};

use super::{code_of, codes, count, count_of, grant, in_order, next_day, waiting};

/// Fifteen customers of 20 to 34 devices, 405 in all, with so many more each.
fn fifteen(more: u32) -> Vec<u32> {
    (20..35).map(|count| count + more).collect()
}

#[tokio::test]
async fn a_large_rise_and_a_large_fall_of_one_customer_wait_and_stop_nobody() {
    let scene = in_order(&[10, 40, 100]).await;
    next_day(&scene, &[60, 30, 101]);
    let report = scene.sync().await;
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    for workspace in ["w1", "w2"] {
        assert_eq!(
            code_of(&report, workspace),
            "approval-needed",
            "{report:#?}"
        );
    }
    assert_eq!(outcome(&report, "w3").0, Outcome::Confirmed);
    grant(&scene, &waiting(&scene));
    let report = scene.sync().await;
    assert_eq!(count_of(&report, Outcome::Confirmed), 2, "{report:#?}");
}

#[tokio::test]
async fn a_sum_of_many_small_changes_is_a_brake_which_a_person_releases_for_one_run() {
    let customers = fifteen(0);
    let scene = in_order(&customers).await;
    next_day(&scene, &fifteen(3));
    let report = scene.sync().await;
    assert_eq!(codes(&report), ["too-many-units"], "{report:#?}");
    assert!(
        report.notices[0].message.contains("+45 units"),
        "{report:#?}"
    );
    assert_eq!(scene.adjustments_sent(), 0);
    let options = SyncOptions {
        release: Some(Release::new([BrakeCode::TooManyUnits], "the new module").unwrap()),
        ..SyncOptions::default()
    };
    let report = scene.try_sync(&options).await.unwrap();
    assert_eq!(count_of(&report, Outcome::Confirmed), 15, "{report:#?}");
    assert!(report.released[0].message.is_some());
}

#[tokio::test]
async fn the_runs_of_one_day_are_added_up_against_what_the_first_of_them_saw() {
    let mut counts: Vec<u32> = (20..40).collect();
    let scene = in_order(&counts).await;
    scene.wait(super::DAY);
    // Five customers at a time, 15 units of 590 each time.
    for part in [0..5, 5..10, 10..15] {
        for at in part {
            counts[at] += 3;
        }
        scene.wait(30);
        count(&scene, &counts);
        let report = scene.sync().await;
        assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
        assert_eq!(count_of(&report, Outcome::Confirmed), 5);
    }
    // 45 have passed, also when looked at again; 15 more are over a tenth.
    assert_eq!(codes(&scene.sync().await), [] as [&str; 0]);
    for count in &mut counts[15..] {
        *count += 3;
    }
    scene.wait(30);
    count(&scene, &counts);
    let report = scene.sync().await;
    assert_eq!(codes(&report), ["too-many-units"], "{report:#?}");
    let message = &report.notices[0].message;
    assert!(message.contains("+60 units on 20 accounts"), "{message}");
    assert!(message.contains("of 590"), "{message}");
    // On the next day it is 15 of 635.
    next_day(&scene, &counts);
    let report = scene.sync().await;
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    assert_eq!(count_of(&report, Outcome::Confirmed), 5);
}

#[tokio::test]
async fn a_source_that_stops_counting_at_100_is_a_brake() {
    // Falls of 5: no limit asks about any one of them, and all together are not a tenth.
    let mut customers = vec![105; 12];
    customers.extend([200; 8]);
    let scene = in_order(&customers).await;
    let mut counts = vec![100; 12];
    counts.extend([201; 8]);
    next_day(&scene, &counts);
    let report = scene.sync().await;
    assert_eq!(codes(&report), ["counts-alike"], "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
    assert!(report.notices[0].fix.contains("usage withdraw"));
}

#[tokio::test]
async fn what_a_person_granted_is_counted_by_no_brake() {
    let scene = in_order(&[100, 100, 100]).await;
    // One customer at a time: a matter of its own question.
    let mut counts = [100; 3];
    for at in 0..3 {
        counts[at] = 180;
        scene.wait(1);
        count(&scene, &counts);
        let report = scene.sync().await;
        let last = at == 2;
        // The third on one day is one too many.
        let expected: &[&str] = if last { &["too-many-units"] } else { &[] };
        assert_eq!(codes(&report), expected, "{at}: {report:#?}");
    }
    let ids = waiting(&scene);
    assert_eq!(ids.len(), 2);
    grant(&scene, &ids);
    count(&scene, &[180, 180, 100]);
    let report = scene.sync().await;
    assert_eq!(count_of(&report, Outcome::Confirmed), 2, "{report:#?}");
}
