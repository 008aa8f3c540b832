//! Days on which the source sends nothing, or nonsense.

use end_to_end::{MODULE, Scene, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::{Source, UsageForm};
use serde_json::{Value, json};

use super::{DAY, Msp, codes, count_of, quiet};

/// A source that has lost its customers, and says that this is all.
fn nothing_but_zeros(scene: &Scene) {
    let customers = scene.customers.iter();
    let items: Vec<Value> = customers
        .map(|c| json!({ "workspace": c.workspace, "module": MODULE, "users": 0, "devices": 0 }))
        .collect();
    let now = scene.now().to_string();
    let told = json!({ "channel": "msp", "taken_at": now, "complete": true, "items": items });
    let source = Source::new("usage", told.to_string());
    let imported = scene.host.import_usage(&source, &UsageForm::Json);
    imported.expect("well-formed");
}

#[tokio::test]
async fn days_without_counts_change_nothing_and_what_is_back_is_posted_once() {
    let units = [10, 25, 40, 7];
    let msp = Msp::in_order(&units).await;
    quiet(&msp.day(&[11, 25, 40, 7]).await, 1);

    // Two days without: the last counts are still good, and nothing is posted twice.
    for _ in ["the first", "the second"] {
        msp.scene.wait(DAY);
        quiet(&msp.scene.sync().await, 0);
    }
    // Then they are too old, and the run says so. Nothing falls.
    for _ in ["the third", "the fourth"] {
        msp.scene.wait(DAY);
        let report = msp.scene.sync().await;
        if report.is_braked() {
            assert_eq!(codes(&report), ["snapshot-stale"], "{report:#?}");
        }
        assert_eq!(count_of(&report, Outcome::Confirmed), 0, "{report:#?}");
    }
    let stale = msp.scene.sync().await;
    assert_eq!(codes(&stale), ["snapshot-stale"], "{stale:#?}");
    assert_eq!(msp.scene.adjustments_sent(), 1);

    // A source that comes back with nothing but zeros, and one that is cut off.
    msp.scene.wait(DAY);
    nothing_but_zeros(&msp.scene);
    let report = msp.scene.sync().await;
    assert_eq!(codes(&report), ["snapshot-all-zero"], "{report:#?}");
    assert_eq!(msp.scene.adjustments_sent(), 1);
    msp.scene.wait(60);
    msp.scene.import_usage(&[("w1", 12), ("w2", 26)]);
    let report = msp.scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    for missing in ["w3", "w4"] {
        let held = (Outcome::Held, Some("usage-missing".to_owned()));
        assert_eq!(outcome(&report, missing), held, "{report:#?}");
    }

    // Back, with what has changed meanwhile: each once.
    quiet(&msp.day(&[12, 26, 41, 7]).await, 1);
    assert_eq!(msp.units_on(msp.scene.today()), [12, 26, 41, 7]);
    let applied: Vec<Vec<i32>> = (0..4).map(|at| msp.scene.applied(at)).collect();
    assert_eq!(applied, [vec![1, 1], vec![1], vec![1], vec![]]);
    assert_eq!(msp.asked(), 0);
    msp.cost("days without counts", &[]);
}
