//! A busy month end under each policy: what is invoiced for November and for December is what
//! a person computes by hand, and what an invoice misses is said.

use autotask_sim::LineKind;
use end_to_end::{line_of, outcome};
use jiff::civil::{Date, date};
use psa_host_billing::rules::EffectivePolicy::{self, NextPeriod, PeriodStart, Today};
use psa_host_ledger::Outcome;
use psa_host_sync::run::RunReport;

use super::invoices::{Stretch, invoice, stretches};
use super::{DAY, Msp, codes};

const NOV: Date = date(2026, 11, 1);
const DEC: Date = date(2026, 12, 1);
const JAN: Date = date(2027, 1, 1);

/// Devices until 27 November, then on 28, 29 and 30 November and 1, 2 and 3 December.
const COUNTS: [(&str, u32, [u32; 6]); 7] = [
    ("w1", 10, [12, 12, 12, 12, 13, 13]), // grows twice
    ("w2", 20, [20, 20, 18, 18, 18, 18]), // shrinks on the last day
    ("w3", 5, [5, 5, 5, 6, 6, 6]),        // grows on the first
    ("w4", 8, [8, 8, 8, 8, 8, 8]),        // stays
    ("w5", 30, [30, 31, 31, 30, 30, 30]), // up and back again
    ("w6", 10, [12, 14, 14, 14, 14, 14]), // twice within days
    ("w7", 10, [12, 12, 12, 12, 12, 12]), // somebody has adjusted it for the very date
];

/// One invoice: the units by day, and the money.
type Invoice = (&'static [Stretch], &'static str);

/// 4.20 a unit and month, by days: November and December of each customer.
fn by_hand(policy: EffectivePolicy) -> [(Invoice, Invoice); 7] {
    match policy {
        // Each day has the units of that day; only the seventh's 28 November is somebody's.
        Today => [
            (
                // 42.00 × 27/30 + 50.40 × 3/30; 50.40 × 1/31 + 54.60 × 30/31
                (&[(1, 27, 10), (28, 30, 12)], "42.84"),
                (&[(1, 1, 12), (2, 31, 13)], "54.47"),
            ),
            (
                // 84.00 × 29/30 + 75.60 × 1/30
                (&[(1, 29, 20), (30, 30, 18)], "83.72"),
                (&[(1, 31, 18)], "75.60"),
            ),
            ((&[(1, 30, 5)], "21.00"), (&[(1, 31, 6)], "25.20")),
            ((&[(1, 30, 8)], "33.60"), (&[(1, 31, 8)], "33.60")),
            (
                // 126.00 × 28/30 + 130.20 × 2/30
                (&[(1, 28, 30), (29, 30, 31)], "126.28"),
                (&[(1, 31, 30)], "126.00"),
            ),
            (
                // 42.00 × 27/30 + 50.40 × 1/30 + 58.80 × 2/30
                (&[(1, 27, 10), (28, 28, 12), (29, 30, 14)], "43.40"),
                (&[(1, 31, 14)], "58.80"),
            ),
            (
                // 42.00 × 28/30 + 50.40 × 2/30
                (&[(1, 28, 10), (29, 30, 12)], "42.56"),
                (&[(1, 31, 12)], "50.40"),
            ),
        ],
        // November stays; December has what was counted when its change was sent, between
        // the 28th and the 30th.
        NextPeriod => [
            ((&[(1, 30, 10)], "42.00"), (&[(1, 31, 12)], "50.40")),
            ((&[(1, 30, 20)], "84.00"), (&[(1, 31, 18)], "75.60")),
            ((&[(1, 30, 5)], "21.00"), (&[(1, 31, 5)], "21.00")),
            ((&[(1, 30, 8)], "33.60"), (&[(1, 31, 8)], "33.60")),
            ((&[(1, 30, 30)], "126.00"), (&[(1, 31, 31)], "130.20")),
            ((&[(1, 30, 10)], "42.00"), (&[(1, 31, 12)], "50.40")),
            ((&[(1, 30, 10)], "42.00"), (&[(1, 31, 10)], "42.00")),
        ],
        // The first change of a month holds for all of it, the next one from the next on.
        PeriodStart => [
            ((&[(1, 30, 12)], "50.40"), (&[(1, 31, 13)], "54.60")),
            ((&[(1, 30, 18)], "75.60"), (&[(1, 31, 18)], "75.60")),
            ((&[(1, 30, 5)], "21.00"), (&[(1, 31, 6)], "25.20")),
            ((&[(1, 30, 8)], "33.60"), (&[(1, 31, 8)], "33.60")),
            ((&[(1, 30, 31)], "130.20"), (&[(1, 31, 30)], "126.00")),
            ((&[(1, 30, 12)], "50.40"), (&[(1, 31, 14)], "58.80")),
            ((&[(1, 30, 10)], "42.00"), (&[(1, 31, 12)], "50.40")),
        ],
    }
}

/// The day for which somebody has adjusted the seventh line, so that the PSA refuses ours.
fn taken(policy: EffectivePolicy) -> Date {
    match policy {
        Today => date(2026, 11, 28),
        NextPeriod => DEC,
        PeriodStart => NOV,
    }
}

/// From 23 November to 3 December; November is approved and posted on 2 December. Returns the
/// reports from 28 November on.
async fn lived(policy: EffectivePolicy) -> (Msp, Vec<RunReport>) {
    let before: Vec<u32> = COUNTS.iter().map(|(_, before, _)| *before).collect();
    let msp = Msp::in_order(&before).await;
    msp.set_policy(policy);
    for _ in 24..=27 {
        super::quiet(&msp.day(&before).await, 0);
    }
    // The price of it, say: its units stay.
    let (line, taken) = (msp.scene.customers[6].line, taken(policy));
    let edit = msp
        .scene
        .simulator
        .foreign_edit(LineKind::Service, line, taken, 0);
    edit.expect("a change of no units");
    let mut reports = Vec::new();
    for day in 0..6 {
        let counts: Vec<u32> = COUNTS.iter().map(|(_, _, counts)| counts[day]).collect();
        msp.scene.wait(DAY);
        if msp.scene.today() == date(2026, 12, 2) {
            let last = date(2026, 11, 30);
            msp.scene.simulator.world().post_through(last);
        }
        msp.count(&counts);
        let report = msp.scene.sync().await;
        assert_eq!(codes(&report), [] as [&str; 0], "{policy}: {report:#?}");
        reports.push(report);
    }
    (msp, reports)
}

#[tokio::test]
async fn each_invoice_is_what_a_person_computes_by_hand() {
    for policy in [Today, NextPeriod, PeriodStart] {
        let (msp, _) = lived(policy).await;
        for (at, (november, december)) in by_hand(policy).iter().enumerate() {
            for (month, (units, money)) in [(NOV, november), (DEC, december)] {
                let place = format!("{policy}: {} in {month}", COUNTS[at].0);
                assert_eq!(stretches(&msp.scene, at, month), *units, "{place}");
                assert_eq!(invoice(&msp.scene, at, month), *money, "{place}");
            }
        }
        assert_eq!(msp.asked(), 0, "{policy}");
        msp.cost(&format!("a month end under {policy}"), &[]);
    }
}

/// What the report of a day of November or December says of a line.
fn said(reports: &[RunReport], day: Date, workspace: &str) -> (Outcome, String) {
    let report = reports.iter().find(|report| report.as_of == day);
    let line = line_of(report.expect("a run of that day"), workspace);
    (line.outcome, line.message.clone().unwrap_or_default())
}

#[tokio::test]
async fn what_an_invoice_missed_is_said_and_a_refused_date_is_sent_once() {
    let (nov_29, dec_2) = (date(2026, 11, 29), date(2026, 12, 2));
    for policy in [Today, NextPeriod, PeriodStart] {
        let (msp, reports) = lived(policy).await;
        assert_eq!(outcome(&reports[0], "w7").0, Outcome::Rejected, "{policy}");
        let posted = msp.scene.simulator.journal();
        let line = msp.scene.customers[6].line;
        let of_seventh = posted.iter().filter(|entry| {
            entry.endpoint == "ContractServiceAdjustments"
                && entry
                    .body
                    .as_ref()
                    .is_some_and(|body| body["contractServiceID"] == line)
        });
        let expected = if policy == NextPeriod { 1 } else { 2 };
        assert_eq!(
            of_seventh.count(),
            expected,
            "{policy}: the refused date once"
        );
    }

    let (_, reports) = lived(NextPeriod).await;
    let (planned, message) = said(&reports, nov_29, "w7");
    assert_eq!(planned, Outcome::Planned);
    let missed = "so 2026-12-01 to 2026-12-31 keep 10 units: +2 missed their invoice";
    assert!(message.contains(missed), "{message}");
    // The sixth grew again after December's change was sent.
    let (planned, message) = said(&reports, nov_29, "w6");
    assert_eq!(planned, Outcome::Planned);
    let missed = "so 2026-12-01 to 2026-12-31 keep 12 units: +2 missed their invoice";
    assert!(message.contains(missed), "{message}");
    let (planned, message) = said(&reports, dec_2, "w1");
    assert_eq!(planned, Outcome::Planned);
    assert!(message.contains("sent from 2026-12-29 on"), "{message}");

    let (_, reports) = lived(PeriodStart).await;
    let (sent, message) = said(&reports, nov_29, "w7");
    assert_eq!(sent, Outcome::Confirmed);
    let missed = "so 2026-11-01 to 2026-11-30 keep 10 units: +2 missed their invoice";
    assert!(message.contains(missed), "{message}");

    let (_, reports) = lived(Today).await;
    assert_eq!(said(&reports, nov_29, "w7").0, Outcome::Confirmed);
}

#[tokio::test]
async fn what_was_invoiced_in_advance_keeps_its_units_and_the_next_invoice_has_the_new_ones() {
    for policy in [Today, PeriodStart] {
        let msp = Msp::in_order(&[10, 20]).await;
        msp.set_policy(policy);
        // November and December are approved and posted before the first change of December.
        while msp.scene.today() < date(2026, 12, 1) {
            super::quiet(&msp.day(&[10, 20]).await, 0);
        }
        msp.scene.simulator.world().post_through(DEC);
        let report = msp.day(&[13, 20]).await;
        super::quiet(&report, 0);
        let line = line_of(&report, "w1");
        assert_eq!((line.outcome, line.effective_date), (Outcome::Planned, JAN));
        let message = line.message.clone().unwrap_or_default();
        let missed = "2026-12-01 to 2026-12-31 is already posted with 10 units: +3 missed its \
                      invoice";
        assert!(message.contains(missed), "{message}");
        while msp.scene.today() < date(2026, 12, 30) {
            msp.scene.wait(DAY);
        }
        msp.count(&[13, 20]);
        super::quiet(&msp.scene.sync().await, 1);
        assert_eq!(stretches(&msp.scene, 0, DEC), [(1, 31, 10)]);
        assert_eq!(invoice(&msp.scene, 0, JAN), "54.60");
        msp.cost(&format!("invoiced in advance, under {policy}"), &[]);
    }
}
