//! The main job: read, compare, post, read back, report.

use end_to_end::{MODULE, Scene, TODAY, line_of, outcome};
use jiff::civil::date;
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;

#[tokio::test]
async fn one_line_is_posted_and_read_back() {
    let scene = Scene::new(&[(11, 5)]).await;
    let report = scene.sync().await;
    let line = line_of(&report, "w1");
    assert_eq!(line.outcome, Outcome::Confirmed, "{report:#?}");
    assert_eq!(line.module.as_str(), MODULE);
    assert_eq!(line.delta().unwrap().to_string(), "+6");
    assert_eq!(line.effective_date, TODAY);
    assert_eq!(scene.applied(0), [6]);
    assert_eq!(scene.units_on(0, TODAY.yesterday().unwrap()), 5);
    assert_eq!(scene.units_on(0, TODAY), 11);
    assert_eq!(scene.units_on(0, date(2026, 12, 31)), 11);
    assert!(!report.needs_a_person());
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let scene = Scene::new(&[(11, 5), (3, 3), (2, 4)]).await;
    let first = scene.sync().await;
    assert_eq!(first.summary.outcomes["confirmed"], 2, "{first:#?}");
    let second = scene.sync().await;
    assert_eq!(second.summary.outcomes["unchanged"], 3, "{second:#?}");
    assert_eq!(scene.adjustments_sent(), 2);
}

#[tokio::test]
async fn a_dry_run_plans_and_posts_nothing() {
    let scene = Scene::new(&[(11, 5)]).await;
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    let report = scene.try_sync(&dry).await.unwrap();
    assert_eq!(outcome(&report, "w1"), (Outcome::Planned, None));
    assert_eq!(scene.adjustments_sent(), 0);
    assert_eq!(scene.units_on(0, TODAY), 5);
    assert!(
        scene
            .host
            .ledger()
            .open_intents(&report.tenant)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_date_already_adjusted_is_held_and_posted_the_next_day() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    scene.wait(60);
    scene.import_usage(&[("w1", 12)]);
    let same_day = scene.sync().await;
    assert_eq!(
        outcome(&same_day, "w1"),
        (Outcome::Held, Some("date-already-adjusted".into()))
    );
    scene.wait(24 * 60);
    let next_day = scene.sync().await;
    assert_eq!(
        outcome(&next_day, "w1").0,
        Outcome::Confirmed,
        "{next_day:#?}"
    );
    assert_eq!(scene.applied(0), [6, 1]);
}

#[tokio::test]
async fn a_run_can_be_shown_again() {
    let scene = Scene::new(&[(11, 5), (0, 5)]).await;
    let report = scene.sync().await;
    let shown = scene.host.run_report(report.run.parse().unwrap()).unwrap();
    assert_eq!(shown.lines, report.lines);
    assert_eq!(shown.summary, report.summary);
    assert_eq!(shown.dev_origins, report.dev_origins);
    assert_eq!(shown.dev_origins.len(), 1);
}

/// A brief report leaves out what stands at its count, and nothing else: sums, held lines and
/// what is remembered are the same, also where lines that are kept stand between others.
#[tokio::test]
async fn a_brief_report_counts_the_lines_that_it_leaves_out() {
    let counts = [(3, 3), (11, 5), (4, 4), (0, 5), (6, 6), (9, 8)];
    let (full, brief) = (Scene::new(&counts).await, Scene::new(&counts).await);
    let all = full.sync().await;
    let options = SyncOptions {
        brief: true,
        ..SyncOptions::default()
    };
    let short = brief.try_sync(&options).await.unwrap();
    assert_eq!(all.summary.outcomes["unchanged"], 3, "{all:#?}");
    assert_eq!(short.summary, all.summary);
    let speaks = all.lines.iter().filter(|line| line.speaks());
    assert_eq!(short.lines, speaks.cloned().collect::<Vec<_>>());
    assert_eq!(short.lines.len(), 3);
    let shown = |scene: &Scene, run: &str| scene.host.run_report(run.parse().unwrap()).unwrap();
    assert_eq!(shown(&brief, &short.run).lines, all.lines);
    let tenant = &short.tenant;
    let seen = |scene: &Scene| scene.host.ledger().seen_right(tenant).unwrap();
    assert_eq!(seen(&brief).len(), 3);
    assert_eq!(seen(&brief), seen(&full));
}
