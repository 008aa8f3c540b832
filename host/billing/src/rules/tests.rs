//! Defaults, what a file may say, and whom each rule is about.

use super::*;

#[test]
fn only_a_paid_subscription_is_billed_by_default() {
    let rules = LifeCycle::default();
    let mut workspace = crate::plan::tests::workspace();
    let billed = |workspace: &Workspace| rules.of(workspace).0 == Action::Bill;
    assert!(billed(&workspace));
    for status in ["new", "trial", "inactive", "archived", "frozen"] {
        workspace.status = WorkspaceStatus::from(status.to_owned());
        assert_eq!(rules.of(&workspace).0, Action::Ask, "{status}");
    }
    workspace.status = WorkspaceStatus::Subscription;
    workspace.nfr = true;
    assert_eq!(rules.of(&workspace), (Action::Ask, "not for resale"));
    workspace.demo = true;
    assert_eq!(rules.of(&workspace), (Action::Ask, "demo"));
}

#[test]
fn a_number_that_makes_no_sense_is_refused() {
    assert_eq!(Rules::default().check(), Ok(()));
    let broken: [fn(&mut Rules); 5] = [
        |rules| rules.effective.window_days = 0,
        |rules| rules.effective.window_days = 29,
        |rules| rules.brakes.vanished_percent = 101,
        |rules| rules.approval.units = Some(Decimal::from(-1)),
        |rules| rules.brakes.money = Some(Decimal::from(-1)),
    ];
    for (at, breaking) in broken.into_iter().enumerate() {
        let mut rules = Rules::default();
        breaking(&mut rules);
        assert!(rules.check().is_err(), "case {at}");
    }
}

#[test]
fn what_a_file_leaves_out_has_its_default_and_what_is_unknown_is_refused() {
    let rules: Rules = serde_json::from_str(r#"{"effective":{"policy":"next-period"}}"#).unwrap();
    assert_eq!(rules.effective.window_days, 3);
    assert_eq!(rules.life_cycle, LifeCycle::default());
    assert!(serde_json::from_str::<Rules>(r#"{"effektive":{}}"#).is_err());
    let json = serde_json::to_string(&Rules::default()).unwrap();
    assert_eq!(
        serde_json::from_str::<Rules>(&json).unwrap(),
        Rules::default()
    );
}

#[test]
fn a_flag_goes_before_the_status_and_demo_before_not_for_resale() {
    // The status, demo, not for resale: whose rule counts.
    let table = [
        ("new", false, false, "new"),
        ("trial", false, false, "trial"),
        ("subscription", false, false, "subscription"),
        ("inactive", false, false, "inactive"),
        ("archived", false, false, "archived"),
        ("frozen", false, false, "unknown status"),
        ("subscription", true, false, "demo"),
        ("subscription", false, true, "not for resale"),
        ("subscription", true, true, "demo"),
        ("trial", true, false, "demo"),
        ("inactive", false, true, "not for resale"),
        ("frozen", true, true, "demo"),
    ];
    for (status, demo, nfr, expected) in table {
        let mut workspace = crate::plan::tests::workspace();
        workspace.status = WorkspaceStatus::from(status.to_owned());
        (workspace.demo, workspace.nfr) = (demo, nfr);
        let (_, word) = LifeCycle::default().of(&workspace);
        assert_eq!(
            word, expected,
            "{status}, demo {demo}, not for resale {nfr}"
        );
    }
}
