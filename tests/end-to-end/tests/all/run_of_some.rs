//! `sync --workspace`: a pilot with one customer. The brakes see all customers; nothing is
//! posted, asked, remembered or used up of those that are left out.

use end_to_end::{Scene, line_of, name, outcome};
use psa_host_billing::rules::EffectivePolicy;
use psa_host_billing::{AccountId, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{MappingKind, QuestionState};

use crate::limits::{DAY, codes, in_order, next_day, waiting};

fn only(workspaces: &[&str]) -> SyncOptions {
    SyncOptions {
        only: workspaces.iter().map(|&name| name.to_owned()).collect(),
        ..SyncOptions::default()
    }
}

async fn sync_only(scene: &Scene, workspaces: &[&str]) -> RunReport {
    let report = scene.try_sync(&only(workspaces)).await;
    report.expect("known workspaces")
}

fn workspaces(report: &RunReport) -> Vec<&str> {
    report
        .lines
        .iter()
        .map(|line| line.workspace.as_str())
        .collect()
}

#[tokio::test]
async fn only_the_customers_named_are_posted_and_reported_and_the_others_by_the_next_run() {
    let scene = Scene::new(&[(11, 5), (21, 5), (31, 5)]).await;
    let look = SyncOptions {
        dry_run: true,
        ..only(&["W2"])
    };
    let report = scene.try_sync(&look).await.unwrap();
    assert_eq!(workspaces(&report), ["w2"]);
    assert_eq!(scene.adjustments_sent(), 0);

    // By name, in any case of letters, or by id; twice is once.
    let report = sync_only(&scene, &["W2", "w2"]).await;
    assert_eq!(workspaces(&report), ["w2"]);
    assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed);
    assert_eq!((report.only.len(), report.left_out), (1, 2));
    let shown = scene.host.run_report(report.run.parse().unwrap()).unwrap();
    assert_eq!((&shown.only, shown.left_out), (&report.only, 2));
    assert_eq!(shown.lines, report.lines);
    let applied = |at| scene.applied(at);
    assert_eq!(
        (applied(0), applied(1), applied(2)),
        (vec![], vec![16], vec![])
    );

    let report = scene.sync().await;
    assert!(report.only.is_empty());
    assert_eq!(workspaces(&report).len(), 3);
    assert_eq!(
        (applied(0), applied(1), applied(2)),
        (vec![6], vec![16], vec![26])
    );
}

#[tokio::test]
async fn a_workspace_that_nobody_knows_or_that_is_not_mapped_is_an_error_with_a_hint() {
    let scene = Scene::new(&[(11, 5), (21, 5)]).await;
    let refused = async |named: &[&str]| {
        let problem = scene.try_sync(&only(named)).await.unwrap_err().problem();
        (problem.code, problem.message, problem.fix.unwrap())
    };
    let (code, message, fix) = refused(&["w2", "w"]).await;
    assert_eq!(code, "unknown-workspace");
    assert!(message.contains("\"w\""), "{message}");
    assert!(fix.contains("w1, w2"), "{fix}");
    let (code, _, fix) = refused(&["Cedar"]).await;
    assert_eq!(code, "unknown-workspace");
    assert!(fix.contains("workspace list"), "{fix}");
    let unmapped = scene.host.unmap(&name(), MappingKind::Account, "w2");
    unmapped.unwrap();
    let (code, _, fix) = refused(&["w2"]).await;
    assert_eq!(code, "workspace-unmapped");
    assert!(fix.contains("map account acme w2"), "{fix}");
    assert_eq!(scene.host.run_list(None, 5).unwrap().len(), 0);
}

#[tokio::test]
async fn a_brake_looks_at_all_customers_and_is_not_used_up_by_a_run_of_one() {
    let counts: Vec<u32> = (20..35).collect();
    let scene = in_order(&counts).await;
    let more: Vec<u32> = counts.iter().map(|count| count + 3).collect();
    next_day(&scene, &more);
    let report = sync_only(&scene, &["w1"]).await;
    assert_eq!(codes(&report), ["too-many-units"], "{report:#?}");
    assert_eq!(workspaces(&report), ["w1"]);
    assert_eq!(scene.adjustments_sent(), 0);
    // So does the run of all that comes after it.
    assert_eq!(codes(&scene.sync().await), ["too-many-units"]);
}

#[tokio::test]
async fn changes_that_are_left_out_have_not_passed_the_brakes() {
    let counts: Vec<u32> = (20..40).collect();
    let scene = in_order(&counts).await;
    // Changes gather for the next period: each day plans them for the same date.
    let mut rules = scene.host.rules(&name()).unwrap();
    rules.effective.policy = EffectivePolicy::NextPeriod;
    scene.host.set_rules(&name(), &rules).unwrap();
    // 57 of 590 units pass.
    let mut more: Vec<u32> = counts.iter().map(|count| count + 3).collect();
    more[0] -= 3;
    next_day(&scene, &more);
    let report = sync_only(&scene, &["w2"]).await;
    assert_eq!(codes(&report), [] as [&str; 0], "{report:#?}");
    assert_eq!(outcome(&report, "w2").0, Outcome::Planned);
    // Of these only the three that were looked at have passed; six more are too many.
    more[0] += 6;
    next_day(&scene, &more);
    let report = scene.sync().await;
    assert_eq!(codes(&report), ["too-many-units"], "{report:#?}");
    let message = &report.notices[0].message;
    assert!(message.contains("+60 units on 19 accounts"), "{message}");
}

#[tokio::test]
async fn an_account_that_was_left_out_stays_new_and_its_questions_stay_as_they_are() {
    let scene = Scene::new(&[(5, 5), (7, 7), (30, 5), (31, 5)]).await;
    scene.begin_with_limits();
    let known = || {
        let tenant = scene.host.connection(&name()).unwrap().tenant.unwrap();
        let known = scene.host.ledger().known_accounts(&tenant).unwrap();
        let account = |at: usize| AccountId::new(scene.customers[at].company.to_string()).unwrap();
        (0..4)
            .filter(|at| known.contains(&account(*at)))
            .collect::<Vec<_>>()
    };
    sync_only(&scene, &["w1"]).await;
    assert_eq!(known(), [0], "the second one was left out");
    let report = sync_only(&scene, &["w3"]).await;
    assert_eq!(outcome(&report, "w3").0, Outcome::AwaitingApproval);
    assert_eq!(waiting(&scene).len(), 1, "nobody is asked about the fourth");
    scene.sync().await;
    assert_eq!(known(), [0, 1]);
    let asked = waiting(&scene);
    assert_eq!(asked.len(), 2);
    // The fourth has another count by now; a run of the third says nothing of it.
    scene.wait(DAY);
    crate::limits::count(&scene, &[5, 7, 30, 5]);
    sync_only(&scene, &["w3"]).await;
    assert_eq!(waiting(&scene), asked);
    scene.sync().await;
    let all = scene.host.questions(Some(&name()), true).unwrap();
    let left: Vec<_> = all
        .iter()
        .filter(|asked| asked.state == QuestionState::Waiting)
        .map(|asked| asked.question.workspace.as_str().to_owned())
        .collect();
    assert_eq!(left, ["w3"]);
}

#[tokio::test]
async fn a_line_that_a_workspace_left_out_has_taken_over_is_no_orphan() {
    let scene = Scene::new(&[(11, 5), (12, 5), (13, 5)]).await;
    scene.sync().await;
    for workspace in ["w1", "w2", "w3"] {
        let unmapped = scene.host.unmap(&name(), MappingKind::Account, workspace);
        unmapped.unwrap();
    }
    // The first two change places; the third is mapped no more.
    for (workspace, at) in [("w1", 1), ("w2", 0)] {
        let workspace = WorkspaceId::new(workspace).unwrap();
        let account = AccountId::new(scene.customers[at].company.to_string()).unwrap();
        let mapped = scene.host.map_account(&name(), &workspace, &account).await;
        mapped.unwrap();
    }
    scene.wait(DAY);
    let report = sync_only(&scene, &["w1"]).await;
    assert_eq!(workspaces(&report), ["w1"], "{report:#?}");
    let line = line_of(&report, "w1").line.clone().unwrap();
    assert_eq!(line.to_string(), scene.customers[1].line.to_string());
    let report = scene.sync().await;
    let orphans = report
        .lines
        .iter()
        .filter(|l| l.code.as_deref() == Some("orphan"));
    let orphans: Vec<_> = orphans.map(|line| line.workspace.as_str()).collect();
    assert_eq!(orphans, ["w3"]);
}
