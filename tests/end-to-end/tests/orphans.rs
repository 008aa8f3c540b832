//! Lines that were posted and whose mapping has gone or changed since.

use autotask_sim::LineKind;
use end_to_end::{MODULE, Scene, TODAY, line_of, name, outcome};
use jiff::civil::date;
use psa_host_billing::{AccountId, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{LineReport, RunReport};
use psa_host_sync::{MappingKind, Validation, unwatched};

fn orphans(report: &RunReport) -> Vec<&LineReport> {
    let is_orphan = |line: &&LineReport| line.code.as_deref() == Some("orphan");
    report.lines.iter().filter(is_orphan).collect()
}

async fn orphans_by_validate(scene: &Scene) -> Vec<String> {
    let validation = scene.host.validate(&name(), &unwatched).await;
    let Validation { findings, .. } = validation.expect("a PSA that answers");
    let orphans = findings.into_iter().filter(|found| found.code == "orphan");
    orphans.map(|found| found.message).collect()
}

#[tokio::test]
async fn a_line_whose_workspace_was_mapped_to_another_account_after_posting_is_an_orphan() {
    // The second customer's account is the first one's later on.
    let scene = Scene::new(&[(11, 5), (3, 3)]).await;
    assert_eq!(orphans(&scene.sync().await), [] as [&LineReport; 0]);
    for workspace in ["w1", "w2"] {
        scene
            .host
            .unmap(&name(), MappingKind::Account, workspace)
            .unwrap();
    }
    let (old, new) = (scene.customers[0].company, scene.customers[1].company);
    let workspace = WorkspaceId::new("w1").unwrap();
    let account = AccountId::new(new.to_string()).unwrap();
    scene
        .host
        .map_account(&name(), &workspace, &account)
        .await
        .unwrap();
    scene.wait(24 * 60);

    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(
        line_of(&report, "w1").line.as_ref().unwrap().to_string(),
        scene.customers[1].line.to_string()
    );
    let [orphan] = orphans(&report)[..] else {
        panic!("{report:#?}");
    };
    assert_eq!(orphan.outcome, Outcome::Held);
    assert_eq!(
        orphan.line.as_ref().unwrap().to_string(),
        scene.customers[0].line.to_string()
    );
    assert_eq!(
        orphan.account.as_ref().unwrap().to_string(),
        old.to_string()
    );
    assert_eq!(orphan.baseline.unwrap().to_string(), "11");
    let message = format!(
        "workspace w1 is mapped to account {new} now, and line {} still has 11 units",
        scene.customers[0].line
    );
    assert_eq!(orphan.message.as_deref(), Some(message.as_str()));
    assert_eq!(report.summary.held_by_code["orphan"], 1);
    assert!(report.needs_a_person());
    assert_eq!(orphans_by_validate(&scene).await, [message]);
    let shown = scene.host.run_report(report.run.parse().unwrap()).unwrap();
    assert_eq!(shown.lines, report.lines);

    // A person ends it in the PSA.
    let tomorrow = scene.today().tomorrow().unwrap();
    let line = scene.customers[0].line;
    scene
        .simulator
        .foreign_edit(LineKind::Service, line, tomorrow, -11)
        .unwrap();
    scene.wait(24 * 60);
    assert_eq!(orphans(&scene.sync().await), [] as [&LineReport; 0]);
    assert_eq!(orphans_by_validate(&scene).await, [] as [&str; 0]);
    assert_eq!(scene.applied(0), [6]);
}

#[tokio::test]
async fn a_line_whose_module_or_workspace_is_not_mapped_any_more_is_an_orphan() {
    for (kind, id, why) in [
        (
            MappingKind::Account,
            "w1",
            "workspace w1 is not mapped to an account any more",
        ),
        (
            MappingKind::Service,
            MODULE,
            "module edr is not mapped to a service any more",
        ),
    ] {
        let scene = Scene::new(&[(11, 5)]).await;
        scene.sync().await;
        scene.host.unmap(&name(), kind, id).unwrap();
        let report = scene.sync().await;
        let [orphan] = orphans(&report)[..] else {
            panic!("{report:#?}");
        };
        assert!(
            orphan.message.as_ref().unwrap().starts_with(why),
            "{orphan:#?}"
        );
        assert_eq!(orphans_by_validate(&scene).await.len(), 1);
        assert_eq!(scene.units_on(0, TODAY), 11, "it is told of, never changed");
    }
}

#[tokio::test]
async fn a_line_that_was_never_posted_is_no_orphan() {
    let scene = Scene::new(&[(5, 5)]).await;
    scene.sync().await;
    scene
        .host
        .unmap(&name(), MappingKind::Account, "w1")
        .unwrap();
    assert_eq!(orphans(&scene.sync().await), [] as [&LineReport; 0]);
}

#[tokio::test]
async fn a_line_whose_contract_has_ended_is_no_orphan_any_more() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    scene
        .host
        .unmap(&name(), MappingKind::Account, "w1")
        .unwrap();
    assert_eq!(orphans(&scene.sync().await).len(), 1);
    while scene.today() <= date(2026, 12, 31) {
        scene.wait(24 * 60);
    }
    scene.import_usage(&[("w1", 11)]);
    assert_eq!(orphans(&scene.sync().await), [] as [&LineReport; 0]);
}
