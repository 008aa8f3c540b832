//! A customer comes, another leaves, and one is kept on for a while.

use autotask_sim::LineKind;
use end_to_end::{name, outcome};
use jiff::civil::date;
use psa_host_billing::{AccountId, SetAsideKind};
use psa_host_ledger::Outcome;
use psa_host_sync::SetAsideOrder;
use psa_host_sync::run::RunReport;

use super::{Msp, codes, quiet};

fn held(code: &str) -> (Outcome, Option<String>) {
    (Outcome::Held, Some(code.to_owned()))
}

/// A line is held, everybody can see it, and the others go on.
fn held_loudly(report: &RunReport, workspace: &str, code: &str) {
    assert_eq!(outcome(report, workspace), held(code), "{report:#?}");
    assert!(report.needs_a_person());
    assert_eq!(codes(report), [] as [&str; 0], "{report:#?}");
}

#[tokio::test]
async fn a_new_customer_is_asked_about_once_and_stops_nobody() {
    let mut msp = Msp::in_order(&[10, 20, 9]).await;
    let new = msp.signs(1);

    // Nobody has mapped it: the report says so, and the others are posted.
    let report = msp.day(&[11, 20, 9, 8]).await;
    assert_eq!(report.summary.unmapped_workspaces, 1, "{report:#?}");
    quiet(&report, 1);
    let account = AccountId::new(msp.scene.customers[new].company.to_string()).expect("an id");
    let workspace = "w4".parse().expect("an id");
    let name = name();
    let mapped = msp.scene.host.map_account(&name, &workspace, &account);
    mapped.await.expect("mapped");
    msp.click("map the account");

    let report = msp.day(&[11, 21, 9, 8]).await;
    let asked = (Outcome::AwaitingApproval, Some("new-account".to_owned()));
    assert_eq!(outcome(&report, "w4"), asked, "{report:#?}");
    assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed);
    msp.approve();

    // By the next day it has one device more; nobody is asked again, then or later.
    quiet(&msp.day(&[11, 21, 9, 9]).await, 1);
    assert_eq!(msp.units_on(msp.scene.today()), [11, 21, 9, 9]);
    quiet(&msp.day(&[11, 21, 9, 10]).await, 1);
    assert_eq!(msp.units_on(msp.scene.today()), [11, 21, 9, 10]);
    assert_eq!(msp.asked(), 1);
    msp.cost(
        "a new customer",
        &["map the account", "approve the new accounts"],
    );
}

#[tokio::test]
async fn a_customer_that_leaves_is_told_of_every_day_until_its_line_is_at_zero() {
    let msp = Msp::in_order(&[10, 20, 9]).await;
    // Its agents still report: an ended subscription does not fall to zero.
    msp.workspace("w3", "inactive");
    for counts in [[11, 20, 9], [12, 20, 7]] {
        let report = msp.day(&counts).await;
        held_loudly(&report, "w3", "not-billed");
        assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed);
    }
    assert_eq!(msp.units_on(msp.scene.today()), [12, 20, 9]);

    let (line, today) = (msp.scene.customers[2].line, msp.scene.today());
    let ended = msp
        .scene
        .simulator
        .foreign_edit(LineKind::Service, line, today, -9);
    ended.expect("the PSA takes zero");
    msp.click("bring the line to zero in the PSA");
    for counts in [[12, 20, 7], [12, 20, 7]] {
        quiet(&msp.day(&counts).await, 0);
    }
    assert_eq!(msp.units_on(msp.scene.today()), [12, 20, 0]);
    assert_eq!(msp.scene.applied(2), [] as [i32; 0]);
    msp.cost(
        "a customer that leaves",
        &["bring the line to zero in the PSA"],
    );
}

#[tokio::test]
async fn a_customer_that_left_and_is_set_aside_until_a_day_is_told_of_again_after_it() {
    let msp = Msp::in_order(&[10, 20]).await;
    msp.workspace("w2", "inactive");
    held_loudly(&msp.day(&[10, 20]).await, "w2", "not-billed");
    let order = SetAsideOrder {
        workspaces: vec!["w2".parse().expect("an id")],
        modules: vec![],
        kind: SetAsideKind::Hold,
        why: "they pay until the end of November".to_owned(),
        until: Some(date(2026, 11, 26)),
    };
    msp.scene
        .host
        .set_aside(&name(), &order)
        .expect("set aside");
    msp.click("set it aside");
    for _ in [25, 26] {
        let report = msp.day(&[10, 19]).await;
        assert_eq!(outcome(&report, "w2"), held("set-aside"), "{report:#?}");
    }
    // From the 27th on it is loud again, and its units are those of the last invoice.
    held_loudly(&msp.day(&[11, 19]).await, "w2", "not-billed");
    assert_eq!(msp.units_on(msp.scene.today()), [11, 20]);
    msp.cost("a customer that is set aside", &["set it aside"]);
}
