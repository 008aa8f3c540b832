//! What networks and gateways do to an adjustment, and that each still takes effect
//! exactly once.

use autotask_sim::{Fault, FaultKind, Lost};
use end_to_end::{Scene, TODAY, line_of, name, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{LineReport, SyncOptions};

fn on_adjusting(kind: FaultKind) -> Fault {
    Fault::new(kind)
        .on("ContractServiceAdjustments")
        .method("POST")
}

/// Longer than the quarantine.
const LATER: i64 = 11;

#[tokio::test]
async fn an_applied_adjustment_whose_answer_is_dropped_is_confirmed_by_reading() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene
        .simulator
        .inject(on_adjusting(FaultKind::ApplyThenLose { lost: Lost::Drop }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
    assert_eq!(scene.sync().await.summary.outcomes["unchanged"], 1);
    assert_eq!(scene.adjustments_sent(), 1);
}

#[tokio::test]
async fn an_applied_adjustment_answered_with_504_is_confirmed_by_reading() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene
        .simulator
        .inject(on_adjusting(FaultKind::ApplyThenLose {
            lost: Lost::Gateway,
        }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test]
async fn a_lost_adjustment_is_sent_once_more_after_the_quarantine_and_not_before() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene
        .simulator
        .inject(on_adjusting(FaultKind::Lose { lost: Lost::Drop }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Doubtful, "{report:#?}");
    assert_eq!(
        scene.adjustments_sent(),
        1,
        "nothing is sent again in that run"
    );

    scene.wait(1);
    let too_early = scene.sync().await;
    assert_eq!(too_early.settled[0].outcome, Outcome::Doubtful);
    assert_eq!(
        outcome(&too_early, "w1"),
        (Outcome::Held, Some("open-adjustment".into()))
    );
    assert_eq!(scene.adjustments_sent(), 1);

    scene.wait(LATER);
    let settled = scene.sync().await;
    assert_eq!(
        outcome(&settled, "w1").0,
        Outcome::Confirmed,
        "{settled:#?}"
    );
    assert_eq!(scene.applied(0), [6]);
    assert_eq!(scene.units_on(0, TODAY), 11);
}

#[tokio::test]
async fn an_adjustment_that_applies_late_is_found_and_not_sent_again() {
    let scene = Scene::new(&[(11, 5)]).await;
    let late = FaultKind::ApplyLate {
        lost: Lost::Gateway,
        after_ms: None,
        after_clock_seconds: Some(120),
    };
    scene.simulator.inject(on_adjusting(late));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Doubtful, "{report:#?}");
    scene.wait(LATER);
    let settled = scene.sync().await;
    assert_eq!(
        settled.settled[0].outcome,
        Outcome::Confirmed,
        "{settled:#?}"
    );
    assert_eq!(outcome(&settled, "w1").0, Outcome::Unchanged);
    assert_eq!(scene.applied(0), [6]);
    assert_eq!(scene.adjustments_sent(), 1);
}

#[tokio::test]
async fn a_refused_adjustment_is_rejected_in_the_psas_words_and_others_go_on() {
    let scene = Scene::new(&[(11, 5), (4, 2)]).await;
    let words = "ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract referenced by contractID.";
    scene.simulator.inject(on_adjusting(FaultKind::FailBefore {
        status: Some(500),
        text: Some(words.to_owned()),
    }));
    let report = scene.sync().await;
    let rejected: Vec<_> = report
        .lines
        .iter()
        .filter(|line| line.outcome == Outcome::Rejected)
        .collect();
    assert_eq!(rejected.len(), 1, "{report:#?}");
    assert!(
        rejected[0]
            .message
            .as_ref()
            .unwrap()
            .contains("effectiveDate must be between")
    );
    assert_eq!(report.summary.outcomes["confirmed"], 1);
}

#[tokio::test]
async fn an_unexplained_500_is_doubtful_and_settled_later() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.inject(on_adjusting(FaultKind::FailBefore {
        status: None,
        text: None,
    }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Doubtful, "{report:#?}");
    scene.wait(LATER);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test]
async fn an_html_page_for_an_adjustment_is_doubtful() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene
        .simulator
        .inject(on_adjusting(FaultKind::Html { status: 200 }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Doubtful, "{report:#?}");
    assert!(scene.applied(0).is_empty());
}

#[tokio::test]
async fn a_truncated_answer_to_an_adjustment_is_confirmed_by_reading() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene
        .simulator
        .inject(on_adjusting(FaultKind::Truncated { close: true }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test]
async fn several_doubtful_answers_in_a_row_stop_the_rest() {
    let customers: Vec<(u32, i32)> = (0..12).map(|_| (11, 5)).collect();
    let scene = Scene::new(&customers).await;
    scene
        .simulator
        .inject(on_adjusting(FaultKind::Lose { lost: Lost::Drop }).times(0));
    let report = scene.sync().await;
    let stopped = report
        .summary
        .held_by_code
        .get("run-stopped")
        .copied()
        .unwrap_or_default();
    assert!(stopped >= 7, "{report:#?}");
    assert!(
        report
            .notices
            .iter()
            .any(|notice| notice.code == "run-stopped")
    );
    // Two connectors send side by side: each may have one more under way.
    assert!(
        scene.adjustments_sent() <= 5,
        "{}",
        scene.adjustments_sent()
    );
}

#[tokio::test]
async fn reads_survive_a_burst_of_429_and_a_gateway_that_fails() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.inject(
        Fault::new(FaultKind::TooMany {
            retry_after: Some(1),
        })
        .on("ContractServiceUnits"),
    );
    scene.simulator.inject(
        Fault::new(FaultKind::FailBefore {
            status: Some(503),
            text: None,
        })
        .on("Contracts"),
    );
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}

/// What a sync comes to that got this once for each of these endpoints.
async fn survives(kind: &FaultKind) {
    for endpoint in [
        "Companies",
        "Services",
        "Contracts",
        "ContractServices",
        "ContractServiceUnits",
    ] {
        let scene = Scene::new(&[(11, 5)]).await;
        scene
            .simulator
            .inject(Fault::new(kind.clone()).on(endpoint).method("POST"));
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1").0,
            Outcome::Confirmed,
            "{endpoint}: {report:#?}"
        );
        assert_eq!(scene.applied(0), [6], "{endpoint}");
        assert_eq!(scene.simulator.faults_left(), 0, "{endpoint}: never played");
    }
}

#[tokio::test]
async fn a_truncated_page_is_read_again() {
    survives(&FaultKind::Truncated { close: false }).await;
}

#[tokio::test]
async fn a_page_whose_connection_breaks_is_read_again() {
    survives(&FaultKind::Truncated { close: true }).await;
}

#[tokio::test]
async fn an_html_page_for_a_list_is_read_again() {
    survives(&FaultKind::Html { status: 200 }).await;
}

#[tokio::test]
async fn a_list_that_makes_no_sense_twice_ends_the_run_and_posts_nothing() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.inject(
        Fault::new(FaultKind::Html { status: 200 })
            .on("Companies")
            .times(2),
    );
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.problem().code, "invalid", "{error:?}");
    assert!(error.problem().fix.is_some(), "{error:?}");
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn a_run_whose_hour_is_used_up_while_it_reads_is_parked_and_has_not_failed() {
    let scene = Scene::new(&[(11, 5)]).await;
    let words = "The Autotask API request threshold of 10000 requests per hour has been exceeded.";
    let used_up = FaultKind::FailBefore {
        status: Some(429),
        text: Some(words.to_owned()),
    };
    scene
        .simulator
        .inject(Fault::new(used_up).on("ContractServices"));
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    let code = error.problem().code;
    assert!(
        ["rate-limited", "budget-parked"].contains(&&*code),
        "{error:?}"
    );
    let runs = scene.host.run_list(Some(&name()), 1).unwrap();
    assert_eq!(runs[0].status, "parked");
    assert_eq!(scene.adjustments_sent(), 0);
    // The pause is kept for the tenant: until it is over nothing is asked at all.
    let asked: u64 = scene.simulator.request_counts().values().sum();
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_eq!(error.problem().code, "budget-parked", "{error:?}");
    assert_eq!(
        scene.simulator.request_counts().values().sum::<u64>(),
        asked
    );
    scene.wait(11);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}

/// Three quarters of the hour are the host's: it stops there, wherever it is.
#[tokio::test]
async fn a_run_whose_budget_ends_while_it_posts_is_parked_and_a_later_one_posts_the_rest() {
    const LINES: u32 = 12;
    // What writes leave for reading back: 104 of 10,000.
    const KEPT: u64 = 104;
    let customers: Vec<(u32, i32)> = (0..LINES).map(|n| (11 + n, 5)).collect();
    let whole = Scene::new(&customers).await;
    whole.sync().await;
    let asked: u64 = whole.simulator.request_counts().values().sum();
    assert_eq!(whole.adjustments_sent(), customers.len());

    // How many of the readings come before the first adjustment depends on what was asked side
    // by side: they differ by less than the half of the adjustments that is left out here.
    let scene = Scene::new(&customers).await;
    scene.wait(61); // The hour of setting it up is over.
    let left = u32::try_from(asked + KEPT).unwrap() - LINES / 2;
    scene.simulator.use_threshold(7_500 - left);
    let report = scene.sync().await;
    assert_eq!(report.status, "parked", "{report:#?}");
    let sent = scene.adjustments_sent();
    assert!(
        (1..customers.len()).contains(&sent),
        "{sent} of {LINES} were sent"
    );
    let parked = |line: &&LineReport| line.code.as_deref() == Some("run-parked");
    assert_eq!(
        report.lines.iter().filter(parked).count(),
        customers.len() - sent
    );
    let confirmed = report.summary.outcomes["confirmed"];
    assert_eq!(confirmed, sent, "what was sent is read back");

    scene.wait(61);
    let report = scene.sync().await;
    assert_eq!(report.status, "done", "{report:#?}");
    for (customer, rise) in (6..).take(customers.len()).enumerate() {
        assert_eq!(scene.applied(customer), [rise], "{customer}: once");
    }
}

#[tokio::test]
async fn a_moved_zone_is_found_again() {
    let scene = Scene::altered(&[(11, 5)], |config, _| config.split_zone = true).await;
    scene.simulator.move_zone().await.unwrap();
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
}

#[tokio::test]
async fn an_empty_list_of_accounts_holds_every_line_and_deletes_nothing() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene
        .simulator
        .inject(Fault::new(FaultKind::EmptyList).on("Companies").times(0));
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("account-missing".into()))
    );
    assert_eq!(scene.adjustments_sent(), 0);
    assert_eq!(line_of(&report, "w1").target.unwrap().to_string(), "11");
}
