//! A decision about units that somebody changed is used up by the change it led to.

use end_to_end::{Scene, name, outcome};
use psa_host_billing::stance::Stance;
use psa_host_ledger::Outcome;
use psa_host_sync::LineDecision;

use super::{decide, edit, held, next_day, try_to_decide};

/// 11 units were confirmed, then somebody made 4 of them in the PSA.
async fn edited() -> Scene {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    next_day(&scene, 11);
    edit(&scene, -7);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("foreign-edit"), "{report:#?}");
    scene
}

#[tokio::test]
async fn the_same_foreign_edit_made_again_after_it_was_overwritten_is_held_again() {
    let scene = edited().await;
    decide(&scene, LineDecision::Overwrite).await;
    next_day(&scene, 11);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.host.line_decisions(&name()).unwrap(), []);
    next_day(&scene, 11);
    edit(&scene, -7);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("foreign-edit"), "{report:#?}");
    assert_eq!(scene.applied(0), [6, 7]);
}

#[tokio::test]
async fn units_that_were_adopted_before_the_count_changed_and_came_back_are_held_again() {
    let scene = edited().await;
    decide(&scene, LineDecision::Adopt).await;
    for count in [12, 11] {
        next_day(&scene, count);
        let report = scene.sync().await;
        assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    }
    next_day(&scene, 11);
    edit(&scene, -7);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("foreign-edit"), "{report:#?}");
    assert_eq!(scene.applied(0), [6, 8, -1]);
}

#[tokio::test]
async fn a_line_that_nobody_changed_can_be_pinned_but_neither_adopted_nor_overwritten() {
    let scene = Scene::new(&[(11, 5)]).await;
    for _ in ["before anything was posted", "and after"] {
        for decision in [LineDecision::Adopt, LineDecision::Overwrite] {
            let refused = try_to_decide(&scene, decision).await.unwrap_err();
            assert_eq!(refused.code(), "not-changed-by-others", "{refused}");
        }
        scene.sync().await;
    }
    next_day(&scene, 12);
    let refused = try_to_decide(&scene, LineDecision::Overwrite).await;
    assert_eq!(refused.unwrap_err().code(), "not-changed-by-others");
    decide(&scene, LineDecision::Pin).await;
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Unchanged);
    let kept = scene.host.line_decisions(&name()).unwrap();
    assert!(matches!(kept[0].stance, Stance::Pin { .. }), "{kept:#?}");
}
