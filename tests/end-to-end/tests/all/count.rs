//! How counts become units, over whole runs.

use end_to_end::{MODULE, Scene, line_of, name, outcome};
use psa_host_billing::count::CountPolicy;
use psa_host_billing::{ModuleId, Units};
use psa_host_ledger::Outcome;
use serde_json::json;

fn policy(scene: &Scene, policy: serde_json::Value) {
    let policy: CountPolicy = serde_json::from_value(policy).expect("a policy");
    let module = ModuleId::new(MODULE).expect("an id");
    scene
        .host
        .set_count_policy(&name(), &module, &policy)
        .expect("set");
}

#[tokio::test]
async fn included_units_and_a_minimum_show_in_what_is_posted() {
    let scene = Scene::new(&[(11, 5), (4, 5)]).await;
    policy(&scene, json!({ "included": 2, "minimum": { "units": 6 } }));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    // 11 − 2 = 9; 4 − 2 = 2, but 6 are billed in any case.
    assert_eq!(scene.applied(0), [4]);
    assert_eq!(scene.applied(1), [1]);
}

#[tokio::test]
async fn a_peak_of_the_period_is_billed_after_the_count_has_fallen() {
    let scene = Scene::new(&[(11, 5)]).await;
    policy(&scene, json!({ "basis": "peak" }));
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 7)]);
    let report = scene.sync().await;
    let line = line_of(&report, "w1");
    assert_eq!(line.outcome, Outcome::Confirmed, "{report:#?}");
    assert_eq!(line.target, Some(Units::from(11)));
    let message = line.message.as_deref().unwrap();
    assert!(message.contains("peak"), "{message}");
}
