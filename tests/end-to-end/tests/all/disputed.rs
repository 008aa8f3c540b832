//! What sources disagree about is a switch of the simulator: the main job works under
//! each behaviour.

use autotask_sim::schema::Entity;
use autotask_sim::{Change, Fault, FaultKind};
use end_to_end::{Scene, TODAY, name, outcome};
use jiff::civil::date;
use psa_host_billing::rules::ZeroRule;
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;

/// Long enough for what was in doubt to be settled.
const LATER: i64 = 15;

async fn scene_with(switches: &[&str]) -> Scene {
    scene_of(&[(11, 5), (2, 4), (3, 3)], switches).await
}

async fn scene_of(customers: &[(u32, i32)], switches: &[&str]) -> Scene {
    Scene::altered(customers, move |config, _| {
        for switch in switches {
            config
                .switches
                .set(switch)
                .expect("a switch and one of its values");
        }
    })
    .await
}

/// Behaviours that every sync meets, and under which every line comes out as it should.
/// Never met, because the connector asks for nothing of the kind: `one-udf` (it filters by
/// no field of the MSP's own), `patch-html-404` (it changes nothing by PATCH),
/// `version-endpoint`, `negative-text` (no target is below zero).
const HARMLESS: [&str; 7] = [
    "mid-period=split",
    "mid-period=overlap",
    "adjustment-item-id=false",
    "adjustment-item-id=true",
    "date-format=seconds",
    "date-format=millis",
    "date-format=bare",
];

#[tokio::test]
async fn each_disputed_behaviour_lets_the_main_job_through() {
    for switch in HARMLESS {
        let scene = scene_with(&[switch]).await;
        let report = scene.sync().await;
        assert_eq!(
            report.summary.outcomes["confirmed"], 2,
            "{switch}: {report:#?}"
        );
        assert_eq!(report.summary.outcomes["unchanged"], 1, "{switch}");
        assert_eq!(
            (scene.applied(0), scene.applied(1)),
            (vec![6], vec![-2]),
            "{switch}"
        );
        let again = scene.sync().await;
        assert_eq!(
            again.summary.outcomes["unchanged"], 3,
            "{switch}: {again:#?}"
        );
    }
}

/// The line of `w1` goes to zero, as the MSP wants it.
async fn zeroed(switches: &[&str]) -> Scene {
    let scene = scene_with(switches).await;
    let mut rules = scene.host.rules(&name()).expect("rules");
    rules.zero = ZeroRule::Post;
    scene.host.set_rules(&name(), &rules).expect("set");
    scene.wait(1);
    scene.import_usage(&[("w1", 0), ("w2", 2), ("w3", 3)]);
    scene
}

#[tokio::test]
async fn a_line_is_set_to_zero_where_the_psa_takes_it() {
    let scene = zeroed(&["zero-units=accept"]).await;
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.units_on(0, TODAY), 0);
}

/// A refusal whose words nobody has recorded, with whatever status, may have been applied:
/// it is read back, sent once more after the quarantine, and then left to a person.
#[tokio::test]
async fn a_refusal_in_unknown_words_is_tried_twice_and_then_held() {
    for status in ["validation-status=500", "validation-status=200"] {
        let scene = zeroed(&["zero-units=refuse", status]).await;
        let mut outcomes = Vec::new();
        let mut settled = Vec::new();
        for _ in 0..4 {
            let report = scene.sync().await;
            outcomes.push(outcome(&report, "w1").0);
            settled.extend(report.settled.into_iter().filter_map(|line| line.code));
            scene.wait(LATER);
        }
        let (doubtful, held) = (Outcome::Doubtful, Outcome::Held);
        assert_eq!(outcomes, [doubtful, doubtful, held, held], "{status}");
        assert!(
            settled.iter().any(|code| code == "not-applied-twice"),
            "{status}: {settled:?}"
        );
        assert_eq!(scene.units_on(0, TODAY), 5, "{status}");
    }
}

/// The period is approved and posted between the last read and the adjustment.
#[tokio::test]
async fn a_period_that_is_posted_meanwhile_is_billed_once_from_the_next_on() {
    for (switch, expected, today) in [
        ("posted-period=refuse", Outcome::Rejected, 5),
        // Accepted, and read back with another date than was asked for: a person looks.
        ("posted-period=next-open", Outcome::Held, 5),
        ("posted-period=prorate", Outcome::Confirmed, 11),
    ] {
        let scene = scene_with(&[switch]).await;
        let posted = FaultKind::PeriodPosted { through: TODAY };
        scene
            .simulator
            .inject(Fault::new(posted).on("ContractServiceAdjustments"));
        let report = scene.sync().await;
        assert_eq!(outcome(&report, "w1").0, expected, "{switch}: {report:#?}");
        assert_eq!(scene.units_on(0, TODAY), today, "{switch}");
        // Settled after the quarantine; and by the next period every line is at its count.
        for days in [0, 8] {
            scene.wait(LATER + days * 24 * 60);
            scene.import_usage(&[("w1", 11), ("w2", 2), ("w3", 3)]);
            let report = scene.sync().await;
            let next = date(2026, 12, 1);
            if days > 0 {
                assert_eq!(scene.units_on(0, next), 11, "{switch}: {report:#?}");
            }
        }
        assert_eq!(scene.applied(0), [6], "{switch}");
    }
}

/// The contract is made inactive between the last read and the adjustment.
#[tokio::test]
async fn an_inactive_contract_takes_an_adjustment_or_refuses_it() {
    for (switch, expected) in [
        ("inactive-contract=accept", Outcome::Confirmed),
        ("inactive-contract=refuse", Outcome::Rejected),
    ] {
        let scene = scene_with(&[switch]).await;
        let inactive = FaultKind::WorldChange {
            changes: vec![Change::Set {
                entity: Entity::Contracts,
                id: scene.customers[0].contract,
                field: "status".to_owned(),
                value: 0.into(),
            }],
        };
        scene
            .simulator
            .inject(Fault::new(inactive).on("ContractServiceAdjustments"));
        let report = scene.sync().await;
        assert_eq!(outcome(&report, "w1").0, expected, "{switch}: {report:#?}");
        // The next run sees it, and leaves the line alone.
        scene.wait(LATER);
        scene.import_usage(&[("w1", 12), ("w2", 2), ("w3", 3)]);
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1"),
            (Outcome::Held, Some("contract-inactive".into())),
            "{switch}: {report:#?}"
        );
    }
}

/// More companies than one page and one `in` list hold.
#[tokio::test]
async fn long_lists_are_read_whole_however_they_are_paged() {
    let many: Vec<(u32, i32)> = (0..501).map(|at| (5 + u32::from(at == 500), 5)).collect();
    for switches in [
        ["paging=by-id", "include-id=refuse", "in-limit=true"],
        ["paging=by-offset", "include-id=accept", "in-limit=false"],
    ] {
        let scene = scene_of(&many, &switches).await;
        let report = scene.sync().await;
        assert_eq!(
            report.summary.outcomes["unchanged"], 500,
            "{switches:?}: {:?}",
            report.summary
        );
        assert_eq!(outcome(&report, "w501").0, Outcome::Confirmed);
        assert_eq!(scene.applied(500), [1], "{switches:?}");
        let pages = scene.simulator.request_counts()["Companies"];
        assert!(pages >= 2, "{pages}: one page held everything");
    }
}

#[tokio::test]
async fn refused_credentials_stop_the_run_however_they_are_reported() {
    for (switch, locked) in [
        ("locked-status=401", true),
        ("locked-status=403", true),
        ("locked-status=500", true),
        ("integration-code-status=401", false),
        ("integration-code-status=500", false),
    ] {
        let scene = scene_with(&[switch]).await;
        {
            let mut world = scene.simulator.world();
            let user = &mut world.users[0];
            if locked {
                user.locked = true;
            } else {
                user.integration_codes = vec!["ANOTHER-CODE".to_owned()];
            }
        }
        let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
        assert_eq!(
            error.problem().code,
            "authentication",
            "{switch}: {error:?}"
        );
        assert!(scene.simulator.world().users[0].failures <= 1, "{switch}");
        assert_eq!(scene.adjustments_sent(), 0, "{switch}");
    }
}

/// Other integrations have used up the tenant's hour.
#[tokio::test]
async fn a_tenant_whose_hour_is_used_up_is_left_alone_however_that_is_reported() {
    for switch in ["suspended-status=429", "suspended-status=500"] {
        let scene = scene_with(&[switch]).await;
        scene.simulator.use_threshold(10_001);
        let before: u64 = scene.simulator.request_counts().values().sum();
        let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
        let problem = error.problem();
        assert!(
            matches!(problem.code.as_str(), "rate-limited" | "budget-parked"),
            "{switch}: {error:?}"
        );
        assert!(problem.fix.is_some(), "{switch}: {error:?}");
        let asked: u64 = scene.simulator.request_counts().values().sum::<u64>() - before;
        assert!(asked <= 6, "{switch}: {asked} requests");
    }
}

#[tokio::test]
async fn rows_in_another_order_are_refused_or_read_right() {
    let scene = scene_with(&["order=descending"]).await;
    let report = scene.sync().await;
    // One page holds everything here, so the order does not matter; a longer list would
    // be refused as one that makes no progress.
    assert_eq!(report.summary.outcomes["confirmed"], 2, "{report:#?}");
}

#[tokio::test]
async fn a_thread_violation_is_waited_out_however_it_is_reported() {
    for switch in [
        "thread-status=429",
        "thread-status=500",
        "retry-after=seconds",
        "retry-after=date",
    ] {
        let scene = scene_with(&[switch]).await;
        scene.simulator.inject(
            Fault::new(FaultKind::TooMany {
                retry_after: Some(1),
            })
            .on("Contracts"),
        );
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1").0,
            Outcome::Confirmed,
            "{switch}: {report:#?}"
        );
        assert_eq!(scene.units_on(0, TODAY), 11, "{switch}");
    }
}
