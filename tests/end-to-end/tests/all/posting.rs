//! From the plan to the request: what counts as sent, what is looked at again in the last
//! moment, and how a run is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autotask_sim::{Fault, FaultKind, LineKind};
use end_to_end::{Death, Scene, TODAY, line_of, name, outcome};
use jiff::civil::date;
use psa_host_billing::rules::EffectivePolicy;
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;
use psa_host_sync::{CancellationToken, LineDecision, Step, unwatched};

/// Longer than the quarantine, in minutes.
const LATER: i64 = 11;

fn adjustments(kind: FaultKind) -> Fault {
    Fault::new(kind)
        .on("ContractServiceAdjustments")
        .method("POST")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_marked_twice_and_never_sent_is_posted_by_the_third_run() {
    let scene = Scene::new(&[(11, 5), (21, 5), (31, 5)]).await;
    for _ in ["interrupted", "and again"] {
        let death = Death {
            step: Step::MarkedSending,
            nth: 1,
        };
        assert!(
            scene
                .child(crate::THE_CHILD)
                .dying_at(death)
                .spawn()
                .was_killed()
        );
        scene.wait(LATER);
    }
    assert_eq!(scene.adjustments_sent(), 0);
    // Nothing of it has left: not even the quarantine is waited for.
    let report = scene.sync().await;
    assert_eq!(report.settled, []);
    for (at, change) in [(0, 6), (1, 16), (2, 26)] {
        let workspace = &scene.customers[at].workspace;
        assert_eq!(
            outcome(&report, workspace).0,
            Outcome::Confirmed,
            "{report:#?}"
        );
        assert_eq!(scene.applied(at), [change]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_finishes_what_is_in_flight_and_leaves_the_rest_unsent() {
    let customers: Vec<(u32, i32)> = (0..18).map(|at| (11 + at, 5)).collect();
    let scene = Scene::new(&customers).await;
    let cancel = CancellationToken::new();
    let (stop, answers) = (cancel.clone(), AtomicUsize::new(0));
    let host = scene.observed_host(Arc::new(move |step| {
        if step == Step::AfterSend && answers.fetch_add(1, Ordering::SeqCst) == 2 {
            stop.cancel();
        }
    }));
    let options = SyncOptions {
        cancel,
        ..SyncOptions::default()
    };
    let report = host.sync(&name(), &options, &unwatched).await.unwrap();
    assert_eq!(report.status, "cancelled");
    let sent = scene.adjustments_sent();
    assert!((3..10).contains(&sent), "{sent}");
    assert_eq!(report.summary.outcomes["confirmed"], sent, "{report:#?}");
    assert_eq!(report.summary.held_by_code["run-cancelled"], 18 - sent);
    assert!(
        report
            .notices
            .iter()
            .any(|notice| notice.code == "run-cancelled")
    );
    // The rest is posted at once by the next run, each once.
    let report = scene.sync().await;
    assert_eq!(report.settled, []);
    assert_eq!(report.summary.outcomes["confirmed"], 18 - sent);
    assert_eq!(scene.adjustments_sent(), 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_is_removed_while_the_run_posts_stops_its_line_alone() {
    let scene = Scene::new(&[(11, 5), (21, 5)]).await;
    let other = scene.second_host();
    let host = scene.observed_host(Arc::new(move |step| {
        if step == Step::MarkedSending {
            let key = psa_host_ledger::MappingKey::Account("w1".parse().unwrap());
            // The next mark finds it gone already.
            let _ = other.ledger().unmap(&name(), &key);
        }
    }));
    let options = SyncOptions::default();
    let report = host.sync(&name(), &options, &unwatched).await.unwrap();
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("decision-changed".into())),
        "{report:#?}"
    );
    assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed);
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![], vec![16]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_turn_comes_long_after_its_reading_is_read_again_first() {
    let scene = Scene::new(&[(11, 5), (21, 5)]).await;
    let (hand, marks) = (scene.hand(), AtomicUsize::new(0));
    let host = scene.observed_host(Arc::new(move |step| {
        // Between the reading and the first request a minute passes.
        if step == Step::MarkedSending && marks.fetch_add(1, Ordering::SeqCst) == 0 {
            hand(1);
        }
    }));
    let reads = |scene: &Scene| {
        let journal = scene.simulator.journal();
        let of_units = journal
            .iter()
            .filter(|e| e.endpoint == "ContractServiceUnits");
        of_units.count()
    };
    let options = SyncOptions::default();
    let report = host.sync(&name(), &options, &unwatched).await.unwrap();
    let late = reads(&scene);
    for workspace in ["w1", "w2"] {
        assert_eq!(
            outcome(&report, workspace).0,
            Outcome::Confirmed,
            "{report:#?}"
        );
    }
    assert_eq!(scene.adjustments_sent(), 2);
    // The same without a wait needs fewer reads.
    let prompt = Scene::new(&[(11, 5), (21, 5)]).await;
    prompt.sync().await;
    assert!(late > reads(&prompt), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_to_an_adjustment_is_doubtful_and_does_not_count_as_an_attempt() {
    let scene = Scene::new(&[(11, 5), (21, 5)]).await;
    for _ in ["once", "twice", "three times"] {
        let busy = FaultKind::TooMany {
            retry_after: Some(1),
        };
        scene.simulator.inject(adjustments(busy));
        let report = scene.sync().await;
        let doubtful = report
            .lines
            .iter()
            .find(|line| line.outcome == Outcome::Doubtful);
        if doubtful.is_none() {
            break;
        }
        let says = report.notices.iter().find(|n| n.code == "open-adjustment");
        assert!(says.unwrap().fix.contains("--wait"), "{report:#?}");
        scene.wait(LATER);
    }
    scene.simulator.clear_faults();
    let report = scene.sync().await;
    for workspace in ["w1", "w2"] {
        let (end, code) = outcome(&report, workspace);
        let right = matches!(end, Outcome::Confirmed | Outcome::Unchanged);
        assert!(right, "{code:?}: {report:#?}");
    }
    assert_eq!((scene.applied(0), scene.applied(1)), (vec![6], vec![16]));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_429_in_a_row_park_the_run() {
    let customers: Vec<(u32, i32)> = (0..8).map(|at| (11 + at, 5)).collect();
    let scene = Scene::new(&customers).await;
    let busy = FaultKind::TooMany {
        retry_after: Some(0),
    };
    scene.simulator.inject(adjustments(busy).times(0));
    let report = scene.sync().await;
    assert_eq!(report.status, "parked", "{report:#?}");
    let sent = scene.adjustments_sent();
    // Two may have been on their way when the first answer came.
    assert!((3..=4).contains(&sent), "{sent}");
    assert_eq!(report.summary.outcomes["doubtful"], sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_with_wait_waits_reads_and_sends_once_more() {
    let scene = Scene::new(&[(11, 5)]).await;
    let busy = FaultKind::TooMany {
        retry_after: Some(0),
    };
    scene.simulator.inject(adjustments(busy));
    let hand = scene.hand();
    let first = |report: &psa_host_sync::run::RunReport| {
        assert_eq!(outcome(report, "w1").0, Outcome::Doubtful);
        hand(LATER);
    };
    let options = SyncOptions::default();
    let report = scene
        .host
        .sync_and_wait(&name(), &options, &unwatched, &first)
        .await
        .unwrap();
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_psa_refused_twice_is_held_until_a_person_lets_it_be_sent_again() {
    let scene = Scene::new(&[(11, 5)]).await;
    let refuse = || {
        let text = "effectiveDate must be between the start date and end date of the Contract";
        scene.simulator.inject(adjustments(FaultKind::FailBefore {
            status: Some(500),
            text: Some(text.to_owned()),
        }));
    };
    for _ in ["once", "twice"] {
        refuse();
        let report = scene.sync().await;
        assert_eq!(outcome(&report, "w1").0, Outcome::Rejected, "{report:#?}");
    }
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("rejected-twice".into())),
        "{report:#?}"
    );
    let message = line_of(&report, "w1").message.clone().unwrap();
    assert!(message.contains("between the start date"), "{message}");
    assert_eq!(scene.adjustments_sent(), 2);
    let lifted = scene
        .host
        .retry_lines(&name(), None, "the contract was extended");
    assert_eq!(lifted.unwrap().len(), 1);
    let none = scene.host.retry_lines(&name(), None, "again").unwrap_err();
    assert_eq!(none.code(), "nothing-refused");
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_somebody_else_adjusted_is_sent_once_and_then_left_to_the_policy() {
    let scene = Scene::new(&[(11, 5)]).await;
    let line = scene.customers[0].line;
    let world = &scene.simulator;
    world
        .foreign_edit(LineKind::Service, line, TODAY, 1)
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Rejected, "{report:#?}");
    for _ in ["the same day", "and again"] {
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1"),
            (Outcome::Held, Some("date-already-adjusted".into())),
            "{report:#?}"
        );
    }
    assert_eq!(scene.adjustments_sent(), 1);
    scene.wait(24 * 60);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_day_that_somebody_else_adjusted_moves_the_change_and_says_which_invoice_missed_it()
{
    let scene = Scene::new(&[(11, 5)]).await;
    let mut rules = scene.host.rules(&name()).unwrap();
    rules.effective.policy = EffectivePolicy::PeriodStart;
    scene.host.set_rules(&name(), &rules).unwrap();
    let (line, first) = (scene.customers[0].line, TODAY.first_of_month());
    let world = &scene.simulator;
    world
        .foreign_edit(LineKind::Service, line, first, 1)
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Rejected, "{report:#?}");
    let report = scene.sync().await;
    let moved = line_of(&report, "w1");
    assert_eq!(moved.outcome, Outcome::Planned, "{report:#?}");
    assert_eq!(moved.effective_date, date(2026, 12, 1));
    let says = moved.message.clone().unwrap();
    let missed = "2026-11-01 to 2026-11-30 keep 6 units: +5 missed their invoice";
    assert!(says.contains(missed), "{says}");
    assert_eq!(scene.adjustments_sent(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_change_on_a_day_of_ours_is_a_foreign_edit_and_can_be_adopted() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    let line = scene.customers[0].line;
    {
        let mut world = scene.simulator.world();
        let rows = world.timeline(LineKind::Service, line);
        let open: Vec<i64> = rows
            .iter()
            .filter(|r| r.end >= TODAY)
            .map(|r| r.id)
            .collect();
        for row in open {
            let table = world.units_mut(LineKind::Service);
            table.update(row, |row| row.units = 9).unwrap();
        }
    }
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("foreign-edit".into())),
        "{report:#?}"
    );
    let pair = (&"w1".parse().unwrap(), &"edr".parse().unwrap());
    scene
        .host
        .decide_line(&name(), pair, LineDecision::Adopt, "agreed by phone")
        .await
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Unchanged, Some("left-as-it-is".into())),
        "{report:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_three_customers_that_move_under_a_run_stop_it() {
    let scene = Arc::new(Scene::new(&[(11, 5), (21, 5), (31, 5), (41, 5)]).await);
    let lines: Vec<i64> = scene.customers.iter().map(|c| c.line).collect();
    let today = scene.today();
    let psa = Arc::clone(&scene);
    let host = scene.observed_host(Arc::new(move |step| {
        if step == Step::RowsWritten {
            for line in &lines[..3] {
                let _ = psa
                    .simulator
                    .foreign_edit(LineKind::Service, *line, today, 1);
            }
        }
    }));
    let options = SyncOptions::default();
    let report = host.sync(&name(), &options, &unwatched).await.unwrap();
    assert!(
        report
            .notices
            .iter()
            .any(|notice| notice.code == "other-writer"),
        "{report:#?}"
    );
    assert_eq!(
        outcome(&report, "w4"),
        (Outcome::Held, Some("other-writer".into()))
    );
    assert_eq!(scene.adjustments_sent(), 0);
}
