//! Lines that a run found right are guarded against others as those that it posted.

use autotask_sim::LineKind;
use end_to_end::{Scene, name, outcome};
use jiff::civil::date;
use psa_host_billing::WorkspaceId;
use psa_host_ledger::Outcome;
use psa_host_sync::MappingKind;
use psa_host_sync::run::SyncOptions;

use super::{edit, held, next_day, set};

#[tokio::test]
async fn a_line_that_was_right_and_is_changed_by_somebody_is_held() {
    let scene = Scene::new(&[(5, 5)]).await;
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    next_day(&scene, 5);
    edit(&scene, 4);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("foreign-edit"), "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn after_somebody_corrected_a_line_the_next_change_is_no_foreign_edit() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    next_day(&scene, 13);
    edit(&scene, 2);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    next_day(&scene, 14);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6, 1]);
}

#[tokio::test]
async fn a_change_that_somebody_dated_later_is_not_opposed_when_its_day_has_come() {
    let scene = Scene::new(&[(5, 5)]).await;
    let line = scene.customers[0].line;
    let december = date(2026, 12, 1);
    let simulator = &scene.simulator;
    // Before the first run: what is right today is known from then on.
    simulator
        .foreign_edit(LineKind::Service, line, december, 4)
        .unwrap();
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    while scene.today() < december {
        next_day(&scene, 5);
    }
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("foreign-edit"), "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn a_dry_run_remembers_nothing() {
    let scene = Scene::new(&[(5, 5)]).await;
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    scene.try_sync(&dry).await.unwrap();
    let ledger = scene.host.ledger();
    let tenant = ledger.connection(&name()).unwrap().tenant.unwrap();
    assert_eq!(ledger.lines(&tenant).unwrap(), []);
    assert_eq!(ledger.seen_right(&tenant).unwrap(), []);
    scene.sync().await;
    assert_eq!(ledger.seen_right(&tenant).unwrap().len(), 1);
    // Its owner is who posts to it, and nobody has.
    assert_eq!(ledger.lines(&tenant).unwrap(), []);
}

#[tokio::test]
async fn a_line_that_was_only_seen_becomes_no_orphan_and_its_first_change_is_the_first() {
    let scene = Scene::new(&[(5, 5)]).await;
    scene.sync().await;
    scene
        .host
        .unmap(&name(), MappingKind::Account, "w1")
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(report.lines, [], "{report:#?}");
    let workspace = WorkspaceId::new("w1").unwrap();
    let account = scene.customers[0].company.to_string().parse().unwrap();
    let mapped = scene.host.map_account(&name(), &workspace, &account).await;
    mapped.unwrap();
    set(&scene, |rules| rules.approval.first_time = true);
    next_day(&scene, 6);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1").0,
        Outcome::AwaitingApproval,
        "{report:#?}"
    );
}
