//! Lines that were posted and whose mapping has gone or changed since.

use autotask_sim::LineKind;
use end_to_end::{MODULE, Scene, TODAY, line_of, name, outcome};
use jiff::civil::date;
use psa_host_billing::{AccountId, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{LineReport, RunReport};
use psa_host_sync::{MappingKind, Source, Validation, unwatched};
use serde_json::json;

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

/// Import workspaces anew, below another channel.
fn move_away(scene: &Scene, workspaces: &[&str]) {
    let workspace = |id: &str, kind: &str, parent: Option<&str>| json!({ "id": id, "name": id, "kind": kind, "parent": parent, "status": "subscription" });
    let mut all = vec![workspace("other", "channel", None)];
    all.extend(
        workspaces
            .iter()
            .map(|id| workspace(id, "child", Some("other"))),
    );
    let file = json!({ "workspaces": all });
    let source = Source::new("workspaces", file.to_string());
    scene.host.import_workspaces(&source).expect("workspaces");
}

async fn left_by_validate(scene: &Scene) -> Vec<(bool, String)> {
    let validation = scene.host.validate(&name(), &unwatched).await;
    let findings = validation.expect("a PSA that answers").findings.into_iter();
    let left = findings.filter(|found| found.code == "workspace-left-channel");
    left.map(|found| (found.holds, found.message)).collect()
}

#[tokio::test]
async fn a_posted_workspace_that_leaves_the_channel_is_held_and_told_of() {
    let scene = Scene::new(&[(11, 5), (4, 2)]).await;
    scene.sync().await;
    scene.wait(24 * 60);
    move_away(&scene, &["w1"]);
    scene.import_usage(&[("w2", 4)]);
    let report = scene.sync().await;
    let held = (Outcome::Held, Some("workspace-left-channel".to_owned()));
    assert_eq!(outcome(&report, "w1"), held, "{report:#?}");
    assert_eq!(outcome(&report, "w2").0, Outcome::Unchanged);
    assert!(report.needs_a_person());
    let line = line_of(&report, "w1");
    let message = format!(
        "workspace w1 is not below the channel any more, and line {} still has 11 units",
        scene.customers[0].line
    );
    assert_eq!(line.message.as_deref(), Some(message.as_str()));
    assert_eq!(left_by_validate(&scene).await, [(true, message)]);
    assert_eq!(scene.applied(0), [6], "it is told of, never changed");
}

#[tokio::test]
async fn a_workspace_that_left_before_anything_was_posted_is_one_finding() {
    let scene = Scene::new(&[(11, 5), (4, 2)]).await;
    move_away(&scene, &["w1"]);
    let [(holds, message)] = &left_by_validate(&scene).await[..] else {
        panic!("one finding");
    };
    assert!(
        *holds && message.contains("is mapped to account"),
        "{message}"
    );
}

#[tokio::test]
async fn workspaces_that_leave_together_are_not_taken_for_lines_the_psa_left_out() {
    let scene = Scene::new(&[(11, 5), (12, 5), (13, 5)]).await;
    scene.sync().await;
    scene.wait(24 * 60);
    move_away(&scene, &["w1", "w2"]);
    scene.import_usage(&[("w3", 14)]);
    let report = scene.sync().await;
    assert_eq!(report.notices, [], "{report:#?}");
    assert_eq!(outcome(&report, "w3").0, Outcome::Confirmed);
    assert_eq!(report.summary.held_by_code["workspace-left-channel"], 2);
}
