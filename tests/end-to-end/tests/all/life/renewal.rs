//! A contract ends with November, and the one that follows it has lines of its own.

use autotask_sim::world::World;
use end_to_end::{Scene, outcome};
use jiff::civil::{Date, date};
use psa_host_billing::rules::EffectivePolicy::{self, NextPeriod, PeriodStart, Today};
use psa_host_ledger::Outcome;

use super::invoices::{Stretch, invoice, stretches};
use super::{LAST, Msp, as_they_stand, line, quiet};

const NOV: Date = date(2026, 11, 1);
const DEC: Date = date(2026, 12, 1);
const JAN: Date = date(2027, 1, 1);

/// From 23 November to 3 December: 12 devices from the 28th on, 13 from 2 December on.
const COUNTS: [u32; 11] = [10, 10, 10, 10, 10, 12, 12, 12, 12, 13, 13];

/// The MSP renews a contract as its people do: the new one begins with what the old one has.
fn renew(world: &mut World, company: i64, service: i64, units: i32) -> i64 {
    let contract = world.add_contract(company, "Managed services 2027", DEC, LAST);
    line(world, contract, service, units)
}

/// Until the last day of `COUNTS`; the contract is renewed on a day.
async fn lived(policy: EffectivePolicy, renewed: Date) -> Msp {
    let scene = Scene::lasting(date(2026, 11, 30), &as_they_stand(&[10, 20]), |_, _| {}).await;
    let mut msp = Msp::of(scene);
    msp.finds_all_right(2).await;
    msp.set_policy(policy);
    for count in &COUNTS[1..] {
        msp.scene.wait(super::DAY);
        if msp.scene.today() == renewed {
            for at in 0..2 {
                let (company, service) = (msp.scene.customers[at].company, msp.scene.service);
                let units = msp.scene.units_on(at, date(2026, 11, 30));
                let mut world = msp.scene.simulator.world();
                let line = renew(&mut world, company, service, units);
                drop(world);
                msp.scene.customers[at].line = line;
            }
        }
        msp.count(&[*count, 20]);
        quiet_but_for_the_end(&msp, policy, renewed).await;
    }
    msp
}

/// The run of a day. Only where the contract has ended, or ends before a change would hold,
/// and nothing follows it yet, is somebody told.
async fn quiet_but_for_the_end(msp: &Msp, policy: EffectivePolicy, renewed: Date) {
    let report = msp.scene.sync().await;
    let today = msp.scene.today();
    if today >= renewed || today < date(2026, 11, 28) || (policy != NextPeriod && today < DEC) {
        assert!(!report.needs_a_person(), "{today}: {report:#?}");
        return;
    }
    let code = if today < DEC {
        "contract-ends-first"
    } else {
        "contract-expired"
    };
    let held = (Outcome::Held, Some(code.to_owned()));
    assert_eq!(outcome(&report, "w1"), held, "{today}: {report:#?}");
}

fn billed(msp: &Msp, month: Date, expected: &[Stretch], sum: &str) {
    assert_eq!(stretches(&msp.scene, 0, month), expected, "{month}");
    assert_eq!(invoice(&msp.scene, 0, month), sum, "{month}");
}

#[tokio::test]
async fn a_contract_that_was_renewed_in_time_is_followed_without_a_question() {
    for policy in [Today, NextPeriod, PeriodStart] {
        let msp = lived(policy, date(2026, 11, 25)).await;
        match policy {
            // 10 × 4.20 × 27/30 + 12 × 4.20 × 3/30, and 12 × 4.20 × 1/31 + 13 × 4.20 × 30/31.
            Today => {
                billed(&msp, NOV, &[(1, 27, 10), (28, 30, 12)], "42.84");
                billed(&msp, DEC, &[(1, 1, 12), (2, 31, 13)], "54.47");
                billed(&msp, JAN, &[(1, 31, 13)], "54.60");
            }
            // Sent on the 28th to the line of the contract that follows; the thirteenth
            // device gathers for January.
            NextPeriod => {
                billed(&msp, NOV, &[(1, 30, 10)], "42.00");
                billed(&msp, DEC, &[(1, 31, 12)], "50.40");
                billed(&msp, JAN, &[(1, 31, 12)], "50.40");
            }
            // The first change of November, then the first of December; the next one gathers.
            PeriodStart => {
                billed(&msp, NOV, &[(1, 30, 12)], "50.40");
                billed(&msp, DEC, &[(1, 31, 12)], "50.40");
                billed(&msp, JAN, &[(1, 31, 12)], "50.40");
            }
        }
        assert_eq!(stretches(&msp.scene, 1, DEC), [(1, 31, 20)]);
        assert_eq!(msp.asked(), 0);
        msp.cost(&format!("a renewal under {policy}"), &[]);
    }
}

#[tokio::test]
async fn a_contract_that_is_renewed_late_is_told_of_until_then_and_followed() {
    let msp = lived(Today, date(2026, 12, 3)).await;
    billed(&msp, NOV, &[(1, 27, 10), (28, 30, 12)], "42.84");
    // What was used on the first two days is billed as the MSP renewed it.
    billed(&msp, DEC, &[(1, 2, 12), (3, 31, 13)], "54.33");
    msp.cost("a late renewal", &[]);
    quiet(&msp.day(&[13, 20]).await, 0);
}
