//! A plan for another day than today posts nothing, asks nobody and settles nothing.

use end_to_end::{Scene, name};
use jiff::civil::date;
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;

use super::{count_of, waiting};

#[tokio::test]
async fn a_sync_for_another_day_is_a_dry_run_and_says_so() {
    let scene = Scene::new(&[(11, 5)]).await;
    let before = scene.host.ledger().history(0, 10_000).unwrap().len();
    for as_of in [
        date(2026, 9, 1),
        date(2026, 11, 22),
        date(2026, 11, 24),
        date(2027, 2, 1),
    ] {
        let options = SyncOptions {
            as_of: Some(as_of),
            ..SyncOptions::default()
        };
        let report = scene.try_sync(&options).await.unwrap();
        assert!(report.dry_run, "{as_of}");
        assert_eq!(count_of(&report, Outcome::Confirmed), 0, "{as_of}");
        let stored = scene.host.run_report(report.run.parse().unwrap()).unwrap();
        assert!(stored.dry_run, "{as_of}");
    }
    assert_eq!(scene.adjustments_sent(), 0);
    assert!(waiting(&scene).is_empty());
    let history = scene.host.ledger().history(0, 10_000).unwrap();
    let kept = |what: &str| {
        history
            .iter()
            .skip(before)
            .filter(|e| e.what == what)
            .count()
    };
    assert_eq!(kept("adjustment.intended"), 0);
    // Today is today, however it is said.
    let options = SyncOptions {
        as_of: Some(scene.today()),
        ..SyncOptions::default()
    };
    let report = scene.try_sync(&options).await.unwrap();
    assert!(!report.dry_run);
    assert_eq!(count_of(&report, Outcome::Confirmed), 1, "{report:#?}");
    assert_eq!(scene.host.connection(&name()).unwrap().name, name());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_that_another_day_is_a_dry_run() {
    let scene = Scene::present(&[(11, 5)]).await;
    let yesterday = scene.today().yesterday().unwrap().to_string();
    let output = scene
        .program()
        .args(["sync", "acme", "--as-of", &yesterday])
        .output();
    let said = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    assert!(said.contains("dry run: nothing is posted"), "{said}");
    assert!(said.contains("is a dry run, always"), "{said}");
    assert_eq!(scene.adjustments_sent(), 0);
    let help = scene.program().args(["sync", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        help.contains("For another day than today it is a dry run, always"),
        "{help}"
    );
}
