//! Accounts are new until something of them is known to be right.

use autotask_sim::LineKind;
use end_to_end::{Scene, name, outcome};
use psa_host_billing::AccountId;
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Answering, QuestionState, Step, unwatched};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{DAY, code_of, codes, count, count_of, grant, in_order, next_day, waiting};

/// A run that midnight interrupts after its first answers.
async fn interrupted(scene: &Scene) -> RunReport {
    scene.wait_until_before_midnight(2);
    let (hand, moved) = (scene.hand(), AtomicBool::new(false));
    let host = scene.observed_host(Arc::new(move |step| {
        if step == Step::AfterSend && !moved.swap(true, Ordering::SeqCst) {
            hand(5);
        }
    }));
    let (name, options) = (name(), SyncOptions::default());
    let report = host.sync(&name, &options, &unwatched);
    report.await.expect("midnight is no error")
}

#[tokio::test]
async fn an_interrupted_first_run_is_still_a_first_run_for_the_accounts_left() {
    const CUSTOMERS: usize = 40;
    let scene = Scene::new(&[(11, 5); CUSTOMERS]).await;
    scene.begin_with_limits();
    assert_eq!(
        count_of(&scene.sync().await, Outcome::AwaitingApproval),
        CUSTOMERS
    );
    grant(&scene, &waiting(&scene));
    let report = interrupted(&scene).await;
    let posted = count_of(&report, Outcome::Confirmed);
    let left = CUSTOMERS - posted;
    assert!(posted > 0 && left > 20, "{posted} posted");

    // By then each of them has one device more, or one less.
    let counts: Vec<u32> = [10, 12].into_iter().cycle().take(CUSTOMERS).collect();
    next_day(&scene, &counts);
    let report = scene.sync().await;
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    assert_eq!(
        count_of(&report, Outcome::Confirmed),
        CUSTOMERS,
        "{report:#?}"
    );
    assert!(waiting(&scene).is_empty(), "nobody is asked again");
}

#[tokio::test]
async fn new_accounts_are_granted_by_account_or_by_line_and_the_others_go_on_waiting() {
    let scene = Scene::new(&[(30, 5), (31, 5), (32, 5)]).await;
    scene.begin_with_limits();
    scene.sync().await;
    let second = AccountId::new(scene.customers[1].company.to_string()).unwrap();
    let of = |account, state| {
        let asked = scene
            .host
            .questions_of_new_accounts(&name(), account, state);
        let asked = asked.expect("mapped").into_iter();
        asked.map(|asked| asked.id).collect::<Vec<_>>()
    };
    let one = of(Some(&second), QuestionState::Waiting);
    assert_eq!(one.len(), 1);
    grant(&scene, &one);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed, "{report:#?}");
    for workspace in ["w1", "w3"] {
        assert_eq!(code_of(&report, workspace), "new-account");
    }
    assert_eq!(scene.adjustments_sent(), 1);
    let rest = of(None, QuestionState::Waiting);
    assert_eq!(rest.len(), 2);
    grant(&scene, &rest[..1]);
    assert_eq!(count_of(&scene.sync().await, Outcome::Confirmed), 1);
    let sums = scene.host.new_accounts(Some(&name())).unwrap();
    assert_eq!((sums.len(), sums[0].sums.lines), (1, 1));
}

#[tokio::test]
async fn a_new_account_that_was_refused_stays_held_and_is_asked_again_when_its_count_moves() {
    let scene = Scene::new(&[(30, 5)]).await;
    scene.begin_with_limits();
    scene.sync().await;
    let answered = scene
        .host
        .answer(&waiting(&scene), Answering::Reject, "the wrong company");
    answered.expect("they wait");
    assert_eq!(code_of(&scene.sync().await, "w1"), "approval-rejected");
    count(&scene, &[31]);
    assert_eq!(code_of(&scene.sync().await, "w1"), "new-account");
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn an_account_that_was_found_right_is_known_and_a_small_change_of_it_posts_by_itself() {
    let scene = in_order(&[10, 20]).await;
    next_day(&scene, &[11, 20]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
}

#[tokio::test]
async fn a_grant_covers_a_count_that_moved_no_further_than_the_limits_let_pass() {
    for (shown, then, posted) in [(30, 32, true), (30, 60, false), (30, 14, false)] {
        let scene = Scene::new(&[(shown, 5)]).await;
        scene.begin_with_limits();
        scene.sync().await;
        grant(&scene, &waiting(&scene));
        scene.wait(60);
        count(&scene, &[then]);
        let report = scene.sync().await;
        let expected = match posted {
            true => Outcome::Confirmed,
            false => Outcome::AwaitingApproval,
        };
        assert_eq!(outcome(&report, "w1").0, expected, "{then}: {report:#?}");
    }
}

#[tokio::test]
async fn a_grant_is_looked_at_again_when_the_line_itself_has_moved() {
    let scene = Scene::new(&[(30, 5)]).await;
    scene.begin_with_limits();
    scene.sync().await;
    grant(&scene, &waiting(&scene));
    let line = scene.customers[0].line;
    scene.wait(DAY);
    scene
        .simulator
        .foreign_edit(LineKind::Service, line, scene.today(), 3)
        .unwrap();
    count(&scene, &[30]);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").0,
        Outcome::AwaitingApproval,
        "{report:#?}"
    );
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn a_new_customer_among_known_ones_is_asked_about_and_stops_nobody() {
    // The third company's line is far off: nobody has looked at it yet.
    let scene = Scene::new(&[(10, 10), (20, 20), (500, 1)]).await;
    scene.begin_with_limits();
    let report = scene.sync().await;
    assert_eq!(code_of(&report, "w3"), "new-account");
    next_day(&scene, &[11, 20, 500]);
    let report = scene.sync().await;
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(code_of(&report, "w3"), "new-account");
}
