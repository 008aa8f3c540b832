//! PSAs that take no date: what their customers are invoiced, day after day, under each policy.
//! A customer with 5 units has 11 devices from 23 November on; the PSA's own invoices are the
//! proof, not the reports.

use end_to_end::{Kind, UndatedScene, line_of, outcome};
use jiff::civil::{Date, date};
use psa_host_billing::rules::EffectivePolicy::{self, NextPeriod, PeriodStart, Today};
use psa_host_ledger::Outcome;
use psa_host_sync::Answering;
use psa_host_sync::run::{RunReport, SyncOptions};
use small_psa::PatchFault;
use small_psa::Periods::{self, InAdvance, InArrears};

const NOV_1: Date = date(2026, 11, 1);
const NOV_30: Date = date(2026, 11, 30);
const DEC_1: Date = date(2026, 12, 1);
const DEC_31: Date = date(2026, 12, 31);
/// After the invoices of December, however they are made.
const END: Date = date(2027, 1, 4);

/// What was set and on which day, and the invoices of November and December as
/// `from to quantity`.
async fn lived(
    kind: Kind,
    periods: Periods,
    policy: EffectivePolicy,
) -> (Vec<(Date, i64)>, Vec<(Date, Date, i64)>) {
    let scene = UndatedScene::new(kind, periods, Some(policy)).await;
    scene.live_until(date(2026, 12, 6)).await;
    scene.sleep_until(END);
    let mut invoiced = scene.invoiced();
    invoiced.retain(|(_, to, _)| *to <= DEC_31);
    (scene.set(), invoiced)
}

fn code(report: &RunReport) -> Option<&str> {
    line_of(report, "w1").code.as_deref()
}

#[tokio::test]
async fn units_that_hold_at_once_are_set_on_the_day_from_which_they_shall_hold() {
    // From 1 December: not on 27 November, when the window of dated PSAs opens.
    let (set, invoiced) = lived(Kind::Immediate, InArrears, NextPeriod).await;
    assert_eq!(set, [(DEC_1, 11)]);
    assert_eq!(invoiced, [(NOV_1, NOV_30, 5), (DEC_1, DEC_31, 11)]);

    let (set, invoiced) = lived(Kind::Immediate, InArrears, Today).await;
    let (nov_22, nov_23) = (date(2026, 11, 22), date(2026, 11, 23));
    assert_eq!(set, [(nov_23, 11)]);
    assert_eq!(
        invoiced,
        [
            (NOV_1, nov_22, 5),
            (nov_23, NOV_30, 11),
            (DEC_1, DEC_31, 11)
        ]
    );
}

#[tokio::test]
async fn a_day_that_was_missed_is_made_up_on_the_next_one_and_said() {
    let scene = UndatedScene::new(Kind::Immediate, InArrears, Some(NextPeriod)).await;
    scene.live_until(date(2026, 11, 28)).await;
    let dec_3 = date(2026, 12, 3);
    scene.sleep_until(dec_3);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), (Outcome::Confirmed, None));
    assert_eq!(
        line_of(&report, "w1").message.as_deref(),
        Some("2026-12-01 to 2026-12-02 passed with 5 units: +6 is late")
    );
    scene.sleep_until(END);
    assert_eq!(scene.set(), [(dec_3, 11)]);
    assert_eq!(
        scene.invoiced()[1..],
        [(DEC_1, date(2026, 12, 2), 5), (dec_3, DEC_31, 11)]
    );
}

#[tokio::test]
async fn what_the_next_invoice_bills_is_set_between_the_two_invoices() {
    use Kind::NextInvoice;
    let dec_4 = date(2026, 12, 4);
    let from_december = [(NOV_1, NOV_30, 5), (DEC_1, DEC_31, 11)];
    // November's invoice comes on 3 December and finds what it shall bill.
    let (set, invoiced) = lived(NextInvoice, InArrears, NextPeriod).await;
    assert_eq!(set, [(dec_4, 11)]);
    assert_eq!(invoiced, from_december);
    // Part of a month cannot be billed: what is used from the 23rd on is billed from December on.
    let (set, invoiced) = lived(NextInvoice, InArrears, Today).await;
    assert_eq!(set, [(dec_4, 11)]);
    assert_eq!(invoiced, from_december);
    let (set, invoiced) = lived(NextInvoice, InArrears, PeriodStart).await;
    assert_eq!(set, [(date(2026, 11, 23), 11)]);
    assert_eq!(invoiced, [(NOV_1, NOV_30, 11), (DEC_1, DEC_31, 11)]);
    // In advance: November is invoiced, and December will be on its first day.
    for policy in [NextPeriod, Today, PeriodStart] {
        let (set, invoiced) = lived(NextInvoice, InAdvance, policy).await;
        assert_eq!(set, [(date(2026, 11, 28), 11)], "{policy}");
        assert_eq!(invoiced, [(DEC_1, DEC_31, 11)], "{policy}");
    }
}

#[tokio::test]
async fn the_invoice_that_was_missed_is_named() {
    let scene = UndatedScene::new(Kind::NextInvoice, InAdvance, Some(NextPeriod)).await;
    scene.live_until(date(2026, 11, 26)).await;
    scene.sleep_until(date(2026, 12, 29));
    let report = scene.sync().await;
    let line = line_of(&report, "w1");
    assert_eq!(line.outcome, Outcome::Confirmed);
    assert_eq!(line.effective_date, date(2027, 1, 1));
    assert_eq!(
        line.message.as_deref(),
        Some("2026-12-01 to 2026-12-31 is already invoiced with 5 units: +6 missed its invoice")
    );
    scene.sleep_until(END);
    let january = (date(2027, 1, 1), date(2027, 1, 31), 11);
    assert_eq!(scene.invoiced(), [(DEC_1, DEC_31, 5), january]);
}

#[tokio::test]
async fn where_the_psa_does_not_tell_what_is_invoiced_only_today_is_sent() {
    for policy in [NextPeriod, PeriodStart] {
        let scene = UndatedScene::new(Kind::NextInvoice, InArrears, Some(policy)).await;
        scene.psa.books().agreements[0].tells_invoices = false;
        let report = scene.sync().await;
        assert_eq!(code(&report), Some("invoicing-unknown"), "{policy}");
        assert_eq!(scene.set(), []);
        scene.set_policy(Today).unwrap();
        let report = scene.sync().await;
        assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed);
        let said = line_of(&report, "w1").message.clone().unwrap();
        assert!(said.contains("not known through which day"), "{said}");
        assert_eq!(scene.set(), [(date(2026, 11, 23), 11)]);
    }
}

#[tokio::test]
async fn the_last_count_before_the_day_is_what_is_set() {
    let mut scene = UndatedScene::new(Kind::Immediate, InArrears, Some(NextPeriod)).await;
    scene.live_until(date(2026, 11, 27)).await;
    scene.devices = 9;
    scene.live_until(DEC_1).await;
    assert_eq!(scene.set(), []);
    scene.devices = 12;
    scene.live_until(date(2026, 12, 3)).await;
    // Changed again in December: that is for January.
    scene.devices = 20;
    scene.live_until(date(2026, 12, 6)).await;
    scene.sleep_until(END);
    assert_eq!(scene.set(), [(DEC_1, 12)]);
    assert_eq!(scene.invoiced(), [(NOV_1, NOV_30, 5), (DEC_1, DEC_31, 12)]);
}

#[tokio::test]
async fn a_dry_run_promises_no_day() {
    let scene = UndatedScene::new(Kind::Immediate, InArrears, Some(NextPeriod)).await;
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    scene.sync_so(&dry).await;
    scene.sleep_until(DEC_1);
    let report = scene.sync().await;
    assert_eq!(line_of(&report, "w1").effective_date, date(2027, 1, 1));
    assert_eq!(scene.set(), []);
}

#[tokio::test]
async fn a_doubtful_answer_is_settled_by_the_line_and_set_again_only_where_it_was_lost() {
    for (fault, times) in [(PatchFault::AnswerLost, 1), (PatchFault::RequestLost, 1)] {
        for kind in [Kind::Immediate, Kind::NextInvoice] {
            let scene = UndatedScene::new(kind, InArrears, Some(NextPeriod)).await;
            scene.live_until(DEC_1).await;
            // The invoice of November, so that both kinds may send.
            scene.sleep_until(date(2026, 12, 4));
            scene.psa.fail_next(fault);
            let first = scene.sync().await;
            let doubtful = line_of(&first, "w1").outcome != Outcome::Confirmed;
            assert_eq!(doubtful, fault == PatchFault::RequestLost, "{fault:?}");
            scene.wait(60);
            scene.sync().await;
            let last = scene.sync().await;
            assert_eq!(outcome(&last, "w1").0, Outcome::Unchanged, "{fault:?}");
            let dec_4 = date(2026, 12, 4);
            assert_eq!(scene.set(), vec![(dec_4, 11); times], "{fault:?}, {kind:?}");
        }
    }
}

#[tokio::test]
async fn another_total_waits_until_the_first_one_can_take_effect_no_more() {
    let mut scene = UndatedScene::new(Kind::Immediate, InArrears, None).await;
    scene.psa.fail_next(PatchFault::RequestLost);
    scene.sync().await;
    scene.devices = 12;
    let report = scene.sync().await;
    assert_eq!(code(&report), Some("open-adjustment"));
    assert_eq!(scene.set(), []);
    scene.wait(60);
    scene.sync().await;
    assert_eq!(scene.set(), [(date(2026, 11, 23), 12)]);
}

#[tokio::test]
async fn an_answer_that_comes_late_still_sends_what_was_due() {
    let scene = UndatedScene::new(Kind::Immediate, InArrears, Some(NextPeriod)).await;
    let name = end_to_end::name();
    let mut rules = scene.host.rules(&name).unwrap();
    rules.approval.units = Some(5.into());
    scene.host.set_rules(&name, &rules).unwrap();
    scene.live_until(date(2026, 12, 3)).await;
    assert_eq!(scene.set(), [], "it waits for a person");
    let asked = scene.host.questions(Some(&name), true).unwrap();
    scene
        .host
        .answer(&[asked[0].id], Answering::Grant, "yes")
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(
        line_of(&report, "w1").message.as_deref(),
        Some("2026-12-01 to 2026-12-02 passed with 5 units: +6 is late")
    );
    assert_eq!(scene.set(), [(date(2026, 12, 3), 11)]);
}

#[tokio::test]
async fn a_policy_that_the_psa_cannot_keep_is_refused_when_it_is_set() {
    let scene = UndatedScene::new(Kind::Immediate, InArrears, None).await;
    let error = scene.set_policy(PeriodStart).unwrap_err().problem();
    assert_eq!(error.code, "policy-not-possible");
    assert!(error.fix.unwrap().contains("--effective next-period"));
    let scene = UndatedScene::new(Kind::NextInvoice, InArrears, None).await;
    scene.set_policy(PeriodStart).unwrap();
}

#[tokio::test]
async fn lines_that_the_psa_counts_or_does_not_bill_are_held_and_included_units_are_said() {
    let scene = UndatedScene::new(Kind::Immediate, InArrears, None).await;
    let edit = |change: fn(&mut small_psa::Addition)| {
        change(&mut scene.psa.books().agreements[0].additions[0]);
    };
    edit(|addition| addition.calculated = true);
    assert_eq!(code(&scene.sync().await), Some("line-not-writable"));
    edit(|addition| {
        addition.calculated = false;
        addition.bill_customer = "DoNotBill".to_owned();
    });
    assert_eq!(code(&scene.sync().await), Some("line-not-billable"));
    assert_eq!(scene.set(), []);
    edit(|addition| {
        addition.bill_customer = "Billable".to_owned();
        addition.less_included = 4;
    });
    let report = scene.sync().await;
    assert_eq!(
        line_of(&report, "w1").message.as_deref(),
        Some("the contract includes 4 units free of charge: of 11, 7 are billed")
    );
    scene.sleep_until(END);
    assert_eq!(scene.invoiced()[1], (date(2026, 11, 23), NOV_30, 7));
}
